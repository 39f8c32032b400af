//! How threads meet at the lock, tried by loom: in every order, or with bounded switches where that takes too long.
//! A lost wake-up shows as a deadlock.
//!
//! The `Arc` of the owner is std's, for it is no part of the lock; a waker that loom's `block_on` brings may also
//! wake without cause.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::thread::{self, yield_now};

use super::*;

const WAITING_MAX: usize = 4;

/// An object that checks who is in it, and remembers which turns it had.
struct Object {
    lock: TurnLock<State, TaskWaiter<Object>>,
    /// Untouched by loom: that no two are inside at once is the claim, whatever their memory order.
    exclusive: AtomicBool,
    shared: AtomicU64,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct State {
    turns: Vec<char>,
}

#[test]
fn nothing_runs_beside_an_exclusive_turn_and_each_waiter_gets_its_turn() {
    check_bounded(|object| {
        let [one, two] = [object.clone(), object.clone()];
        let threads = [
            thread::spawn(move || one.exclusive_turn('a').unwrap()),
            thread::spawn(move || two.shared_turn().unwrap()),
        ];
        object.exclusive_turn('b').unwrap();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        object.ends_idle(|turns| turns.len() == 2);
    });
}

#[test]
fn shared_turns_meet_an_exclusive_one() {
    check_bounded(|object| {
        let [one, two] = [object.clone(), object.clone()];
        let threads = [
            thread::spawn(move || one.shared_turn().unwrap()),
            thread::spawn(move || two.shared_turn().unwrap()),
        ];
        object.exclusive_turn('a').unwrap();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        object.ends_idle(|turns| turns == ['a']);
    });
}

#[test]
fn a_newcomer_does_not_overtake_a_waiter() {
    check_bounded(|object| {
        let turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).ok().unwrap();
        let mut waiter = TurnLock::begin_exclusive(object.clone(), WAITING_MAX);
        assert!(poll_once(&mut waiter).is_pending());
        let newcomer = object.clone();
        let threads = [
            thread::spawn(move || drop(turn)),
            thread::spawn(move || {
                match TurnLock::try_begin_exclusive(Arc::clone(&newcomer), false) {
                    Ok(turn) => run_exclusive(turn, 'n'),
                    Err(_) => newcomer.exclusive_turn('n').unwrap(),
                }
            }),
        ];
        run_exclusive(block_on(waiter).ok().unwrap(), 'w');
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        object.ends_idle(|turns| turns == ['w', 'n']);
    });
}

#[test]
fn a_shared_newcomer_does_not_pass_an_exclusive_waiter() {
    check(|object| {
        let turn = TurnLock::try_begin_shared(Arc::clone(&object), false).ok().unwrap();
        let mut waiter = TurnLock::begin_exclusive(object.clone(), WAITING_MAX);
        assert!(poll_once(&mut waiter).is_pending());
        let newcomer = object.clone();
        let threads = [
            thread::spawn(move || drop(turn)),
            thread::spawn(move || {
                let turn = block_on(TurnLock::begin_shared(newcomer, WAITING_MAX)).ok().unwrap();
                assert_eq!(turn.turns, ['w']);
            }),
        ];
        run_exclusive(block_on(waiter).ok().unwrap(), 'w');
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        object.ends_idle(|turns| turns == ['w']);
    });
}

#[test]
fn waiters_are_served_in_the_order_they_came() {
    check(|object| {
        let turn = TurnLock::try_begin_shared(Arc::clone(&object), false).ok().unwrap();
        let mut first = TurnLock::begin_exclusive(object.clone(), WAITING_MAX);
        assert!(poll_once(&mut first).is_pending());
        let mut second = TurnLock::begin_exclusive(object.clone(), WAITING_MAX);
        assert!(poll_once(&mut second).is_pending());
        let threads = [
            thread::spawn(move || run_exclusive(block_on(first).ok().unwrap(), '1')),
            thread::spawn(move || run_exclusive(block_on(second).ok().unwrap(), '2')),
        ];
        drop(turn);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        object.ends_idle(|turns| turns == ['1', '2']);
    });
}

