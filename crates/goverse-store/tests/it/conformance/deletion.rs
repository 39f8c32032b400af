//! Deleting erases the state, and keeps the version.

use goverse_node::Save;

use super::Place;
use super::records::{call, delete, empty, load, loaded, on_version, put, save, stored, wallet};

pub(crate) async fn what_is_deleted_is_gone_and_its_version_stays(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    store.load(load(&a, 1)).await.unwrap();
    save(&*store, put(&a, 1, 0, "one")).await.unwrap();
    let late = put(&a, 1, 1, "late");
    let deletion = Save { calls: vec![call("delete")], ..delete(&a, 1, 1) };
    assert_eq!(save(&*store, deletion).await, Ok(()));
    assert_eq!(stored(&*store, &a).await, None);
    assert_eq!(save(&*store, late).await, on_version(1, 2));
    assert_eq!(store.call_record(&a, &call("delete").call_id).await, Ok(Some(call("delete"))));
    let left = goverse_node::Loaded { has_call_records: true, ..empty(2) };
    assert_eq!(store.load(load(&a, 1)).await, Ok(left));
}

pub(crate) async fn a_deletion_can_be_repeated(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    store.load(load(&a, 1)).await.unwrap();
    for version in 0..3 {
        assert_eq!(save(&*store, delete(&a, 1, version)).await, Ok(()));
        assert_eq!(store.load(load(&a, 1)).await, Ok(empty(version + 1)));
    }
    assert_eq!(save(&*store, delete(&a, 1, 0)).await, on_version(0, 3), "a guard is a guard");
}

pub(crate) async fn a_deleted_object_comes_again(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    save(&*store, put(&a, 1, 0, "one")).await.unwrap();
    save(&*store, delete(&a, 1, 1)).await.unwrap();
    assert_eq!(save(&*store, put(&a, 1, 2, "again")).await, Ok(()));
    assert_eq!(store.load(load(&a, 1)).await, Ok(loaded(3, "again")));
}
