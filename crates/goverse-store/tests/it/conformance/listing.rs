//! Objects in the order of type and id, page by page.

use goverse_core::TypeName;
use goverse_node::{Listed, ObjectKey, Save, StateStore, Version};

use super::Place;
use super::records::{NOW, delete, object, put, raising, save, wallet};

const OBJECTS: &[(&str, &str)] = &[
    ("Purse", "a"),
    ("Purse", "z"),
    ("Wallet", "A"),
    ("Wallet", "a"),
    ("Wallet", "a%"),
    ("Wallet", "ab"),
    ("Wallet", "z"),
    ("Wallet", "ä"),
    ("Wallets", "a"),
    ("a", "A"),
];

async fn fill(store: &dyn StateStore) -> Vec<ObjectKey> {
    let objects: Vec<ObjectKey> = OBJECTS.iter().map(|(name, id)| object(name, id)).collect();
    let saves = objects.iter().rev().map(|object| put(object, 1, 0, "state")).collect();
    assert!(store.save(saves).await.unwrap().iter().all(Result::is_ok));
    objects
}

/// All pages of `limit`, one after the other.
async fn pages(store: &dyn StateStore, of: Option<&TypeName>, limit: u32) -> Vec<ObjectKey> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(of, after, limit).await.unwrap();
        assert!(page.len() <= limit as usize);
        let Some(Listed { object, .. }) = page.last() else { return all };
        after = Some((object.type_name.clone(), object.id.clone()));
        all.extend(page.into_iter().map(|listed| listed.object));
    }
}

pub(crate) async fn pages_follow_each_other(place: &impl Place) {
    let store = place.open().await;
    assert_eq!(pages(&*store, None, 3).await, []);
    let objects = fill(&*store).await;
    for limit in [1, 3, 10, 99] {
        assert_eq!(pages(&*store, None, limit).await, objects, "pages of {limit}");
    }
    assert_eq!(store.list(None, None, 0).await, Ok(vec![]));
}

pub(crate) async fn a_list_has_one_type(place: &impl Place) {
    let store = place.open().await;
    let objects = fill(&*store).await;
    for name in ["Purse", "Wallet", "Wallets", "a", "b", "Wal", "Q"] {
        let name = TypeName::new(name).unwrap();
        let of_type = |object: &&ObjectKey| object.type_name == name;
        let expected: Vec<ObjectKey> = objects.iter().filter(of_type).cloned().collect();
        for limit in [1, 2, 99] {
            assert_eq!(pages(&*store, Some(&name), limit).await, expected, "{name} by {limit}");
        }
    }
    // After an object of another type: all of this type, or none.
    let wallet = TypeName::new("Wallet").unwrap();
    for (after, expected) in [(("Purse", "zz"), 6), (("Wallets", "a"), 0)] {
        let after = object(after.0, after.1);
        let after = Some((after.type_name, after.id));
        assert_eq!(store.list(Some(&wallet), after, 99).await.unwrap().len(), expected);
    }
}

pub(crate) async fn a_list_tells_what_is_stored(place: &impl Place) {
    let (store, a) = (place.open().await, wallet("a"));
    save(&*store, Save { next: Version(4), ..put(&a, 1, 0, "1234567") }).await.unwrap();
    let listed = Listed { object: a, version: Version(4), schema: 3, len: 7, saved: NOW };
    assert_eq!(store.list(None, None, 9).await, Ok(vec![listed]));
}

pub(crate) async fn what_has_no_state_is_not_listed(place: &impl Place) {
    let store = place.open().await;
    let [a, b, c] = ["a", "b", "c"].map(wallet);
    for object in [&a, &b] {
        save(&*store, put(object, 1, 0, "")).await.unwrap();
    }
    save(&*store, delete(&a, 1, 1)).await.unwrap();
    store.load(raising(&c, 1, 1)).await.unwrap();
    for of in [None, Some(&b.type_name)] {
        assert_eq!(pages(&*store, of, 9).await, std::slice::from_ref(&b));
    }
}
