//! Which saves go together, and what their callers are told.

mod alone;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use goverse_core::{Encoding, ObjectId, TypeName};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::gathering::{BYTES_MAX, SAVES_MAX};
use super::*;
use crate::store::{Change, DeadLetter, Listed, StoredState, Version};

/// A store that answers each batch when it is let, and remembers them.
struct Scripted {
    /// One permit for each batch that may be answered.
    answers: Semaphore,
    batches: Mutex<Vec<Vec<String>>>,
    /// Whether it saves on the thread that asks, too.
    saves_here: AtomicBool,
    /// What it has saved so, on which threads.
    here: Mutex<Vec<(String, ThreadId)>>,
}

impl Scripted {
    fn new(answers: usize) -> Arc<Self> {
        Arc::new(Self {
            answers: Semaphore::new(answers),
            batches: Mutex::default(),
            saves_here: AtomicBool::new(false),
            here: Mutex::default(),
        })
    }

    /// One that saves on the thread that asks, too.
    fn saving_here() -> Arc<Self> {
        let store = Self::new(999);
        store.saves_here.store(true, Ordering::SeqCst);
        store
    }

    fn ids_here(&self) -> Vec<String> {
        self.here.lock().unwrap().iter().map(|(id, _)| id.clone()).collect()
    }

    fn batches(&self) -> Vec<Vec<String>> {
        self.batches.lock().unwrap().clone()
    }

    /// Ids say what happens to a save, or to its batch.
    async fn answer(&self, saves: Vec<Save>) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let ids = saves.iter().map(|save| save.object.id.to_string()).collect();
        self.batches.lock().unwrap().push(ids);
        self.answers.acquire().await.unwrap().forget();
        let has = |word: &str| saves.iter().any(|save| save.object.id.as_str() == word);
        assert!(!has("panic"), "on purpose");
        if has("lost") {
            return Err(StoreError::Unknown("lost".to_owned()));
        }
        let answer = |save: &Save| match save.object.id.as_str() {
            "stale" => Err(stale()),
            _ => Ok(()),
        };
        Ok(saves.iter().map(answer).take(if has("short") { 1 } else { usize::MAX }).collect())
    }
}

fn stale() -> StoreError {
    Conflict::Version { expected: Version(0), stored: Version(1) }.into()
}

impl StateStore for Scripted {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn save(&self, saves: Vec<Save>) -> StoreFuture<'_, Vec<Result<(), StoreError>>> {
        Box::pin(self.answer(saves))
    }

    fn save_here(&self, save: &Save) -> Option<Result<(), StoreError>> {
        if !self.saves_here.load(Ordering::SeqCst) {
            return None;
        }
        self.here.lock().unwrap().push((save.object.id.to_string(), thread::current().id()));
        Some(Ok(()))
    }

    fn load(&self, _: Load) -> StoreFuture<'_, Loaded> {
        let state = Some(StoredState { schema: 1, encoding: Encoding::Json, bytes: vec![0; 9] });
        Box::pin(async { Ok(Loaded { state, ..Loaded::default() }) })
    }

    fn sweep(&self, _: u64, _: u64, _: u32) -> StoreFuture<'_, u64> {
        Box::pin(async { Ok(5) })
    }

    fn check(&self) -> StoreFuture<'_, ()> {
        Box::pin(async { Err(StoreError::Unavailable("closed".to_owned())) })
    }

    fn begin_tenure(&self, _: &FenceKey, _: u64) -> StoreFuture<'_, Tenure> {
        unreachable!("no test asks for it")
    }

    fn call_record(&self, _: &ObjectKey, _: &CallId) -> StoreFuture<'_, Option<CallRecord>> {
        unreachable!("no test asks for it")
    }

    fn outgoing(&self, _: Option<OutgoingKey>, _: u32) -> StoreFuture<'_, Vec<Outgoing>> {
        unreachable!("no test asks for it")
    }

    fn settle(&self, _: Vec<Settlement>) -> StoreFuture<'_, ()> {
        unreachable!("no test asks for it")
    }

    fn dead_letters(&self, _: Option<OutgoingKey>, _: u32) -> StoreFuture<'_, Vec<DeadLetter>> {
        unreachable!("no test asks for it")
    }

    fn resolve_dead_letter(&self, _: &OutgoingKey, _: bool) -> StoreFuture<'_, bool> {
        unreachable!("no test asks for it")
    }

    fn read(&self, _: &ObjectKey) -> StoreFuture<'_, Option<(Version, StoredState)>> {
        unreachable!("no test asks for it")
    }

    fn list(
        &self,
        _: Option<&TypeName>,
        _: Option<(TypeName, ObjectId)>,
        _: u32,
    ) -> StoreFuture<'_, Vec<Listed>> {
        unreachable!("no test asks for it")
    }
}

