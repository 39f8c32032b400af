//! The programs that tests run and cargo does not bring, and how they get onto a machine.

use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::process;

/// A program that tests run.
#[derive(Debug)]
struct Tool {
    program: &'static str,
    /// The Debian package that has it.
    package: &'static str,
    /// Where Debian keeps it beside the path: a folder, in which each version has its own, with its programs in `bin`.
    versions: Option<&'static str>,
}

const TOOLS: &[Tool] = &[
    Tool { program: "etcd", package: "etcd-server", versions: None },
    Tool { program: "etcdctl", package: "etcd-client", versions: None },
    Tool { program: "ip", package: "iproute2", versions: None },
    Tool { program: "prometheus", package: "prometheus", versions: None },
    Tool { program: "promtool", package: "prometheus", versions: None },
    Tool { program: "initdb", package: "postgresql", versions: Some("/usr/lib/postgresql") },
    // It makes the certificates of a server that connections are encrypted to.
    Tool { program: "openssl", package: "openssl", versions: None },
    // It sees whether what a store acknowledged had been synced.
    Tool { program: "strace", package: "strace", versions: None },
];

/// Installs packages, given as its arguments, without starting their services.
const INSTALL: &str = include_str!("tool/install.sh");

/// How we may install packages on this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Means {
    Root,
    Sudo,
    None,
}

/// Installs the tools that are not on the path, or says what the user has to install.
pub(crate) fn install_missing() -> Result<(), Failure> {
    let missing = missing(Tool::is_installed);
    if missing.is_empty() {
        return Ok(());
    }
    let means = Means::of_this_machine();
    if means == Means::None {
        return Err(Failure::unusable(instructions(&missing)));
    }
    install(means, &packages(&missing))
        .map_err(|failure| failure.during(&instructions(&missing)))?;
    let still_missing = self::missing(Tool::is_installed);
    if still_missing.is_empty() {
        Ok(())
    } else {
        Err(Failure::unusable(instructions(&still_missing)))
    }
}

fn missing(is_installed: fn(&Tool) -> bool) -> Vec<&'static Tool> {
    TOOLS.iter().filter(|tool| !is_installed(tool)).collect()
}

/// The packages of these tools, each once.
fn packages(tools: &[&Tool]) -> Vec<&'static str> {
    let mut packages: Vec<_> = tools.iter().map(|tool| tool.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn instructions(missing: &[&Tool]) -> String {
    let programs: Vec<_> = missing.iter().map(|tool| tool.program).collect();
    let mut text = format!("the tests need {}, not found on the path. ", programs.join(", "));
    text += "Install what has them, on Debian and its kin:\n";
    text + "    apt-get install --no-install-recommends " + &packages(missing).join(" ")
}

fn install(means: Means, packages: &[&str]) -> Result<(), Failure> {
    eprintln!("installing {}", packages.join(" "));
    let mut command = match means {
        Means::Sudo => Command::new("sudo"),
        Means::Root | Means::None => Command::new("sh"),
    };
    if means == Means::Sudo {
        command.args(["-n", "sh"]);
    }
    // The script goes in by its text, so that root reads no file that the user may write.
    let status = command.args(["-c", INSTALL, "install"]).args(packages).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::of_program("the installation", status)),
        Err(error) => Err(Failure::unusable(format!("the installation: {error}"))),
    }
}

// === impl Tool ===

impl Tool {
    fn is_installed(&self) -> bool {
        process::is_installed(self.program) || self.is_among_versions()
    }

    fn is_among_versions(&self) -> bool {
        let versions = self.versions.map(std::fs::read_dir).into_iter().flatten().flatten();
        versions.flatten().any(|version| version.path().join("bin").join(self.program).is_file())
    }
}

// === impl Means ===

impl Means {
    fn of_this_machine() -> Self {
        if !process::is_installed("apt-get") {
            Self::None
        } else if is_root() {
            Self::Root
        } else if succeeds(Command::new("sudo").args(["-n", "true"])) {
            Self::Sudo
        } else {
            Self::None
        }
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn succeeds(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_its_package_once() {
        let all = missing(|_| false);
        let names = [
            "etcd-client",
            "etcd-server",
            "iproute2",
            "openssl",
            "postgresql",
            "prometheus",
            "strace",
        ];
        assert_eq!(packages(&all), names);
        let text = instructions(&all);
        let programs = "etcd, etcdctl, ip, prometheus, promtool, initdb, openssl, strace";
        assert!(text.contains(&format!("the tests need {programs}, not found")), "{text}");
        let command = format!("apt-get install --no-install-recommends {}", names.join(" "));
        assert!(text.ends_with(&command), "{text}");
        let promtool = missing(|tool| tool.program != "promtool");
        assert!(instructions(&promtool).contains("need promtool, not"), "{promtool:?}");
        assert!(missing(|_| true).is_empty());
    }
}
