//! Bytes of an object that was called once and then does nothing, each time in a process of its own.
//!
//! The state, 16 bytes, is among them, and of ours the id is too. A peer's object has none, but a reference
//! to it is kept, for it would end without.

use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use super::competitor::{Competitor, complete};
use super::contest::{Beside, Quantity, Scenario, contest, entrants};
use super::goverse::Goverse;
use crate::process::{printed_by_child, resident_bytes};
use crate::report::Report;

/// The option that makes this program a [`child`].
pub const CHILD_OPTION: &str = "idle-memory-of";

const OBJECTS: usize = 100_000;
const MILLION: usize = 1_000_000;

/// Whose objects a child process makes, and how many.
#[derive(Clone, Debug)]
pub struct Child {
    competitor: String,
    objects: usize,
}

/// Has a child process weigh the objects.
struct IdleMemory {
    /// How many of ours.
    ours: usize,
}

/// Weighs so many in this process.
struct InThisProcess {
    objects: usize,
}

/// Measures where the system tells how much memory a process has.
pub fn run(report: &Report, runs: usize, million: bool) {
    if resident_bytes().is_some() {
        let ours = if million { MILLION } else { OBJECTS };
        contest(&IdleMemory { ours }, report, runs);
    }
}

/// What a child process does: makes the objects, and prints by how many bytes each of them made it grow.
pub fn child(child: &Child) {
    let scenario = InThisProcess { objects: child.objects };
    for mut entrant in entrants(&scenario) {
        if entrant.name == child.competitor {
            let bytes = (entrant.measure)().expect("the parent measures nobody who is not there");
            println!("{bytes}");
        }
    }
}

// === impl Child ===

impl FromStr for Child {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once(':').and_then(|(competitor, objects)| {
            Some(Self { competitor: competitor.to_owned(), objects: objects.parse().ok()? })
        });
        parsed.ok_or_else(|| "write a competitor and a number, such as mailbox:1000".to_owned())
    }
}

// === impl IdleMemory ===

impl Scenario for IdleMemory {
    type Outcome = f64;

    fn quantities(&self) -> Vec<Quantity<f64>> {
        let beside = Beside::LeastOfFrameworks;
        vec![Quantity { name: "idle_memory", unit: "B", value: |bytes| *bytes, beside }]
    }

    fn measure<C: Competitor>(&self, _competitor: Arc<C>, _threads: &C::Threads) -> f64 {
        let objects = if C::NAME == Goverse::<true>::NAME { self.ours } else { OBJECTS };
        printed_by_child(&format!("--{CHILD_OPTION}={}:{objects}", C::NAME))
    }
}

// === impl InThisProcess ===

impl Scenario for InThisProcess {
    type Outcome = f64;

    fn quantities(&self) -> Vec<Quantity<f64>> {
        Vec::new()
    }

    fn measure<C: Competitor>(&self, competitor: Arc<C>, threads: &C::Threads) -> f64 {
        let objects = self.objects;
        let resident = || resident_bytes().expect("the parent has looked");
        complete(threads, make(Arc::clone(&competitor), 0..1));
        let before = resident();
        let _kept = complete(threads, make(competitor, 1..objects + 1));
        (resident() - before) as f64 / objects as f64
    }
}

/// Makes objects with these numbers, calls each of them once, and returns what keeps them alive.
async fn make<C: Competitor>(competitor: Arc<C>, numbers: Range<usize>) -> Vec<C::Reference> {
    let mut kept = Vec::new();
    if C::LIVES_BY_REFERENCE {
        kept.reserve_exact(numbers.len());
    }
    for number in numbers {
        let object = competitor.activate(number, &format!("counter-{number}")).await;
        C::add(&object, 5).await;
        if C::LIVES_BY_REFERENCE {
            kept.push(object);
        }
    }
    kept
}
