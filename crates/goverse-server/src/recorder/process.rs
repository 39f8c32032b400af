//! The process metrics, read from the operating system when a page is made.
//!
//! They do not go through the facade, whose counters are whole numbers: CPU time is a fraction.

use std::fmt::Write;

use goverse_metrics::Metric;
use goverse_metrics::catalogue as rows;

use super::own::write_header;

/// The metrics that this module writes.
const OWNED: &[&Metric] = &[
    &rows::PROCESS_CPU_SECONDS_TOTAL,
    &rows::PROCESS_RESIDENT_MEMORY_BYTES,
    &rows::PROCESS_VIRTUAL_MEMORY_BYTES,
    &rows::PROCESS_START_TIME_SECONDS,
    &rows::PROCESS_OPEN_FDS,
    &rows::PROCESS_MAX_FDS,
    &rows::PROCESS_THREADS,
];

/// Whether `metric` is written here.
pub(super) fn owns(metric: &Metric) -> bool {
    OWNED.iter().any(|owned| owned.name == metric.name)
}

/// Writes the process families; where the system does not tell a value, the family has no sample.
pub(super) fn render(page: &mut String) {
    let values = read();
    for metric in OWNED {
        write_header(metric, page);
        if let Some((_, value)) = values.iter().find(|(name, _)| *name == metric.name) {
            writeln!(page, "{} {value}", metric.name).expect("writing to a string cannot fail");
        }
    }
}

#[cfg(target_os = "linux")]
fn read() -> Vec<(&'static str, f64)> {
    use procfs::WithCurrentSystemInfo;

    let Ok(process) = procfs::process::Process::myself() else { return Vec::new() };
    let mut values = Vec::with_capacity(OWNED.len());
    if let Ok(stat) = process.stat() {
        let ticks = procfs::ticks_per_second() as f64;
        let cpu = (stat.utime + stat.stime) as f64 / ticks;
        values.push((rows::PROCESS_CPU_SECONDS_TOTAL.name, cpu));
        values.push((rows::PROCESS_RESIDENT_MEMORY_BYTES.name, stat.rss_bytes().get() as f64));
        values.push((rows::PROCESS_VIRTUAL_MEMORY_BYTES.name, stat.vsize as f64));
        values.push((rows::PROCESS_THREADS.name, stat.num_threads as f64));
        if let Some(boot) = boot_time() {
            let start = boot + stat.starttime as f64 / ticks;
            values.push((rows::PROCESS_START_TIME_SECONDS.name, start));
        }
    }
    if let Ok(open) = process.fd_count() {
        values.push((rows::PROCESS_OPEN_FDS.name, open as f64));
    }
    if let Ok(limits) = process.limits() {
        let max = match limits.max_open_files.soft_limit {
            procfs::process::LimitValue::Value(max) => max as f64,
            procfs::process::LimitValue::Unlimited => u64::MAX as f64,
        };
        values.push((rows::PROCESS_MAX_FDS.name, max));
    }
    values
}

/// When the machine started, in seconds since the Unix epoch; read once, as reading it takes a while.
#[cfg(target_os = "linux")]
fn boot_time() -> Option<f64> {
    static BOOT_TIME: std::sync::OnceLock<Option<u64>> = std::sync::OnceLock::new();
    BOOT_TIME.get_or_init(|| procfs::boot_time_secs().ok()).map(|seconds| seconds as f64)
}

#[cfg(not(target_os = "linux"))]
fn read() -> Vec<(&'static str, f64)> {
    Vec::new()
}
