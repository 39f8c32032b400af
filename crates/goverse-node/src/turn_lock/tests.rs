//! Who runs and who waits, told in text, and what a turn does to the state.

mod brief;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;

struct Object {
    lock: TurnLock<Vec<char>, TaskWaiter<Object>>,
}

/// Plays a script and says after each step who runs, who waits and who was just refused: `a|bc d:Expired`.
///
/// Words: `x` and `s` begin an exclusive and a shared turn; they are named from `a` on. `share a` lets an
/// exclusive one go on as a shared one, `end a` and `drop a` drop a turn and
/// a waiter, `grant a` drops a turn and leaves the next one where it is; `refuse 0 2` finds two places in line to wait no
/// longer; `close a` closes in a turn, `close` the lock.
fn check(script: &str, expected: &str) {
    let mut play = Play::new();
    let told: Vec<_> = script.split(" / ").map(|step| play.step(step)).collect();
    assert_eq!(told.join(" / "), expected, "{script}");
}

#[test]
fn turns_are_first_come_first_served() {
    check("x / x / x / end a / end b / end c", "a| / a|b / a|bc / b|c / c| / |");
    check("x s s x s / end a / end b / end c / end d", "a|bcde / bc|de / c|de / d|e / e|");
}

#[test]
fn shared_turns_run_beside_each_other_but_overtake_no_exclusive_one() {
    check(
        "s s s / x / s / end b / end a / end c / end d",
        "abc| / abc|d / abc|de / ac|de / c|de / d|e / e|",
    );
}

#[test]
fn an_exclusive_turn_that_goes_on_as_a_shared_one_lets_those_in_who_wait_first() {
    check("x s s x s / share a / end b / end c / end a", "a|bcde / abc|de / ac|de / a|de / d|e");
    check("x x s / share a / end a / end b", "a|bc / a|bc / b|c / c|");
    check("x / share a / s / close / end a / end b", "a| / a| / ab| / ab| / b| / |");
    check("x s / close / share a / end a", "a|b / a| b:Closed / a| / |");
}

#[test]
fn who_leaves_makes_room_for_the_next() {
    check("x x x / drop b / end a", "a|bc / a|c / c|");
    check("s x s s / drop b", "a|bcd / acd|");
    check("x / x x / drop c / drop b / end a", "a| / a|bc / a|b / a| / |");
}

#[test]
fn who_leaves_after_its_grant_passes_it_on() {
    check("x x x / grant a / drop b", "a|bc / b|c / c|");
    check("x s s x / grant a / drop b / drop c", "a|bcd / bc|d / c|d / d|");
}

#[test]
fn who_would_wait_behind_too_many_is_refused_at_once() {
    check("x x x x x x / end a / x", "a|bcde f:Overloaded / b|cde / b|cdeg");
    check("s s s s s s s", "abcdefg|");
}

#[test]
fn who_is_found_to_wait_no_longer_is_refused_wherever_it_stands() {
    check("x x x x x / refuse 1 / end a", "a|bcde / a|bde c:Expired / b|de");
    check("x x s x / refuse 0 2 / end a", "a|bcd / a|c b:Expired d:Expired / c|");
    check("s x s / refuse / refuse 0", "a|bc / a|bc / ac| b:Expired");
    check("x x / refuse 0 / end a / x", "a|b / a| b:Expired / | / c|");
}

#[test]
fn a_turn_that_closes_refuses_all_others() {
    check("x x s / close a / x", "a|bc / | b:Closed c:Closed / | d:Closed");
}

#[test]
fn closing_lets_what_has_begun_end() {
    check(
        "s s x s / close / end a / end b / s",
        "ab|cd / ab| c:Closed d:Closed / b| / | / | e:Closed",
    );
    check("x x x / grant a / close", "a|bc / b|c / b| c:Closed");
    check("x s s / grant a / close", "a|bc / bc| / bc|");
}

#[test]
fn an_exclusive_turn_changes_what_later_turns_see() {
    let object = Object::new();
    TurnLock::try_begin_exclusive(Arc::clone(&object), false).unwrap().push('a');
    let turn = TurnLock::try_begin_shared(Arc::clone(&object), false).unwrap();
    assert_eq!(*turn, ['a']);
    assert!(Arc::ptr_eq(turn.owner(), &object));
    drop(turn);
    assert_eq!((object.lock.holders(), object.lock.len_waiting()), (0, 0));
}

