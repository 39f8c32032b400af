//! Sample applications on GoVerse, used by the demo, the tests and the benches.

pub mod chat;
