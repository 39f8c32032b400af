//! What was stored is there for whoever opens the store later, or beside.

use goverse_node::{FenceKey, Settlement, Tenure};

use super::Place;
use super::records::{
    call, fenced, load, loaded, on_version, outgoing, put, raising, save, stored, wallet,
};

pub(crate) async fn everything_is_there_again(place: &impl Place) {
    let (a, b) = (wallet("a"), wallet("b"));
    let mut one = put(&a, 5, 0, "one");
    one.calls = vec![call("id")];
    one.outgoing = vec![outgoing(&one, 0), outgoing(&one, 1)];
    let calls = one.outgoing.clone();
    {
        let store = place.open().await;
        store.begin_tenure(&FenceKey::ALONE, 100).await.unwrap();
        store.load(load(&a, 5)).await.unwrap();
        save(&*store, one).await.unwrap();
        store.load(raising(&b, 5, 3)).await.unwrap();
        let (key, reason) = (calls[0].key.clone(), "no".to_owned());
        store.settle(vec![Settlement::Dead { key, at: 1, reason }]).await.unwrap();
    }
    let store = place.open().await;
    assert_eq!(store.check().await, Ok(()));
    assert_eq!(stored(&*store, &a).await, Some((1, "one".to_owned())));
    assert_eq!(store.call_record(&a, &call("id").call_id).await, Ok(Some(call("id"))));
    assert_eq!(store.outgoing(None, 9).await, Ok(vec![calls[1].clone()]));
    assert_eq!(store.dead_letters(None, 9).await.unwrap()[0].call, calls[0]);
    assert_eq!(store.load(load(&a, 4)).await, fenced(4, 5));
    assert_eq!(save(&*store, put(&b, 5, 0, "late")).await, on_version(0, 3));
    let begun = store.begin_tenure(&FenceKey::ALONE, 7).await.unwrap();
    assert_eq!(begun, Tenure { key: FenceKey::ALONE, since: 101 });
}

pub(crate) async fn two_stores_of_one_place_see_each_other(place: &impl Place) {
    let (one, two, a) = (place.open().await, place.open().await, wallet("a"));
    one.load(load(&a, 1)).await.unwrap();
    save(&*one, put(&a, 1, 0, "one")).await.unwrap();
    assert_eq!(two.load(load(&a, 2)).await, Ok(loaded(1, "one")));
    assert_eq!(save(&*one, put(&a, 1, 1, "late")).await, fenced(1, 2));
    save(&*two, put(&a, 2, 1, "two")).await.unwrap();
    assert_eq!(stored(&*one, &a).await, Some((2, "two".to_owned())));
}
