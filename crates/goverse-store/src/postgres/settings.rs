//! Which database, and how it is reached.

use std::path::PathBuf;
use std::time::Duration;

/// Which database, and how it is reached.
#[derive(Clone, Debug)]
pub struct PostgresSettings {
    /// The address: `postgres://user:password@host:port/database`, or the words of `libpq`. Several hosts may be named;
    /// the first that takes writes is used.
    pub url: String,
    /// The schema that holds the tables; `goverse` unless told otherwise. It is made if it is not there.
    pub schema: String,
    /// How many connections at most; 8 unless told otherwise.
    pub connections: usize,
    /// For how long connecting may take; 5 s unless told otherwise.
    pub patience: Duration,
    /// Whether the connection is encrypted.
    pub tls: Tls,
}

/// Whether a connection is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It is not.
    Off,
    /// It is, and the server must show a certificate of its name.
    On {
        /// The certificates, in PEM, of those whose word counts; the machine's own if there is none.
        authorities: Option<PathBuf>,
    },
}

// === impl PostgresSettings ===

impl PostgresSettings {
    /// The database at `url`, used as is usual: encrypted if the address says `sslmode=require`.
    pub fn new(url: impl Into<String>) -> Self {
        let url = url.into();
        let tls =
            if url.contains("sslmode=require") { Tls::On { authorities: None } } else { Tls::Off };
        let schema = "goverse".to_owned();
        Self { url, schema, connections: 8, patience: Duration::from_secs(5), tls }
    }
}
