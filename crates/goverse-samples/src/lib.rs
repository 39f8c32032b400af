//! Sample applications on GoVerse, used by the demo, the tests and the benches.

pub mod chat;
pub mod counter;
pub mod wallet;

use goverse::App;

/// Registers the types of all samples.
pub fn register(app: App) -> App {
    chat::register(app).object::<counter::Counter>().object::<wallet::Wallet>()
}