#[test]
fn only_a_brief_turn_that_nobody_waits_for_is_worth_a_moment() {
    let object = Object::new();
    let busy = || TurnLock::try_begin_shared(Arc::clone(&object), false).err();
    let turn = TurnLock::try_begin_exclusive(Arc::clone(&object), true).unwrap();
    assert_eq!(busy(), Some(NotNow::Busy));
    let mut waiter = TurnLock::begin_exclusive(Arc::clone(&object), 1);
    assert!((&mut waiter).now_or_never().is_none());
    assert_eq!(busy(), Some(NotNow::WouldWait));
    drop(turn);
    // Whoever waited may take long.
    assert_eq!(busy(), Some(NotNow::WouldWait));
    drop(waiter);
    let _turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).unwrap();
    assert_eq!(busy(), Some(NotNow::WouldWait));
}

#[test]
fn a_turn_begins_at_once_only_if_nobody_waits() {
    let object = Object::new();
    let shared = TurnLock::try_begin_shared(Arc::clone(&object), false).unwrap();
    assert!(TurnLock::try_begin_shared(Arc::clone(&object), false).is_ok());
    assert_eq!(
        TurnLock::try_begin_exclusive(Arc::clone(&object), false).err(),
        Some(NotNow::WouldWait)
    );
    let mut waiter = TurnLock::begin_exclusive(Arc::clone(&object), 1);
    assert!((&mut waiter).now_or_never().is_none());
    assert_eq!(
        TurnLock::try_begin_shared(Arc::clone(&object), false).err(),
        Some(NotNow::WouldWait)
    );
    drop((shared, waiter));
    assert!(TurnLock::try_begin_exclusive(Arc::clone(&object), false).is_ok());
}

#[test]
fn a_turn_that_panics_gives_the_state_back() {
    let object = Object::new();
    let panics = std::panic::AssertUnwindSafe(|| {
        TurnLock::try_begin_exclusive(Arc::clone(&object), false).unwrap().push('a');
        let _turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).unwrap();
        panic!("on purpose");
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(
        TurnLock::try_begin_exclusive(Arc::clone(&object), false).unwrap().close().unwrap(),
        ['a']
    );
}

#[test]
fn the_closer_gets_the_state_when_the_last_turn_ends() {
    let object = Object::new();
    let turns = [
        TurnLock::try_begin_shared(Arc::clone(&object), false).unwrap(),
        TurnLock::try_begin_shared(Arc::clone(&object), false).unwrap(),
    ];
    let mut closing = TurnLock::close(&object).unwrap();
    assert!(TurnLock::close(&object).is_none());
    let flag = Arc::new(Flag::default());
    assert!(poll(&mut closing, &flag).is_pending());
    let [first, last] = turns;
    drop(first);
    assert!(!flag.take());
    drop(last);
    assert!(flag.take());
    assert_eq!(poll(&mut closing, &flag), Poll::Ready(Some(vec![])));
    assert_eq!(TurnLock::try_begin_shared(Arc::clone(&object), false).err(), Some(NotNow::Closed));
}

#[test]
fn a_turn_that_closes_takes_the_state_from_the_closer() {
    let object = Object::new();
    let turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).unwrap();
    let mut closing = TurnLock::close(&object).unwrap();
    let flag = Arc::new(Flag::default());
    assert!(poll(&mut closing, &flag).is_pending());
    assert_eq!(turn.close().unwrap(), []);
    assert!(flag.take());
    assert_eq!(poll(&mut closing, &flag), Poll::Ready(None));
}

#[test]
fn a_lock_is_closed_at_once_only_if_no_turn_runs_and_nobody_waits() {
    let object = Object::new();
    let mut turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).unwrap();
    turn.push('a');
    assert_eq!(object.lock.close_if_free(), None, "an exclusive turn runs");
    let mut waiter = TurnLock::begin_shared(Arc::clone(&object), 1);
    let flag = Arc::new(Flag::default());
    assert!(poll(&mut waiter, &flag).is_pending());
    drop(turn);
    assert_eq!(object.lock.close_if_free(), None, "a shared turn was granted");
    drop(waiter);
    assert_eq!(object.lock.close_if_free(), Some(vec!['a']));
    assert_eq!(object.lock.close_if_free(), None, "it is closed");
    assert!(TurnLock::close(&object).is_none());
    assert_eq!(
        TurnLock::try_begin_exclusive(Arc::clone(&object), false).err(),
        Some(NotNow::Closed)
    );
    let mut late = TurnLock::begin_shared(object, 1);
    assert_eq!(poll(&mut late, &flag).map(Result::err), Poll::Ready(Some(Refused::Closed)));
}

