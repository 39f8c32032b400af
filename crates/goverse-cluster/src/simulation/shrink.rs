//! Finds a small plan that fails as a large one does.

use super::plan::Plan;
use super::{Failure, run};
use crate::mutant::Mutant;

/// The plan with as few faults as still break the same invariant, and how it breaks it.
///
/// Faults are left out in halves, quarters and so on, after the delta debugging of Zeller (1999).
pub fn shrink(plan: &Plan, failure: &Failure, mutant: Option<Mutant>) -> (Plan, Failure) {
    let (mut small, mut its) = (plan.clone(), failure.clone());
    let mut len = small.faults.len().div_ceil(2);
    while len > 0 {
        let mut at = 0;
        while at < small.faults.len() {
            let mut smaller = small.clone();
            smaller.faults.drain(at..(at + len).min(small.faults.len()));
            match run(&smaller, mutant) {
                Err(failure) if failure.invariant.is_like(its.invariant) => {
                    (small, its) = (smaller, failure);
                }
                _ => at += len,
            }
        }
        len = if len == 1 { 0 } else { len.div_ceil(2) };
    }
    (small, its)
}
