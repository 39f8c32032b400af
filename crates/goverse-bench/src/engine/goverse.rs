//! Ours; not there yet, so no figure shows it.
//!
//! It can be had with a real Prometheus recorder and all metrics on, as it is compared, and without one,
//! to see what the metrics cost. Beside the peers it is at a disadvantage that they have not: its
//! directory is the node itself, in which objects come and go.

use std::convert::Infallible;

use super::competitor::{Competitor, Workers};

/// Ours, with a recorder or without. There can be no value of it yet.
pub(super) struct Goverse<const RECORDED: bool>(Infallible);

impl<const RECORDED: bool> Competitor for Goverse<RECORDED> {
    const NAME: &'static str = if RECORDED { "goverse" } else { "goverse without a recorder" };
    const LIVES_BY_REFERENCE: bool = false;
    type Threads = Workers;
    type Reference = Infallible;
    type Directory = Infallible;

    fn begin(_workers: &Workers) -> Option<Self> {
        None
    }

    async fn activate(&self, _caller: usize, _id: &str) -> Infallible {
        self.0
    }

    async fn directory(&self, _ids: &[String]) -> Infallible {
        self.0
    }

    async fn add(object: &Infallible, _by: i64) -> i64 {
        match *object {}
    }

    async fn add_yielding(object: &Infallible, _by: i64) -> i64 {
        match *object {}
    }

    async fn add_by_id(directory: &Infallible, _id: &str, _by: i64) -> i64 {
        match *directory {}
    }

    async fn come_and_go(&self, _id: &str) {
        match self.0 {}
    }
}
