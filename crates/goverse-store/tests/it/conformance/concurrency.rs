//! Many at once, through stores that know nothing of each other.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use goverse_node::{FenceKey, Load, StateStore, StoreError, Tenure, Version};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Place;
use super::records::{load, put, raising, save, stored, wallet};

/// How long a writer of an older tenure may take to find out.
const REFUSED_WITHIN: Duration = Duration::from_secs(20);

/// Four stores, used in turn.
async fn stores(place: &impl Place) -> [Arc<dyn StateStore>; 4] {
    [place.open().await, place.open().await, place.open().await, place.open().await]
}

pub(crate) async fn of_many_saves_on_one_version_one_is_let_in(place: &impl Place) {
    let (stores, a) = (stores(place).await, wallet("a"));
    for expected in 0..5 {
        race(&stores, expected).await;
        assert_eq!(stored(&*stores[0], &a).await.map(|(version, _)| version), Some(expected + 1));
    }
}

pub(crate) async fn of_many_first_saves_one_is_let_in(place: &impl Place) {
    let stores = stores(place).await;
    race(&stores, 0).await;
}

/// Sixteen save at once on the same version; the one that is let in is what is stored.
async fn race(stores: &[Arc<dyn StateStore>], expected: u64) {
    let mut racers = JoinSet::new();
    for racer in 0..16 {
        let store = Arc::clone(&stores[racer % stores.len()]);
        let bytes = racer.to_string();
        racers.spawn(async move {
            (save(&*store, put(&wallet("a"), 1, expected, &bytes)).await, bytes)
        });
    }
    let (won, lost): (Vec<_>, Vec<_>) =
        racers.join_all().await.into_iter().partition(|(answer, _)| answer.is_ok());
    assert_eq!(won.len(), 1, "{won:?}");
    let is_conflict =
        |answer: &Result<(), StoreError>| matches!(answer, Err(StoreError::Conflict(_)));
    assert!(lost.iter().all(|(answer, _)| is_conflict(answer)), "{lost:?}");
    let now = stored(&*stores[0], &wallet("a")).await;
    assert_eq!(now, Some((expected + 1, won[0].1.clone())));
}

pub(crate) async fn no_save_is_let_in_after_a_newer_tenure_has_loaded(place: &impl Place) {
    let stores = stores(place).await;
    for round in 0..20 {
        let object = wallet(&round.to_string());
        let since = 2 * round + 1;
        stores[0].load(load(&object, since)).await.unwrap();
        let (writer, object_of_writer) = (Arc::clone(&stores[1]), object.clone());
        let writing = tokio::spawn(async move {
            let mut version = 0;
            loop {
                match save(&*writer, put(&object_of_writer, since, version, "old")).await {
                    Ok(()) => version += 1,
                    Err(StoreError::Conflict(_)) => return version,
                    Err(error) => panic!("{error}"),
                }
                // A store that never makes it wait must not keep others from their turn.
                tokio::task::yield_now().await;
            }
        });
        let mut reader_has_seen = 0;
        while reader_has_seen < round % 4 {
            reader_has_seen = stored(&*stores[2], &object).await.map_or(0, |(version, _)| version);
        }
        // Whatever was acknowledged to the old tenure is what the new one reads, and nothing comes after.
        let read = stores[2].load(load(&object, since + 1)).await.unwrap();
        let acknowledged = timeout(REFUSED_WITHIN, writing).await.expect("it is refused").unwrap();
        assert_eq!(read.version, Version(acknowledged));
    }
}

pub(crate) async fn many_writers_lose_nothing(place: &impl Place) {
    let stores = stores(place).await;
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let store = Arc::clone(&stores[writer % stores.len()]);
        writers.spawn(async move {
            for version in 0..10 {
                let batch: Vec<_> = (0..5)
                    .map(|object| wallet(&format!("{writer}.{object}")))
                    .map(|object| put(&object, 1, version, &version.to_string()))
                    .collect();
                assert_eq!(store.save(batch).await, Ok(vec![Ok(()); 5]));
            }
        });
    }
    writers.join_all().await;
    let listed = stores[0].list(None, None, 99).await.unwrap();
    assert_eq!(listed.len(), 40);
    assert!(listed.iter().all(|listed| listed.version == Version(10)), "{listed:?}");
}

pub(crate) async fn of_many_tenures_each_is_its_own(place: &impl Place) {
    let stores = stores(place).await;
    let mut nodes = JoinSet::new();
    for node in 0..16 {
        let store = Arc::clone(&stores[node % stores.len()]);
        nodes.spawn(async move { store.begin_tenure(&FenceKey::ALONE, 100).await.unwrap().since });
    }
    let begun: HashSet<u64> = nodes.join_all().await.into_iter().collect();
    assert_eq!(begun, (100..116).collect());
}

pub(crate) async fn of_tenures_that_load_at_once_the_newest_stays(place: &impl Place) {
    let stores = stores(place).await;
    for round in 0..5 {
        let (key, mut nodes) = (FenceKey::shard(round), JoinSet::new());
        for since in 1..=16 {
            let store = Arc::clone(&stores[since as usize % stores.len()]);
            let tenure = Tenure { key: key.clone(), since };
            let load = Load { tenure, ..load(&wallet("a"), 0) };
            nodes.spawn(async move { store.load(load).await });
        }
        nodes.join_all().await;
        let load =
            |since| Load { tenure: Tenure { key: key.clone(), since }, ..load(&wallet("a"), 0) };
        let older = stores[0].load(load(15)).await;
        assert!(matches!(older, Err(StoreError::Conflict(_))), "round {round}: {older:?}");
        assert!(stores[0].load(load(16)).await.is_ok(), "round {round}");
    }
}

pub(crate) async fn a_load_that_loses_a_race_raises_nothing(place: &impl Place) {
    let stores = stores(place).await;
    for round in 0..40 {
        let (object, older, newer) = (wallet(&round.to_string()), 2 * round + 1, 2 * round + 2);
        save(&*stores[0], put(&object, older, 0, "state")).await.unwrap();
        let (raise, take_over) = (raising(&object, older, 9), load(&object, newer));
        let (one, two) = (Arc::clone(&stores[1]), Arc::clone(&stores[2]));
        let raised = tokio::spawn(async move { one.load(raise).await });
        let taken_over = tokio::spawn(async move { two.load(take_over).await });
        taken_over.await.unwrap().unwrap();
        let expected = if raised.await.unwrap().is_ok() { 9 } else { 1 };
        assert_eq!(stored(&*stores[3], &object).await, Some((expected, "state".to_owned())));
    }
}
