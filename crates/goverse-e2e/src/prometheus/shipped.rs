//! The configuration that we ship, copied, with other targets and a quicker pace.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::workspace_root;

const FOLDER: &str = "deploy/prometheus";

const INTERVALS: &str = "  scrape_interval: 5s\n  scrape_timeout: 4s\n  evaluation_interval: 15s\n";
const SHORT_INTERVALS: &str =
    "  scrape_interval: 1s\n  scrape_timeout: 1s\n  evaluation_interval: 500ms\n";

const STATIC_TARGETS: &str =
    "          - localhost:9090\n          - localhost:9091\n          - localhost:9092\n";
const DISCOVERY: &str = "      - url: http://localhost:8080/sd\n        refresh_interval: 15s\n";

/// A copy of `deploy/prometheus`, of which one configuration is used.
///
/// Only what a test must change is changed, and each text that it replaces has to be there exactly
/// once: a change of the shipped files is noticed here.
pub struct ShippedConfig {
    folder: TempDir,
    main: &'static str,
}

// === impl ShippedConfig ===

impl ShippedConfig {
    /// `prometheus.yml` for nodes at these operations addresses.
    pub fn with_static_targets(operations: &[&str]) -> Self {
        let targets: String =
            operations.iter().map(|node| format!("          - {node}\n")).collect();
        Self::copy("prometheus.yml").replace("prometheus.yml", STATIC_TARGETS, &targets)
    }

    /// `prometheus-http-sd.yml` for the nodes that an inspector at this address lists.
    pub fn with_discovery(inspector: &str) -> Self {
        let discovery =
            format!("      - url: http://{inspector}/sd\n        refresh_interval: 1s\n");
        let config = Self::copy("prometheus-http-sd.yml");
        config.replace("prometheus-http-sd.yml", DISCOVERY, &discovery)
    }

    /// Replaces a text of a file, such as `rules/alerts.yml`.
    ///
    /// # Panics
    /// When the text is not there exactly once.
    #[must_use]
    #[track_caller]
    pub fn replace(self, file: &str, from: &str, to: &str) -> Self {
        let path = self.folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let count = text.matches(from).count();
        assert_eq!(count, 1, "{FOLDER}/{file} has to have this text exactly once:\n{from}");
        fs::write(&path, text.replacen(from, to, 1)).expect("a copy of ours can be written");
        self
    }

    /// The file for Prometheus.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join(self.main)
    }

    fn copy(main: &'static str) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        copy_folder(&workspace_root().join(FOLDER), folder.path())
            .unwrap_or_else(|error| panic!("cannot copy {FOLDER}: {error}"));
        Self { folder, main }.replace(main, INTERVALS, SHORT_INTERVALS)
    }
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let copy = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            fs::create_dir(&copy)?;
            copy_folder(&path, &copy)?;
        } else {
            fs::copy(&path, &copy)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::ShippedConfig;

    #[test]
    #[should_panic(expected = "has to have this text exactly once:\n10001")]
    fn a_text_that_is_not_there_is_noticed() {
        let config = ShippedConfig::with_static_targets(&["localhost:1"]);
        let _ = config.replace("rules/alerts.yml", "10001", "1");
    }
}
