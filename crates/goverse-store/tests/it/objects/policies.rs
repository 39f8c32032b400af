//! When objects are saved whose types do not save each turn, and what a deactivation saves.

use std::time::Duration;

use goverse_core::ErrorCode;
use goverse_node::WritePolicy;

use super::faulty::{Faulty, Saves};
use super::fixture::{Account, Draft, Meter, eventually, node};

#[tokio::test]
async fn changes_are_saved_within_the_interval_many_at_once() {
    let store = Faulty::new();
    let node = node(store.clone());
    let meter = node.object::<Meter>("m");
    for n in 1..=20 {
        assert_eq!(meter.add(1).await, Ok(n));
    }
    eventually(async || store.stored::<Meter>("Meter", "m").await.filter(|meter| meter.0 == 20))
        .await;
    assert!(store.saved.load(std::sync::atomic::Ordering::SeqCst) < 20);
    meter.add(1).await.unwrap();
    eventually(async || store.stored::<Meter>("Meter", "m").await.filter(|meter| meter.0 == 21))
        .await;
}

#[tokio::test]
async fn while_the_store_is_away_memory_goes_on_and_is_saved_afterwards() {
    for saves in [Saves::Fail, Saves::LandLater, Saves::LoseAnswer] {
        let store = Faulty::new();
        let node = node(store.clone());
        let meter = node.object::<Meter>("m");
        store.saves(saves);
        meter.add(1).await.unwrap();
        eventually(async || {
            (store.saved.load(std::sync::atomic::Ordering::SeqCst) > 0).then_some(())
        })
        .await;
        assert_eq!(meter.add(1).await, Ok(2), "{saves:?}");
        store.saves(Saves::Work);
        eventually(async || store.stored::<Meter>("Meter", "m").await.filter(|meter| meter.0 == 2))
            .await;
        for late in store.land().await {
            late.unwrap_err();
        }
        assert_eq!(meter.add(1).await, Ok(3), "{saves:?}");
        eventually(async || store.stored::<Meter>("Meter", "m").await.filter(|meter| meter.0 == 3))
            .await;
    }
}

#[tokio::test]
async fn a_save_in_doubt_that_cannot_be_cleared_up_at_once_costs_nothing() {
    for saves in [Saves::LandLater, Saves::LoseAnswer] {
        let store = Faulty::new();
        let node = node(store.clone());
        let meter = node.object::<Meter>("m");
        meter.add(1).await.unwrap();
        store.saves(saves);
        store.loads_fail(true);
        eventually(async || (store.loads_failed() > 0).then_some(())).await;
        assert_eq!(meter.add(1).await, Ok(2), "{saves:?}");
        store.saves(Saves::Work);
        store.loads_fail(false);
        eventually(async || store.stored::<Meter>("Meter", "m").await.filter(|meter| meter.0 == 2))
            .await;
        assert_eq!(meter.add(1).await, Ok(3), "{saves:?}");
    }
}

#[tokio::test]
async fn a_last_save_in_doubt_is_made_again() {
    for saves in [Saves::LandLater, Saves::LoseAnswer] {
        let store = Faulty::new();
        let node = node(store.clone());
        node.object::<Draft>("d").write("a".to_owned()).await.unwrap();
        store.saves(saves);
        let ending = tokio::spawn({
            let node = node.clone();
            async move { node.destroy_object("Draft", "d").await }
        });
        eventually(async || {
            (store.saved.load(std::sync::atomic::Ordering::SeqCst) > 0).then_some(())
        })
        .await;
        store.saves(Saves::Work);
        ending.await.unwrap().unwrap_or_else(|error| panic!("{saves:?}: {error}"));
        store.land().await;
        let stored = store.stored::<Draft>("Draft", "d").await;
        assert_eq!(stored, Some(Draft("a.".to_owned())), "{saves:?}");
    }
}

