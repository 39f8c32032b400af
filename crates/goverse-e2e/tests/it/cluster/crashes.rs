//! Members die, stand still, and leave.

use goverse_e2e::poll::{self, LATER, SOON};
use goverse_e2e::{Etcd, Stream};

use super::members::{FAILOVER_MAX, Members, Setup, TTL, now};

async fn five() -> (Etcd, Members) {
    let etcd = Etcd::start().await;
    let members = Members::start(Setup::at(&etcd), 5).await;
    (etcd, members)
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_of_a_killed_member_are_served_within_ttl_and_a_second() {
    let (etcd, mut members) = five().await;
    let leader = members.leader(&etcd);
    let killed = (leader + 1) % 5;
    let since = now();
    members.kill(killed);
    let took = members.served_again_after(since).await;
    println!("failover after kill -9 of a member: {took:?}");
    members.assert_one_owner_at_a_time();
    assert!(took <= FAILOVER_MAX, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_of_a_killed_leader_are_served_within_ttl_and_a_second() {
    let (etcd, mut members) = five().await;
    let since = now();
    members.kill(members.leader(&etcd));
    let took = members.served_again_after(since).await;
    println!("failover after kill -9 of the leader: {took:?}");
    members.assert_one_owner_at_a_time();
    assert!(took <= FAILOVER_MAX, "{took:?}");
    members.leader(&etcd);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_stood_still_beyond_its_lease_acts_for_nobody() {
    let (etcd, mut members) = five().await;
    let leader = members.leader(&etcd);
    let paused = (leader + 2) % 5;
    let since = now();
    members.all[paused].process.pause();
    members.all[paused].is_there = false;
    let took = members.served_again_after(since).await;
    println!("failover after SIGSTOP of a member: {took:?}");
    assert!(took <= FAILOVER_MAX, "{took:?}");
    members.all[paused].process.resume();
    members.all[paused].is_there = true;
    // It takes part again, as another incarnation.
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_stood_still_beyond_its_lease_is_a_leader_no_more() {
    let (etcd, mut members) = five().await;
    let leader = members.leader(&etcd);
    let since = now();
    members.all[leader].process.pause();
    members.all[leader].is_there = false;
    let took = members.served_again_after(since).await;
    println!("failover after SIGSTOP of the leader: {took:?}");
    assert!(took <= FAILOVER_MAX, "{took:?}");
    let next = members.leader(&etcd);
    assert_ne!(next, leader);
    members.all[leader].process.resume();
    members.all[leader].is_there = true;
    members.until_balanced().await;
    assert_eq!(members.leader(&etcd), next);
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_pause_moves_nothing() {
    let (etcd, mut members) = five().await;
    let leader = members.leader(&etcd);
    let revision = || etcd.ctl(&["get", "--print-value-only", "/goverse/assignment"]);
    let before = revision();
    members.all[leader].process.pause();
    let begin = now();
    poll::until("half a ttl to pass", SOON, async || {
        poll::expect(now() - begin > TTL.as_nanos() as u64 / 2, now())
    })
    .await;
    members.all[leader].process.resume();
    poll::until("a whole ttl to pass", SOON, async || {
        poll::expect(now() - begin > TTL.as_nanos() as u64 * 3 / 2, now())
    })
    .await;
    members.until_served().await;
    assert_eq!(revision(), before);
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_leave_in_good_order() {
    let (etcd, mut members) = five().await;
    let added = members.add();
    members.until_balanced().await;
    let leader = members.leader(&etcd);
    for number in [leader, (leader + 1) % 5] {
        let member = &mut members.all[number];
        member.is_there = false;
        member.process.terminate();
        let status = member.process.wait_exit(LATER).await;
        assert!(status.success(), "{status}: {}", member.process.printed(Stream::Stderr));
        let left = etcd.ctl(&["get", &format!("/goverse/members/{}", member.address)]);
        assert_eq!(left, "");
    }
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();
    assert!(members.all[added].is_there);
}
