//! Founding, joining, leaving.

use super::*;

#[test]
fn the_first_node_founds_the_cluster_and_serves_everything_without_waiting_for_time() {
    let mut cluster = Lockstep::default();
    cluster.start(settings("a"));
    cluster.settle();
    assert_eq!(serves(&cluster, "a"), "0 1 2 3 4 5 6 7");
    assert!(cluster.machine(&address("a")).unwrap().leads());
    let keys: Vec<String> = cluster.content().cells.into_keys().collect();
    assert_eq!(keys, ["assignment", "config", "leader", "members/a:47000"]);
}

#[test]
fn a_joiner_is_in_the_map_at_once_and_gets_its_share_when_it_has_settled() {
    let mut cluster = cluster(&["a"]);
    cluster.start(settings("b"));
    cluster.settle();
    let view = cluster.machine(&address("a")).unwrap().view().unwrap();
    assert_eq!(view.route_to_member(&address("b")), Some((Incarnation(2), view.epoch())));
    assert_eq!(view.route_to_member(&address("c")), None);
    cluster.pass(4 * SECOND);
    assert_eq!(serves(&cluster, "b"), "");
    cluster.pass(2 * SECOND);
    assert_eq!((serves(&cluster, "a").len(), serves(&cluster, "b").len()), (7, 7));
}

#[test]
fn an_address_that_is_taken_is_waited_for_and_then_refused() {
    let cluster = cluster(&["a"]);
    let mut other = Machine::new(settings("a"), Incarnation(99), lease());
    let content = cluster.content();
    let sent = moment(0);
    other.step(sent, Event::Read { sent, content });
    let ttl = settings("a").ttl();
    assert!(!ends(&other.step(moment_at(2 * ttl - SECOND), Event::Tick)));
    let actions = other.step(moment_at(2 * ttl), Event::Tick);
    let by = Some(Incarnation(1));
    let refusal = Refusal::AddressInUse { address: address("a"), by };
    assert_eq!(actions.last(), Some(&Action::Refuse(refusal)));
    assert_eq!(serves(&cluster, "a"), "0 1 2 3 4 5 6 7");
}

fn ends(actions: &[Action]) -> bool {
    let is_end =
        |action: &Action| matches!(action, Action::Refuse(_) | Action::Lost(_) | Action::Leave);
    actions.iter().any(is_end)
}

#[test]
fn a_node_started_again_joins_when_its_former_lease_has_ended() {
    let mut cluster = cluster(&["a", "b"]);
    cluster.kill(&address("b"));
    cluster.start(settings("b"));
    cluster.pass(9 * SECOND);
    assert_eq!(serves(&cluster, "b"), "");
    cluster.pass(10 * SECOND);
    assert_eq!((serves(&cluster, "a").len(), serves(&cluster, "b").len()), (7, 7));
}

#[test]
fn a_dead_nodes_shards_are_served_after_its_lease_and_the_grace() {
    let mut cluster = cluster(&["a", "b"]);
    let dead = if cluster.machine(&address("a")).unwrap().leads() { "a" } else { "b" };
    let left = if dead == "a" { "b" } else { "a" };
    cluster.end_lease(&address(dead));
    cluster.kill(&address(dead));
    cluster.settle();
    assert_eq!(serves(&cluster, left).len(), 7, "not before the grace");
    cluster.pass(Duration::from_millis(300));
    assert_eq!(serves(&cluster, left), "0 1 2 3 4 5 6 7");
}

#[test]
fn a_draining_node_gives_what_it_has_resigns_and_leaves() {
    let mut cluster = cluster(&["a", "b"]);
    let leader = if cluster.machine(&address("a")).unwrap().leads() { "a" } else { "b" };
    let other = if leader == "a" { "b" } else { "a" };
    cluster.step(&address(leader), Event::Drain);
    cluster.settle();
    assert_eq!(last(&mut cluster, leader), Some(Action::Leave));
    assert_eq!(serves(&cluster, other), "0 1 2 3 4 5 6 7");
    assert!(cluster.machine(&address(other)).unwrap().leads());
    assert!(!cluster.content().cells.contains_key(&member_key(&address(leader))));
}

#[test]
fn the_last_one_keeps_what_it_has_until_its_drain_limit() {
    let mut cluster = cluster(&["a"]);
    cluster.step(&address("a"), Event::Drain);
    cluster.pass(299 * SECOND);
    assert_eq!(serves(&cluster, "a"), "0 1 2 3 4 5 6 7");
    cluster.pass(2 * SECOND);
    assert_eq!(last(&mut cluster, "a"), Some(Action::Leave));
    assert_eq!(serves(&cluster, "a"), "");
}

#[test]
fn below_its_quorum_the_leader_writes_nothing_and_what_is_served_goes_on() {
    let mut cluster = Lockstep::default();
    for name in ["a", "b", "c"] {
        let mut settings = settings(name);
        settings.min_quorum = 2;
        cluster.start(settings);
        if name == "a" {
            cluster.pass(SECOND);
            assert_eq!(serves(&cluster, "a"), "");
        }
    }
    cluster.pass(10 * SECOND);
    let served = serves(&cluster, "c");
    for name in ["a", "b"] {
        cluster.end_lease(&address(name));
        cluster.kill(&address(name));
    }
    cluster.pass(20 * SECOND);
    assert!(!served.is_empty());
    assert_eq!(serves(&cluster, "c"), served);
}

#[test]
fn a_record_deleted_by_hand_ends_the_incarnation() {
    let mut cluster = cluster(&["a", "b"]);
    cluster.change(&member_key(&address("b")), None);
    cluster.settle();
    let said = cluster.said(&address("b"));
    let revoked = said.iter().find_map(|action| match action {
        Action::Revoke(tokens) => Some(tokens.len()),
        _ => None,
    });
    assert_eq!(revoked, Some(4));
    assert_eq!(said.last(), Some(&Action::Lost(Loss::RecordGone)));
    assert_eq!(cluster.machine(&address("b")).unwrap().window_end(), Duration::ZERO);
}

#[test]
fn intents_pin_move_and_drain() {
    let mut cluster = cluster(&["a", "b"]);
    let on_a = serves(&cluster, "a");
    let [first, second] = [0, 2].map(|at| ShardId(on_a[at..=at].parse().unwrap()));
    let wish = MoveRequest { to: address("b"), epoch: epoch(&cluster, "a") };
    let mut intent = Intent {
        pins: [(first, address("b"))].into(),
        moves: [(second, wish)].into(),
        drain: [].into(),
    };
    cluster.change(INTENT_KEY, Some(&intent.encode()));
    cluster.pass(SECOND);
    let on_b = serves(&cluster, "b");
    assert!(on_b.contains(&first.to_string()) && on_b.contains(&second.to_string()), "{on_b}");
    assert_eq!(on_b.len(), 7, "balanced: {on_b}");
    intent.drain.insert(address("a"));
    cluster.change(INTENT_KEY, Some(&intent.encode()));
    cluster.pass(SECOND);
    assert_eq!(serves(&cluster, "b"), "0 1 2 3 4 5 6 7");
    assert_eq!(last(&mut cluster, "a"), Some(Action::Leave));
}

fn lease() -> Lease {
    Lease { id: LeaseId(99), sent: moment(0), ttl: 10 * SECOND }
}

fn moment(seconds: u64) -> Moment {
    moment_at(Duration::from_secs(seconds))
}

fn moment_at(time: Duration) -> Moment {
    let now = Duration::from_secs(1_700_000_000) + time;
    Moment { boot: now, wall: now }
}