#[test]
fn the_first_turn_of_a_lock_brings_its_state() {
    let begun = || {
        let turn = TurnLock::begun(|lock| Arc::new(Object { lock }));
        let object = Arc::clone(turn.owner());
        let begins = TurnLock::try_begin_shared(Arc::clone(&object), false).err();
        assert_eq!(begins, Some(NotNow::WouldWait));
        (object, turn)
    };
    let state = |object: &Arc<Object>| {
        let turn = TurnLock::try_begin_brief(object, Turn::Shared);
        turn.map(|turn| turn.state().clone())
    };
    let (object, mut turn) = begun();
    turn.bring(vec!['a']);
    turn.push('b');
    drop(turn);
    assert_eq!(state(&object), Ok(vec!['a', 'b']));

    let (object, turn) = begun();
    turn.end_with(vec!['a']);
    assert_eq!(state(&object), Ok(vec!['a']));

    let (object, turn) = begun();
    let waiter = TurnLock::begin_exclusive(Arc::clone(&object), 1);
    let mut waiter = Box::pin(waiter);
    assert!((&mut waiter).now_or_never().is_none());
    turn.end_with(vec!['a']);
    assert_eq!(*waiter.now_or_never().unwrap().unwrap(), ['a']);
    assert_eq!(state(&object), Ok(vec!['a']));

    for end in [|turn| drop(turn), |turn: ExclusiveTurn<Object>| assert_eq!(turn.close(), None)] {
        let (object, turn) = begun();
        end(turn);
        let late = TurnLock::try_begin_shared(object, false).err();
        assert_eq!(late, Some(NotNow::Closed), "it ended without a state");
    }
}

#[test]
fn a_waiter_that_moves_is_woken_where_it_was_polled_last() {
    let object = Object::new();
    let turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).unwrap();
    let mut waiter = TurnLock::begin_shared(Arc::clone(&object), 1);
    let (before, after) = (Arc::new(Flag::default()), Arc::new(Flag::default()));
    assert!(poll(&mut waiter, &before).is_pending());
    assert!(poll(&mut waiter, &after).is_pending());
    drop(turn);
    assert!(!before.take() && after.take());
}

#[test]
fn a_waker_may_come_back_to_the_lock() {
    struct Returns(Arc<Object>);
    impl Wake for Returns {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Returns {
        fn drop(&mut self) {
            TurnLock::refuse_if(&self.0, |_| false);
        }
    }
    let object = Object::new();
    let waker = || Waker::from(Arc::new(Returns(Arc::clone(&object))));
    let turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).unwrap();
    let mut leaves = TurnLock::begin_exclusive(Arc::clone(&object), 2);
    let mut stays = TurnLock::begin_exclusive(Arc::clone(&object), 2);
    for _ in 0..2 {
        assert!(leaves.poll_unpin(&mut Context::from_waker(&waker())).is_pending());
        assert!(stays.poll_unpin(&mut Context::from_waker(&waker())).is_pending());
    }
    drop(leaves);
    drop(turn);
    assert!(stays.now_or_never().is_some());
}

#[test]
fn an_idle_lock_is_small() {
    let size = size_of::<TurnLock<String, ()>>();
    assert!(size <= size_of::<String>() + 80, "{size}");
}

#[test]
fn the_line_is_freed_when_the_last_has_left_it() {
    let object = Object::new();
    let turn = TurnLock::try_begin_exclusive(Arc::clone(&object), false).unwrap();
    let mut waiter = TurnLock::begin_exclusive(Arc::clone(&object), 1);
    assert!((&mut waiter).now_or_never().is_none());
    assert!(object.lock.lock().has_line());
    drop(turn);
    let turn = waiter.now_or_never().unwrap().unwrap();
    assert!(!object.lock.lock().has_line());
    assert!(Arc::ptr_eq(turn.owner(), &object));
}

// === The script ===

struct Play {
    object: Arc<Object>,
    callers: Vec<Caller>,
    refused: Vec<String>,
}

struct Caller {
    name: char,
    woken: Arc<Flag>,
    stage: Stage,
}

enum Stage {
    Waits(BoxFuture<'static, Result<Held, Refused>>),
    Runs(Held),
    Gone,
}

enum Held {
    Exclusive(ExclusiveTurn<Object>),
    Shared { _turn: SharedTurn<Object> },
}

/// A waker that remembers.
#[derive(Default)]
struct Flag(AtomicBool);

impl Play {
    const WAITING_MAX: usize = 4;

