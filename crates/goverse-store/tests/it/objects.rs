//! Objects that keep their state: what a node promises, with a store that does what it should and with one that does not.

mod after_commit;
mod faulty;
mod fixture;
mod once;
mod policies;
mod saving;
