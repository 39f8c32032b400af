//! The files of the repository, read once for all rules.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::failure::Failure;
use crate::workspace;

/// Folders that hold what tools made.
const GENERATED: &[&str] = &[".git", "node_modules", "target"];

/// Every file below a root, by its path from there; no text where it is not UTF-8.
#[derive(Default)]
pub(super) struct Tree {
    files: BTreeMap<PathBuf, Option<String>>,
}

// === impl Tree ===

impl Tree {
    /// Reads the files of this workspace.
    pub(super) fn load() -> Result<Self, Failure> {
        let mut tree = Self::default();
        tree.read_folder(Path::new(""))
            .map_err(|error| Failure::new(format!("cannot read the repository: {error}")))?;
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path) -> std::io::Result<()> {
        for entry in std::fs::read_dir(workspace::root().join(folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if !GENERATED.iter().any(|name| entry.file_name() == *name) {
                    self.read_folder(&path)?;
                }
            } else if kind.is_file() {
                let text = String::from_utf8(std::fs::read(entry.path())?).ok();
                self.files.insert(path, text);
            }
        }
        Ok(())
    }

    /// The files that are text, in the order of their paths.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_path(), text.as_deref()?)))
    }

    /// The text of one file; none if there is no such file.
    pub(super) fn text(&self, path: &str) -> &str {
        self.files.get(Path::new(path)).and_then(Option::as_deref).unwrap_or_default()
    }

    /// Whether there is a file or a folder of that path, which may go through `.` and `..`.
    pub(super) fn contains(&self, path: &Path) -> bool {
        let path = without_dots(path);
        self.files.keys().any(|file| file.starts_with(&path))
    }
}

fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => _ = plain.pop(),
            Component::Normal(name) => plain.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    plain
}

#[cfg(test)]
impl Tree {
    /// A tree of these files.
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| (path.into(), Some(String::from(*text))));
        Self { files: files.collect() }
    }
}
