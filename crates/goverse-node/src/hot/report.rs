//! What is known about the hot objects, for people to read.

use goverse_core::{ObjectId, TypeName};
use serde::Serialize;

use super::sketch::Counter;
use super::tally::{Estimate, Measure, Tally};
use super::window::HALF_LIFE;

/// The busiest objects of a node, busiest first, and how well that is known.
///
/// Rates are averages of the last [`window_seconds`](Self::window_seconds). They stem from a sample of the turns if
/// there are many, and then have a standard error: with two chances in three the truth is no further off than that,
/// with nineteen in twenty no further than twice that. Turns of a millisecond or more, and all turns of a thread that
/// for some seconds has ended fewer than about 4000 in each, are counted exactly and add nothing to the error.
#[derive(Clone, Debug, Serialize)]
pub struct HotReport {
    /// The time that the rates are averages of. Every ten seconds the weight of what is older is halved, so that it
    /// goes from 10 to 20 s and back, and an object that falls silent fades. At least 1: in a node's first second
    /// rates are too low.
    pub window_seconds: f64,
    /// In what time the weight of what was counted is halved.
    pub half_life_seconds: f64,
    /// How many turns a recorded turn stands for on average: 1 if every turn was recorded.
    pub turns_per_sample: f64,
    /// Turns of all objects in a second.
    pub calls_per_second: f64,
    /// Time in turns of all objects, see [`HotObject::seconds_per_second`].
    pub seconds_per_second: f64,
    /// The objects with the most calls.
    pub by_calls: Vec<HotObject>,
    /// No object outside `by_calls` has more calls in a second, but for the error of the sample.
    pub by_calls_absent_max: f64,
    /// The objects with the most time in turns.
    pub by_time: Vec<HotObject>,
    /// No object outside `by_time` has more seconds in a second, but for the error of the sample.
    pub by_time_absent_max: f64,
}

/// One busy object.
#[derive(Clone, Debug, Serialize)]
pub struct HotObject {
    /// The object's type.
    pub r#type: TypeName,
    /// The object's id.
    pub id: ObjectId,
    /// Its turns in a second, as far as they were seen.
    pub calls_per_second: f64,
    /// The standard error of that.
    pub calls_per_second_error: f64,
    /// Its time in turns, as far as it was seen: 1 is one turn at any time, one core's worth if turns do not wait.
    /// Turns that run beside each other add up to more.
    pub seconds_per_second: f64,
    /// The standard error of that.
    pub seconds_per_second_error: f64,
    /// The most that was not seen of what the list is ordered by, in the same unit: from the time before the object
    /// came into the list. Where it is large beside what was seen, the object's place means little.
    pub missed_max: f64,
}

/// What a report is made of: counts.
pub(super) struct Counts {
    pub(super) window_seconds: f64,
    pub(super) all: Tally,
    pub(super) samples: f64,
    pub(super) by_calls: Vec<Counter>,
    pub(super) by_calls_absent_max: f64,
    pub(super) by_time: Vec<Counter>,
    pub(super) by_time_absent_max: f64,
}

/// Turns counts into rates.
#[derive(Clone, Copy)]
struct Rates {
    window_seconds: f64,
}

// === impl Counts ===

impl Counts {
    pub(super) fn report(self) -> HotReport {
        let rates = Rates { window_seconds: self.window_seconds };
        let calls = self.all.calls.sum;
        HotReport {
            window_seconds: self.window_seconds,
            half_life_seconds: HALF_LIFE.as_secs_f64(),
            turns_per_sample: if calls > 0.0 { calls / self.samples } else { 1.0 },
            calls_per_second: rates.of(Measure::Calls, calls),
            seconds_per_second: rates.of(Measure::Nanos, self.all.nanos.sum),
            by_calls: rates.list(Measure::Calls, self.by_calls),
            by_calls_absent_max: rates.of(Measure::Calls, self.by_calls_absent_max),
            by_time: rates.list(Measure::Nanos, self.by_time),
            by_time_absent_max: rates.of(Measure::Nanos, self.by_time_absent_max),
        }
    }
}

// === impl Rates ===

impl Rates {
    fn of(self, measure: Measure, sum: f64) -> f64 {
        match measure {
            Measure::Calls => sum / self.window_seconds,
            Measure::Nanos => sum / self.window_seconds / 1e9,
        }
    }

    /// The objects of a sketch, by what is certain of them: what may have been missed would put newcomers first.
    fn list(self, measure: Measure, mut counters: Vec<Counter>) -> Vec<HotObject> {
        counters.sort_by(|a, b| {
            let most_first = measure.of(&b.seen).total_cmp(&measure.of(&a.seen));
            most_first.then_with(|| a.key.names().cmp(&b.key.names()))
        });
        counters.into_iter().map(|counter| self.object(measure, counter)).collect()
    }

    fn object(self, measure: Measure, counter: Counter) -> HotObject {
        let Counter { key, seen: Tally { calls, nanos }, missed_max } = counter;
        let error = |measure, estimate: Estimate| self.of(measure, estimate.standard_error());
        HotObject {
            r#type: key.type_name,
            id: key.id,
            calls_per_second: self.of(Measure::Calls, calls.sum),
            calls_per_second_error: error(Measure::Calls, calls),
            seconds_per_second: self.of(Measure::Nanos, nanos.sum),
            seconds_per_second_error: error(Measure::Nanos, nanos),
            missed_max: self.of(measure, missed_max),
        }
    }
}
