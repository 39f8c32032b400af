//! The primitives below the lock: those of std, or loom's where it checks the models.

#[cfg(not(all(test, loom)))]
pub(super) use std::sync::{Arc, Mutex, MutexGuard};

#[cfg(all(test, loom))]
pub(super) use loom::sync::{Arc, Mutex, MutexGuard};
