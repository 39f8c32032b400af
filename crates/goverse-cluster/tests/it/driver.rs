//! Nodes that take part in a cluster, in this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use goverse_cluster::etcd::{Etcd, EtcdSettings};
use goverse_cluster::{ClusterError, Coordinator, Embedded, Loss, Refusal};
use goverse_core::ShardCount;
use goverse_e2e::Etcd as Server;
use goverse_e2e::poll::{self, SOON};
use tokio::runtime::{Builder, Handle};

use crate::node::{Node, SHARDS, settings};
use crate::readings::Readings;
use crate::steps::{delete, force, put, soon};

fn embedded() -> Arc<dyn Coordinator> {
    Arc::new(Embedded::start(&Handle::current()))
}

/// Waits until so many nodes have equal shares of all shards.
async fn until_balanced(nodes: &[&Node]) {
    poll::until("equal shares", SOON, async || {
        let counts: Vec<usize> = nodes.iter().map(|node| node.serves()).collect();
        let least = SHARDS as usize / nodes.len();
        let is_balanced = counts.iter().all(|count| *count >= least);
        poll::expect(is_balanced && counts.iter().sum::<usize>() == SHARDS as usize, counts)
    })
    .await;
}

/// How long a node takes that is alone, from nothing to all shards.
async fn alone(coordinator: Arc<dyn Coordinator>) -> Duration {
    let begin = Instant::now();
    let node = Node::start(settings(0), coordinator);
    while node.serves() < SHARDS as usize {
        tokio::task::yield_now().await;
    }
    begin.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_alone_serves_at_once() {
    let took = alone(embedded()).await;
    println!("alone, embedded: {took:?}");
    assert!(took < Duration::from_millis(100), "{took:?}");
    let server = Server::start().await;
    let etcd = Etcd::new(&EtcdSettings::new([server.url()])).unwrap();
    let took = alone(Arc::new(etcd)).await;
    println!("alone, etcd: {took:?}");
    assert!(took < Duration::from_millis(500), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_come_and_leave_share_the_shards() {
    let coordinator = embedded();
    let one = Node::start(settings(0), coordinator.clone());
    one.until_it_serves(SHARDS as usize).await;
    let two = Node::start(settings(1), coordinator.clone());
    let three = Node::start(settings(2), coordinator.clone());
    until_balanced(&[&one, &two, &three]).await;
    one.cluster.drain();
    assert_eq!(soon(one.driver).await.unwrap(), Ok(()));
    until_balanced(&[&two, &three]).await;
    let content = soon(coordinator.read()).await.unwrap();
    assert!(!content.cells.contains_key("members/127.0.0.1:47000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_is_dropped_acts_no_more_and_others_take_over() {
    let coordinator = embedded();
    let [one, two] = [0, 1].map(|number| Node::start(settings(number), coordinator.clone()));
    until_balanced(&[&one, &two]).await;
    let window = one.window();
    one.driver.abort();
    assert!(soon(one.driver).await.is_err_and(|error| error.is_cancelled()));
    assert!(!window.is_open(), "{:?} are left", window.left());
    two.until_it_serves(SHARDS as usize).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_incarnation_is_followed_by_another() {
    let coordinator = embedded();
    let node = Node::start(settings(0), coordinator.clone());
    node.until_it_serves(SHARDS as usize).await;
    let (window, before) = (node.window(), node.tenant.state().incarnation);
    force(&*coordinator, [delete("members/127.0.0.1:47000")]).await;
    poll::until("another incarnation", SOON, async || {
        poll::expect(node.tenant.state().incarnation != before, "the same")
    })
    .await;
    assert!(!window.is_open());
    assert_eq!(node.tenant.state().losses, [Loss::RecordGone]);
    node.until_it_serves(SHARDS as usize).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_workers_stand_still_gives_up() {
    let coordinator = embedded();
    // Nobody drives it.
    let workers = Builder::new_current_thread().build().unwrap();
    let stuck =
        Node::start_with_workers(settings(0), coordinator.clone(), workers.handle().clone());
    stuck.until_it_serves(SHARDS as usize).await;
    let window = stuck.window();
    poll::until("its window to be over", SOON, async || {
        poll::expect(!window.is_open(), window.left())
    })
    .await;
    stuck.driver.abort();
    let other = Node::start(settings(1), coordinator.clone());
    other.until_it_serves(SHARDS as usize).await;
    workers.shutdown_background();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_for_a_node_is_refused() {
    let coordinator = embedded();
    let one = Node::start(settings(0), coordinator.clone());
    one.until_it_serves(SHARDS as usize).await;
    let mut other = settings(1);
    other.shards = ShardCount::new(SHARDS + 1).unwrap();
    let refused = soon(Node::start(other, coordinator.clone()).driver).await.unwrap();
    let shards = |count| ShardCount::new(count).unwrap();
    let expected = Refusal::ShardCount { ours: shards(SHARDS + 1), theirs: shards(SHARDS) };
    assert_eq!(refused, Err(ClusterError::Refused(expected)));
    let twin = soon(Node::start(settings(0), coordinator.clone()).driver).await.unwrap();
    let told = twin.unwrap_err().to_string();
    assert!(told.contains("address in use: 127.0.0.1:47000"), "{told}");
    assert_eq!(one.serves(), SHARDS as usize);
}

/// In a runtime of one thread, on which a recorder of its own can be.
#[test]
fn what_is_reported_has_one_source() {
    let recorder = Readings::new();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let coordinator = embedded();
            let one = Node::start(settings(0), coordinator.clone());
            one.until_it_serves(SHARDS as usize).await;
            let two = Node::start(settings(1), coordinator.clone());
            until_balanced(&[&one, &two]).await;
            force(&*coordinator, [put("members/nonsense", "?")]).await;
            let gauges = ["goverse_cluster_", "goverse_shards_"];
            let expected = [
                ("goverse_cluster_leader 127.0.0.1:47000", 1.0),
                ("goverse_cluster_leader_changes_total 127.0.0.1:47000", 1.0),
                ("goverse_cluster_members 127.0.0.1:47000 active", 2.0),
                ("goverse_cluster_unreadable_records 127.0.0.1:47000", 1.0),
                ("goverse_cluster_unreadable_records 127.0.0.1:47001", 1.0),
                ("goverse_shards_owned 127.0.0.1:47000", 16.0),
                ("goverse_shards_owned 127.0.0.1:47001", 16.0),
            ];
            let expected = expected.map(|(series, value)| (series.to_owned(), value)).into();
            poll::until("the metrics of a cluster at rest", SOON, async || {
                let values: BTreeMap<String, f64> =
                    gauges.iter().flat_map(|name| recorder.nonzero(name)).collect();
                poll::expect(values == expected, values)
            })
            .await;
            let moves = recorder.nonzero("goverse_shard_moves_total");
            let expected = [
                ("goverse_shard_moves_total 127.0.0.1:47000 balance".to_owned(), 16.0),
                ("goverse_shard_moves_total 127.0.0.1:47000 first".to_owned(), 32.0),
            ];
            assert_eq!(moves, expected.into());

            // A node that is no member any more says nothing.
            two.driver.abort();
            poll::until("its shards to be served", SOON, async || {
                let moves = recorder.nonzero("goverse_shard_moves_total");
                let failover = moves.get("goverse_shard_moves_total 127.0.0.1:47000 failover");
                poll::expect(failover == Some(&16.0), moves)
            })
            .await;
            let of_two: Vec<String> = ["goverse_cluster_", "goverse_shards_", "goverse_window"]
                .iter()
                .flat_map(|name| recorder.nonzero(name).into_keys())
                .filter(|series| series.contains("47001"))
                .collect();
            assert_eq!(of_two, Vec::<String>::new());
        });
    });
}
