//! Each mutant that the protocol lists is caught: with one rule left out, an invariant is broken.
//!
//! Most are found by random plans. Where chance is weak, a plan leads there, whose every delay is still random; the
//! protocol with all its rules keeps its invariants in the same plans.

use super::*;
use crate::mutant::Mutant;

/// How many seeds are tried at most.
const SEEDS: u64 = 400;

/// Whether some plan breaks one of those invariants with that rule left out.
fn check(mutant: Mutant, plan: impl Fn(u64) -> Plan, expected: &[&str]) {
    let failing = (0..SEEDS).find_map(|seed| {
        let failure = run(&plan(seed), Some(mutant)).err()?;
        let told = failure.to_string();
        expected.iter().any(|invariant| told.starts_with(invariant)).then_some((seed, told))
    });
    match failing {
        Some((seed, told)) => println!("{mutant:?} is caught by seed {seed}: {told}"),
        None => panic!("{mutant:?} is not caught by {SEEDS} seeds"),
    }
}

/// The same with a plan that leads there, in which nothing else is wrong.
fn check_led(mutant: Mutant, plan: impl Fn(u64) -> Plan, expected: &[&str]) {
    check(mutant, &plan, expected);
    for seed in 0..50 {
        if let Err(failure) = run(&plan(seed), None) {
            panic!("{}", report(&plan(seed), &failure, None));
        }
    }
}

#[test]
fn no_window_is_caught() {
    check(Mutant::NoWindow, Plan::random, &["I1"]);
}

#[test]
fn no_waiting_is_caught() {
    check(Mutant::NoWaiting, Plan::random, &["I1"]);
}

#[test]
fn unguarded_leader_is_caught() {
    check(Mutant::UnguardedLeader, Plan::random, &["I1", "I3"]);
}

#[test]
fn leader_guard_only_is_caught() {
    check(Mutant::LeaderGuardOnly, Plan::random, &["I1", "I3"]);
}

#[test]
fn no_check_after_the_turn_is_caught() {
    check(Mutant::NoCheckAfterTurn, Plan::random, &["I1"]);
}

#[test]
fn ack_before_release_is_caught() {
    check(Mutant::AckBeforeRelease, Plan::random, &["I1"]);
}

#[test]
fn releasing_list_ignored_is_caught() {
    check(Mutant::ReleasingListIgnored, Plan::random, &["I1"]);
}

#[test]
fn only_the_last_holder_kept_is_caught() {
    check(Mutant::OnlyLastHolderKept, Plan::random, &["I1"]);
}

/// Node 1 hears of members late, and so not of node 2, which has a slow turn in the shard that node 1 is given.
#[test]
fn a_watch_per_key_is_caught() {
    let plan = |seed| {
        Plan::calm(seed, 2, 3)
            .with(1_500, FaultKind::Pin { shard: 0, node: 0 })
            .with(1_500, FaultKind::Pin { shard: 1, node: 1 })
            .with(1_500, FaultKind::Pin { shard: 2, node: 0 })
            .with(9_900, FaultKind::Lag { node: 1, what: Lagging::Members, ms: 10_000 })
            .with(10_000, FaultKind::Start { node: 2 })
            .with(12_000, FaultKind::Pin { shard: 0, node: 2 })
            .with(13_000, FaultKind::SlowTurn { shard: 0, ms: 4_000 })
            .with(13_500, FaultKind::Pin { shard: 0, node: 1 })
    };
    check_led(Mutant::WatchPerKey, plan, &["I1"]);
}

/// Node 1 does not hear what became of its acknowledgement, reads, and hears by its watch what the reply does not say yet.
#[test]
fn a_view_that_goes_back_is_caught() {
    let plan = |seed| {
        Plan::calm(seed, 2, 4)
            .with(2_000, FaultKind::Pin { shard: 0, node: 1 })
            .with(5_000, FaultKind::LoseReplies { node: 1, ms: 600 })
            .with(5_100, FaultKind::Pin { shard: 0, node: 0 })
            .with(5_650, FaultKind::SlowReplies { node: 1, ms: 400, delay_ms: 550 })
            .with(5_750, FaultKind::Pin { shard: 1, node: 1 })
            .with(5_850, FaultKind::Pin { shard: 2, node: 1 })
            .with(5_950, FaultKind::Pin { shard: 3, node: 1 })
    };
    check_led(Mutant::ViewGoesBack, plan, &["I3"]);
}

/// Node 0 is cut off and acts until its window ends; meanwhile it is started again.
#[test]
fn a_restart_that_overwrites_its_address_is_caught() {
    let plan = |seed| {
        Plan::calm(seed, 2, 4)
            .with(5_000, FaultKind::Cut { node: 0, ms: 4_000 })
            .with(5_100, FaultKind::Twin { node: 0 })
    };
    check_led(Mutant::RestartOverwritesAddress, plan, &["I1"]);
}

/// Replies to node 0 are late, and then its requests do not come in time.
#[test]
fn a_window_counted_from_the_reply_is_caught() {
    check_led(Mutant::WindowFromReply, late_replies, &["I1"]);
}

/// As before; a reply that comes after its time-out is taken for that of the next renewal.
#[test]
fn a_late_reply_matched_is_caught() {
    check_led(Mutant::LateReplyMatched, late_replies, &["I1"]);
}

/// The longer the lease, the longer is the period against the margin.
fn late_replies(seed: u64) -> Plan {
    let mut plan = Plan::calm(seed, 2, 4)
        .with(5_000, FaultKind::SlowReplies { node: 0, ms: 20_000, delay_ms: 4_000 })
        .with(7_500, FaultKind::Slow { node: 0, ms: 12_000, delay_ms: 60_000 });
    plan.ttl_ms = 10_000;
    plan.quiet_ms = 25_000;
    plan
}

#[test]
fn a_store_without_fence_is_caught() {
    check(Mutant::StoreWithoutFence, Plan::random, &["I2"]);
}

/// Node 0 saves while it releases the shard, and so knows the epoch that gives it to node 1; then it dies. The save comes
/// late, while node 1 has a turn.
#[test]
fn a_save_with_the_current_epoch_is_caught() {
    let plan = |seed| {
        let mut plan = Plan::calm(seed, 2, 4)
            .with(2_000, FaultKind::Pin { shard: 0, node: 0 })
            .with(4_000, FaultKind::SlowTurn { shard: 0, ms: 4_000 })
            .with(5_000, FaultKind::Pin { shard: 0, node: 1 })
            .with(7_900, FaultKind::SlowStore { ms: 300, delay_ms: 10_000 })
            .with(8_150, FaultKind::Crash { node: 0 })
            .with(12_500, FaultKind::SlowTurn { shard: 0, ms: 5_000 });
        plan.calls_per_s = 1;
        plan
    };
    check_led(Mutant::SaveWithCurrentEpoch, plan, &["I2"]);
}

#[test]
fn a_reload_without_version_bump_is_caught() {
    check(Mutant::ReloadWithoutVersionBump, Plan::random, &["I2"]);
}

#[test]
fn one_acknowledgement_for_the_whole_epoch_is_caught() {
    check(Mutant::OneAckForWholeEpoch, Plan::random, &["I4"]);
}

#[test]
fn no_chain_rule_is_caught() {
    check(Mutant::NoChainRule, Plan::random, &["I4"]);
}
