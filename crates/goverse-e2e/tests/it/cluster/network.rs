//! Members are cut from etcd.

mod namespaces;

use std::time::Duration;

use goverse_e2e::poll::{self, LATER};
use goverse_e2e::{Etcd, Proxy, Traffic};

use super::members::{FAILOVER_MAX, Members, Setup, TTL, now};
use namespaces::{Cut, Network};

/// Five members, each in a network of its own.
async fn five() -> (Network, Etcd, Members) {
    let network = Network::make(5);
    let etcd = Etcd::start_at(network.host()).await;
    let mut members = Members::none(Setup::at(&etcd));
    for number in 0..5 {
        let address = format!("{}:47000", network.address(number));
        let command = network.inside(number, &members.setup.command(&address));
        members.add_command(address, command);
    }
    members.until_balanced().await;
    (network, etcd, members)
}

impl Cut {
    fn failover_max(self) -> Duration {
        match self {
            Self::Requests | Self::Link => FAILOVER_MAX,
            // One more renewal comes through before its answer is missed, at most a period after the cut.
            Self::Answers => FAILOVER_MAX + TTL / 5,
        }
    }
}

async fn check(cut: Cut, whom: fn(usize) -> usize) {
    let (network, etcd, mut members) = five().await;
    let number = whom(members.leader(&etcd));
    let since = now();
    network.cut(number, cut);
    members.all[number].is_there = false;
    let took = members.served_again_after(since).await;
    println!("failover after {cut:?}: {took:?}");
    members.assert_one_owner_at_a_time();
    assert!(took <= cut.failover_max(), "{took:?}");
    // What was cut may not act until it is back.
    network.mend(number, cut);
    members.all[number].is_there = true;
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_a_way_to_etcd_acts_for_nobody() {
    check(Cut::Requests, |leader| (leader + 1) % 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_without_a_way_to_etcd_leads_nobody() {
    check(Cut::Requests, |leader| leader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_hears_no_answers_acts_for_nobody() {
    check(Cut::Answers, |leader| (leader + 1) % 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_hears_no_answers_leads_nobody() {
    check(Cut::Answers, |leader| leader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_down_is_a_cut() {
    check(Cut::Link, |leader| leader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_out_of_quorum_stops_all_and_they_go_on_after() {
    let mut etcds = Etcd::start_cluster(3).await;
    let mut setup = Setup::at(&etcds[0]);
    setup.endpoints = etcds.iter().map(Etcd::url).collect();
    let mut members = Members::start(setup, 3).await;
    // One may go.
    etcds[0].kill().await;
    members.until_served().await;
    etcds[1].kill().await;
    let begin = now();
    poll::until("two ttl to pass", LATER, async || {
        poll::expect(now() - begin > (TTL * 2).as_nanos() as u64, now())
    })
    .await;
    let now = now();
    assert!(members.acts().iter().all(|act| act.span.to < now), "somebody could act");
    etcds[1].start_again_alone();
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_that_answers_late_or_never_has_one_owner_for_each_shard() {
    let etcd = Etcd::start().await;
    let proxies = [
        Proxy::start(etcd.address()).await,
        Proxy::start(etcd.address()).await,
        Proxy::start(etcd.address()).await,
    ];
    let mut members = Members::none(Setup::at(&etcd));
    for proxy in &proxies {
        members.setup.endpoints = vec![format!("http://{}", proxy.address())];
        members.add();
    }
    members.until_balanced().await;
    for round in 0..6 {
        let proxy = &proxies[round % 3];
        let begin = now();
        let ms = [300, 1_500, 700, 2_500, 4_200, 6_500][round];
        proxy.set(if round % 2 == 0 { Traffic::AnswersStall } else { Traffic::Stalls });
        poll::until("a while to pass", LATER, async || {
            poll::expect(now() - begin > ms * 1_000_000, now())
        })
        .await;
        proxy.set(Traffic::Flows);
        members.until_served().await;
    }
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();
}
