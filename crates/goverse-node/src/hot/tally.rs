//! Sums over turns, estimated from those that were recorded.

/// The turns of an object, or of all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) calls: Estimate,
    pub(super) nanos: Estimate,
}

/// A sum of which only some terms were seen: each counts as many times as it stands for.
///
/// The sum is that of Horvitz and Thompson, "A Generalization of Sampling Without Replacement From a Finite Universe"
/// (1952). It has no bias, and its variance is known from the same terms.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Estimate {
    pub(super) sum: f64,
    variance: f64,
}

/// What objects are ranked by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measure {
    /// How many turns they had.
    Calls,
    /// How long those took.
    Nanos,
}

// === impl Tally ===

impl Tally {
    /// A turn that stands for `weight` turns of its kind.
    pub(super) fn of_turn(nanos: u64, weight: f64) -> Self {
        Self { calls: Estimate::of(1.0, weight), nanos: Estimate::of(nanos as f64, weight) }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.calls.add(other.calls);
        self.nanos.add(other.nanos);
    }

    pub(super) fn scale(&mut self, factor: f64) {
        self.calls.scale(factor);
        self.nanos.scale(factor);
    }
}

// === impl Estimate ===

impl Estimate {
    /// A term that was seen with probability `1 / weight`.
    fn of(term: f64, weight: f64) -> Self {
        Self { sum: weight * term, variance: weight * (weight - 1.0) * term * term }
    }

    pub(super) fn standard_error(self) -> f64 {
        self.variance.sqrt()
    }

    fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.variance += other.variance;
    }

    fn scale(&mut self, factor: f64) {
        self.sum *= factor;
        self.variance *= factor * factor;
    }
}

// === impl Measure ===

impl Measure {
    pub(super) fn of(self, tally: &Tally) -> f64 {
        match self {
            Self::Calls => tally.calls.sum,
            Self::Nanos => tally.nanos.sum,
        }
    }

    /// What is too little to be kept: half a call, or a microsecond, of the last seconds.
    pub(super) fn negligible(self) -> f64 {
        match self {
            Self::Calls => 0.5,
            Self::Nanos => 1_000.0,
        }
    }
}
