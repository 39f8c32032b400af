//! The protocol keeps its invariants over many seeds, and breaks them with any rule left out.

use super::*;

/// How many seeds a plain test run goes through.
const SEEDS: u64 = 500;

#[test]
fn the_invariants_hold_over_many_seeds() {
    check_seeds(0..SEEDS);
}

fn check_seeds(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let plan = Plan::random(seed);
        if let Err(failure) = run(&plan, None) {
            panic!("{}", report(&plan, &failure, None));
        }
    }
}
