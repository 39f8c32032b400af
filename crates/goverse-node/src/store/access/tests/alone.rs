//! Who saves on his own thread, and who does not.

use std::sync::OnceLock;

use futures_util::future::join_all;
use tokio::task::LocalSet;

use super::*;
use crate::node::NodeState;
use crate::runner::{self, Comes, Start, Turning};
use crate::store::access::alone::{self, IN_A_ROW_MAX};

const ROW: usize = IN_A_ROW_MAX as usize;

/// Saves one after the other in one task, and says on which threads that was.
async fn in_a_row(access: &StoreAccess, ids: impl IntoIterator<Item = usize>) -> Vec<ThreadId> {
    let mut threads = Vec::new();
    for id in ids {
        threads.push(thread::current().id());
        assert_eq!(access.save(save(&id.to_string(), 1)).await, Ok(()));
    }
    threads
}

async fn together(access: &StoreAccess, ids: impl IntoIterator<Item = usize>) {
    let saves = ids.into_iter().map(|id| access.save(save(&id.to_string(), 1)));
    assert!(join_all(saves).await.iter().all(Result::is_ok));
}

fn named(ids: impl IntoIterator<Item = usize>) -> Vec<String> {
    ids.into_iter().map(|id| id.to_string()).collect()
}

fn new() -> (StoreAccess, Arc<Scripted>) {
    let store = Scripted::saving_here();
    (StoreAccess::new("n1", Arc::clone(&store) as _), store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn saves_that_come_one_at_a_time_leave_their_thread_now_and_then() {
    let (access, store) = new();
    let saving = tokio::spawn(async move { in_a_row(&access, 0..2 * ROW + 2).await });
    let threads = saving.await.unwrap();
    assert_eq!(store.batches(), [named([0]), named([ROW + 1])]);
    let here = (0..2 * ROW + 2).filter(|id| ![0, ROW + 1].contains(id));
    let expected: Vec<_> = here.map(|id| (id.to_string(), threads[id])).collect();
    assert_eq!(*store.here.lock().unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn saves_that_come_together_go_together() {
    let (access, store) = new();
    tokio::spawn(async move {
        together(&access, 0..9).await;
        together(&access, 10..19).await;
        in_a_row(&access, [20, 21]).await;
        // What a thread has earned is soon used up.
        together(&access, 100..199).await;
        together(&access, 200..250).await;
    })
    .await
    .unwrap();
    let batches = [0..9, 10..19, 20..21, 21..22, 100 + ROW..199, 200..250].map(named);
    assert_eq!(store.batches(), batches);
    assert_eq!(store.ids_here(), named(100..100 + ROW));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_goes_past_those_who_wait() {
    let (access, store) = new();
    let saving = tokio::spawn(async move {
        in_a_row(&access, [0]).await;
        store.saves_here.store(false, Ordering::SeqCst);
        store.answers.forget_permits(999);
        let first = begin(&access, "1", 1);
        until(|| store.batches().len() == 2).await;
        store.saves_here.store(true, Ordering::SeqCst);
        assert!(alone::may_save(), "but for the other");
        let second = begin(&access, "2", 1);
        until(|| access.shared.gathering().waiting() == 1).await;
        store.answers.add_permits(2);
        assert!(answers(vec![first, second]).await.iter().all(Result::is_ok));
        (store.batches(), store.ids_here())
    });
    let (batches, here) = saving.await.unwrap();
    assert_eq!((batches, here), (vec![named([0]), named([1]), named([2])], vec![]));
}

/// A waiting call that asks whether it may save.
#[derive(Default)]
struct Asks {
    answer: OnceLock<bool>,
}

impl Comes for Asks {
    fn begin(self: Arc<Self>) -> Option<Turning> {
        self.answer.set(alone::may_save()).unwrap();
        None
    }

    fn give_up(&self) {}

    fn runs_on(&self) {}

    fn node_state(&self) -> &Arc<NodeState> {
        unreachable!("nothing goes on")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_turn_that_others_wait_behind_does_not_save_on_their_thread() {
    let (access, _) = new();
    tokio::spawn(async move {
        in_a_row(&access, [0]).await;
        assert!(alone::may_save());
        let may_save = Arc::new(Asks::default());
        runner::start(Start::new(Arc::clone(&may_save) as _));
        assert_eq!(may_save.answer.get(), Some(&false));
        assert!(alone::may_save());
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn on_a_runtime_of_one_thread_nobody_blocks_it() {
    let (access, store) = new();
    tokio::spawn(async move { in_a_row(&access, 0..9).await }).await.unwrap();
    assert_eq!((store.batches().len(), store.ids_here()), (9, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_thread_that_runs_no_tasks_of_the_runtime_nobody_blocks_it() {
    let (access, store) = new();
    let local = LocalSet::new();
    let of_the_set = local.run_until(async {
        in_a_row(&access, 0..9).await;
        let access = access.clone();
        tokio::task::spawn_local(async move { in_a_row(&access, 0..9).await }).await.unwrap();
    });
    of_the_set.await;
    in_a_row(&access, 0..9).await;
    assert_eq!((store.batches().len(), store.ids_here()), (27, vec![]));
}