#[test]
fn a_waiter_that_goes_away_takes_no_turn_with_it() {
    for exclusive in [true, false] {
        check(move |object| {
            let turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).ok().unwrap();
            let leaver = object.clone();
            let threads = [
                thread::spawn(move || drop(turn)),
                thread::spawn(move || {
                    if exclusive {
                        let _ = poll_once(&mut TurnLock::begin_exclusive(leaver, WAITING_MAX));
                    } else {
                        let _ = poll_once(&mut TurnLock::begin_shared(leaver, WAITING_MAX));
                    }
                }),
            ];
            object.exclusive_turn('a').unwrap();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            object.ends_idle(|turns| turns == ['a']);
        });
    }
}

#[test]
fn an_exclusive_waiter_that_goes_away_lets_the_shared_behind_it_begin() {
    check(|object| {
        let turn = TurnLock::try_begin_shared(Arc::clone(&object), false).ok().unwrap();
        let mut leaver = TurnLock::begin_exclusive(object.clone(), WAITING_MAX);
        assert!(poll_once(&mut leaver).is_pending());
        let behind = object.clone();
        let thread = thread::spawn(move || behind.shared_turn().unwrap());
        drop(leaver);
        // The first turn lasts until the other has run beside it.
        thread.join().unwrap();
        drop(turn);
        object.ends_idle(<[char]>::is_empty);
    });
}

#[test]
fn a_turn_that_closes_leaves_nobody_waiting() {
    check_bounded(|object| {
        let [one, two] = [object.clone(), object.clone()];
        let threads = [
            thread::spawn(move || one.exclusive_turn('a')),
            thread::spawn(move || two.shared_turn()),
        ];
        let turn = block_on(TurnLock::begin_exclusive(object.clone(), WAITING_MAX)).ok().unwrap();
        let state = turn.close().unwrap();
        let [exclusive, shared] = threads.map(|thread| thread.join().unwrap());
        assert_eq!(exclusive.is_ok(), state.turns == ['a']);
        assert!(
            [exclusive, shared].iter().all(|turn| matches!(turn, Ok(()) | Err(Refused::Closed)))
        );
        object.ends_closed();
    });
}

#[test]
fn the_closer_gets_the_state_whatever_runs_and_waits() {
    check(|object| {
        let turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).ok().unwrap();
        let late = object.clone();
        let threads = [
            thread::spawn(move || {
                drop(turn);
                Ok(())
            }),
            thread::spawn(move || late.exclusive_turn('a')),
        ];
        let state = block_on(TurnLock::close(&object).unwrap()).expect("nobody else closes");
        let [_, late] = threads.map(|thread| thread.join().unwrap());
        match late {
            Ok(()) => assert_eq!(state.turns, ['a']),
            Err(refused) => assert_eq!((refused, state), (Refused::Closed, State::default())),
        }
        object.ends_closed();
    });
}

#[test]
fn a_turn_that_was_granted_before_the_lock_closed_is_waited_for() {
    check(|object| {
        let turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).ok().unwrap();
        let mut waiter = TurnLock::begin_exclusive(object.clone(), WAITING_MAX);
        assert!(poll_once(&mut waiter).is_pending());
        let threads = [
            thread::spawn(move || {
                drop(turn);
                true
            }),
            thread::spawn(move || match block_on(waiter) {
                Ok(turn) => {
                    run_exclusive(turn, 'w');
                    true
                }
                Err(refused) => {
                    assert_eq!(refused, Refused::Closed);
                    false
                }
            }),
        ];
        let state = block_on(TurnLock::close(&object).unwrap()).expect("nobody else closes");
        let [_, ran] = threads.map(|thread| thread.join().unwrap());
        assert_eq!(state.turns, if ran { vec!['w'] } else { Vec::new() });
        object.ends_closed();
    });
}

#[test]
fn of_two_closers_one_gets_the_state() {
    check(|object| {
        let turn = block_on(TurnLock::begin_exclusive(object.clone(), WAITING_MAX)).ok().unwrap();
        let closer = object.clone();
        let thread = thread::spawn(move || block_on(TurnLock::close(&closer)?));
        assert_eq!(turn.close(), Some(State::default()));
        assert_eq!(thread.join().unwrap(), None);
        object.ends_closed();
    });
}