    fn new() -> Self {
        Self { object: Object::new(), callers: Vec::new(), refused: Vec::new() }
    }

    fn step(&mut self, step: &str) -> String {
        let fetches = !step.starts_with("grant") && !step.starts_with("drop");
        match *step.split(' ').collect::<Vec<_>>() {
            ["end" | "drop" | "grant", name] => drop(self.replace_stage(name)),
            ["close", name] => match self.replace_stage(name) {
                Stage::Runs(Held::Exclusive(turn)) => drop(turn.close()),
                _ => panic!("{name} has no exclusive turn"),
            },
            ["share", name] => match self.replace_stage(name) {
                Stage::Runs(Held::Exclusive(turn)) => {
                    self.put_stage(name, Stage::Runs(Held::Shared { _turn: turn.share() }));
                }
                _ => panic!("{name} has no exclusive turn"),
            },
            ["close"] => drop(TurnLock::close(&self.object)),
            ["refuse", ref places @ ..] => {
                let places: Vec<usize> = places.iter().map(|at| at.parse().unwrap()).collect();
                let mut at = 0..;
                TurnLock::refuse_if(&self.object, |_| places.contains(&at.next().unwrap()));
            }
            ref words => words.iter().for_each(|word| self.begin(word)),
        }
        if fetches {
            self.poll_woken();
        }
        self.tell()
    }

    fn begin(&mut self, word: &str) {
        let object = Arc::clone(&self.object);
        let future: BoxFuture<_> = match word {
            "x" => TurnLock::begin_exclusive(object, Self::WAITING_MAX)
                .map(|turn| turn.map(Held::Exclusive))
                .boxed(),
            "s" => TurnLock::begin_shared(object, Self::WAITING_MAX)
                .map(|turn| turn.map(|turn| Held::Shared { _turn: turn }))
                .boxed(),
            _ => panic!("{word} begins no turn"),
        };
        let name = char::from(b'a' + self.callers.len() as u8);
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        self.callers.push(Caller { name, woken, stage: Stage::Waits(future) });
        self.poll_woken();
    }

    fn replace_stage(&mut self, name: &str) -> Stage {
        self.put_stage(name, Stage::Gone)
    }

    fn put_stage(&mut self, name: &str, stage: Stage) -> Stage {
        let caller =
            self.callers.iter_mut().find(|caller| name == caller.name.to_string()).unwrap();
        std::mem::replace(&mut caller.stage, stage)
    }

    /// Polls nobody that was not woken, so that a wake-up which fails to come shows.
    fn poll_woken(&mut self) {
        for caller in &mut self.callers {
            let Stage::Waits(future) = &mut caller.stage else { continue };
            if !caller.woken.take() {
                continue;
            }
            match poll(future, &caller.woken) {
                Poll::Pending => {}
                Poll::Ready(Ok(held)) => caller.stage = Stage::Runs(held),
                Poll::Ready(Err(refused)) => {
                    self.refused.push(format!(" {}:{refused:?}", caller.name));
                    caller.stage = Stage::Gone;
                }
            }
        }
    }

    fn tell(&mut self) -> String {
        let waits =
            |caller: &&Caller| matches!(caller.stage, Stage::Waits(_)) && !caller.woken.is_set();
        let is_here = |caller: &&Caller| !matches!(caller.stage, Stage::Gone);
        let names = |callers: &mut dyn Iterator<Item = &Caller>| {
            callers.map(|caller| caller.name).collect::<String>()
        };
        let waiting = names(&mut self.callers.iter().filter(waits));
        let running =
            names(&mut self.callers.iter().filter(is_here).filter(|caller| !waits(caller)));
        assert_eq!(self.object.lock.holders(), running.len());
        assert_eq!(self.object.lock.len_waiting(), waiting.len());
        format!("{running}|{waiting}{}", std::mem::take(&mut self.refused).concat())
    }
}

impl Object {
    fn new() -> Arc<Self> {
        Arc::new(Self { lock: TurnLock::new(Vec::new()) })
    }
}

impl TurnOwner for Object {
    type State = Vec<char>;
    type Waiter = TaskWaiter<Self>;

    fn turn_lock(&self) -> &TurnLock<Vec<char>, TaskWaiter<Self>> {
        &self.lock
    }

    fn answer(waiter: TaskWaiter<Self>, turn: Result<Granted<Self>, Refused>) {
        waiter.answer(turn);
    }
}

impl Flag {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn poll<F: Future + Unpin>(future: &mut F, flag: &Arc<Flag>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(flag));
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}
