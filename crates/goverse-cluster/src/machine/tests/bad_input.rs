//! Values under the prefix that are not what they should be.

use super::*;

fn refused(config: &[u8]) -> String {
    let mut cluster = Lockstep::default();
    cluster.change(CONFIG_KEY, Some(config));
    cluster.start(settings("a"));
    cluster.settle();
    match last(&mut cluster, "a") {
        Some(Action::Refuse(refusal)) => refusal.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cluster_that_is_another_is_refused() {
    let other = ClusterConfig { shards: ShardCount::default() };
    assert_eq!(
        refused(&other.encode()),
        "this node is configured for 8 shards, and its cluster has 8192"
    );
    assert!(refused(br#"{"format":2}"#).contains("format 2, which is newer than ours (1)"));
    assert!(refused(br#"{"format":1,"shards":0}"#).contains("from 1 to 65536 shards, not 0"));
    assert!(refused(b"\xff").contains("it is malformed"));
}

#[test]
fn a_member_goes_on_whatever_is_put_in_the_place_of_the_configuration() {
    let other = ClusterConfig { shards: ShardCount::default() }.encode();
    for value in [Some(&other[..]), Some(b"nonsense"), None] {
        let mut cluster = cluster(&["a", "b"]);
        cluster.change(CONFIG_KEY, value);
        cluster.step(&address("b"), Event::Drain);
        cluster.pass(SECOND);
        assert_eq!(last(&mut cluster, "b"), Some(Action::Leave));
        assert_eq!(serves(&cluster, "a"), "0 1 2 3 4 5 6 7");
    }
}

#[test]
fn malformed_values_are_told_by_their_keys() {
    let mut cluster = cluster(&["a", "b"]);
    for key in ["members/nowhere", "members/c:47000", INTENT_KEY] {
        cluster.change(key, Some(b"{}"));
    }
    cluster.change("somebody/elses", Some(b"{}"));
    cluster.pass(SECOND);
    let view = cluster.machine(&address("a")).unwrap().view().unwrap();
    let keys: Vec<&String> = view.unreadable().keys().collect();
    assert_eq!(keys, [INTENT_KEY, "members/c:47000", "members/nowhere"]);
    for key in ["members/nowhere", "members/c:47000", INTENT_KEY] {
        cluster.change(key, None);
    }
    cluster.pass(SECOND);
    assert!(cluster.machine(&address("a")).unwrap().view().unwrap().unreadable().is_empty());
    assert_eq!((serves(&cluster, "a").len(), serves(&cluster, "b").len()), (7, 7));
}

#[test]
fn an_unreadable_map_is_replaced_by_one_in_which_everybody_may_hold_anything() {
    for value in [Some(&b"nonsense"[..]), None] {
        let mut cluster = cluster(&["a", "b"]);
        let before = epoch(&cluster, "a");
        cluster.change(ASSIGNMENT_KEY, value);
        cluster.settle();
        assert!(epoch(&cluster, "a") > before);
        let assignment = cluster.machine(&address("a")).unwrap().view().unwrap().assignment();
        assert!(assignment.unwrap().holders.values().all(|holders| holders.len() == 2));
        assert_eq!((serves(&cluster, "a").len(), serves(&cluster, "b").len()), (7, 7));
    }
}

#[test]
fn a_map_of_a_newer_format_is_left_alone_and_nothing_is_served_by_it() {
    let mut cluster = cluster(&["a"]);
    cluster.change(ASSIGNMENT_KEY, Some(b"format 2\nwhatever"));
    cluster.pass(60 * SECOND);
    assert_eq!(serves(&cluster, "a"), "");
    assert_eq!(cluster.content().cells[ASSIGNMENT_KEY].value, b"format 2\nwhatever");
}

/// Whatever stands under the prefix: an answer, and no panic.
#[test]
fn no_values_make_a_machine_panic() {
    use rand::{Rng, SeedableRng};
    for seed in 0..300 {
        let mut random = rand::rngs::SmallRng::seed_from_u64(seed);
        let mut cluster = cluster(&["a", "b"]);
        for _ in 0..5 {
            let cells = cluster.content().cells;
            let (key, cell) = cells.iter().nth(random.random_range(0..cells.len())).unwrap();
            let mut value = cell.value.clone();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..=value.len());
                value.truncate(if random.random_ratio(1, 5) { at } else { value.len() });
                if let Some(byte) = value.get_mut(at) {
                    *byte = b"0123456789 .x@-\n\"{},"[random.random_range(0..20)];
                }
            }
            cluster.change(key, Some(&value));
            cluster.pass(SECOND);
        }
    }
}
