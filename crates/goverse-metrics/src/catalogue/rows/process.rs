//! Rows of the process and of its async runtime, which the server reads when it makes a page.

use crate::catalogue::{Kind, Metric, Moves, Stability, Unit};

/// CPU time of the process.
pub const PROCESS_CPU_SECONDS_TOTAL: Metric = process(
    "process_cpu_seconds_total",
    Kind::Counter,
    "Total user and system CPU time spent, in seconds",
    Unit::Seconds,
    "`rate(process_cpu_seconds_total[1m])`: cores in use",
);

/// Memory that is in RAM.
pub const PROCESS_RESIDENT_MEMORY_BYTES: Metric = process(
    "process_resident_memory_bytes",
    Kind::Gauge(Moves::BySet),
    "Resident memory size in bytes",
    Unit::Bytes,
    "Divide by `goverse_objects_total` to see what an object costs",
);

/// Memory that is mapped.
pub const PROCESS_VIRTUAL_MEMORY_BYTES: Metric = process(
    "process_virtual_memory_bytes",
    Kind::Gauge(Moves::BySet),
    "Virtual memory size in bytes",
    Unit::Bytes,
    "Rarely of interest by itself",
);

/// When the process began.
pub const PROCESS_START_TIME_SECONDS: Metric = process(
    "process_start_time_seconds",
    Kind::Gauge(Moves::BySet),
    "Start time of the process since the Unix epoch, in seconds",
    Unit::Seconds,
    "`changes(process_start_time_seconds[1h])`: restarts",
);

/// Open files and sockets.
pub const PROCESS_OPEN_FDS: Metric = process(
    "process_open_fds",
    Kind::Gauge(Moves::BySet),
    "Number of open file descriptors",
    Unit::Count,
    "Close to `process_max_fds`, new connections fail",
);

/// The limit of open files and sockets.
pub const PROCESS_MAX_FDS: Metric = process(
    "process_max_fds",
    Kind::Gauge(Moves::BySet),
    "Maximum number of open file descriptors",
    Unit::Count,
    "The limit for `process_open_fds`",
);

/// Operating system threads.
pub const PROCESS_THREADS: Metric = process(
    "process_threads",
    Kind::Gauge(Moves::BySet),
    "Number of operating system threads in the process",
    Unit::Count,
    "Steady; growth means blocking work that does not end",
);

/// Threads that run tasks.
pub const RUNTIME_WORKERS: Metric = process(
    "goverse_runtime_workers",
    Kind::Gauge(Moves::BySet),
    "Worker threads of the async runtime that the node runs on",
    Unit::Count,
    "The divisor of `goverse_runtime_busy_seconds_total`",
);

/// Tasks that have not ended.
pub const RUNTIME_ALIVE_TASKS: Metric = process(
    "goverse_runtime_alive_tasks",
    Kind::Gauge(Moves::BySet),
    "Tasks of the async runtime that have begun and not ended",
    Unit::Count,
    "Growth without a matching growth of calls in flight means tasks that never end",
);

/// Tasks that wait for any worker.
pub const RUNTIME_GLOBAL_QUEUE_DEPTH: Metric = process(
    "goverse_runtime_global_queue_depth",
    Kind::Gauge(Moves::BySet),
    "Tasks that wait in the queue that all workers of the async runtime share",
    Unit::Count,
    "Near 0; above it for long means workers that are too few or that something blocks",
);

/// Time that the workers did not spend waiting.
pub const RUNTIME_BUSY_SECONDS_TOTAL: Metric = process(
    "goverse_runtime_busy_seconds_total",
    Kind::Counter,
    "Time that the workers of the async runtime were busy, added up over the workers, in seconds",
    Unit::Seconds,
    "`rate(goverse_runtime_busy_seconds_total[1m]) / goverse_runtime_workers`: 1 means that every worker is always busy. It rises when a worker parks, so a worker that something blocks shows late",
);

/// How often workers ran out of work.
pub const RUNTIME_PARKS_TOTAL: Metric = process(
    "goverse_runtime_parks_total",
    Kind::Counter,
    "How often workers of the async runtime had nothing to do and went to sleep",
    Unit::Count,
    "While there is load, a rate near 0 means that the workers are saturated or blocked",
);

/// What is read when a page is made: one series each, without labels.
const fn process(
    name: &'static str,
    kind: Kind,
    help: &'static str,
    unit: Unit,
    usage: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        help,
        unit,
        labels: &[],
        series_cap: 1,
        stability: Stability::Stable,
        essential: false,
        usage,
    }
}
