//! A save is let in on the newest version alone.

use goverse_node::{Save, StoreError, Version};

use super::Place;
use super::records::{empty, load, loaded, on_version, put, save, stored, wallet};

pub(crate) async fn a_save_is_read_back(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    assert_eq!(store.load(load(&a, 1)).await, Ok(empty(0)));
    assert_eq!(stored(&*store, &a).await, None);
    assert_eq!(save(&*store, put(&a, 1, 0, "one")).await, Ok(()));
    assert_eq!(store.load(load(&a, 1)).await, Ok(loaded(1, "one")));
    let later = Save { next: Version(40), ..put(&a, 1, 1, "two") };
    assert_eq!(save(&*store, later).await, Ok(()));
    assert_eq!(store.load(load(&a, 1)).await, Ok(loaded(40, "two")));
    assert_eq!(stored(&*store, &a).await, Some((40, "two".to_owned())));
}

pub(crate) async fn a_save_on_an_older_version_is_refused(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    store.load(load(&a, 1)).await.unwrap();
    for version in 0..3 {
        assert_eq!(save(&*store, put(&a, 1, version, "right")).await, Ok(()));
    }
    for expected in 0..3 {
        let late = Save { next: Version(9), ..put(&a, 1, expected, "wrong") };
        assert_eq!(save(&*store, late).await, on_version(expected, 3));
    }
    assert_eq!(stored(&*store, &a).await, Some((3, "right".to_owned())));
}

pub(crate) async fn a_save_on_a_version_that_never_was_is_refused(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    store.load(load(&a, 1)).await.unwrap();
    assert_eq!(save(&*store, put(&a, 1, 1, "wrong")).await, on_version(1, 0));
    assert_eq!(stored(&*store, &a).await, None);
    assert_eq!(save(&*store, put(&a, 1, 0, "right")).await, Ok(()));
    assert_eq!(save(&*store, put(&a, 1, 2, "wrong")).await, on_version(2, 1));
    assert_eq!(stored(&*store, &a).await, Some((1, "right".to_owned())));
}

pub(crate) async fn a_version_that_does_not_rise_is_refused(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    store.load(load(&a, 1)).await.unwrap();
    save(&*store, put(&a, 1, 0, "right")).await.unwrap();
    let still = Save { next: Version(1), ..put(&a, 1, 1, "wrong") };
    let refused = save(&*store, still).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(stored(&*store, &a).await, Some((1, "right".to_owned())));
}
