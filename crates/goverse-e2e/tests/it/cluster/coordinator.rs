//! etcd restarts, forgets its history, loses its data; an operator deletes keys; two clusters share it.

use goverse_e2e::Etcd;
use goverse_e2e::poll::{self, LATER, SOON};

use super::members::{Members, Setup, TTL, now};

async fn five() -> (Etcd, Members) {
    let etcd = Etcd::start().await;
    let members = Members::start(Setup::at(&etcd), 5).await;
    (etcd, members)
}

/// Waits so many ttl.
async fn pass(ttls: u32) {
    pass_ms(TTL.as_millis() as u64 * u64::from(ttls)).await;
}

async fn pass_ms(ms: u64) {
    let begin = now();
    poll::until("time to pass", LATER, async || {
        poll::expect(now() - begin > ms * 1_000_000, now())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_restart_of_etcd_loses_nobody() {
    let (mut etcd, mut members) = five().await;
    let records = || etcd.ctl(&["get", "--prefix", "--keys-only", "/goverse/members/"]);
    let before = records();
    etcd.kill().await;
    etcd.start_again().await;
    pass(1).await;
    members.until_served().await;
    assert_eq!(etcd.ctl(&["get", "--prefix", "--keys-only", "/goverse/members/"]), before);
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_that_is_away_for_long_stops_all_and_they_go_on_after() {
    let (mut etcd, mut members) = five().await;
    etcd.kill().await;
    pass(2).await;
    let acts = members.acts();
    let now = now();
    assert!(acts.iter().all(|act| act.span.to < now), "somebody could act without etcd");
    etcd.start_again().await;
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_that_stands_still_and_goes_on_has_one_owner_for_each_shard() {
    let (mut etcd, mut members) = five().await;
    etcd.pause();
    pass(2).await;
    etcd.resume();
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_disturbs_nobody() {
    let (etcd, mut members) = five().await;
    // One does not see what happens, and its past is gone when it comes back.
    let paused = (members.leader(&etcd) + 1) % 5;
    members.all[paused].process.pause();
    for number in 0..50 {
        etcd.ctl(&["put", "/goverse/elsewhere", &number.to_string()]);
    }
    let status = etcd.ctl(&["get", "/goverse/elsewhere", "--write-out=json"]);
    let revision = status.split("\"revision\":").nth(1).unwrap().split(',').next().unwrap();
    etcd.ctl(&["compaction", revision]);
    members.all[paused].process.resume();
    let added = members.add();
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();
    assert!(members.all[added].is_there);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_etcd_is_founded_anew() {
    let (mut etcd, mut members) = five().await;
    let since = now();
    etcd.wipe().await;
    let took = members.served_anew_after(since).await;
    println!("served again after a wipe of etcd: {took:?}");
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_etcd_is_founded_when_those_who_do_not_know_it_have_stopped() {
    let (mut etcd, mut members) = five().await;
    let paused = (members.leader(&etcd) + 1) % 5;
    // It is not told, and its window is still open when it goes on.
    members.all[paused].process.pause();
    etcd.wipe().await;
    pass_ms(1_500).await;
    members.all[paused].process.resume();
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_deleted_by_hand_come_back() {
    let (etcd, mut members) = five().await;
    let address = members.all[2].address.clone();
    for key in ["leader", "assignment", &format!("members/{address}"), "config"] {
        etcd.ctl(&["del", &format!("/goverse/{key}")]);
        poll::until(format!("{key} to come back"), LATER, async || {
            let value = etcd.ctl(&["get", "--print-value-only", &format!("/goverse/{key}")]);
            poll::expect(!value.is_empty(), value)
        })
        .await;
        members.until_balanced().await;
    }
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_make_no_sense_stop_nobody() {
    let (etcd, mut members) = five().await;
    for key in ["members/nonsense", "members/10.9.9.9:1", "intent", "unknown", "assignment"] {
        etcd.ctl(&["put", &format!("/goverse/{key}"), "{\"half\": "]);
    }
    // The assignment is written anew; the others stay as they are.
    poll::until("a new assignment", SOON, async || {
        let value = etcd.ctl(&["get", "--print-value-only", "/goverse/assignment"]);
        poll::expect(value.starts_with("format 1"), value)
    })
    .await;
    members.until_served().await;
    let since = now();
    let leader = members.leader(&etcd);
    members.kill((leader + 1) % 5);
    let took = members.served_again_after(since).await;
    println!("failover among values that make no sense: {took:?}");
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clusters_share_an_etcd() {
    let etcd = Etcd::start().await;
    let [blue, red] = ["/goverse", "/goverse2"].map(|prefix| {
        let mut setup = Setup::at(&etcd);
        setup.prefix = prefix.to_owned();
        setup
    });
    let mut blue = Members::start(blue, 3).await;
    let mut red = Members::start(red, 2).await;
    let before = etcd.ctl(&["get", "--print-value-only", "/goverse2/assignment"]);
    blue.kill(blue.leader(&etcd));
    blue.until_balanced().await;
    red.until_balanced().await;
    assert_eq!(etcd.ctl(&["get", "--print-value-only", "/goverse2/assignment"]), before);
    blue.assert_one_owner_at_a_time();
    red.assert_one_owner_at_a_time();
}
