//! When a node may act, and when it renews.

use super::*;

fn moment(boot_ms: u64, wall_ms: u64) -> Moment {
    let boot = Duration::from_secs(1_000) + Duration::from_millis(boot_ms);
    let wall = Duration::from_secs(1_700_000_000) + Duration::from_millis(wall_ms);
    Moment { boot, wall }
}

fn at(ms: u64) -> Moment {
    moment(ms, ms)
}

fn end_ms(machine: &Machine) -> u64 {
    machine.window_end().saturating_sub(Duration::from_secs(1_000)).as_millis() as u64
}

fn started() -> Machine {
    let lease = Lease { id: LeaseId(1), sent: at(0), ttl: 10 * SECOND };
    let mut machine = Machine::new(settings("a"), Incarnation(1), lease);
    let actions = machine.step(at(5), Event::Tick);
    assert_eq!(actions, [Action::SetWindow(machine.window_end()), Action::Read]);
    machine
}

fn content(revision: u64) -> Content {
    Content { cluster: 1, revision: Revision(revision), ..Content::default() }
}

#[test]
fn a_window_is_counted_from_when_the_renewal_was_sent_and_only_grows() {
    let mut machine = started();
    assert_eq!(end_ms(&machine), 9_000);
    let ttl = 10 * SECOND;
    machine.step(at(4_000), Event::Renewed { sent: at(2_000), ttl });
    assert_eq!(end_ms(&machine), 11_000);
    let actions = machine.step(at(4_100), Event::Renewed { sent: at(1_000), ttl });
    assert!(!actions.iter().any(|action| matches!(action, Action::SetWindow(_))));
    assert_eq!(end_ms(&machine), 11_000);
    // The coordinator grants less than was asked: that counts.
    machine.step(at(8_000), Event::Renewed { sent: at(8_000), ttl: 5 * SECOND });
    assert_eq!(end_ms(&machine), 12_500);
}

#[test]
fn one_renewal_is_in_flight_a_period() {
    let mut machine = started();
    machine.step(at(10), Event::Read { sent: at(6), content: content(1) });
    assert!(!machine.step(at(1_999), Event::Alive).contains(&Action::Renew));
    assert!(machine.step(at(2_000), Event::Alive).contains(&Action::Renew));
    assert!(!machine.step(at(4_500), Event::Alive).contains(&Action::Renew));
    assert!(machine.step(at(4_501), Event::RenewFailed).contains(&Action::Renew));
}

#[test]
fn a_node_that_cannot_confirm_its_view_for_one_ttl_stops_renewing() {
    let mut machine = started();
    machine.step(at(10), Event::Read { sent: at(6), content: content(1) });
    let renews = |machine: &mut Machine, ms: u64| {
        let mut actions = machine.step(at(ms), Event::Alive);
        actions.extend(machine.step(at(ms), Event::ConfirmFailed));
        actions.extend(machine.step(at(ms), Event::RenewFailed));
        actions.contains(&Action::Renew)
    };
    assert!(renews(&mut machine, 8_000));
    assert!(!renews(&mut machine, 10_100));
    let confirmed = Event::Confirmed { sent: at(10_150), modified: None };
    assert!(machine.step(at(10_200), confirmed).contains(&Action::Renew));
}

#[test]
fn a_node_whose_workers_give_no_sign_of_life_stops_renewing() {
    let mut machine = started();
    for ms in (100..9_900).step_by(100) {
        machine.step(at(ms), Event::Tick);
        machine.step(at(ms), Event::RenewFailed);
        machine.step(at(ms), Event::Read { sent: at(ms), content: content(1) });
    }
    assert!(!machine.step(at(30_000), Event::Tick).contains(&Action::Renew));
    machine.step(at(30_000), Event::Read { sent: at(30_000), content: content(1) });
    assert!(!machine.step(at(30_000), Event::Tick).contains(&Action::Renew));
    assert!(machine.step(at(30_000), Event::Alive).contains(&Action::Renew));
}

#[test]
fn a_suspend_that_the_boot_clock_missed_ends_the_window() {
    let mut machine = started();
    machine.step(moment(1_000, 1_400), Event::Tick);
    assert_eq!(end_ms(&machine), 9_000, "half a margin is 500 ms");
    machine.step(moment(1_000, 1_600), Event::Tick);
    assert_eq!(end_ms(&machine), 1_000);
    // A renewal that was under way meanwhile counts for nothing.
    let ttl = 10 * SECOND;
    machine.step(moment(1_100, 1_700), Event::Renewed { sent: moment(900, 900), ttl });
    assert_eq!(end_ms(&machine), 1_000);
    machine.step(moment(2_000, 2_600), Event::Renewed { sent: moment(1_900, 2_500), ttl });
    assert_eq!(end_ms(&machine), 10_900);
}

#[test]
fn a_watch_that_lags_behind_a_linearizable_read_for_a_period_is_replaced() {
    let mut machine = started();
    machine.step(at(10), Event::Read { sent: at(6), content: content(5) });
    machine.step(at(20), Event::Confirmed { sent: at(11), modified: Some(Revision(7)) });
    assert!(!machine.step(at(2_000), Event::Tick).contains(&Action::Read));
    assert!(machine.step(at(2_020), Event::Tick).contains(&Action::Read));
    assert_eq!(machine.view_confirmed(), at(6).boot);
}

#[test]
fn a_watch_that_says_nothing_for_two_ttl_is_replaced() {
    let mut machine = started();
    machine.step(at(10), Event::Read { sent: at(6), content: content(5) });
    machine.step(at(5_000), Event::Watched(WatchEvent::Progress(Revision(5))));
    assert!(!machine.step(at(24_999), Event::Tick).contains(&Action::Read));
    assert!(machine.step(at(25_000), Event::Tick).contains(&Action::Read));
}

#[test]
fn older_revisions_are_ignored_and_a_coordinator_with_other_data_ends_the_incarnation() {
    let mut machine = started();
    machine.step(at(10), Event::Read { sent: at(6), content: content(5) });
    machine.step(at(20), Event::Watched(WatchEvent::Progress(Revision(9))));
    // Begun when the view was at 5, so an answer from 7 is no fault of the coordinator.
    machine.step(at(30), Event::WatchEnded);
    machine.step(at(200), Event::Tick);
    machine.step(at(210), Event::Watched(WatchEvent::Progress(Revision(11))));
    machine.step(at(220), Event::Read { sent: at(200), content: content(10) });
    assert_eq!(machine.view().unwrap().revision(), Revision(11));
    assert!(!machine.has_ended());
    machine.step(at(230), Event::WatchEnded);
    machine.step(at(400), Event::Tick);
    let actions = machine.step(at(410), Event::Read { sent: at(400), content: content(10) });
    assert_eq!(actions.last(), Some(&Action::Lost(Loss::OtherCoordinator)));
    assert!(machine.has_ended() && machine.step(at(500), Event::Tick).is_empty());
}
