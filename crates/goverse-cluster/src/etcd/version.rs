//! Versions of etcd that are known to end leases too early.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::endpoints::Endpoints;

/// How long an endpoint may take to say its version.
const PATIENCE: Duration = Duration::from_secs(2);

/// The releases of each line that mended it, oldest line first. Later lines never had it.
const MENDED: &[(u32, u32, u32)] = &[(3, 4, 31), (3, 5, 13)];

/// An endpoint whose etcd may end living leases: a stalled leader that was deposed could still revoke them
/// (etcd issue 15247).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseFault {
    /// Which endpoint.
    pub endpoint: String,
    /// Its version, such as `3.4.23`.
    pub version: String,
}

/// Warns of what is found, once; nobody waits for it.
pub(super) fn warn_once(endpoints: &Arc<Endpoints>) {
    if endpoints.is_first_look() {
        let endpoints = Arc::clone(endpoints);
        tokio::spawn(async move {
            for LeaseFault { endpoint, version } in lease_faults(&endpoints).await {
                tracing::warn!(
                    endpoint,
                    version,
                    "this etcd may end living leases; take 3.4.31, 3.5.13 or later"
                );
            }
        });
    }
}

/// Asks every endpoint for its version.
pub(super) async fn lease_faults(endpoints: &Endpoints) -> Vec<LeaseFault> {
    let mut faults = Vec::new();
    for connection in endpoints.connections() {
        let asked = async { connection.new_client().await?.status().await };
        if let Ok(Ok(status)) = timeout(PATIENCE, asked).await
            && is_faulty(status.version())
        {
            let version = status.version().to_owned();
            faults.push(LeaseFault { endpoint: connection.url.clone(), version });
        }
    }
    faults
}

fn is_faulty(version: &str) -> bool {
    let Some(version) = parse(version) else { return false };
    let line = MENDED.iter().find(|mended| (mended.0, mended.1) >= (version.0, version.1));
    line.is_some_and(|mended| version < *mended)
}

/// `3.5.13-rc.1` counts as 3.5.13.
fn parse(version: &str) -> Option<(u32, u32, u32)> {
    let number = |text: &str| text.parse().ok();
    let mut parts = version.split(['.', '-', '+']);
    Some((number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?))
}

impl fmt::Display for LeaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, version } = self;
        write!(
            f,
            "etcd {version} at {endpoint} may end living leases; take 3.4.31, 3.5.13 or later"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::is_faulty;

    #[test]
    fn versions_before_the_mended_ones_are_faulty() {
        for faulty in ["3.4.23", "3.4.30", "3.5.0", "3.5.12", "3.3.27", "2.3.8", "3.5.12-rc.1"] {
            assert!(is_faulty(faulty), "{faulty}");
        }
        for right in ["3.4.31", "3.4.37", "3.5.13", "3.6.0", "4.0.0", "unknown", ""] {
            assert!(!is_faulty(right), "{right}");
        }
    }
}