fn save(id: &str, bytes: usize) -> Save {
    let type_name = TypeName::new("Wallet").unwrap();
    let state = StoredState { schema: 1, encoding: Encoding::Json, bytes: vec![0; bytes] };
    Save {
        object: ObjectKey { type_name, id: ObjectId::new(id).unwrap() },
        tenure: Tenure { key: FenceKey::ALONE, since: 1 },
        expected: Version(0),
        next: Version(1),
        change: Change::Put(state),
        now: 0,
        calls: vec![],
        outgoing: vec![],
    }
}

type Saving = JoinHandle<Result<(), StoreError>>;

fn begin(access: &StoreAccess, id: &str, bytes: usize) -> Saving {
    let (access, save) = (access.clone(), save(id, bytes));
    tokio::spawn(async move { access.save(save).await })
}

/// Begins a save that is not answered, and others of so many bytes, which wait; gives them with the store.
async fn behind_one(others: &[(&str, usize)]) -> (StoreAccess, Arc<Scripted>, Vec<Saving>) {
    let store = Scripted::new(0);
    let access = StoreAccess::new("n1", Arc::clone(&store) as _);
    let mut saving = vec![begin(&access, "first", 1)];
    until(|| store.batches().len() == 1).await;
    for (number, (id, bytes)) in others.iter().enumerate() {
        saving.push(begin(&access, id, *bytes));
        until(|| access.shared.gathering().waiting() == number + 1).await;
    }
    (access, store, saving)
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), wait).await.expect("it comes to be so");
}

async fn answers(saving: Vec<Saving>) -> Vec<Result<(), StoreError>> {
    let mut answers = Vec::new();
    for saving in saving {
        let answer = timeout(Duration::from_secs(20), saving).await;
        answers.push(answer.expect("it is answered").unwrap());
    }
    answers
}

/// Saves wait behind one; then all is answered, and these were the batches after the first.
async fn check_batches(others: &[(&str, usize)], expected: &[&[&str]]) {
    let (_, store, saving) = behind_one(others).await;
    store.answers.add_permits(99);
    assert!(answers(saving).await.iter().all(Result::is_ok));
    assert_eq!(store.batches()[1..], *expected);
}

#[tokio::test]
async fn a_lone_save_goes_at_once() {
    let store = Scripted::new(9);
    let access = StoreAccess::new("n1", Arc::clone(&store) as _);
    for _ in 0..3 {
        assert_eq!(access.save(save("a", 1)).await, Ok(()));
    }
    assert_eq!(store.batches(), [["a"], ["a"], ["a"]]);
}

#[tokio::test]
async fn saves_that_arrive_during_a_transaction_go_together() {
    check_batches(&[("a", 1), ("b", 1), ("c", 1)], &[&["a", "b", "c"]]).await;
}

#[tokio::test]
async fn two_saves_of_one_object_go_one_after_the_other() {
    let others = [("a", 1), ("b", 1), ("a", 2), ("c", 1), ("a", 3), ("first", 1), ("b", 1)];
    check_batches(&others, &[&["a", "b", "c", "first"], &["a", "b"], &["a"]]).await;
}

#[tokio::test]
async fn a_batch_has_a_bound_of_bytes() {
    let half = BYTES_MAX / 2;
    check_batches(&[("a", half), ("b", half), ("c", 1)], &[&["a", "b"], &["c"]]).await;
    check_batches(&[("a", 1), ("b", BYTES_MAX), ("c", 1)], &[&["a"], &["b"], &["c"]]).await;
    check_batches(&[("a", BYTES_MAX + 1), ("b", 0)], &[&["a"], &["b"]]).await;
}

#[tokio::test]
async fn a_batch_has_a_bound_of_saves() {
    let ids: Vec<String> = (0..=SAVES_MAX).map(|number| number.to_string()).collect();
    let others: Vec<(&str, usize)> = ids.iter().map(|id| (id.as_str(), 0)).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    check_batches(&others, &[&ids[..SAVES_MAX], &ids[SAVES_MAX..]]).await;
}

#[tokio::test]
async fn each_save_has_its_own_answer() {
    let (_, store, saving) = behind_one(&[("a", 1), ("stale", 1), ("b", 1)]).await;
    store.answers.add_permits(2);
    assert_eq!(answers(saving).await, [Ok(()), Ok(()), Err(stale()), Ok(())]);
}