#[test]
fn who_comes_before_the_state_is_there_gets_it_from_the_first_turn() {
    check(|_| {
        let turn = TurnLock::begun(|lock| Arc::new(Object::of(lock)));
        let object = Arc::clone(turn.owner());
        let [one, two] = [object.clone(), object.clone()];
        let threads = [
            thread::spawn(move || one.exclusive_turn('w').unwrap()),
            thread::spawn(move || turn.end_with(State::default())),
        ];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        two.brief_turn('b');
        object.ends_idle(|turns| turns == ['w', 'b']);
    });
}

#[test]
fn who_closes_at_once_refuses_nobody_who_waits_for_a_brief_turn() {
    check_bounded(|object| {
        let [one, two] = [object.clone(), object.clone()];
        let threads = [
            thread::spawn(move || match TurnLock::try_begin_brief(&one, Turn::Exclusive) {
                Ok(turn) => Ok(run_brief(turn, 'b')),
                Err(_) => Err(Refused::Closed),
            }),
            thread::spawn(move || two.exclusive_turn('w')),
        ];
        let state = object.lock.close_if_free();
        let [brief, waiter] = threads.map(|thread| thread.join().unwrap());
        match state {
            Some(state) => {
                let ran = usize::from(brief.is_ok()) + usize::from(waiter.is_ok());
                assert_eq!(state.turns.len(), ran);
                object.ends_closed();
            }
            None => {
                assert_eq!(waiter, Ok(()));
                object.ends_idle(|turns| turns.contains(&'w'));
            }
        }
    });
}

#[test]
fn who_closes_at_once_gets_the_state_between_turns_or_not_at_all() {
    check(|object| {
        let caller = object.clone();
        let thread = thread::spawn(move || caller.exclusive_turn('a'));
        let state = object.lock.close_if_free();
        let ran = thread.join().unwrap();
        match state {
            Some(state) => {
                assert_eq!(ran.is_ok(), state.turns == ['a']);
                object.ends_closed();
            }
            None => {
                assert_eq!(ran, Ok(()));
                object.ends_idle(|turns| turns == ['a']);
            }
        }
    });
}

#[test]
fn a_waiter_is_either_found_to_wait_no_longer_or_gets_its_turn() {
    check(move |object| {
        let turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).ok().unwrap();
        let mut waiter = TurnLock::begin_exclusive(object.clone(), WAITING_MAX);
        assert!(poll_once(&mut waiter).is_pending());
        let mut behind = TurnLock::begin_shared(object.clone(), WAITING_MAX);
        assert!(poll_once(&mut behind).is_pending());
        let keeper = object.clone();
        let threads = [
            thread::spawn(move || drop(turn)),
            thread::spawn(move || {
                let mut places = 0..;
                let two = keeper.lock.len_waiting() == 2;
                TurnLock::refuse_if(&keeper, |_| two && places.next() == Some(0));
            }),
        ];
        match block_on(waiter) {
            Ok(turn) => run_exclusive(turn, 'w'),
            Err(refused) => assert_eq!(refused, Refused::Expired),
        }
        match block_on(behind) {
            Ok(turn) => run_shared(turn),
            Err(refused) => assert_eq!(refused, Refused::Expired),
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        object.ends_idle(|turns| turns.len() <= 1);
    });
}

#[test]
fn an_exclusive_waiter_that_is_refused_lets_the_shared_behind_it_begin() {
    check(|object| {
        let turn = TurnLock::try_begin_shared(Arc::clone(&object), false).ok().unwrap();
        let mut waiter = TurnLock::begin_exclusive(object.clone(), WAITING_MAX);
        assert!(poll_once(&mut waiter).is_pending());
        let behind = object.clone();
        let thread = thread::spawn(move || behind.shared_turn().unwrap());
        let mut places = 0..;
        TurnLock::refuse_if(&object, |_| places.next() == Some(0));
        assert_eq!(block_on(waiter).err(), Some(Refused::Expired));
        // The first turn lasts until the other has run beside it.
        thread.join().unwrap();
        drop(turn);
        object.ends_idle(<[char]>::is_empty);
    });
}

