//! What a node and its types are told before they begin.

use std::time::Duration;

use crate::state::WritePolicy;

/// How the objects of one type are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeSettings {
    /// An object that was not called for so long is deactivated; `None`: never. By default 15 minutes.
    pub idle_timeout: Option<Duration>,
    /// How many calls may wait for one object; a further one is `Overloaded`. By default 4096.
    pub waiting_max: usize,
    /// A turn that takes longer is ended at its next await, and the activation with it. By default 30 seconds.
    pub turn_limit: Duration,
    /// A turn that took longer is counted and logged. By default 1 second.
    pub long_turn: Duration,
    /// When a persistent object is saved; `None`: as its type says.
    pub write: Option<WritePolicy>,
}

/// How a node treats calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeSettings {
    /// How long a call may take that has no time-out of its own. By default 10 seconds.
    pub call_timeout: Duration,
    /// How many objects may wait for each other in one chain of calls. By default 100.
    pub chain_len_max: usize,
    /// The largest arguments of a call from outside, in bytes. By default 4 MiB.
    pub payload_bytes_max: usize,
    /// How long the store may take for one answer. By default 5 seconds.
    pub store_timeout: Duration,
    /// How long the result of a call with an id is kept, for its repeats. By default 24 hours.
    pub call_results_kept: Duration,
}

impl Default for TypeSettings {
    fn default() -> Self {
        Self {
            idle_timeout: Some(Duration::from_secs(15 * 60)),
            waiting_max: 4_096,
            turn_limit: Duration::from_secs(30),
            long_turn: Duration::from_secs(1),
            write: None,
        }
    }
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_secs(10),
            chain_len_max: 100,
            payload_bytes_max: 4 << 20,
            store_timeout: Duration::from_secs(5),
            call_results_kept: Duration::from_secs(24 * 60 * 60),
        }
    }
}
