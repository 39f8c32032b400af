//! A save whose answer was lost, and that lands late.

use super::Place;
use super::records::{empty, fenced, load, loaded, on_version, put, raising, save, stored, wallet};

pub(crate) async fn a_late_save_is_refused_after_a_load_that_raises(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    store.load(load(&a, 1)).await.unwrap();
    save(&*store, put(&a, 1, 0, "one")).await.unwrap();
    let late = put(&a, 1, 1, "late");
    assert_eq!(store.load(raising(&a, 1, 2)).await, Ok(loaded(2, "one")));
    assert_eq!(save(&*store, late).await, on_version(1, 2));
    assert_eq!(save(&*store, put(&a, 1, 2, "two")).await, Ok(()));
    assert_eq!(stored(&*store, &a).await, Some((3, "two".to_owned())));
}

pub(crate) async fn a_late_first_save_is_refused_after_a_load_that_raises(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    store.load(load(&a, 1)).await.unwrap();
    let late = put(&a, 1, 0, "late");
    assert_eq!(store.load(raising(&a, 1, 1)).await, Ok(empty(1)));
    assert_eq!(save(&*store, late).await, on_version(0, 1));
    assert_eq!(stored(&*store, &a).await, None);
    assert_eq!(save(&*store, put(&a, 1, 1, "right")).await, Ok(()));
    assert_eq!(stored(&*store, &a).await, Some((2, "right".to_owned())));
}

pub(crate) async fn a_save_that_landed_is_seen_by_a_load_that_raises(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    save(&*store, put(&a, 1, 0, "landed")).await.unwrap();
    assert_eq!(store.load(raising(&a, 1, 1)).await, Ok(loaded(1, "landed")));
    save(&*store, put(&a, 1, 1, "newer")).await.unwrap();
    assert_eq!(store.load(raising(&a, 1, 1)).await, Ok(loaded(2, "newer")), "it never falls");
}

pub(crate) async fn a_fenced_load_raises_nothing(place: &impl Place) {
    let (store, a, b) = (place.open().await, wallet("a"), wallet("b"));
    store.load(load(&a, 5)).await.unwrap();
    save(&*store, put(&a, 5, 0, "one")).await.unwrap();
    assert_eq!(store.load(raising(&a, 4, 9)).await, fenced(4, 5));
    assert_eq!(store.load(raising(&b, 4, 9)).await, fenced(4, 5));
    assert_eq!(store.load(load(&a, 5)).await, Ok(loaded(1, "one")));
    assert_eq!(store.load(load(&b, 5)).await, Ok(empty(0)));
    assert_eq!(save(&*store, put(&a, 5, 1, "two")).await, Ok(()));
}
