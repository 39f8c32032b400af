//! A connection, and that the server behind it keeps what it commits.

use std::time::Duration;

use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, NoTls};

use super::error::tell;
use super::settings::{PostgresSettings, Tls};
use super::tls::Rustls;
use crate::OpenError;

/// How long a silent connection is believed in.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// Makes connections to one database.
#[derive(Debug)]
pub(super) struct Connector {
    config: Config,
    tls: Option<Rustls>,
    schema: String,
    patience: Duration,
}

// === impl Connector ===

impl Connector {
    pub(super) fn new(settings: &PostgresSettings) -> Result<Self, OpenError> {
        let config: Config = settings.url.parse().map_err(|error| OpenError::Unusable {
            place: "of PostgreSQL".to_owned(),
            problem: format!("its address cannot be read: {}", tell(&error)),
        })?;
        let (schema, patience) = (settings.schema.clone(), settings.patience);
        let mut connector = Self { config, tls: None, schema, patience };
        connector.check_schema()?;
        if let Tls::On { authorities } = &settings.tls {
            let tls = Rustls::new(authorities.as_deref());
            connector.tls = Some(tls.map_err(|problem| connector.unusable(problem))?);
        }
        connector.configure();
        Ok(connector)
    }

    fn check_schema(&self) -> Result<(), OpenError> {
        let len = self.schema.len();
        if self.schema.contains('\0') || self.schema.starts_with("pg_") || !(1..=63).contains(&len)
        {
            return Err(self.unusable(format!(
                "{:?} cannot be the name of a schema; use 1 to 63 bytes that do not begin with pg_",
                self.schema
            )));
        }
        Ok(())
    }

    fn configure(&mut self) {
        let ssl_mode = if self.tls.is_some() { SslMode::Require } else { SslMode::Disable };
        self.config
            .ssl_mode(ssl_mode)
            .connect_timeout(self.patience)
            .keepalives_idle(SILENCE_MAX / 3)
            .keepalives_interval(SILENCE_MAX / 3)
            .keepalives_retries(2)
            .tcp_user_timeout(SILENCE_MAX)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        if self.config.get_application_name().is_none() {
            self.config.application_name("goverse");
        }
    }

    /// Connects. The connection's own task ends with the client.
    pub(super) async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                tokio::spawn(connection);
                Ok(client)
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// The schema's name as a statement has it.
    pub(super) fn quoted_schema(&self) -> String {
        format!("\"{}\"", self.schema.replace('"', "\"\""))
    }

    pub(super) fn unavailable(&self, problem: String) -> OpenError {
        OpenError::Unavailable { place: self.place(), problem }
    }

    pub(super) fn unusable(&self, problem: String) -> OpenError {
        OpenError::Unusable { place: self.place(), problem }
    }

    /// Where it is, without the password.
    pub(super) fn place(&self) -> String {
        let hosts: Vec<String> = self.config.get_hosts().iter().map(shown).collect();
        let user = self.config.get_user().unwrap_or_default();
        let database = self.config.get_dbname().unwrap_or(user);
        format!("{}/{database}, schema {}", hosts.join(","), self.schema)
    }
}

fn shown(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}
