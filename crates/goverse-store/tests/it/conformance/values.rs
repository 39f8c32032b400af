//! What may be stored comes back as it was.

use goverse_node::{
    Change, Encoding, Load, ObjectKey, Save, Settlement, StoredState, Tenure, Version,
};

use super::Place;
use super::records::{call, load, object, outgoing, put, save, state, stored, tenure, wallet};

/// Ids that a careless statement would break on, or take for each other.
const ODD: &[&str] = &[
    "'",
    "''",
    "\"",
    "\\",
    "\\'",
    "%",
    "_",
    "a%",
    "a_",
    "ab",
    "AB",
    "Ab",
    " ",
    " a",
    "a ",
    "a",
    "--",
    ";",
    "$1",
    "?1",
    "{a,b}",
    "NULL",
    "null",
    "\\x00",
    "\\N",
    "ä",
    "a\u{308}",
    "ß",
    "ss",
    "日本語",
    "🦀",
    "\u{200d}",
    "\u{feff}",
    "\u{fffd}",
    "\u{10ffff}",
    "shard#7/a",
    "n1:47000/a",
    "e'\\''",
];

pub(crate) async fn odd_ids_are_told_apart(place: &impl Place) {
    let store = place.open().await;
    let longest = "ü".repeat(256);
    let ids: Vec<&str> = ODD.iter().copied().chain([longest.as_str()]).collect();
    let call_of = |id: &str| call(&format!("{}.", id.chars().take(60).collect::<String>()));
    let save_of = |id: &&str| {
        let calls = vec![call_of(id)];
        Save { calls, ..put(&wallet(id), 1, 0, &format!("state of {id}")) }
    };
    // The first half one by one, the others at once.
    let (alone, together) = ids.split_at(ids.len() / 2);
    for id in alone {
        assert_eq!(save(&*store, save_of(id)).await, Ok(()));
    }
    let answers = store.save(together.iter().map(save_of).collect()).await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    for id in &ids {
        assert_eq!(stored(&*store, &wallet(id)).await, Some((1, format!("state of {id}"))));
        let loaded = store.load(load(&wallet(id), 1)).await.unwrap();
        assert_eq!(loaded.state, Some(state(format!("state of {id}"))));
        let kept = store.call_record(&wallet(id), &call_of(id).call_id).await;
        assert_eq!(kept, Ok(Some(call_of(id))));
    }
    let mut sorted: Vec<&str> = ids.clone();
    sorted.sort_unstable();
    let listed = store.list(None, None, 999).await.unwrap();
    let listed: Vec<&str> = listed.iter().map(|listed| listed.object.id.as_str()).collect();
    assert_eq!(listed, sorted, "in the order of their bytes");
}

pub(crate) async fn states_may_be_large(place: &impl Place) {
    let (store, a, b) = (place.open().await, wallet("a"), wallet("b"));
    let large: Vec<u8> = (0..16 << 20).map(|at: u32| (at ^ (at >> 8)) as u8).collect();
    let mut big = Save { change: Change::Put(state(large.clone())), ..put(&a, 1, 0, "") };
    big.calls = vec![goverse_node::CallRecord { answer: large[..1 << 20].to_vec(), ..call("c") }];
    assert_eq!(store.save(vec![put(&b, 1, 0, "small"), big]).await, Ok(vec![Ok(()), Ok(())]));
    let loaded = store.load(load(&a, 1)).await.unwrap();
    assert!(loaded.state.unwrap().bytes == large);
    let listed = store.list(None, None, 9).await.unwrap();
    assert_eq!(listed.iter().map(|listed| listed.len).collect::<Vec<_>>(), [16 << 20, 5]);
    assert_eq!(save(&*store, put(&a, 1, 1, "small again")).await, Ok(()));
    assert_eq!(stored(&*store, &a).await, Some((2, "small again".to_owned())));
    let kept = store.call_record(&a, &call("c").call_id).await.unwrap().unwrap();
    assert!(kept.answer == large[..1 << 20]);
}

pub(crate) async fn states_may_be_empty_and_of_each_encoding(place: &impl Place) {
    let store = place.open().await;
    for &encoding in Encoding::ALL {
        for (schema, bytes) in [(0, vec![]), (u32::MAX, (0..=255).collect())] {
            let key = object("Thing", &format!("{encoding}-{schema}"));
            let kept = StoredState { schema, encoding, bytes };
            let one = Save { change: Change::Put(kept.clone()), ..put(&key, 1, 0, "") };
            assert_eq!(save(&*store, one).await, Ok(()));
            assert_eq!(store.read(&key).await, Ok(Some((Version(1), kept.clone()))));
            let loaded = store.load(load(&key, 1)).await.unwrap();
            assert_eq!(loaded.state, Some(kept), "an empty state is a state");
        }
    }
}

pub(crate) async fn a_reason_may_have_any_character(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    let mut one = put(&a, 1, 0, "");
    one.outgoing = vec![outgoing(&one, 0)];
    let key = one.outgoing[0].key.clone();
    save(&*store, one).await.unwrap();
    let reason = "it's \"100 %\"\0\n\\ 🦀".to_owned();
    store.settle(vec![Settlement::Dead { key, at: 1, reason }]).await.unwrap();
    let letters = store.dead_letters(None, 9).await.unwrap();
    assert_eq!(letters[0].reason, "it's \"100 %\"\u{fffd}\n\\ 🦀");
}

pub(crate) async fn numbers_may_be_the_largest(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    let largest = i64::MAX as u64;
    let tenure = Tenure { since: largest, ..tenure(0) };
    let load = |object: &ObjectKey| Load { tenure: tenure.clone(), ..load(object, 0) };
    store.load(load(&a)).await.unwrap();
    let (expected, next) = (Version(0), Version(largest));
    let mut last = Save { tenure: tenure.clone(), expected, next, ..put(&a, 0, 0, "last") };
    last.calls = vec![goverse_node::CallRecord { kept_until: largest, ..call("c") }];
    let index = u32::MAX;
    last.outgoing = vec![goverse_node::Outgoing { attempts: u32::MAX, ..outgoing(&last, index) }];
    let kept = last.outgoing.clone();
    assert_eq!(save(&*store, last).await, Ok(()));
    assert_eq!(store.load(load(&a)).await.unwrap().version, next);
    assert_eq!(store.outgoing(None, 9).await, Ok(kept));
    let above = Tenure { since: largest + 1, ..tenure.clone() };
    let above = store.load(Load { tenure: above, ..load(&a) }).await;
    assert!(matches!(above, Err(goverse_node::StoreError::Refused(_))), "{above:?}");
}
