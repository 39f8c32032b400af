//! What an inspector is told: where to listen, which nodes to show, how often to ask them.

use std::time::Duration;

use goverse_core::{ListenAddress, NodeAddress};

use crate::InspectorError;

/// What an inspector is told.
#[derive(Clone, Debug)]
pub struct InspectorConfig {
    /// Where the page is served: `localhost:8080`, or `:8080` for every interface. Port 0 takes a free one.
    pub listen_address: String,
    /// Operations addresses of the nodes to show: `localhost:9090` or `http://localhost:9090`.
    pub nodes: Vec<String>,
    /// How often each node is asked. What the inspector answers is up to this old.
    pub refresh: Duration,
    /// How long a node may take to answer before it counts as down.
    pub timeout: Duration,
}

/// A configuration that was checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) listen: ListenAddress,
    pub(crate) nodes: Vec<NodeAddress>,
    pub(crate) schedule: Schedule,
}

/// When nodes are asked, and for how long an answer holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub(crate) refresh: Duration,
    pub(crate) timeout: Duration,
}

// === impl InspectorConfig ===

impl Default for InspectorConfig {
    fn default() -> Self {
        Self {
            listen_address: "localhost:8080".to_owned(),
            nodes: Vec::new(),
            refresh: Duration::from_secs(2),
            timeout: Duration::from_secs(1),
        }
    }
}

impl InspectorConfig {
    /// Parses every field, and names the first that is wrong.
    pub(crate) fn check(&self) -> Result<Settings, InspectorError> {
        if self.refresh.is_zero() {
            return Err(InspectorError::ZeroDuration { name: "refresh", example: "2s" });
        }
        if self.timeout.is_zero() {
            return Err(InspectorError::ZeroDuration { name: "timeout", example: "1s" });
        }
        Ok(Settings {
            listen: parse_listen_address(&self.listen_address)?,
            nodes: parse_nodes(&self.nodes)?,
            schedule: Schedule { refresh: self.refresh, timeout: self.timeout },
        })
    }
}

fn parse_listen_address(text: &str) -> Result<ListenAddress, InspectorError> {
    text.parse().map_err(|_| InspectorError::ListenAddress { address: text.to_owned() })
}

fn parse_nodes(texts: &[String]) -> Result<Vec<NodeAddress>, InspectorError> {
    let mut nodes: Vec<NodeAddress> = Vec::with_capacity(texts.len());
    for text in texts {
        let node = parse_node(text)?;
        if nodes.contains(&node) {
            return Err(InspectorError::RepeatedNode { address: node.to_string() });
        }
        nodes.push(node);
    }
    if nodes.is_empty() { Err(InspectorError::NoNodes) } else { Ok(nodes) }
}

/// Host names do not depend on case, so the address is kept in lower case.
fn parse_node(text: &str) -> Result<NodeAddress, InspectorError> {
    let lower = text.trim().to_ascii_lowercase();
    let address = lower.strip_prefix("http://").unwrap_or(&lower);
    let address = address.strip_suffix('/').unwrap_or(address);
    address
        .parse()
        .map_err(|source| InspectorError::NodeAddress { address: text.to_owned(), source })
}

// === impl Schedule ===

impl Schedule {
    /// The age from which an answer no longer says that its node is up.
    pub(crate) fn stale_after(self) -> Duration {
        self.refresh.saturating_mul(3)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::time::Duration;

    use expect_test::{Expect, expect};

    use super::InspectorConfig;

    fn config(nodes: &[&str]) -> InspectorConfig {
        InspectorConfig {
            nodes: nodes.iter().map(|&node| node.to_owned()).collect(),
            ..InspectorConfig::default()
        }
    }

    fn check_nodes(nodes: &[&str], expected: &[&str]) {
        let settings = config(nodes).check().unwrap();
        let shown: Vec<&str> = settings.nodes.iter().map(|node| node.as_str()).collect();
        assert_eq!(shown, expected);
    }

    fn check_error(config: &InspectorConfig, expected: Expect) {
        let error = config.check().unwrap_err();
        let source = error.source().map(|source| format!("\n  {source}")).unwrap_or_default();
        expected.assert_eq(&format!("{error}{source}\n"));
    }

    #[test]
    fn nodes_are_given_with_or_without_a_scheme() {
        check_nodes(&["localhost:9090", "http://Node-2:9090/"], &["localhost:9090", "node-2:9090"]);
        check_nodes(&["[::1]:9090", "10.0.0.1:1"], &["[::1]:9090", "10.0.0.1:1"]);
    }

    #[test]
    fn wrong_nodes_are_named() {
        check_error(
            &config(&[]),
            expect![[r#"
            there is no node to show; give the operations address of at least one, such as localhost:9090
        "#]],
        );
        check_error(
            &config(&["localhost"]),
            expect![[r#"
            "localhost" is no operations address of a node; write host:port, such as localhost:9090
              "localhost" has no port; write host:port, such as localhost:47000
        "#]],
        );
        check_error(
            &config(&["https://localhost:9090"]),
            expect![[r#"
            "https://localhost:9090" is no operations address of a node; write host:port, such as localhost:9090
              "https://localhost:9090" is no host name or IP address with a port; write host:port, such as localhost:47000 or [::1]:47000
        "#]],
        );
        check_error(
            &config(&["localhost:9090", "http://LOCALHOST:9090"]),
            expect![[r#"
            the node localhost:9090 is given twice; give each node once
        "#]],
        );
    }

    #[test]
    fn a_zero_duration_is_refused() {
        let zero = InspectorConfig { refresh: Duration::ZERO, ..config(&["a:1"]) };
        check_error(
            &zero,
            expect![[r#"
            refresh is zero; it must be longer, such as 2s
        "#]],
        );
    }

    #[test]
    fn a_wrong_listen_address_is_named() {
        let wrong = InspectorConfig { listen_address: "8080".to_owned(), ..config(&["a:1"]) };
        check_error(
            &wrong,
            expect![[r#"
            "8080" is no address to listen on; write host:port such as localhost:8080, or :8080 for every interface
        "#]],
        );
    }
}