#[tokio::test]
async fn an_error_of_the_whole_is_an_error_of_each() {
    let (access, store, saving) = behind_one(&[("a", 1), ("lost", 1), ("b", 1)]).await;
    store.answers.add_permits(3);
    let lost = || Err(StoreError::Unknown("lost".to_owned()));
    assert_eq!(answers(saving).await, [Ok(()), lost(), lost(), lost()]);
    assert_eq!(access.save(save("a", 1)).await, Ok(()), "the next one is another matter");
}

#[tokio::test]
async fn an_answer_that_is_missing_is_unknown() {
    let (access, store, saving) = behind_one(&[("short", 1), ("b", 1)]).await;
    store.answers.add_permits(3);
    let answers = answers(saving).await;
    assert!(matches!(answers[..], [Ok(()), Ok(()), Err(StoreError::Unknown(_))]), "{answers:?}");
    assert_eq!(access.save(save("a", 1)).await, Ok(()));
}

#[tokio::test]
async fn a_store_that_panics_leaves_nobody_waiting() {
    let (access, store, mut saving) = behind_one(&[("panic", 1), ("b", 1)]).await;
    store.answers.add_permits(1);
    until(|| store.batches().len() == 2).await;
    saving.push(begin(&access, "behind", 1));
    until(|| access.shared.gathering().waiting() == 1).await;
    store.answers.add_permits(2);
    let answers = answers(saving).await;
    assert_eq!(answers[0], Ok(()));
    let is_unknown = |answer: &Result<_, _>| matches!(answer, Err(StoreError::Unknown(_)));
    assert!(answers[1..].iter().all(is_unknown), "{answers:?}");
    assert_eq!(access.save(save("a", 1)).await, Ok(()), "the next one is another matter");
}

#[tokio::test]
async fn a_save_goes_on_if_nobody_waits_for_it() {
    let (_, store, saving) = behind_one(&[("a", 1), ("b", 1)]).await;
    for saving in saving {
        saving.abort();
        assert!(saving.await.unwrap_err().is_cancelled());
    }
    store.answers.add_permits(2);
    until(|| store.batches().len() == 2).await;
    assert_eq!(store.batches()[1], ["a", "b"]);
}

#[test]
fn what_is_asked_is_counted() {
    let (recorder, store) = (DebuggingRecorder::new(), Scripted::new(99));
    let make = || StoreAccess::new("n1", Arc::clone(&store) as _);
    let access = metrics::with_local_recorder(&recorder, make);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let object = save("a", 1).object;
        let tenure = Tenure { key: FenceKey::ALONE, since: 1 };
        access.load(Load { object, tenure, raise_to: None, now: 0 }).await.unwrap();
        access.save(save("a", 100)).await.unwrap();
        access.save(save("stale", 100)).await.unwrap_err();
        access.save(save("lost", 100)).await.unwrap_err();
        access.sweep(0, 0, 9).await.unwrap();
        access.check().await.unwrap_err();
    });
    let mut counted = BTreeMap::new();
    for (key, _, _, value) in recorder.snapshotter().snapshot().into_vec() {
        let labels = key.key().labels().filter(|label| !["node", "store"].contains(&label.key()));
        let labels: String = labels.map(|label| format!("/{}", label.value())).collect();
        let name = key.key().name().trim_start_matches("goverse_store_");
        let value = match value {
            DebugValue::Counter(value) => value as usize,
            DebugValue::Gauge(_) => 0,
            DebugValue::Histogram(samples) => samples.len(),
        };
        if value > 0 {
            counted.insert(format!("{name}{labels}"), value);
        }
    }
    let expected = [
        ("batch_size", 3),
        ("conflicts_total/version", 1),
        ("operation_duration_seconds/check", 1),
        ("operation_duration_seconds/load", 1),
        ("operation_duration_seconds/save", 3),
        ("operation_duration_seconds/sweep", 1),
        ("operations_total/check/unavailable", 1),
        ("operations_total/load/ok", 1),
        ("operations_total/save/conflict", 1),
        ("operations_total/save/ok", 1),
        ("operations_total/save/unknown", 1),
        ("operations_total/sweep/ok", 1),
        ("read_bytes_total", 9),
        ("swept_rows_total", 5),
        ("written_bytes_total", 100),
    ];
    let expected = expected.map(|(series, value)| (series.to_owned(), value));
    assert_eq!(counted, BTreeMap::from(expected));
}
