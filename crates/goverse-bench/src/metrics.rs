//! The bench `metrics`: what counting costs, and what it costs to read the counts.
//!
//! * [`handles`]: one counter, gauge pair, histogram sample, and one object's whole accounting.
//! * [`lifecycle`]: the metrics' share of creating and destroying an object.
//! * [`page`]: rendering `/metrics`.
//! * [`scraped`]: creating and destroying objects while `/metrics` is scraped without pause.
//! * [`memory`]: memory over many samples that nobody reads.

pub mod handles;
pub mod lifecycle;
pub mod memory;
pub mod page;
mod peers;
pub mod scraped;

use crate::arguments::Arguments;

/// Measures every figure that was asked for.
pub fn run(arguments: &Arguments) {
    let (report, runs) = (arguments.report(), arguments.runs());
    handles::run(&report, runs);
    lifecycle::run(&report, runs);
    page::run(&report, runs);
    memory::run(&report, runs);
    // Last, for its server installs a recorder for the whole process.
    scraped::run(&report, runs);
}
