//! What is past its time goes, and nothing else.

use goverse_node::{CallRecord, Save, Settlement};

use super::Place;
use super::records::{
    NOW, call, delete, empty, load, on_version, outgoing, put, raising, save, stored, wallet,
};

pub(crate) async fn records_are_swept_after_their_time(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    let mut one = put(&a, 1, 0, "one");
    let kept = |id: &str, kept_until| CallRecord { kept_until, ..call(id) };
    one.calls = vec![kept("early", NOW), kept("late", NOW + 1)];
    save(&*store, one).await.unwrap();
    assert_eq!(store.sweep(NOW, 0, 99).await, Ok(0));
    assert_eq!(store.sweep(NOW + 1, 0, 99).await, Ok(1));
    assert_eq!(store.call_record(&a, &call("early").call_id).await, Ok(None));
    assert_eq!(store.call_record(&a, &call("late").call_id).await, Ok(Some(kept("late", NOW + 1))));
    assert!(store.load(load(&a, 1)).await.unwrap().has_call_records);
    assert_eq!(store.sweep(NOW + 2, u64::MAX, 99).await, Ok(1));
    assert!(!store.load(load(&a, 1)).await.unwrap().has_call_records);
    assert_eq!(stored(&*store, &a).await, Some((1, "one".to_owned())), "a state is not swept");
}

pub(crate) async fn what_is_left_of_deleted_objects_is_swept(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    save(&*store, put(&a, 1, 0, "one")).await.unwrap();
    save(&*store, delete(&a, 1, 1)).await.unwrap();
    assert_eq!(store.sweep(0, NOW, 99).await, Ok(0));
    assert_eq!(store.load(load(&a, 1)).await, Ok(empty(2)));
    assert_eq!(store.sweep(0, NOW + 1, 99).await, Ok(1));
    assert_eq!(store.load(load(&a, 1)).await, Ok(empty(0)));
}

pub(crate) async fn a_placeholder_is_swept_like_what_was_deleted(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    store.load(raising(&a, 1, 1)).await.unwrap();
    assert_eq!(store.sweep(0, NOW, 99).await, Ok(0), "else a late save would be let in");
    assert_eq!(save(&*store, put(&a, 1, 0, "late")).await, on_version(0, 1));
    assert_eq!(store.sweep(0, NOW + 1, 99).await, Ok(1));
    // What was deleted long ago stays for as long after its version was raised.
    let mut deletion = delete(&a, 1, 0);
    deletion.now = 1;
    save(&*store, deletion).await.unwrap();
    store.load(raising(&a, 1, 2)).await.unwrap();
    assert_eq!(store.sweep(0, NOW, 99).await, Ok(0));
    assert_eq!(store.sweep(0, NOW + 1, 99).await, Ok(1));
}

pub(crate) async fn an_object_with_calls_to_make_is_kept(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    let deletion = delete(&a, 1, 0);
    let calls = vec![outgoing(&deletion, 0), outgoing(&deletion, 1)];
    save(&*store, Save { outgoing: calls.clone(), ..deletion }).await.unwrap();
    // If its versions began anew, a new call could have the name of one that is not settled.
    assert_eq!(store.sweep(u64::MAX, u64::MAX, 99).await, Ok(0));
    store.settle(vec![Settlement::Delivered(calls[0].key.clone())]).await.unwrap();
    let (key, reason) = (calls[1].key.clone(), "x".to_owned());
    store.settle(vec![Settlement::Dead { key, at: 1, reason }]).await.unwrap();
    assert_eq!(store.sweep(u64::MAX, u64::MAX, 99).await, Ok(0));
    assert_eq!(store.load(load(&a, 1)).await, Ok(empty(1)));
    store.resolve_dead_letter(&calls[1].key, false).await.unwrap();
    assert_eq!(store.sweep(u64::MAX, u64::MAX, 99).await, Ok(1));
}

pub(crate) async fn a_sweep_has_a_limit(place: &impl Place) {
    let store = place.open().await;
    for id in ["a", "b", "c"] {
        let calls = vec![call("1"), call("2")];
        save(&*store, Save { calls, ..delete(&wallet(id), 1, 0) }).await.unwrap();
    }
    assert_eq!(store.sweep(u64::MAX, u64::MAX, 0).await, Ok(0));
    for expected in [4, 4, 1, 0] {
        assert_eq!(store.sweep(u64::MAX, u64::MAX, 4).await, Ok(expected));
    }
}
