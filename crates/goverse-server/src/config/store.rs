//! Where persistent objects keep their state: the table `store` of the file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use goverse_node::NodeSettings;
use serde::{Deserialize, Serialize};

use super::setting::Setting;
use super::{ConfigArgs, ConfigError};

/// Which store is used when nothing is said: a file in the working folder.
const DEFAULT_URL: &str = "sqlite:goverse.db";

/// Where persistent objects keep their state. It is opened if a type is persistent, or if it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreConfig {
    /// Which store.
    pub url: StoreUrl,
    /// The schema of the tables in PostgreSQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The certificates, in PEM, of those whose word counts for PostgreSQL; with it the connection is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Whether a start waits until the store is there.
    pub wait: bool,
    /// Where the address was said, for messages; nothing if it is the default.
    #[serde(skip)]
    pub(crate) source: Option<String>,
}

/// The address of a store: `memory`, `sqlite:PATH`, or `postgres://…`.
///
/// Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// In this process, and gone with it.
    Memory,
    /// A file.
    Sqlite(PathBuf),
    /// A database of PostgreSQL, as its address says.
    Postgres(String),
}

/// The table `store`: what it looks like before it is checked.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct FileStore {
    url: Option<String>,
    schema: Option<String>,
    ca_file: Option<String>,
    timeout: Option<String>,
    call_results_kept: Option<String>,
}

// === impl StoreConfig ===

impl StoreConfig {
    /// The store at `url`, used as is usual.
    pub fn new(url: StoreUrl) -> Self {
        Self { url, schema: None, ca_file: None, wait: false, source: None }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self::new(DEFAULT_URL.parse().expect("the default is an address"))
    }
}

// === impl FileStore ===

impl FileStore {
    /// Checks the settings, and puts those that were given to the program over them.
    pub(super) fn check(
        self,
        args: &ConfigArgs,
        path: Option<&Path>,
        calls: &mut NodeSettings,
    ) -> Result<StoreConfig, ConfigError> {
        let field = |name: &str, given: Option<&str>, in_file: Option<String>| {
            Setting::of(&format!("store.{name}"), given, path, in_file)
        };
        let mut config = StoreConfig { wait: args.wait, ..StoreConfig::default() };
        if let Some(url) = Setting::of_store(args.store.as_deref(), path, self.url) {
            config.url = url.parse()?;
            config.source = Some(url.source_name().to_owned());
        }
        config.ca_file = self.ca_file.map(PathBuf::from);
        if let Some(schema) = field("schema", None, self.schema) {
            config.schema = Some(schema.schema_name()?);
        }
        if let Some(timeout) = field("timeout", None, self.timeout) {
            calls.store_timeout = timeout.time()?;
        }
        if let Some(kept) = field("call_results_kept", None, self.call_results_kept) {
            calls.call_results_kept = kept.time()?;
        }
        Ok(config)
    }
}

// === impl StoreUrl ===

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sqlite =
            text.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
        match (text, sqlite) {
            ("memory", _) => Ok(Self::Memory),
            (_, Some(path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            _ if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                Ok(Self::Postgres(text.to_owned()))
            }
            _ => Err("write sqlite:PATH, postgres://USER@HOST/DATABASE, or memory".to_owned()),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

/// An address as it may be shown: what stands between the user's name and the host is left out, and so is a parameter
/// `password`.
fn without_password(url: &str) -> String {
    let (start, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (authority, query) = rest.split_once('?').map_or((rest, None), |(a, q)| (a, Some(q)));
    let shown = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let name =
                user.split_once(':').map_or(user.to_owned(), |(name, _)| format!("{name}:***"));
            format!("{name}@{host}")
        }
        None => authority.to_owned(),
    };
    let query = query.map(|query| {
        let parts = query.split('&').map(|part| match part.split_once('=') {
            Some((key, _)) if key.eq_ignore_ascii_case("password") => "password=***",
            _ => part,
        });
        format!("?{}", parts.collect::<Vec<_>>().join("&"))
    });
    format!("{start}://{shown}{}", query.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::StoreUrl;

    #[test]
    fn an_address_is_read_and_shown_without_its_password() {
        let check = |text: &str, shown: Result<&str, ()>| {
            let read: Result<StoreUrl, _> = text.parse();
            assert_eq!(
                read.as_ref().map(StoreUrl::to_string).map_err(|_| ()),
                shown.map(str::to_owned),
                "{text}"
            );
        };
        check("memory", Ok("memory"));
        check("sqlite:goverse.db", Ok("sqlite:goverse.db"));
        check("sqlite:///var/lib/goverse.db", Ok("sqlite:/var/lib/goverse.db"));
        check("postgres://a@h/d", Ok("postgres://a@h/d"));
        check("postgres://a:b%40c@h:5432/d", Ok("postgres://a:***@h:5432/d"));
        check(
            "postgresql://a:b:@c@h/d?x=1&password=p",
            Ok("postgresql://a:***@h/d?x=1&password=***"),
        );
        for wrong in ["", "sqlite:", "goverse.db", "mysql://a@h/d", "memory:"] {
            check(wrong, Err(()));
        }
    }
}
