//! What our metrics cost: 64 callers over 1000 objects, with a recorder beside without one.

use super::contest::once;
use super::goverse::Goverse;
use super::many_objects::ManyObjects;
use crate::measure::{Runs, in_turns};
use crate::report::{Figure, Report};

const NAME: &str = "metrics_cost: many_objects with a recorder";

/// Measures ours alone.
pub(super) fn run(report: &Report, runs: usize) {
    if !report.wants(NAME) {
        return;
    }
    let [with, without] = in_turns(
        runs,
        [&mut || once::<_, Goverse<true>>(&ManyObjects), &mut || {
            once::<_, Goverse<false>>(&ManyObjects)
        }],
    );
    let [with, without]: [Vec<_>; 2] =
        [with, without].map(|calls| calls.into_iter().flatten().collect());
    if !with.is_empty() {
        let reference = ("no recorder", Runs::new(without));
        report.add(&Figure::new(NAME, "calls/s", Runs::new(with), reference));
    }
}
