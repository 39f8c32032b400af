//! What a thread has found of late, so that it need not look for it again where others look, too.
//!
//! Whoever looks into the directory writes to the lock of a shard, which another core may have written to last. A thread that
//! calls the same objects again and again finds them here instead, and writes to nothing but the object itself.
//!
//! Each thread has one table for all types and nodes, with one place for each hash, so it takes [`PLACES`] × 32 bytes
//! at the most. An id is remembered when it was looked for twice while nothing else was in its place, so objects that are
//! called once leave nothing behind. What is remembered is held weakly: the object ends when it ends, and leaves no more
//! than its memory until something else takes the place.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use crate::activation::{Activation, AnyActivation};
use crate::object::Object;

/// How many ids a thread remembers; a power of two.
const PLACES: usize = 4_096;

thread_local! {
    static RECENT: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };
}

#[derive(Default)]
struct Place {
    hash: u64,
    activation: Option<Weak<dyn AnyActivation>>,
    /// The hash of what was looked for in vain.
    missed: u32,
}

/// The activation of this hash that `is_it` says yes to, if this thread remembers it.
#[inline]
pub(crate) fn find<T: Object>(
    hash: u64,
    is_it: impl FnOnce(&Activation<T>) -> bool,
) -> Option<Arc<Activation<T>>> {
    let found = RECENT.try_with(|recent| {
        let places = recent.borrow();
        let place = places.get(index(hash)).filter(|place| place.hash == hash)?;
        place.activation.as_ref()?.upgrade()
    });
    Activation::of(found.ok()??).filter(|activation| is_it(activation))
}

/// Remembers what was not found here, and was found elsewhere.
pub(crate) fn remember<T: Object>(hash: u64, activation: &Arc<Activation<T>>) {
    // At its end a thread remembers nothing.
    let _ = RECENT.try_with(|recent| {
        let mut places = recent.borrow_mut();
        if places.is_empty() {
            places.resize_with(PLACES, Place::default);
        }
        let place = &mut places[index(hash)];
        let missed = (hash >> 32) as u32;
        if std::mem::replace(&mut place.missed, missed) == missed {
            let activation: Weak<Activation<T>> = Arc::downgrade(activation);
            *place = Place { hash, activation: Some(activation), missed };
        }
    });
}

fn index(hash: u64) -> usize {
    hash as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::{PLACES, Place};

    #[test]
    fn a_thread_remembers_little() {
        assert!(size_of::<Place>() * PLACES <= 128 * 1024);
    }
}
