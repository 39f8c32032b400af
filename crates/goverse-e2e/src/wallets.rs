//! A load of wallets, and the audit of what became of it.
//!
//! * [`Plan`] says what each operation is, by its number: the amount is the number, so that each entry of a ledger names
//!   the operation that it is of, and so does a repeat after a restart.
//! * [`Load`] is the clients. They write down what they were answered in a [`Journal`], which outlives the process.
//! * [`Books`] are what the store holds, and [`Books::audit`] compares them with the journal.

mod books;
mod journal;
mod load;
mod plan;

pub use books::{Books, settle};
pub use journal::{Answer, Failure, History, Journal, Line};
pub use load::Load;
pub use plan::{Change, Operation, Plan, Treatment};
