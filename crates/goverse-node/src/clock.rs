//! The clock of deadlines and durations, which is the one that metrics measure with.

pub(crate) use goverse_metrics::clock::{NEVER, after, between, now, seconds};
