//! The primitives below the lock: those of std, or loom's where it checks the models.

#[cfg(not(all(test, loom)))]
pub(super) use std::sync::{
    Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, Ordering, fence},
};

#[cfg(all(test, loom))]
pub(super) use loom::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering, fence},
};

#[cfg(all(test, loom))]
pub(super) use tried::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A lock that is only ever tried. Loom's own orders all that threads do by it, which std's does not promise, and lets who
/// tries it wait.
#[cfg(all(test, loom))]
mod tried {
    use std::ops::{Deref, DerefMut};
    use std::sync::{self, TryLockError};

    use loom::sync::atomic::{AtomicUsize, Ordering};

    const WRITTEN: usize = usize::MAX;

    pub(in super::super) struct RwLock<T> {
        /// How many read it, or [`WRITTEN`].
        holders: AtomicUsize,
        /// Never tried in vain, so loom need not know of it.
        value: sync::RwLock<T>,
    }

    pub(in super::super) struct RwLockReadGuard<'a, T> {
        value: sync::RwLockReadGuard<'a, T>,
        /// Dropped after the value.
        _release: Release<'a>,
    }

    pub(in super::super) struct RwLockWriteGuard<'a, T> {
        value: sync::RwLockWriteGuard<'a, T>,
        _release: Release<'a>,
    }

    struct Release<'a> {
        holders: &'a AtomicUsize,
        is_writer: bool,
    }

    type Tried<G> = Result<G, TryLockError<G>>;

    impl<T> RwLock<T> {
        pub(in super::super) fn new(value: T) -> Self {
            Self { holders: AtomicUsize::new(0), value: sync::RwLock::new(value) }
        }

        pub(in super::super) fn try_write(&self) -> Tried<RwLockWriteGuard<'_, T>> {
            let taken =
                self.holders.compare_exchange(0, WRITTEN, Ordering::Acquire, Ordering::Relaxed);
            let Ok(_) = taken else { return Err(TryLockError::WouldBlock) };
            let value = self.value.try_write().expect("nobody else is let through");
            let release = Release { holders: &self.holders, is_writer: true };
            Ok(RwLockWriteGuard { value, _release: release })
        }

        pub(in super::super) fn try_read(&self) -> Tried<RwLockReadGuard<'_, T>> {
            let one_more = |holders| (holders != WRITTEN).then(|| holders + 1);
            let taken = self.holders.fetch_update(Ordering::Acquire, Ordering::Relaxed, one_more);
            let Ok(_) = taken else { return Err(TryLockError::WouldBlock) };
            let value = self.value.try_read().expect("no writer is let through");
            let release = Release { holders: &self.holders, is_writer: false };
            Ok(RwLockReadGuard { value, _release: release })
        }
    }

    impl Drop for Release<'_> {
        fn drop(&mut self) {
            if self.is_writer {
                self.holders.store(0, Ordering::Release);
            } else {
                self.holders.fetch_sub(1, Ordering::Release);
            }
        }
    }

    impl<T> Deref for RwLockReadGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.value
        }
    }

    impl<T> Deref for RwLockWriteGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.value
        }
    }

    impl<T> DerefMut for RwLockWriteGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            &mut self.value
        }
    }
}