#[tokio::test]
async fn a_panic_takes_back_what_was_not_saved() {
    let store = Faulty::new();
    let node = node(store.clone());
    let meter = node.object::<Meter>("m");
    meter.add(1).await.unwrap();
    eventually(async || store.stored::<Meter>("Meter", "m").await).await;
    meter.add(1).await.unwrap();
    meter.panics().await.unwrap_err();
    assert_eq!(meter.add(0).await, Ok(1));
}

#[tokio::test]
async fn a_deactivation_saves_what_is_unsaved_and_what_its_hook_changes() {
    let store = Faulty::new();
    let node = node(store.clone());
    let draft = node.object::<Draft>("d");
    assert_eq!(draft.write("a".to_owned()).await.unwrap(), "a");
    assert_eq!(store.stored::<Draft>("Draft", "d").await, None);
    node.destroy_object("Draft", "d").await.unwrap();
    assert_eq!(draft.read().await.unwrap(), "a.");
    // Nothing but the hook changes it.
    node.destroy_object("Draft", "d").await.unwrap();
    assert_eq!(draft.read().await.unwrap(), "a..");
    // Nothing changes at all.
    assert_eq!(node.object::<Account>("a").balance().await, Ok(0));
    let saved = store.saved.load(std::sync::atomic::Ordering::SeqCst);
    node.destroy_object("Account", "a").await.unwrap();
    assert_eq!(store.saved.load(std::sync::atomic::Ordering::SeqCst), saved);
    let meter = node.object::<Meter>("m");
    meter.add(1).await.unwrap();
    node.destroy_object("Meter", "m").await.unwrap();
    assert_eq!(store.stored::<Meter>("Meter", "m").await, Some(Meter(1)));
}

#[tokio::test]
async fn a_shutdown_saves_everything_also_if_the_store_comes_back_only_then() {
    let store = Faulty::new();
    let node = node(store.clone());
    for n in 0..50 {
        node.object::<Draft>(format!("d{n}")).write("a".to_owned()).await.unwrap();
    }
    store.saves(Saves::Fail);
    let shutdown = tokio::spawn({
        let node = node.clone();
        async move { node.shutdown(Duration::from_secs(20)).await }
    });
    eventually(async || (store.saved.load(std::sync::atomic::Ordering::SeqCst) > 50).then_some(()))
        .await;
    store.saves(Saves::Work);
    let drained = shutdown.await.unwrap();
    assert_eq!((drained.deactivated, drained.cut_off, drained.left), (50, 0, 0));
    for n in 0..50 {
        let stored = store.stored::<Draft>("Draft", &format!("d{n}")).await;
        assert_eq!(stored, Some(Draft("a.".to_owned())));
    }
}

#[tokio::test]
async fn a_shutdown_at_its_limit_says_what_was_not_saved() {
    let store = Faulty::new();
    let node = node(store.clone());
    node.object::<Draft>("d").write("a".to_owned()).await.unwrap();
    store.saves(Saves::Fail);
    let ending = tokio::spawn({
        let node = node.clone();
        async move { node.destroy_object("Draft", "d").await }
    });
    eventually(async || (store.saved.load(std::sync::atomic::Ordering::SeqCst) > 0).then_some(()))
        .await;
    node.shutdown(Duration::ZERO).await;
    assert_eq!(ending.await.unwrap().unwrap_err().code(), ErrorCode::ShuttingDown);
}

#[tokio::test]
async fn the_settings_can_say_otherwise_than_the_type() {
    let store = Faulty::new();
    let mut settings = goverse_node::TypeSettings::default();
    settings.write = Some(WritePolicy::EveryCall);
    let node = goverse_node::Node::builder("localhost:47000".parse().unwrap())
        .object::<Draft>()
        .settings_of("Draft", settings)
        .store(store.clone())
        .build()
        .unwrap();
    node.object::<Draft>("d").write("a".to_owned()).await.unwrap();
    assert_eq!(store.stored::<Draft>("Draft", "d").await, Some(Draft("a".to_owned())));
}
