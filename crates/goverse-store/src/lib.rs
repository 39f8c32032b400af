//! Where objects keep their state: in memory, in SQLite, in PostgreSQL.
//!
//! * [`MemoryStore`] is for tests: it lasts as long as the process.
//! * `SqliteStore` is a file, and the default: no server, one node.
//! * `PostgresStore` is a database that the nodes of a cluster share.
//!
//! Each is a [`StateStore`](goverse_node::StateStore), and passes the same conformance suite. The guards of a save, that
//! it is of the newest tenure and on the newest version, are in the transaction that saves.

mod guard;
mod limits;
mod memory;
mod open_error;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "scratch-postgres")]
pub mod scratch_postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod text;

pub use limits::STATE_BYTES_MAX;
pub use memory::MemoryStore;
pub use open_error::OpenError;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresSettings, PostgresStore, Tls};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteSettings, SqliteStore};
