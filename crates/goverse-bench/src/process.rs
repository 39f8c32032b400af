//! Processes of their own, for what only a fresh one shows: how much memory something takes.

use std::process::Command;

/// The number that this program prints when it is run again with `option`.
///
/// A child's memory is measured because the allocator of a process that has freed memory before would hide
/// how much it takes.
///
/// # Panics
/// When the child prints no number.
pub fn printed_by_child(option: &str) -> f64 {
    let this = std::env::current_exe().expect("the program knows where it is");
    let output = Command::new(this).arg(option).output().expect("this program can be run again");
    let printed = String::from_utf8_lossy(&output.stdout);
    printed.trim().parse().unwrap_or_else(|error| {
        panic!("{error}: {printed:?} {}", String::from_utf8_lossy(&output.stderr))
    })
}

/// How much memory this process has, where the system tells.
#[cfg(target_os = "linux")]
pub fn resident_bytes() -> Option<u64> {
    let memory = procfs::process::Process::myself().ok()?.statm().ok()?;
    Some(memory.resident * procfs::page_size())
}

/// How much memory this process has, where the system tells.
#[cfg(not(target_os = "linux"))]
pub fn resident_bytes() -> Option<u64> {
    None
}
