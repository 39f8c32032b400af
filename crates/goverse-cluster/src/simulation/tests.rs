//! The protocol keeps its invariants over many seeds, and breaks them with any rule left out.

mod mutants;

use super::*;

/// How many seeds a plain test run goes through.
const SEEDS: u64 = 500;

/// What the soak task sets to how many times as many.
const SOAK_VARIABLE: &str = "GOVERSE_SOAK_ROUNDS";

fn check_seeds(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let plan = Plan::random(seed);
        if let Err(failure) = run(&plan, None) {
            panic!("{}", report(&plan, &failure, None));
        }
    }
}

#[test]
fn the_invariants_hold_over_many_seeds() {
    check_seeds(0..SEEDS);
}

/// 100 rounds, which is what the task takes unless told otherwise, are 10 000 seeds.
#[test]
fn soak_the_invariants_hold_over_very_many_seeds() {
    let rounds = std::env::var(SOAK_VARIABLE).ok().and_then(|rounds| rounds.parse().ok());
    let rounds: u64 = rounds.unwrap_or(1);
    check_seeds(SEEDS..SEEDS + 100 * rounds);
}

#[test]
fn a_seed_is_replayed_exactly() {
    for seed in [1, 7, 112] {
        let plan = Plan::random(seed);
        assert_eq!(plan, Plan::random(seed));
        assert_eq!(run(&plan, None), run(&plan, None));
        let traces = [trace(&plan, None, 20_000), trace(&plan, None, 20_000)];
        assert!(traces[0] == traces[1] && !traces[0].is_empty(), "seed {seed}");
    }
}

#[test]
fn a_failure_is_shrunk_to_what_it_needs_and_told() {
    let mutant = Some(Mutant::RestartOverwritesAddress);
    let failing = (0..100).map(Plan::random).find_map(|plan| {
        let failure = run(&plan, mutant).err()?;
        Some((plan, failure))
    });
    let (plan, failure) = failing.expect("the mutant is caught");
    let (small, its) = shrink(&plan, &failure, mutant);
    assert!(small.faults.len() < plan.faults.len());
    assert_eq!(run(&small, mutant), Err(its));
    let report = report(&plan, &failure, mutant);
    assert!(report.contains(&format!("cargo xtask sim --seed {}", plan.seed)), "{report}");
    let shrunk = format!("shrunk to {} of {} faults", small.faults.len(), plan.faults.len());
    assert!(report.contains(&shrunk), "{report}");
}
