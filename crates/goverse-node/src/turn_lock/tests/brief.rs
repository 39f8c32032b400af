//! Turns that do not wait, on the state where it rests.

use futures_util::FutureExt;

use super::*;

#[test]
fn brief_turns_have_the_state_while_nobody_else_wants_it() {
    let object = Object::new();
    let brief = || TurnLock::try_begin_brief(&object, Turn::Exclusive);
    brief().unwrap().state_mut().unwrap().push('a');
    let turn = brief().unwrap();
    assert_eq!(brief().err(), Some(NotNow::Busy));
    assert_eq!(TurnLock::try_begin_brief(&object, Turn::Shared).err(), Some(NotNow::Busy));
    assert_eq!(TurnLock::try_begin_shared(object.clone(), false).err(), Some(NotNow::Busy));
    assert_eq!(*turn.state(), ['a']);
    drop(turn);
    let mut turn = TurnLock::try_begin_exclusive(object.clone(), true).unwrap();
    turn.push('b');
    assert_eq!(brief().err(), Some(NotNow::WouldWait));
    drop(turn);
    assert_eq!(*brief().unwrap().state(), ['a', 'b']);
}

#[test]
fn a_brief_turn_gives_way_to_who_waits() {
    let object = Object::new();
    let brief = || TurnLock::try_begin_brief(&object, Turn::Exclusive);
    let turn = brief().unwrap();
    let mut first = TurnLock::begin_exclusive(object.clone(), 2);
    let mut second = TurnLock::begin_shared(object.clone(), 2);
    assert!((&mut first).now_or_never().is_none());
    assert!((&mut second).now_or_never().is_none());
    assert_eq!(brief().err(), Some(NotNow::WouldWait));
    drop(turn);
    let first = first.now_or_never().unwrap().unwrap();
    assert_eq!(brief().err(), Some(NotNow::WouldWait));
    drop(first);
    drop(second.now_or_never().unwrap().unwrap());
    assert!(brief().is_ok(), "the line is empty");
}

#[test]
fn brief_shared_turns_run_beside_each_other() {
    let object = Object::new();
    let brief = |turn| TurnLock::try_begin_brief(&object, turn);
    let (one, two) = (brief(Turn::Shared).unwrap(), brief(Turn::Shared).unwrap());
    assert!(one.is_shared() && two.is_shared());
    assert_eq!(brief(Turn::Exclusive).err(), Some(NotNow::Busy));
    assert!(one.into_exclusive().is_err());
    drop(two);
    assert!(!brief(Turn::Exclusive).unwrap().is_shared());
}

#[test]
fn the_state_rests_only_after_turns_that_do_not_wait() {
    let object = Object::new();
    let rests = || TurnLock::try_begin_brief(&object, Turn::Exclusive).is_ok();
    drop(TurnLock::try_begin_exclusive(object.clone(), false).unwrap());
    assert!(!rests(), "the next turn may be of that kind, too");
    drop(TurnLock::try_begin_exclusive(object.clone(), true).unwrap());
    assert!(rests());
    drop(TurnLock::try_begin_shared(object.clone(), false).unwrap());
    assert!(!rests());
    let turns = [(); 2].map(|()| TurnLock::try_begin_shared(object.clone(), true).unwrap());
    assert!(!rests());
    drop(turns);
    assert!(rests());
}

#[test]
fn a_large_state_is_not_moved() {
    type State = [u8; 4096];
    struct Large(TurnLock<State, TaskWaiter<Large>>);
    impl TurnOwner for Large {
        type State = State;
        type Waiter = TaskWaiter<Self>;

        fn turn_lock(&self) -> &TurnLock<State, TaskWaiter<Self>> {
            &self.0
        }

        fn answer(waiter: TaskWaiter<Self>, turn: Result<Granted<Self>, Refused>) {
            waiter.answer(turn);
        }
    }
    let large = Arc::new(Large(TurnLock::new([0; 4096])));
    let at = |large: &Arc<Large>| {
        let turn = TurnLock::try_begin_exclusive(large.clone(), true).ok().unwrap();
        std::ptr::from_ref(&*turn).addr()
    };
    let first = at(&large);
    let brief = TurnLock::try_begin_brief(&large, Turn::Exclusive);
    assert_eq!(brief.err(), Some(NotNow::WouldWait));
    assert_eq!(at(&large), first);
}

#[test]
fn a_brief_turn_goes_on_as_an_exclusive_one() {
    let object = Object::new();
    let turn = TurnLock::try_begin_brief(&object, Turn::Exclusive).unwrap();
    let mut waiter = TurnLock::begin_exclusive(object.clone(), 1);
    assert!((&mut waiter).now_or_never().is_none());
    let mut turn = turn.into_exclusive().ok().unwrap();
    assert!((&mut waiter).now_or_never().is_none());
    turn.push('a');
    drop(turn);
    assert_eq!(*waiter.now_or_never().unwrap().unwrap(), ['a']);
}

#[test]
fn a_brief_turn_that_panics_gives_the_state_back() {
    let object = Object::new();
    let panics = std::panic::AssertUnwindSafe(|| {
        let mut turn = TurnLock::try_begin_brief(&object, Turn::Exclusive).unwrap();
        turn.state_mut().unwrap().push('a');
        panic!("on purpose");
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(*TurnLock::try_begin_brief(&object, Turn::Shared).unwrap().state(), ['a']);
    assert_eq!(TurnLock::try_begin_exclusive(object, false).unwrap().close().unwrap(), ['a']);
}

#[test]
fn no_brief_turn_begins_once_the_lock_is_closed() {
    let object = Object::new();
    let brief = || TurnLock::try_begin_brief(&object, Turn::Shared).err();
    assert_eq!(brief(), None);
    let mut closing = TurnLock::close(&object).unwrap();
    assert_eq!(brief(), Some(NotNow::WouldWait));
    assert_eq!(TurnLock::try_begin_shared(object.clone(), true).err(), Some(NotNow::Closed));
    assert!((&mut closing).now_or_never().unwrap().is_some());
    assert_eq!(brief(), Some(NotNow::WouldWait));
}

#[test]
fn no_brief_turn_begins_when_the_last_turn_of_a_closed_lock_ends() {
    let object = Object::new();
    let turn = TurnLock::try_begin_exclusive(object.clone(), true).unwrap();
    let closing = TurnLock::close(&object).unwrap();
    drop(turn);
    let brief = TurnLock::try_begin_brief(&object, Turn::Exclusive);
    assert_eq!(brief.err(), Some(NotNow::WouldWait));
    assert!(closing.now_or_never().unwrap().is_some());
}

#[test]
fn the_closer_waits_for_the_end_of_a_brief_turn() {
    let object = Object::new();
    let mut turn = TurnLock::try_begin_brief(&object, Turn::Exclusive).unwrap();
    let mut closing = TurnLock::close(&object).unwrap();
    let flag = Arc::new(Flag::default());
    assert!(poll(&mut closing, &flag).is_pending());
    turn.state_mut().unwrap().push('a');
    assert!(!flag.is_set());
    drop(turn);
    assert!(flag.take(), "it is woken");
    assert_eq!(poll(&mut closing, &flag), Poll::Ready(Some(vec!['a'])));
}
