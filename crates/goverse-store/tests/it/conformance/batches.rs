//! Saves that go together: each has its own answer.

use goverse_node::{Save, StoreError, Version};

use super::Place;
use super::records::{call, fenced, load, on_version, outgoing, put, save, stored, wallet};

pub(crate) async fn a_refused_save_leaves_the_others_in(place: &impl Place) {
    let store = place.open().await;
    let [a, b, c, d] = ["a", "b", "c", "d"].map(wallet);
    store.load(load(&a, 5)).await.unwrap();
    save(&*store, put(&b, 5, 0, "old")).await.unwrap();
    let mut stale = Save { calls: vec![call("stale")], ..put(&b, 5, 0, "wrong") };
    stale.outgoing = vec![outgoing(&stale, 0)];
    let fine = Save { calls: vec![call("fine")], ..put(&d, 5, 0, "d") };
    let batch = vec![put(&a, 5, 0, "a"), stale, put(&c, 4, 0, "wrong"), fine];
    let answers = store.save(batch).await.unwrap();
    assert_eq!(answers, [Ok(()), on_version(0, 1), fenced(4, 5), Ok(())]);
    assert_eq!(stored(&*store, &a).await, Some((1, "a".to_owned())));
    assert_eq!(stored(&*store, &b).await, Some((1, "old".to_owned())));
    assert_eq!(stored(&*store, &c).await, None);
    assert_eq!(stored(&*store, &d).await, Some((1, "d".to_owned())));
    assert_eq!(store.outgoing(None, 9).await, Ok(vec![]));
    assert_eq!(store.call_record(&b, &call("stale").call_id).await, Ok(None));
    assert_eq!(store.call_record(&d, &call("fine").call_id).await, Ok(Some(call("fine"))));
}

pub(crate) async fn a_save_that_cannot_be_kept_leaves_the_others_in(place: &impl Place) {
    let store = place.open().await;
    let [a, b, c] = ["a", "b", "c"].map(wallet);
    store.load(load(&a, 1)).await.unwrap();
    // Two calls of one key: what is stored first must go again.
    let mut bad = Save { calls: vec![call("bad")], ..put(&b, 1, 0, "wrong") };
    bad.outgoing = vec![outgoing(&bad, 0), outgoing(&bad, 1), outgoing(&bad, 0)];
    let mut fine = put(&c, 1, 0, "c");
    fine.outgoing = vec![outgoing(&fine, 0)];
    let kept = fine.outgoing.clone();
    let answers = store.save(vec![put(&a, 1, 0, "a"), bad, fine]).await.unwrap();
    assert!(matches!(&answers[..], [Ok(()), Err(StoreError::Refused(_)), Ok(())]), "{answers:?}");
    assert_eq!(stored(&*store, &a).await, Some((1, "a".to_owned())));
    assert_eq!(stored(&*store, &b).await, None);
    assert_eq!(stored(&*store, &c).await, Some((1, "c".to_owned())));
    assert_eq!(store.outgoing(None, 9).await, Ok(kept));
    assert_eq!(store.call_record(&b, &call("bad").call_id).await, Ok(None));
    assert_eq!(save(&*store, put(&b, 1, 0, "b")).await, Ok(()), "nothing of it was left");
}

pub(crate) async fn the_second_save_of_one_object_is_refused(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    let second = Save { next: Version(2), ..put(&a, 1, 0, "wrong") };
    let answers = store.save(vec![put(&a, 1, 0, "right"), second]).await.unwrap();
    assert!(matches!(&answers[..], [Ok(()), Err(StoreError::Refused(_))]), "{answers:?}");
    assert_eq!(stored(&*store, &a).await, Some((1, "right".to_owned())));
}

pub(crate) async fn nothing_is_a_batch(place: &impl Place) {
    let store = place.open().await;
    assert_eq!(store.save(vec![]).await, Ok(vec![]));
    assert_eq!(store.settle(vec![]).await, Ok(()));
}

pub(crate) async fn a_thousand_saves_are_one_batch(place: &impl Place) {
    let store = place.open().await;
    let object = |number: u64| wallet(&format!("{number:04}"));
    store.load(load(&object(0), 1)).await.unwrap();
    for version in 0..2 {
        let save = |number| {
            let mut save = put(&object(number), 1, version, &format!("{number}.{version}"));
            save.calls = vec![call(&format!("{number}"))];
            save.outgoing = vec![outgoing(&save, 0)];
            save
        };
        let answers = store.save((0..1_000).map(save).collect()).await.unwrap();
        assert_eq!(answers.len(), 1_000);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }
    assert_eq!(store.outgoing(None, 9_999).await.unwrap().len(), 2_000);
    for number in [0, 1, 500, 999] {
        let expected = (2, format!("{number}.1"));
        assert_eq!(stored(&*store, &object(number)).await, Some(expected));
    }
}
