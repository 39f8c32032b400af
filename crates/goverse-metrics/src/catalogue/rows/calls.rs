//! Rows of calls: how many, how they end, how long they wait and run.

use super::{NODE, TYPE};
use crate::catalogue::{Kind, Label, Metric, Moves, Stability, Unit, Values};
use crate::vocabulary::{CallStatus, PanicSite, RejectionCode};

const METHOD: Label = Label { name: "method", values: Values::Methods };

/// From a method that finishes in place to the default deadline of a call.
const CALL_BUCKETS: &[f64] = &[
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Calls that have ended, by how.
pub const METHOD_CALLS_TOTAL: Metric = Metric {
    name: "goverse_method_calls_total",
    kind: Kind::Counter,
    help: "Calls of methods that have ended, by status, counted on the node that has the object; type and method are \"other\" for names that are not registered",
    unit: Unit::Count,
    labels: &[
        NODE,
        TYPE,
        METHOD,
        Label { name: "status", values: Values::Closed(CallStatus::VALUES) },
    ],
    series_cap: 10_000,
    stability: Stability::Stable,
    essential: true,
    usage: "`sum by (type) (rate(goverse_method_calls_total[5m]))`: calls a second. `failed`: the method returned its own error; `panicked`, `cut_off`: it did not finish; `rejected`: it never began, see `goverse_call_rejections_total`; `cancelled`: its caller left before it began",
};

/// How long turns ran.
pub const METHOD_CALL_DURATION_SECONDS: Metric = Metric {
    name: "goverse_method_call_duration_seconds",
    kind: Kind::Histogram { buckets: CALL_BUCKETS },
    help: "Time that methods ran, from the beginning of the turn to its end, without the time in the queue",
    unit: Unit::Seconds,
    labels: &[NODE, TYPE, METHOD],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: true,
    usage: "`histogram_quantile(0.99, sum by (le, type, method) (rate(goverse_method_call_duration_seconds_bucket[5m])))`; calls whose turn never began are not in it",
};

/// How long calls waited for their turn.
pub const METHOD_QUEUE_SECONDS: Metric = Metric {
    name: "goverse_method_queue_seconds",
    kind: Kind::Histogram { buckets: CALL_BUCKETS },
    help: "Time that calls waited for their turn, 0 for those that began at once",
    unit: Unit::Seconds,
    labels: &[NODE, TYPE, METHOD],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "`histogram_quantile(0.99, sum by (le, type, method) (rate(goverse_method_queue_seconds_bucket[5m])))`: high while the run time is low means that many callers want the same object",
};

/// Calls that are being served.
pub const CALLS_IN_FLIGHT: Metric = Metric {
    name: "goverse_calls_in_flight",
    kind: Kind::Gauge(Moves::ByGuard),
    help: "Calls that have arrived and not ended: those that run and those that wait for their turn",
    unit: Unit::Count,
    labels: &[NODE, TYPE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "Minus `goverse_calls_queued` it is the calls that run. Growth without end means methods that do not end",
};

/// Calls that wait.
pub const CALLS_QUEUED: Metric = Metric {
    name: "goverse_calls_queued",
    kind: Kind::Gauge(Moves::ByGuard),
    help: "Calls that wait for their turn",
    unit: Unit::Count,
    labels: &[NODE, TYPE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "Above 0 for long: callers want objects of this type faster than their turns end",
};

/// Calls whose turn never began, by code.
pub const CALL_REJECTIONS_TOTAL: Metric = Metric {
    name: "goverse_call_rejections_total",
    kind: Kind::Counter,
    help: "Calls whose turn never began, by code; the type is \"other\" for names that are not registered",
    unit: Unit::Count,
    labels: &[NODE, TYPE, Label { name: "code", values: Values::Closed(RejectionCode::VALUES) }],
    series_cap: 10_000,
    stability: Stability::Stable,
    essential: true,
    usage: "Should not rise. `overloaded`: the object's queue is full; `deadline_exceeded`: it waited too long; `reentrant`, `deadlock`, `chain_too_long`: objects call each other in a ring; `unknown_*`, `invalid_*`, `wrong_encoding`, `payload_too_large`: the caller is at fault",
};

/// Turns that ran for longer than is good.
pub const LONG_TURNS_TOTAL: Metric = Metric {
    name: "goverse_long_turns_total",
    kind: Kind::Counter,
    help: "Turns that ran for longer than the limit at which a warning is logged",
    unit: Unit::Count,
    labels: &[NODE, TYPE, METHOD],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "Should not rise: the object is out of reach for others all the while. `method` names what to make shorter",
};

/// How long activations took.
pub const OBJECT_ACTIVATION_SECONDS: Metric = Metric {
    name: "goverse_object_activation_seconds",
    kind: Kind::Histogram { buckets: CALL_BUCKETS },
    help: "Time to activate an object: constructor, load and activation hook",
    unit: Unit::Seconds,
    labels: &[NODE, TYPE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "`histogram_quantile(0.99, sum by (le, type) (rate(goverse_object_activation_seconds_bucket[5m])))`: the first call of an object waits for it",
};

/// Panics of the application's objects.
pub const PANICS_TOTAL: Metric = Metric {
    name: "goverse_panics_total",
    kind: Kind::Counter,
    help: "Panics in the code of objects, by where they happened",
    unit: Unit::Count,
    labels: &[NODE, TYPE, Label { name: "site", values: Values::Closed(PanicSite::VALUES) }],
    series_cap: 10_000,
    stability: Stability::Stable,
    essential: true,
    usage: "Must stay 0: each is a defect of the type, and a panic in a turn ends the activation. The log has the message",
};
