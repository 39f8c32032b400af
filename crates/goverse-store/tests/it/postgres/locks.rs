//! A save and a newer tenure's first load, each held up in the middle: which of them waits, and what it comes to.

use std::sync::Arc;
use std::time::Duration;

use goverse_node::{Save, StateStore, StoreError};
use goverse_store::{PostgresSettings, PostgresStore};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};

use super::{server, settings};
use crate::conformance::records::{fenced, load, loaded, outgoing, put, stored, wallet};

/// How long it may take until somebody waits.
const DEADLINE: Duration = Duration::from_secs(20);

/// A store with objects that tenure 1 has saved, and sessions of others.
struct Case {
    name: String,
    store: Arc<PostgresStore>,
    other: Client,
    /// Looks at who waits, which stays the same within a transaction.
    observer: Client,
}

async fn connect() -> Client {
    let (client, connection) = tokio_postgres::connect(&server().url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Case {
    async fn new(name: &str) -> Self {
        let url = format!("{} application_name='{name}'", server().url());
        let settings = PostgresSettings { url, ..settings(name) };
        let store = Arc::new(PostgresStore::open(&settings).await.unwrap());
        let (other, observer) = (connect().await, connect().await);
        other.batch_execute(&format!("SET search_path TO \"{name}\"")).await.unwrap();
        let case = Self { name: name.to_owned(), store, other, observer };
        for object in ["a", "b"].map(wallet) {
            case.store.load(load(&object, 1)).await.unwrap();
            assert_eq!(case.store.save(vec![put(&object, 1, 0, "one")]).await, Ok(vec![Ok(())]));
        }
        case
    }

    async fn others(&self, statements: &str) {
        self.other.batch_execute(statements).await.unwrap();
    }

    fn begin_save(&self, saves: Vec<Save>) -> JoinHandle<Vec<Result<(), StoreError>>> {
        let store = Arc::clone(&self.store);
        tokio::spawn(async move { store.save(saves).await.unwrap() })
    }

    /// Is done when so many of the store's sessions wait for a lock.
    async fn wait(&self, sessions: i64) {
        let count = "SELECT count(*) FROM pg_stat_activity
            WHERE application_name = $1 AND wait_event_type = 'Lock'";
        let mut now = 0;
        let wait = async {
            while now != sessions {
                now = self.observer.query_one(count, &[&self.name]).await.unwrap().get(0);
            }
        };
        let waited = timeout(DEADLINE, wait).await;
        assert!(waited.is_ok(), "{now} wait, not {sessions}: {}", self.name);
    }
}

/// Object `a` alone, with a call, with another object.
fn saves_of_each_kind() -> [Vec<Save>; 3] {
    let lone = put(&wallet("a"), 1, 1, "two");
    let call = outgoing(&lone, 0);
    let with_call = Save { outgoing: vec![call], ..lone.clone() };
    [vec![lone.clone()], vec![with_call], vec![lone, put(&wallet("b"), 1, 1, "two")]]
}

#[tokio::test]
async fn a_save_waits_for_a_fence_that_is_being_raised_and_is_refused() {
    for (kind, saves) in saves_of_each_kind().into_iter().enumerate() {
        let (case, len) = (Case::new(&format!("raised {kind}")).await, saves.len());
        case.others("BEGIN; UPDATE fences SET since = 2").await;
        let saving = case.begin_save(saves);
        case.wait(1).await;
        case.others("COMMIT").await;
        assert_eq!(saving.await.unwrap(), vec![fenced(1, 2); len]);
        let kept = Some((1, "one".to_owned()));
        assert_eq!(stored(&*case.store, &wallet("a")).await, kept, "kind {kind}");
    }
}

#[tokio::test]
async fn a_load_of_a_newer_tenure_waits_for_a_save_that_has_begun() {
    for (kind, saves) in saves_of_each_kind().into_iter().enumerate() {
        let (case, len) = (Case::new(&format!("begun {kind}")).await, saves.len());
        case.others("BEGIN; SELECT FROM objects WHERE id = 'a' FOR UPDATE").await;
        let saving = case.begin_save(saves);
        case.wait(1).await;
        let store = Arc::clone(&case.store);
        let loading = tokio::spawn(async move { store.load(load(&wallet("a"), 2)).await });
        case.wait(2).await;
        case.others("COMMIT").await;
        assert_eq!(saving.await.unwrap(), vec![Ok(()); len], "kind {kind}");
        assert_eq!(loading.await.unwrap(), Ok(loaded(2, "two")), "kind {kind}");
    }
}

#[tokio::test]
async fn a_save_waits_for_another_of_its_object_and_is_refused() {
    for (kind, saves) in saves_of_each_kind().into_iter().enumerate() {
        let case = Case::new(&format!("overtaken {kind}")).await;
        case.others("BEGIN; UPDATE objects SET version = 2 WHERE id = 'a'").await;
        let saving = case.begin_save(saves);
        case.wait(1).await;
        case.others("COMMIT").await;
        let refused = &saving.await.unwrap()[0];
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "kind {kind}: {refused:?}");
        let kept = Some((2, "one".to_owned()));
        assert_eq!(stored(&*case.store, &wallet("a")).await, kept, "kind {kind}");
    }
}
