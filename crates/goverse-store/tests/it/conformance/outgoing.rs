//! Calls that are made after a commit, and those that failed for good.

use goverse_node::{DeadLetter, ObjectKey, Outgoing, OutgoingKey, Save, Settlement, StateStore};

use super::Place;
use super::records::{NOW, object, on_version, outgoing, put, save, wallet};

/// A save with calls of these places.
fn calling(from: &ObjectKey, expected: u64, places: &[u32]) -> Save {
    let save = put(from, 1, expected, "");
    let outgoing = places.iter().map(|place| outgoing(&save, *place)).collect();
    Save { outgoing, ..save }
}

/// Saves three calls of one object.
async fn three(store: &dyn StateStore) -> [Outgoing; 3] {
    let one = calling(&wallet("a"), 0, &[0, 1, 2]);
    let calls = one.outgoing.clone();
    save(store, one).await.unwrap();
    calls.try_into().unwrap()
}

fn dead(call: &Outgoing, reason: &str) -> Settlement {
    Settlement::Dead { key: call.key.clone(), at: NOW + 5, reason: reason.to_owned() }
}

pub(crate) async fn calls_come_in_the_order_of_their_keys(place: &impl Place) {
    let store = place.open().await;
    let saves = [
        calling(&wallet("b"), 0, &[1, 0, 10, 2]),
        calling(&wallet("a"), 9, &[0]),
        calling(&wallet("a"), 10, &[0, 1]),
        calling(&object("Purse", "z"), 0, &[0]),
        calling(&wallet("A"), 0, &[0]),
        calling(&wallet("ä"), 0, &[0]),
    ];
    let mut expected: Vec<Outgoing> = saves.iter().flat_map(|save| save.outgoing.clone()).collect();
    expected.sort_by(|a, b| a.key.cmp(&b.key));
    save(&*store, put(&wallet("a"), 1, 0, "")).await.unwrap();
    for one in saves {
        if one.expected.0 == 9 {
            let jump = Save { next: one.expected, ..put(&wallet("a"), 1, 1, "") };
            save(&*store, jump).await.unwrap();
        }
        assert_eq!(save(&*store, one).await, Ok(()));
    }
    assert_eq!(store.outgoing(None, 99).await, Ok(expected.clone()));
    for (at, call) in expected.iter().enumerate() {
        let rest = store.outgoing(Some(call.key.clone()), 2).await.unwrap();
        assert_eq!(rest, expected[at + 1..].iter().take(2).cloned().collect::<Vec<_>>());
    }
    assert_eq!(store.outgoing(None, 0).await, Ok(vec![]));
}

pub(crate) async fn a_refused_save_leaves_no_call(place: &impl Place) {
    let store = place.open().await;
    save(&*store, put(&wallet("a"), 1, 0, "")).await.unwrap();
    let late = Save { next: goverse_node::Version(7), ..put(&wallet("a"), 1, 0, "") };
    let late = Save { outgoing: vec![outgoing(&late, 0)], ..late };
    assert_eq!(save(&*store, late).await, on_version(0, 1));
    assert_eq!(store.outgoing(None, 9).await, Ok(vec![]));
}

pub(crate) async fn a_delivered_call_is_gone(place: &impl Place) {
    let store = place.open().await;
    let [first, second, third] = three(&*store).await;
    let delivered = |call: &Outgoing| Settlement::Delivered(call.key.clone());
    store.settle(vec![delivered(&first), delivered(&third)]).await.unwrap();
    assert_eq!(store.outgoing(None, 9).await, Ok(vec![second]));
}

pub(crate) async fn a_call_is_tried_again(place: &impl Place) {
    let store = place.open().await;
    let [first, second, third] = three(&*store).await;
    let key = second.key.clone();
    let again = Settlement::Again { key, attempts: 4, not_before: NOW + 99 };
    store.settle(vec![again]).await.unwrap();
    let second = Outgoing { attempts: 4, not_before: NOW + 99, ..second };
    assert_eq!(store.outgoing(None, 9).await, Ok(vec![first, second, third]));
}

pub(crate) async fn a_call_that_failed_for_good_is_a_dead_letter(place: &impl Place) {
    let store = place.open().await;
    let [first, second, third] = three(&*store).await;
    store.settle(vec![dead(&third, "no"), dead(&first, "never")]).await.unwrap();
    assert_eq!(store.outgoing(None, 9).await, Ok(vec![second]));
    let letter =
        |call: Outgoing, reason: &str| DeadLetter { call, at: NOW + 5, reason: reason.to_owned() };
    let letters = [letter(first, "never"), letter(third, "no")];
    assert_eq!(store.dead_letters(None, 9).await, Ok(letters.to_vec()));
    assert_eq!(store.dead_letters(None, 1).await, Ok(letters[..1].to_vec()));
    let after = Some(letters[0].call.key.clone());
    assert_eq!(store.dead_letters(after, 9).await, Ok(letters[1..].to_vec()));
}

pub(crate) async fn a_dead_letter_is_left_alone_by_late_settlements(place: &impl Place) {
    let store = place.open().await;
    let [first, second, third] = three(&*store).await;
    let all = [&first, &second, &third].map(|call| dead(call, "first"));
    store.settle(all.to_vec()).await.unwrap();
    let letters = store.dead_letters(None, 9).await.unwrap();
    let late = vec![
        Settlement::Delivered(first.key.clone()),
        Settlement::Again { key: second.key.clone(), attempts: 9, not_before: 9 },
        dead(&third, "second"),
    ];
    store.settle(late).await.unwrap();
    assert_eq!(store.dead_letters(None, 9).await, Ok(letters));
    assert_eq!(store.outgoing(None, 9).await, Ok(vec![]));
}

pub(crate) async fn a_dead_letter_is_deleted_or_tried_again(place: &impl Place) {
    let store = place.open().await;
    let [first, second, third] = three(&*store).await;
    let key = first.key.clone();
    let again = Settlement::Again { key, attempts: 8, not_before: NOW + 9 };
    store.settle(vec![again]).await.unwrap();
    store.settle(vec![dead(&first, "x"), dead(&second, "x")]).await.unwrap();
    assert_eq!(store.resolve_dead_letter(&third.key, false).await, Ok(false), "it is none");
    assert_eq!(store.resolve_dead_letter(&third.key, true).await, Ok(false), "it is none");
    assert_eq!(store.resolve_dead_letter(&first.key, true).await, Ok(true));
    assert_eq!(store.resolve_dead_letter(&second.key, false).await, Ok(true));
    assert_eq!(store.dead_letters(None, 9).await, Ok(vec![]));
    assert_eq!(store.outgoing(None, 9).await, Ok(vec![first.clone(), third]));
    for (key, retry) in [(&first.key, true), (&second.key, false)] {
        assert_eq!(store.resolve_dead_letter(key, retry).await, Ok(false), "once only");
    }
}

pub(crate) async fn settling_what_is_gone_is_no_error(place: &impl Place) {
    let store = place.open().await;
    let from = wallet("nobody");
    let key = OutgoingKey { from, version: goverse_node::Version(1), index: 0 };
    let reason = "x".to_owned();
    let settlements = vec![
        Settlement::Delivered(key.clone()),
        Settlement::Again { key: key.clone(), attempts: 1, not_before: 1 },
        Settlement::Dead { key, at: 1, reason },
    ];
    assert_eq!(store.settle(settlements).await, Ok(()));
    assert_eq!(store.outgoing(None, 9).await, Ok(vec![]));
    assert_eq!(store.dead_letters(None, 9).await, Ok(vec![]));
}
