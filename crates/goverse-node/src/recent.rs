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
    use std::sync::Arc;
    use std::thread;

    use futures_util::FutureExt;

    use super::{PLACES, Place, find};
    use crate::activation::Activation;
    use crate::node::Node;
    use crate::object::Object;

    struct Thing(#[expect(dead_code, reason = "it is dropped")] Arc<()>);

    impl Object for Thing {
        const TYPE: &'static str = "Thing";
        const HAS_HOOKS: bool = false;
    }

    fn node() -> (Node, Arc<()>) {
        let of_things = Arc::new(());
        let things = Arc::clone(&of_things);
        let make = move || Thing(Arc::clone(&things));
        let address = "localhost:47000".parse().unwrap();
        (Node::builder(address).object_with(make).build().unwrap(), of_things)
    }

    fn create(node: &Node, id: &str) {
        node.create_object("Thing", id).now_or_never().unwrap().unwrap();
    }

    fn destroy(node: &Node, id: &str) {
        node.destroy_object("Thing", id).now_or_never().unwrap().unwrap();
    }

    fn get(node: &Node, id: &str) -> Option<Arc<Activation<Thing>>> {
        node.object_type::<Thing>().unwrap().directory.get(id)
    }

    fn remembers(node: &Node, id: &str) -> bool {
        let hash = node.object_type::<Thing>().unwrap().directory.hash(id);
        find::<Thing>(hash, |_| true).is_some()
    }

    #[test]
    fn what_is_looked_for_again_is_remembered_by_the_thread_that_did() {
        let (node, _) = node();
        create(&node, "a");
        get(&node, "a").unwrap();
        assert!(!remembers(&node, "a"), "it may have been once only");
        let there = get(&node, "a").unwrap();
        assert!(remembers(&node, "a"));
        assert!(Arc::ptr_eq(&get(&node, "a").unwrap(), &there));
        let of_another = thread::scope(|scope| scope.spawn(|| remembers(&node, "a")).join());
        assert!(!of_another.unwrap());
    }

    #[test]
    fn what_is_remembered_ends_when_it_ends() {
        let (node, things) = node();
        create(&node, "a");
        let first = [(); 3].map(|()| get(&node, "a").unwrap())[0].id().clone();
        assert_eq!(Arc::strong_count(&things), 3, "one is in the node, one in the object");
        // The shell is still held, as by a reference.
        let shell = get(&node, "a").unwrap();
        destroy(&node, "a");
        assert_eq!(Arc::strong_count(&things), 2);
        assert!(remembers(&node, "a") && get(&node, "a").is_none());
        create(&node, "a");
        let second = get(&node, "a").unwrap();
        assert!(!Arc::ptr_eq(&second, &shell) && *second.id() == first);
        drop((shell, second));
        destroy(&node, "a");
        assert!(!remembers(&node, "a") && get(&node, "a").is_none());
    }

    #[test]
    fn nothing_of_another_node_is_found() {
        let (one, two) = (node().0, node().0);
        create(&one, "a");
        create(&two, "a");
        let there = [(); 3].map(|()| get(&one, "a").unwrap());
        let hash = one.object_type::<Thing>().unwrap().directory.hash("a");
        let of_two = &two.object_type::<Thing>().unwrap().directory;
        let found = of_two.find_recent(hash, "a");
        assert!(found.is_none(), "whatever it has the hash of");
        let directory = &one.object_type::<Thing>().unwrap().directory;
        assert!(Arc::ptr_eq(&directory.find_recent(hash, "a").unwrap(), &there[0]));
        assert!(directory.find_recent(hash, "b").is_none());
    }

    #[test]
    fn a_thread_remembers_little() {
        assert!(size_of::<Place>() * PLACES <= 128 * 1024);
    }
}
