//! The packages of this workspace, as cargo and their manifests tell it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use crate::failure::Failure;
use crate::process;

/// What cargo says of the workspace, without the packages of others.
pub(crate) struct Workspace {
    /// Where cargo puts what it builds.
    pub(crate) target_folder: PathBuf,
    /// Our packages, in no particular order.
    pub(crate) packages: Vec<Package>,
}

/// One package of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// The manifest, relative to the root of the workspace.
    pub(crate) manifest: PathBuf,
    /// The text of the manifest.
    pub(crate) manifest_text: String,
    /// Whether plain `cargo build` and `cargo test` include it.
    pub(crate) is_default_member: bool,
    /// What it needs to be built: normal and build dependencies, by the package's name.
    pub(crate) dependencies: Vec<String>,
    pub(crate) binaries: Vec<Binary>,
}

/// One program of a package.
pub(crate) struct Binary {
    pub(crate) name: String,
    pub(crate) source: PathBuf,
}

/// The folder that holds the workspace.
///
/// Cargo names it when it runs us; a copy of the binary that is run by itself uses the one it was built in.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let ours = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let ours = ours.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        ours.parent().map_or(ours.clone(), Path::to_path_buf)
    });
    &ROOT
}

// === impl Workspace ===

impl Workspace {
    /// Asks cargo; needs no network.
    pub(crate) fn load() -> Result<Self, Failure> {
        let arguments = ["metadata", "--format-version", "1", "--no-deps"];
        let text = process::capture(&mut process::cargo(&arguments))?;
        let metadata: Value = serde_json::from_str(&text).map_err(unexpected)?;
        let defaults = array(&metadata, "workspace_default_members");
        let packages = array(&metadata, "packages")
            .iter()
            .map(|package| Package::read(package, defaults.contains(&package["id"])))
            .collect::<Result<_, _>>()?;
        Ok(Self { target_folder: string(&metadata, "target_directory").into(), packages })
    }

    /// The package of that name.
    pub(crate) fn package(&self, name: &str) -> Result<&Package, Failure> {
        let found = self.packages.iter().find(|package| package.name == name);
        found.ok_or_else(|| Failure::new(format!("the workspace has no package {name}")))
    }
}

// === impl Package ===

impl Package {
    fn read(package: &Value, is_default_member: bool) -> Result<Self, Failure> {
        let manifest = PathBuf::from(string(package, "manifest_path"));
        let manifest_text = std::fs::read_to_string(&manifest).map_err(unexpected)?;
        let needed = array(package, "dependencies").iter().filter(|found| found["kind"] != "dev");
        let programs = array(package, "targets")
            .iter()
            .filter(|target| array(target, "kind").iter().any(|kind| kind == "bin"));
        Ok(Self {
            name: string(package, "name"),
            manifest: manifest.strip_prefix(root()).map_or(manifest.clone(), Path::to_path_buf),
            manifest_text,
            is_default_member,
            dependencies: needed.map(|dependency| string(dependency, "name")).collect(),
            binaries: programs.map(Binary::read).collect(),
        })
    }

    /// The first line of the manifest that begins with this key, counted from 1; the first of all if none does.
    pub(crate) fn manifest_line(&self, key: &str) -> usize {
        let is_it = |line: &str| {
            let rest = line.strip_prefix(key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '.', '=']))
        };
        self.manifest_text.lines().position(is_it).map_or(1, |index| index + 1)
    }
}

#[cfg(test)]
impl Package {
    /// A package in order, with these dependencies.
    pub(crate) fn of(name: &str, dependencies: &[&str]) -> Self {
        let lines: String = dependencies.iter().map(|name| format!("{name} = \"1\"\n")).collect();
        let head = format!("[package]\nname = \"{name}\"\n[dependencies]\n");
        Self {
            name: name.into(),
            manifest: format!("crates/{name}/Cargo.toml").into(),
            manifest_text: head + &lines + "[lints]\nworkspace = true\n",
            is_default_member: true,
            dependencies: dependencies.iter().map(|name| String::from(*name)).collect(),
            binaries: Vec::new(),
        }
    }
}

// === impl Binary ===

impl Binary {
    fn read(target: &Value) -> Self {
        Self { name: string(target, "name"), source: string(target, "src_path").into() }
    }
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn string(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn unexpected(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("cargo metadata: {error}"))
}
