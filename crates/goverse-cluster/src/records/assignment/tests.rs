//! What an assignment looks like as text, and which texts are none.

use expect_test::{Expect, expect};

use super::*;

fn node(number: u8, since: u64) -> AssignedNode {
    AssignedNode {
        incarnation: Incarnation(u128::from(number)),
        address: format!("10.0.0.{number}:47000").parse().unwrap(),
        since: Epoch(since),
    }
}

fn sample() -> Assignment {
    let owners = [(0, 5), (0, 5), (1, 9), (1, 9), (1, 5), (0, 5)];
    let held: Arc<[Holder]> = Arc::new([Holder { node: 0, release: Epoch(9) }]);
    let twice: Arc<[Holder]> =
        Arc::new([Holder { node: 0, release: Epoch(8) }, Holder { node: 1, release: Epoch(9) }]);
    Assignment {
        epoch: Epoch(9),
        writer: Incarnation(7),
        nodes: vec![node(7, 5), node(8, 9)],
        owners: owners.map(|(node, since)| Owner { node, since: Epoch(since) }).into(),
        holders: [(2, &held), (3, &held), (5, &twice)]
            .map(|(shard, holders)| (ShardId(shard), Arc::clone(holders)))
            .into(),
    }
}

fn six() -> ShardCount {
    ShardCount::new(6).unwrap()
}

#[test]
fn an_assignment_is_its_text_again() {
    let text = String::from_utf8(sample().encode()).unwrap();
    expect![[r"
        format 1
        epoch 9 00000000000000000000000000000007
        node 00000000000000000000000000000007 10.0.0.7:47000 5
        node 00000000000000000000000000000008 10.0.0.8:47000 9
        since 5 9
        owners 2x0.0 2x1.1 1.0 0.0
        holders 2-3 0@9
        holders 5 0@8 1@9
    "]]
    .assert_eq(&text);
    assert_eq!(Assignment::decode(text.as_bytes(), six()), Ok(sample()));
}

#[test]
fn a_newer_format_is_recognised_whatever_follows() {
    let newer = Assignment::decode(b"format 2\n\xff\xfe", six());
    assert_eq!(newer, Err(RecordError::Newer(2)));
}

#[test]
fn what_is_no_assignment_is_refused() {
    let check = |from: &str, to: &str, expected: Expect| {
        let text = String::from_utf8(sample().encode()).unwrap();
        assert!(text.contains(from), "{from:?}");
        let broken = text.replacen(from, to, 1);
        let error = Assignment::decode(broken.as_bytes(), six()).unwrap_err();
        expected.assert_eq(&error.to_string());
    };
    check("format 1", "", expect!["it is malformed: the first line is not `format N`"]);
    check("format 1", "format", expect!["it is malformed: the first line is not `format N`"]);
    check("epoch 9", "epoch nine", expect!["it is malformed: line 2 makes no sense"]);
    check("epoch 9", "epoch +9", expect!["it is malformed: line 2 makes no sense"]);
    check("10.0.0.7:47000", "10.0.0.7", expect!["it is malformed: line 3 makes no sense"]);
    check("since 5 9", "since 5", expect!["it is malformed: line 6 makes no sense"]);
    check("2x1.1", "2x2.1", expect!["it is malformed: line 6 makes no sense"]);
    check("2x1.1", "0x1.1", expect!["it is malformed: line 6 makes no sense"]);
    check("2x1.1", "4000000000x1.1", expect!["it is malformed: line 6 makes no sense"]);
    check("2x1.1", "1.1", expect!["it is malformed: it has 5 shards, the cluster 6"]);
    check("holders 5 0", "holders 6 0", expect!["it is malformed: line 8 makes no sense"]);
    check("holders 5 0", "holders 3 0", expect!["it is malformed: line 8 makes no sense"]);
    check("1@9\n", "2@9\n", expect!["it is malformed: line 8 makes no sense"]);
    check("holders 2-3 0@9", "holders 2-3", expect!["it is malformed: line 7 makes no sense"]);
    check("1@9\n", "1@10\n", expect!["it is malformed: it speaks of an epoch above its own"]);
    check(
        "since 5 9",
        "since 5 10",
        expect!["it is malformed: it speaks of an epoch above its own"],
    );
    check("owners", "owner", expect!["it is malformed: line 6 makes no sense"]);
}

#[test]
fn no_bytes_make_reading_panic() {
    use rand::{Rng, SeedableRng};
    let mut random = rand::rngs::SmallRng::seed_from_u64(5);
    let text = sample().encode();
    for _ in 0..20_000 {
        let mut broken = text.clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..broken.len());
            match random.random_range(0..3) {
                0 => broken[at] = random.random(),
                1 => broken[at] = b"0123456789 .x@-\n"[random.random_range(0..16)],
                _ => broken.truncate(at.max(1)),
            }
        }
        if let Ok(assignment) = Assignment::decode(&broken, six()) {
            for shard in six().shards() {
                assert!(assignment.owner(shard).is_some());
                let _ = assignment.holders(shard).count();
            }
        }
    }
}
