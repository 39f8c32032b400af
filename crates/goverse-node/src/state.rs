//! The state that objects keep: how it comes from the store, and how it gets there.
//!
//! A turn of a persistent object that may change it includes its save: the turn lock is held, and the caller waits, until
//! the store has answered. So nobody sees what is not saved. If the answer is no, or none comes, the activation is
//! dropped, and the next call loads what is stored.

mod after_commit;
mod book;
mod commit;
mod delivery;
mod flush;
mod loading;
mod node_store;
mod once;
mod persistence;
mod upkeep;

pub(crate) use after_commit::AfterCommit;
pub(crate) use book::{Book, Saving};
pub(crate) use commit::{
    commit, may_commit, save_at_the_end, save_within, shared_turn_refused, state_of,
};
pub(crate) use flush::Unsaved;
pub(crate) use loading::{Unsure, load};
pub(crate) use node_store::NodeStore;
pub(crate) use once::{Once, Repeat, find_repeat};
pub use persistence::{Persistence, State, Upgrade, WritePolicy};