#[test]
fn no_more_wait_than_may() {
    check(|object| {
        let turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).ok().unwrap();
        let threads = ['a', 'b'].map(|_| {
            let object = object.clone();
            thread::spawn(move || {
                let mut waiter = TurnLock::begin_exclusive(object, 1);
                let polled = poll_once(&mut waiter).map(|turn| turn.err());
                (waiter, polled)
            })
        });
        let [one, two] = threads.map(|thread| thread.join().unwrap());
        let overloaded = Poll::Ready(Some(Refused::Overloaded));
        let waiter = match (one.1, two.1) {
            (Poll::Pending, refused) if refused == overloaded => one.0,
            (refused, Poll::Pending) if refused == overloaded => two.0,
            other => panic!("one waits and one is refused, not {other:?}"),
        };
        assert_eq!(object.lock.len_waiting(), 1);
        drop(turn);
        run_exclusive(block_on(waiter).ok().unwrap(), 'w');
        object.ends_idle(|turns| turns == ['w']);
    });
}

// === The object ===

fn check(model: impl Fn(Arc<Object>) + Send + Sync + 'static) {
    loom::model(move || model(Arc::new(Object::new())));
}

#[test]
fn who_waits_for_a_brief_turn_is_not_forgotten() {
    check(|object| {
        let [one, two] = [object.clone(), object.clone()];
        let threads = [
            thread::spawn(move || one.brief_turn('b')),
            thread::spawn(move || two.exclusive_turn('w').unwrap()),
        ];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        object.ends_idle(|turns| turns.len() == 2);
    });
}

#[test]
fn brief_turns_meet_each_other_and_one_that_waits() {
    check_bounded(|object| {
        let [one, two] = [object.clone(), object.clone()];
        let threads = [
            thread::spawn(move || one.brief_turn('a')),
            thread::spawn(move || two.brief_turn('b')),
        ];
        object.exclusive_turn('w').unwrap();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        object.ends_idle(|turns| turns.len() == 3);
    });
}

#[test]
fn brief_shared_turns_meet_an_exclusive_one() {
    check_bounded(|object| {
        let [one, two] = [object.clone(), object.clone()];
        let threads = [
            thread::spawn(move || one.brief_shared_turn()),
            thread::spawn(move || two.exclusive_turn('w').unwrap()),
        ];
        object.brief_shared_turn();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        object.ends_idle(|turns| turns == ['w']);
    });
}

#[test]
fn a_brief_newcomer_does_not_overtake_a_waiter() {
    check(|object| {
        let turn = TurnLock::try_begin_brief(&object, Turn::Exclusive).ok().unwrap();
        let mut waiter = TurnLock::begin_exclusive(object.clone(), WAITING_MAX);
        assert!(poll_once(&mut waiter).is_pending());
        let newcomer = object.clone();
        let newcomer = thread::spawn(move || newcomer.brief_turn('n'));
        drop(turn);
        run_exclusive(block_on(waiter).ok().unwrap(), 'w');
        newcomer.join().unwrap();
        object.ends_idle(|turns| turns == ['w', 'n']);
    });
}

#[test]
fn the_closer_gets_the_state_of_a_brief_turn() {
    check(|object| {
        let brief = object.clone();
        let brief = thread::spawn(move || {
            match TurnLock::try_begin_brief(&brief, Turn::Exclusive) {
                Ok(turn) => run_brief(turn, 'b'),
                Err(_) => return false,
            }
            true
        });
        let state = block_on(TurnLock::close(&object).unwrap()).expect("nobody else closes");
        assert_eq!(brief.join().unwrap(), state.turns == ['b']);
        object.ends_closed();
    });
}

#[test]
fn a_brief_turn_that_goes_on_as_an_exclusive_one_lets_nobody_in_between() {
    check_bounded(|object| {
        let [one, two] = [object.clone(), object.clone()];
        let threads = [
            thread::spawn(move || one.exclusive_turn('w').unwrap()),
            thread::spawn(move || two.brief_turn('b')),
        ];
        if let Ok(mut turn) = TurnLock::try_begin_brief(&object, Turn::Exclusive) {
            turn.state_mut().unwrap().turns.push('[');
            let mut turn = turn.into_exclusive().ok().unwrap();
            assert_eq!(turn.turns.pop(), Some('['));
            run_exclusive(turn, 'e');
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        object.ends_idle(|turns| turns.len() >= 2);
    });
}

/// For models that take minutes in full: here no more than three switches interrupt a thread that could go on.
fn check_bounded(model: impl Fn(Arc<Object>) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || model(Arc::new(Object::new())));
}

