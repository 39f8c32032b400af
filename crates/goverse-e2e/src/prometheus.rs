//! A real Prometheus, on a copy of the configuration that we ship.

mod answer;
mod shipped;

use std::process::Command;

use reqwest::Url;
use serde_json::Value;

use crate::poll::SOON;
use crate::{Process, http, poll, port};

pub use answer::{Alert, Labels, Rule, Sample, Target};
pub use shipped::ShippedConfig;

/// How often other ports are tried when one is taken.
const ATTEMPTS: usize = 5;

/// A running Prometheus that is ready to be asked.
pub struct Prometheus {
    _process: Process,
    address: String,
    /// Removed after the process has ended: fields are dropped in order.
    _config: ShippedConfig,
}

// === impl Prometheus ===

impl Prometheus {
    /// Starts Prometheus, and waits until it is ready.
    ///
    /// # Panics
    /// When there is no `prometheus`, or it refuses the configuration.
    pub async fn start(config: ShippedConfig) -> Self {
        for _ in 0..ATTEMPTS {
            let address = format!("127.0.0.1:{}", port::free_port());
            let mut process = Process::start(command(&config, &address));
            if until_ready(&mut process, &address).await {
                return Self { _process: process, address, _config: config };
            }
        }
        panic!("another program took the port of Prometheus, {ATTEMPTS} times")
    }

    /// The answer to an instant query.
    ///
    /// # Errors
    /// When Prometheus refuses the query.
    pub async fn query(&self, promql: &str) -> Result<Vec<Sample>, String> {
        let data = self.api("query", &[("query", promql)]).await?;
        Ok(list(&data["result"]).iter().map(Sample::of).collect())
    }

    /// The targets that it scrapes.
    ///
    /// # Errors
    /// When Prometheus does not answer.
    pub async fn targets(&self) -> Result<Vec<Target>, String> {
        let data = self.api("targets", &[("state", "active")]).await?;
        Ok(list(&data["activeTargets"]).iter().map(Target::of).collect())
    }

    /// The alerts that are pending or firing.
    ///
    /// # Errors
    /// When Prometheus does not answer.
    pub async fn alerts(&self) -> Result<Vec<Alert>, String> {
        let data = self.api("alerts", &[]).await?;
        Ok(list(&data["alerts"]).iter().map(Alert::of).collect())
    }

    /// The rules that it evaluates.
    ///
    /// # Errors
    /// When Prometheus does not answer.
    pub async fn rules(&self) -> Result<Vec<Rule>, String> {
        let data = self.api("rules", &[]).await?;
        let rules = list(&data["groups"]).iter().flat_map(|group| list(&group["rules"]));
        Ok(rules.map(Rule::of).collect())
    }

    async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let url = format!("http://{}/api/v1/{path}", self.address);
        let url = Url::parse_with_params(&url, parameters).map_err(|error| error.to_string())?;
        Ok(http::json(url.as_str()).await?["data"].take())
    }
}

fn command(config: &ShippedConfig, address: &str) -> Command {
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", config.path().display()))
        .arg(format!("--web.listen-address={address}"))
        // In the folder of the process.
        .arg("--storage.tsdb.path=data")
        .arg("--storage.tsdb.retention.time=1h");
    command
}

/// Whether it became ready; not if it ended because the port is in use.
async fn until_ready(process: &mut Process, address: &str) -> bool {
    let page = format!("http://{address}/-/ready");
    poll::until("Prometheus to be ready", SOON, async || {
        if let Some(status) = process.try_exit() {
            let taken = process.printed(crate::Stream::Stderr).contains("address already in use");
            assert!(taken, "Prometheus ended ({status})");
            return Ok(false);
        }
        http::page(&page).await.map(|_| true)
    })
    .await
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
