//! How a shard changes hands.

use super::*;
use crate::tenure::Token;

#[test]
fn a_slow_turn_delays_its_own_shard_only_and_ends_by_force() {
    let mut cluster = cluster(&["a"]);
    cluster.keep_busy(&address("a"));
    cluster.start(settings("b"));
    cluster.pass(6 * SECOND);
    // Of the shards that are to move none becomes idle, and none is served by the other.
    assert_eq!((serves(&cluster, "a").len(), serves(&cluster, "b").len()), (7, 0));
    let stored = cluster.machine(&address("b")).unwrap().view().unwrap();
    let member = stored.readable_members().next().unwrap().1.clone();
    assert_eq!((member.acked, member.releasing.len()), (epoch(&cluster, "b"), 4));
    assert_eq!(in_handoff(&cluster), 4);
    cluster.pass(30 * SECOND);
    assert_eq!(in_handoff(&cluster), 0);
    assert_eq!((serves(&cluster, "a").len(), serves(&cluster, "b").len()), (7, 7));
    let is_revoked =
        |action: &Action| matches!(action, Action::Revoke(tokens) if tokens.len() == 4);
    assert!(cluster.said(&address("a")).iter().any(is_revoked));
}

fn in_handoff(cluster: &Lockstep) -> usize {
    let machine = cluster.machine(&address("b")).unwrap();
    machine.shards_in_handoff(Moment { boot: machine.view_confirmed(), ..Moment::default() })
}

#[test]
fn idle_counts_for_the_tenure_that_it_names_only() {
    let mut cluster = cluster(&["a"]);
    cluster.keep_busy(&address("a"));
    cluster.start(settings("b"));
    cluster.pass(6 * SECOND);
    let released = cluster.said(&address("a")).into_iter().find_map(|action| match action {
        Action::Release(token) => Some(token),
        _ => None,
    });
    let token = released.expect("a releases what goes to b");
    let shard = |cluster: &Lockstep| cluster.machine(&address("a")).unwrap().shard(token.shard);
    let wrong = Token { since: Epoch(token.since.0 + 1), ..token };
    cluster.step(&address("a"), Event::Idle(wrong));
    assert_eq!(shard(&cluster), ShardState::Releasing(token.since));
    cluster.step(&address("a"), Event::Idle(token));
    assert_eq!(shard(&cluster), ShardState::Absent);
    cluster.settle();
    assert_eq!(serves(&cluster, "b"), token.shard.to_string());
}

#[test]
fn a_map_change_costs_writes_of_those_who_release_only() {
    let mut cluster = cluster(&["a", "b", "c", "d"]);
    let before = cluster.commits();
    cluster.kill(&address("d"));
    cluster.end_lease(&address("d"));
    cluster.pass(20 * SECOND);
    let written = cluster.commits() - before;
    assert!(written <= 2, "one campaign at most, and one map, for nobody releases: {written}");
}

#[test]
fn at_rest_nobody_writes() {
    let mut cluster = cluster(&["a", "b", "c"]);
    let before = cluster.content().revision;
    cluster.pass(60 * SECOND);
    assert_eq!(cluster.content().revision, before);
}
