//! Which threads may save by themselves: those on which saves come one at a time.
//!
//! A save that blocks its thread until it is committed spares the way to another thread and back, but its task does
//! nothing else meanwhile, such as to make the other calls of a `join!` whose saves would go along. So a thread has to
//! earn it, by a save that went the common way with no other beside it, and has to earn it again from time to time.

use std::cell::Cell;

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::runner;

/// How many saves in a row a thread may make by itself, so that one in so many shows whether others would go along.
pub(super) const IN_A_ROW_MAX: u32 = 16;

thread_local! {
    /// How many saves are left to this thread.
    static LEFT: Cell<u32> = const { Cell::new(0) };
}

/// A task on this thread has saved all that there was, which was one save if `is_alone`.
///
/// Only a task that was spawned says so, which is how its thread is known to be one that a runtime has for tasks: on
/// others, such as one with a `LocalSet`, nobody may block.
pub(super) fn saved(is_alone: bool) {
    LEFT.set(if is_alone && is_of_many_threads() { IN_A_ROW_MAX } else { 0 });
}

/// Whether this thread may save by itself now.
pub(super) fn may_save() -> bool {
    // A turn that was waited for is run on behalf of others, who are not to wait for its commit.
    LEFT.get() > 0 && !runner::is_running() && is_of_many_threads()
}

/// This thread has saved by itself.
pub(super) fn saved_here() {
    LEFT.set(LEFT.get().saturating_sub(1));
}

fn is_of_many_threads() -> bool {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    matches!(flavor, Ok(RuntimeFlavor::MultiThread))
}
