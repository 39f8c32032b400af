//! What the catalogue promises, and that guards keep their counts exact.

mod catalogue;
mod guards;