/// Polls as a task would that is then woken elsewhere: this waker does nothing.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn run_exclusive(mut turn: ExclusiveTurn<Object>, name: char) {
    let object = turn.owner().clone();
    assert!(!object.exclusive.swap(true, Ordering::Relaxed), "beside another exclusive turn");
    turn.turns.push(name);
    yield_now();
    assert_eq!(object.shared.load(Ordering::Relaxed), 0, "beside a shared turn");
    object.exclusive.store(false, Ordering::Relaxed);
}

fn run_brief(mut turn: BriefTurn<'_, Object>, name: char) {
    let object = turn.owner().clone();
    assert!(!object.exclusive.swap(true, Ordering::Relaxed), "beside another exclusive turn");
    turn.state_mut().unwrap().turns.push(name);
    yield_now();
    assert_eq!(object.shared.load(Ordering::Relaxed), 0, "beside a shared turn");
    object.exclusive.store(false, Ordering::Relaxed);
}

fn run_shared(turn: SharedTurn<Object>) {
    run_beside(turn.owner());
    drop(turn);
}

fn run_beside(object: &Object) {
    object.shared.fetch_add(1, Ordering::Relaxed);
    yield_now();
    assert!(!object.exclusive.load(Ordering::Relaxed), "beside an exclusive turn");
    object.shared.fetch_sub(1, Ordering::Relaxed);
}

impl Object {
    fn new() -> Self {
        Self::of(TurnLock::new(State::default()))
    }

    fn of(lock: TurnLock<State, TaskWaiter<Self>>) -> Self {
        Self { lock, exclusive: AtomicBool::new(false), shared: AtomicU64::new(0) }
    }

    fn exclusive_turn(self: &Arc<Self>, name: char) -> Result<(), Refused> {
        let turn = block_on(TurnLock::begin_exclusive(self.clone(), WAITING_MAX))?;
        run_exclusive(turn, name);
        Ok(())
    }

    /// A brief turn if that can be, or else one that is waited for.
    fn brief_turn(self: &Arc<Self>, name: char) {
        match TurnLock::try_begin_brief(self, Turn::Exclusive) {
            Ok(turn) => run_brief(turn, name),
            Err(_) => self.exclusive_turn(name).unwrap(),
        }
    }

    fn brief_shared_turn(self: &Arc<Self>) {
        match TurnLock::try_begin_brief(self, Turn::Shared) {
            Ok(turn) => {
                run_beside(turn.owner());
                drop(turn);
            }
            Err(_) => self.shared_turn().unwrap(),
        }
    }

    fn shared_turn(self: &Arc<Self>) -> Result<(), Refused> {
        let turn = block_on(TurnLock::begin_shared(self.clone(), WAITING_MAX))?;
        run_shared(turn);
        Ok(())
    }

    /// All have ended, and the state has had the turns that it should.
    fn ends_idle(self: &Arc<Self>, expected: impl Fn(&[char]) -> bool) {
        assert_eq!((self.lock.holders(), self.lock.len_waiting()), (0, 0));
        assert!(!self.lock.lock().has_line());
        let state =
            TurnLock::try_begin_exclusive(self.clone(), false).ok().unwrap().close().unwrap();
        assert!(expected(&state.turns), "{state:?}");
    }

    fn ends_closed(self: &Arc<Self>) {
        assert_eq!((self.lock.holders(), self.lock.len_waiting()), (0, 0));
        assert_eq!(TurnLock::try_begin_shared(self.clone(), false).err(), Some(NotNow::Closed));
    }
}

impl TurnOwner for Object {
    type State = State;
    type Waiter = TaskWaiter<Self>;

    fn turn_lock(&self) -> &TurnLock<State, TaskWaiter<Self>> {
        &self.lock
    }

    fn answer(waiter: TaskWaiter<Self>, turn: Result<Granted<Self>, Refused>) {
        waiter.answer(turn);
    }
}
