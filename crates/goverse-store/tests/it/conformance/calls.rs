//! Records of calls are kept with the save that they made.

use goverse_node::{CallId, CallRecord, Encoding};

use super::Place;
use super::records::{call, load, object, on_version, put, save, wallet};

pub(crate) async fn a_record_is_kept_with_its_save(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    let failed = CallRecord {
        failed: true,
        digest: [255; 16],
        encoding: Encoding::Json,
        answer: vec![],
        ..call("two")
    };
    let mut one = put(&a, 1, 0, "one");
    one.calls = vec![call("one"), failed.clone()];
    assert!(!store.load(load(&a, 1)).await.unwrap().has_call_records);
    assert_eq!(save(&*store, one).await, Ok(()));
    assert!(store.load(load(&a, 1)).await.unwrap().has_call_records);
    assert_eq!(store.call_record(&a, &call("one").call_id).await, Ok(Some(call("one"))));
    assert_eq!(store.call_record(&a, &failed.call_id).await, Ok(Some(failed)));
    assert_eq!(store.call_record(&a, &CallId::new("three").unwrap()).await, Ok(None));
    save(&*store, put(&a, 1, 1, "two")).await.unwrap();
    assert_eq!(store.call_record(&a, &call("one").call_id).await, Ok(Some(call("one"))));
}

pub(crate) async fn a_refused_save_leaves_no_record(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    save(&*store, put(&a, 1, 0, "one")).await.unwrap();
    let mut late = put(&a, 1, 0, "late");
    late.calls = vec![call("late")];
    assert_eq!(save(&*store, late).await, on_version(0, 1));
    assert_eq!(store.call_record(&a, &call("late").call_id).await, Ok(None));
    assert!(!store.load(load(&a, 1)).await.unwrap().has_call_records);
}

pub(crate) async fn a_record_is_of_its_object_alone(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    let mut one = put(&a, 1, 0, "one");
    one.calls = vec![call("id")];
    save(&*store, one).await.unwrap();
    for other in [wallet("b"), object("Purse", "a")] {
        assert_eq!(store.call_record(&other, &call("id").call_id).await, Ok(None));
        assert!(!store.load(load(&other, 1)).await.unwrap().has_call_records);
        let mut same_id = put(&other, 1, 0, "other");
        let answer = other.to_string().into_bytes();
        let record = CallRecord { answer, ..call("id") };
        same_id.calls = vec![record.clone()];
        assert_eq!(save(&*store, same_id).await, Ok(()));
        assert_eq!(store.call_record(&other, &record.call_id).await, Ok(Some(record)));
    }
    assert_eq!(store.call_record(&a, &call("id").call_id).await, Ok(Some(call("id"))));
}

pub(crate) async fn a_record_takes_the_place_of_one_of_its_id(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    let newer = CallRecord { answer: b"newer".to_vec(), digest: [1; 16], ..call("id") };
    for (version, record) in [(0, call("id")), (1, newer.clone())] {
        let mut one = put(&a, 1, version, "");
        one.calls = vec![record];
        assert_eq!(save(&*store, one).await, Ok(()));
    }
    assert_eq!(store.call_record(&a, &newer.call_id).await, Ok(Some(newer)));
}
