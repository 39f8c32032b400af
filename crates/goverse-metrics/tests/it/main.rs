//! What the catalogue promises, and that guards keep their counts exact.

mod calls;
mod catalogue;
mod cluster;
mod guards;
mod store;
