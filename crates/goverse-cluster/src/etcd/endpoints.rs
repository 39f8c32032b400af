//! The endpoints of etcd: one is used until an attempt there fails or is given up, then the next.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use etcd_client::{Client, Error};

use super::connection::Connection;
use super::failure::meaning;
use super::settings::{EtcdSettings, EtcdSettingsError};
use crate::coordinator::CoordinatorError;

/// All endpoints.
pub(super) struct Endpoints {
    connections: Vec<Connection>,
    /// How often it went on to the next; that modulo their number is in use.
    turns: AtomicUsize,
    /// The id of the etcd cluster that was read last; 0 before.
    cluster: AtomicU64,
    /// Whether somebody has looked at the versions.
    is_looked_at: AtomicBool,
}

/// What an attempt may have done when its answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing that matters.
    None,
    /// Nothing, or all of it.
    MayBe,
}

/// An attempt at the endpoint of this turn. Dropped before it has ended, it was given up, and the next turn begins.
pub(super) struct Attempt<'a> {
    endpoints: &'a Endpoints,
    turn: usize,
    has_ended: bool,
}

// === impl Endpoints ===

impl Endpoints {
    pub(super) fn new(settings: &EtcdSettings) -> Result<Self, EtcdSettingsError> {
        if settings.endpoints.is_empty() {
            return Err(EtcdSettingsError::NoEndpoint);
        }
        let connections = settings.endpoints.iter().map(|url| Connection::new(settings, url));
        let connections = connections.collect::<Result<_, _>>()?;
        Ok(Self {
            connections,
            turns: AtomicUsize::new(0),
            cluster: AtomicU64::new(0),
            is_looked_at: AtomicBool::new(false),
        })
    }

    /// Tries once, at the endpoint whose turn it is.
    pub(super) async fn attempt<T, F>(
        &self,
        outcome: Outcome,
        call: impl FnOnce(Client) -> F,
    ) -> Result<T, CoordinatorError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let attempt = self.begin();
        let result = match attempt.connection().client().await {
            Ok(client) => call(client).await.map_err(|error| meaning(&error, outcome)),
            // Nothing was sent but who we are.
            Err(error) => Err(meaning(&error, Outcome::None)),
        };
        attempt.end(result)
    }

    /// Begins an attempt that is told by itself how it ended.
    pub(super) fn begin(&self) -> Attempt<'_> {
        Attempt { endpoints: self, turn: self.turns.load(Ordering::Relaxed), has_ended: false }
    }

    pub(super) fn connections(&self) -> &[Connection] {
        &self.connections
    }

    pub(super) fn connection(&self, turn: usize) -> &Connection {
        &self.connections[turn % self.connections.len()]
    }

    /// What was begun in this turn failed. The next one begins, unless another failure began it already.
    pub(super) fn failed(&self, turn: usize) {
        self.connection(turn).forget();
        let next = turn.wrapping_add(1);
        let _ = self.turns.compare_exchange(turn, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether nobody has asked this before.
    pub(super) fn is_first_look(&self) -> bool {
        !self.is_looked_at.swap(true, Ordering::Relaxed)
    }

    pub(super) fn saw_cluster(&self, id: u64) {
        self.cluster.store(id, Ordering::Relaxed);
    }

    /// Whether this is the cluster that was read, if any was.
    pub(super) fn is_same_cluster(&self, id: u64) -> bool {
        let known = self.cluster.load(Ordering::Relaxed);
        known == 0 || known == id
    }
}

// === impl Attempt ===

impl Attempt<'_> {
    pub(super) fn turn(&self) -> usize {
        self.turn
    }

    pub(super) fn connection(&self) -> &Connection {
        self.endpoints.connection(self.turn)
    }

    /// Passes the result on. After a failure that another endpoint may not have, the next turn begins.
    pub(super) fn end<T>(
        mut self,
        result: Result<T, CoordinatorError>,
    ) -> Result<T, CoordinatorError> {
        self.has_ended = true;
        match &result {
            Err(CoordinatorError::Unavailable(_) | CoordinatorError::Unknown(_)) => {
                self.endpoints.failed(self.turn);
            }
            // The next attempt says anew who we are.
            Err(CoordinatorError::Denied(_)) => self.connection().forget(),
            Ok(_) | Err(_) => {}
        }
        result
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.endpoints.failed(self.turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints() -> Endpoints {
        let settings = EtcdSettings::new(["http://a:1", "http://b:2", "http://c:3"]);
        Endpoints::new(&settings).unwrap()
    }

    fn in_use(endpoints: &Endpoints) -> String {
        endpoints.begin_for_test()
    }

    impl Endpoints {
        fn begin_for_test(&self) -> String {
            let mut attempt = self.begin();
            attempt.has_ended = true;
            attempt.connection().url.clone()
        }
    }

    #[test]
    fn an_attempt_that_is_given_up_goes_on_to_the_next_endpoint_once() {
        let endpoints = endpoints();
        let (one, two) = (endpoints.begin(), endpoints.begin());
        drop(one);
        assert_eq!(in_use(&endpoints), "http://b:2");
        // It was begun at the first too, and says nothing of the second.
        drop(two);
        assert_eq!(in_use(&endpoints), "http://b:2");
    }

    #[test]
    fn only_a_failure_of_the_endpoint_goes_on_to_the_next() {
        let endpoints = endpoints();
        let text = String::new;
        for stays in
            [Ok(()), Err(CoordinatorError::LeaseGone), Err(CoordinatorError::Denied(text()))]
        {
            let _ = endpoints.begin().end(stays);
            assert_eq!(in_use(&endpoints), "http://a:1");
        }
        for (goes, next) in [
            (CoordinatorError::Unavailable(text()), "http://b:2"),
            (CoordinatorError::Unknown(text()), "http://c:3"),
            (CoordinatorError::Unavailable(text()), "http://a:1"),
        ] {
            let _ = endpoints.begin().end::<()>(Err(goes));
            assert_eq!(in_use(&endpoints), next);
        }
    }
}
