//! Simulates clusters from seeds: `cargo xtask sim --seed N`, `cargo xtask sim --seeds FROM..TO`.

use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use goverse_cluster::simulation::{self, Plan};

const USAGE: &str = "usage: sim --seed N | --seeds FROM..TO";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--seed", seed] => match seed.parse() {
            Ok(seed) => replay(seed),
            Err(_) => misused(),
        },
        ["--seeds", seeds] => match range(seeds) {
            Some(seeds) => search(seeds),
            None => misused(),
        },
        _ => misused(),
    }
}

fn misused() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn range(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}

/// Runs one seed, and shows what happened.
fn replay(seed: u64) -> ExitCode {
    let plan = Plan::random(seed);
    match simulation::run(&plan, None) {
        Ok(summary) => {
            println!("{plan}\n{summary}: no violation");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{}", simulation::report(&plan, &failure, None));
            ExitCode::FAILURE
        }
    }
}

/// Runs many seeds on all processors, until one fails.
fn search(seeds: Range<u64>) -> ExitCode {
    let begun = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let failed = AtomicU64::new(u64::MAX);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while failed.load(Ordering::Relaxed) == u64::MAX {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    if simulation::run(&Plan::random(seed), None).is_err() {
                        failed.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    match failed.into_inner() {
        u64::MAX => {
            let count = seeds.end.saturating_sub(seeds.start);
            println!("{count} seeds, no violation, in {:.1} s", begun.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        seed => replay(seed),
    }
}
