//! A load or a save is let in for the newest tenure alone.

use goverse_node::{FenceKey, Save, Tenure};

use super::Place;
use super::records::{empty, fenced, load, loaded, put, raising, save, stored, tenure, wallet};

pub(crate) async fn a_tenure_begins_above_those_before(place: &impl Place) {
    let store = place.open().await;
    let begin = async |now| store.begin_tenure(&FenceKey::ALONE, now).await.unwrap();
    let tenure = |since| Tenure { key: FenceKey::ALONE, since };
    assert_eq!(begin(1_000).await, tenure(1_000));
    assert_eq!(begin(1_000).await, tenure(1_001));
    assert_eq!(begin(5).await, tenure(1_002), "also if the clock went back");
    assert_eq!(begin(2_000).await, tenure(2_000));
    let other = store.begin_tenure(&FenceKey::node("n1:1"), 0).await.unwrap();
    assert!(other.since > 0, "0 is no tenure: {other}");
}

pub(crate) async fn a_load_of_an_older_tenure_is_refused(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    assert_eq!(store.load(load(&a, 5)).await, Ok(empty(0)));
    assert_eq!(store.load(load(&a, 4)).await, fenced(4, 5));
    assert_eq!(store.load(load(&a, 5)).await, Ok(empty(0)));
    let key = tenure(0).key;
    let begun = store.begin_tenure(&key, 6).await.unwrap();
    assert_eq!(begun, tenure(6));
    assert_eq!(store.load(load(&a, 5)).await, fenced(5, 6));
    assert_eq!(store.load(load(&a, 6)).await, Ok(empty(0)));
}

pub(crate) async fn a_save_of_an_older_tenure_is_refused_by_the_fence(place: &impl Place) {
    let (store, a, b) = (place.open().await, wallet("a"), wallet("b"));
    store.load(load(&a, 4)).await.unwrap();
    save(&*store, put(&a, 4, 0, "right")).await.unwrap();
    // The load of another object under the same fence.
    store.load(load(&b, 5)).await.unwrap();
    assert_eq!(save(&*store, put(&a, 4, 1, "wrong")).await, fenced(4, 5));
    assert_eq!(stored(&*store, &a).await, Some((1, "right".to_owned())));
    assert_eq!(save(&*store, put(&a, 5, 1, "newer")).await, Ok(()));
    assert_eq!(stored(&*store, &a).await, Some((2, "newer".to_owned())));
}

pub(crate) async fn a_save_of_an_older_tenure_is_refused_by_the_row(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    let elsewhere = |since| Tenure { key: FenceKey::node("n1:1"), since };
    store.load(load(&a, 9)).await.unwrap();
    save(&*store, put(&a, 9, 0, "right")).await.unwrap();
    // The object was under another fence before, which nobody has raised since.
    let late = Save { tenure: elsewhere(8), ..put(&a, 0, 1, "wrong") };
    let refused = save(&*store, late).await.unwrap_err().to_string();
    assert_eq!(refused, "the store is fenced at 9, and node/n1:1 since 8 is older");
    assert_eq!(stored(&*store, &a).await, Some((1, "right".to_owned())));
    let newer = Save { tenure: elsewhere(10), ..put(&a, 0, 1, "newer") };
    assert_eq!(save(&*store, newer).await, Ok(()));
    // A load that raised the version took the row for its tenure.
    store.load(raising(&a, 11, 7)).await.unwrap();
    let late = Save { tenure: elsewhere(10), ..put(&a, 0, 7, "wrong") };
    let refused = save(&*store, late).await.unwrap_err().to_string();
    assert_eq!(refused, "the store is fenced at 11, and node/n1:1 since 10 is older");
    assert_eq!(stored(&*store, &a).await, Some((7, "newer".to_owned())));
}

pub(crate) async fn a_refused_load_changes_nothing(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    store.load(load(&a, 5)).await.unwrap();
    assert_eq!(store.load(load(&a, 4)).await, fenced(4, 5));
    assert_eq!(save(&*store, put(&a, 4, 0, "wrong")).await, fenced(4, 5));
    assert_eq!(save(&*store, put(&a, 5, 0, "right")).await, Ok(()));
    assert_eq!(store.load(load(&a, 5)).await, Ok(loaded(1, "right")));
}

pub(crate) async fn fences_do_not_touch_each_other(place: &impl Place) {
    let (store, a, b) = (place.open().await, wallet("a"), wallet("b"));
    let other = Tenure { key: FenceKey::shard(8), since: 2 };
    store.load(load(&a, 5)).await.unwrap();
    let elsewhere = goverse_node::Load { tenure: other.clone(), ..load(&b, 0) };
    assert_eq!(store.load(elsewhere).await, Ok(empty(0)));
    assert_eq!(save(&*store, Save { tenure: other, ..put(&b, 0, 0, "b") }).await, Ok(()));
    assert_eq!(save(&*store, put(&a, 5, 0, "a")).await, Ok(()));
}

pub(crate) async fn a_save_without_a_fence_is_let_in(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    assert_eq!(save(&*store, put(&a, 3, 0, "first")).await, Ok(()));
    assert_eq!(store.load(load(&a, 2)).await, Ok(loaded(1, "first")), "it raised none");
}
