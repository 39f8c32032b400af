//! What a thread has found of late, so that it need not look for it again where others look, too.
//!
//! Whoever looks into the directory writes to the lock of a shard, which another core may have written to last. A thread that
//! calls the same objects again and again finds them here instead, and writes to nothing but the object itself.
//!
//! Each thread has one table for all types and nodes, with some places for hashes that end alike, as a cache of a processor
//! has. An id is remembered when it was looked for twice with few others between that belong to the same places, so objects
//! that are called once leave nothing behind. What is remembered is held weakly: the object ends when it ends, and leaves no
//! more than its memory until something else takes the place.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use crate::activation::{Activation, AnyActivation};
use crate::object::Object;

/// A power of two. With the places in each, a thread remembers some 4000 ids.
const SETS: usize = 1_024;
const PLACES: usize = 4;

thread_local! {
    static RECENT: RefCell<Vec<Set>> = const { RefCell::new(Vec::new()) };
}

/// What is remembered of ids whose hashes end alike.
#[derive(Default)]
struct Set {
    hashes: [u64; PLACES],
    activations: [Option<Weak<dyn AnyActivation>>; PLACES],
    /// Hashes of what was looked for in vain of late.
    missed: [u32; PLACES],
    /// The places that are taken next when none is free, of those above.
    next: u8,
    next_missed: u8,
}

/// The activation of this hash that `is_it` says yes to, if this thread remembers it.
#[inline]
pub(crate) fn find<T: Object>(
    hash: u64,
    is_it: impl FnOnce(&Activation<T>) -> bool,
) -> Option<Arc<Activation<T>>> {
    let found = RECENT.try_with(|recent| {
        let sets = recent.borrow();
        let set = sets.get(index(hash))?;
        let place = set.hashes.iter().position(|remembered| *remembered == hash)?;
        set.activations[place].as_ref()?.upgrade()
    });
    Activation::of(found.ok()??).filter(|activation| is_it(activation))
}

/// Remembers what was not found here, and was found elsewhere.
pub(crate) fn remember<T: Object>(hash: u64, activation: &Arc<Activation<T>>) {
    // At its end a thread remembers nothing.
    let _ = RECENT.try_with(|recent| {
        let mut sets = recent.borrow_mut();
        if sets.is_empty() {
            sets.resize_with(SETS, Set::default);
        }
        let set = &mut sets[index(hash)];
        if set.missed_before(hash) {
            let activation: Weak<Activation<T>> = Arc::downgrade(activation);
            set.remember(hash, activation);
        }
    });
}

fn index(hash: u64) -> usize {
    hash as usize % SETS
}

// === impl Set ===

impl Set {
    /// Whether this is not the first time of late.
    fn missed_before(&mut self, hash: u64) -> bool {
        let missed = (hash >> 32) as u32;
        if self.missed.contains(&missed) {
            return true;
        }
        self.missed[take_next(&mut self.next_missed)] = missed;
        false
    }

    /// Takes the place of the hash, else a free one, else the one that was taken longest ago.
    fn remember(&mut self, hash: u64, activation: Weak<dyn AnyActivation>) {
        let same = self.hashes.iter().position(|remembered| *remembered == hash);
        let free = || self.activations.iter().position(Option::is_none);
        let place = same.or_else(free).unwrap_or_else(|| take_next(&mut self.next));
        self.hashes[place] = hash;
        self.activations[place] = Some(activation);
    }
}

/// The places in turn.
fn take_next(next: &mut u8) -> usize {
    let place = usize::from(*next);
    *next = (*next + 1) % PLACES as u8;
    place
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use futures_util::FutureExt;

    use super::{PLACES, SETS, Set, find};
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
    fn ids_whose_hashes_end_alike_do_not_take_each_others_place() {
        let (node, _) = node();
        let hash = |id: &str| node.object_type::<Thing>().unwrap().directory.hash(id);
        let first = hash("a") as usize % SETS;
        let alike = (0..).map(|number: u32| number.to_string());
        let alike = alike.filter(|id| hash(id) as usize % SETS == first);
        let ids: Vec<_> = std::iter::once("a".to_owned()).chain(alike).take(PLACES + 1).collect();
        let look_twice = |id: &String| [(); 2].map(|()| get(&node, id).unwrap());
        for id in &ids {
            create(&node, id);
        }
        ids[..PLACES].iter().for_each(|id| drop(look_twice(id)));
        assert!(ids[..PLACES].iter().all(|id| remembers(&node, id)));
        // The one that came first makes room.
        look_twice(&ids[PLACES]);
        assert!(ids[1..].iter().all(|id| remembers(&node, id)));
        assert!(!remembers(&node, "a"));
    }

    #[test]
    fn ids_that_are_looked_for_in_turn_are_remembered() {
        let (node, _) = node();
        let ids: Vec<_> = (0..1_000).map(|number| number.to_string()).collect();
        ids.iter().for_each(|id| create(&node, id));
        for _ in 0..3 {
            ids.iter().for_each(|id| drop(get(&node, id).unwrap()));
        }
        let remembered = ids.iter().filter(|id| remembers(&node, id)).count();
        assert!(remembered > 900, "{remembered}");
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
        assert!(size_of::<Set>() * SETS <= 128 * 1024);
    }
}
