//! A PostgreSQL of its own for a test or a bench, in a folder that goes with it.
//!
//! Debian's package `postgresql` has the programs. They refuse to run as root, so they run as the user `postgres` then.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// For how long a server may start.
const START_MAX: Duration = Duration::from_secs(60);

/// Runs the server beside itself until its standard input ends, as it does when the program that holds it ends, however
/// that is. Then it stops the server and removes its folder.
const WATCH: &str = r#"
    folder=$1; shift
    "$@" >>"$folder/log" 2>&1 </dev/null &
    server=$!
    read -r _
    kill -QUIT "$server" 2>/dev/null
    wait "$server"
    if [ ! -e "$folder/keep" ]; then rm -rf "$folder"; fi
"#;

/// A server on a socket in a folder of its own. It is stopped when this is dropped, or when the process ends.
#[derive(Debug)]
pub struct ScratchPostgres {
    folder: TempDir,
    programs: PathBuf,
    user: Option<(u32, u32)>,
    options: Vec<String>,
    watch: Option<Child>,
}

// === impl ScratchPostgres ===

impl ScratchPostgres {
    /// Makes a cluster of databases and starts its server; `options` are settings as `name=value`.
    ///
    /// # Errors
    /// When the programs are missing, or fail; the error has their output.
    pub fn start(options: &[&str]) -> io::Result<Self> {
        Self::start_with(|_| Ok(()), options)
    }

    /// Starts one after `prepare` has put into the folder of the cluster what the options name.
    ///
    /// # Errors
    /// As of [`start`](Self::start), or of `prepare`.
    pub fn start_with(
        prepare: impl FnOnce(&Path) -> io::Result<()>,
        options: &[&str],
    ) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("goverse-postgres-").tempdir()?;
        let user = if id("-u", None)? == 0 {
            Some((id("-u", Some("postgres"))?, id("-g", Some("postgres"))?))
        } else {
            None
        };
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut server = Self { folder, programs: programs()?, user, options, watch: None };
        server.make()?;
        server.prepare(prepare)?;
        server.resume()?;
        Ok(server)
    }

    /// Where a client finds it, in the words of `libpq`.
    pub fn url(&self) -> String {
        format!("host={} user=postgres dbname=postgres", self.folder.path().display())
    }

    /// The folder of the socket; the cluster is in `data` below.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills the server at once, as a crash of its machine would, but for the machine's memory of files.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn crash(&mut self) -> io::Result<()> {
        std::fs::write(self.folder.path().join("keep"), "")?;
        let killed = Command::new("kill").args(["-KILL", &self.process_id()?]).status()?;
        self.end_watch();
        if !killed.success() {
            return Err(io::Error::other("the server was not there"));
        }
        // Its children end by themselves; a new server beside one of them would harm the files.
        let deadline = Instant::now() + START_MAX;
        while self.is_in_use() && Instant::now() < deadline {
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Whether a process of the server works in its folder.
    fn is_in_use(&self) -> bool {
        let data = self.folder.path().join("data");
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut folders = processes.map(|process| std::fs::read_link(process.path().join("cwd")));
        folders.any(|folder| folder.is_ok_and(|folder| folder == data))
    }

    /// Starts it again after a crash.
    ///
    /// # Errors
    /// When it does not start within a minute; the error has its log.
    pub fn resume(&mut self) -> io::Result<()> {
        let keep = self.folder.path().join("keep");
        std::fs::write(&keep, "")?;
        self.start_server()?;
        std::fs::remove_file(keep)
    }

    fn make(&self) -> io::Result<()> {
        let mut initdb = self.command(&self.programs.join("initdb"));
        // A locale in which the order of names is not that of their bytes.
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync"]);
        initdb.args([
            "--locale=C.UTF-8",
            "--locale-provider=icu",
            "--icu-locale=en-US",
            "--pgdata",
        ]);
        let output = initdb.arg(self.folder.path().join("data")).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// Lets files be put into the folder of the cluster; they are the server's, and nobody else's.
    fn prepare(&self, prepare: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        let data = self.folder.path().join("data");
        prepare(&data)?;
        for entry in std::fs::read_dir(&data)? {
            let file = entry?.path();
            if file.is_file() {
                std::fs::set_permissions(&file, Permissions::from_mode(0o600))?;
                if let Some((user, group)) = self.user {
                    chown(&file, Some(user), Some(group))?;
                }
            }
        }
        Ok(())
    }

    fn start_server(&mut self) -> io::Result<()> {
        let (folder, deadline) = (self.folder.path(), Instant::now() + START_MAX);
        let ready = folder.join("data/postmaster.pid");
        let _ = std::fs::remove_file(&ready);
        let _ = std::fs::remove_file(folder.join("log"));
        let mut watch = self.command(Path::new("sh"));
        watch.args(["-c", WATCH, "watch"]).arg(folder).arg(self.programs.join("postgres"));
        watch.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
        watch.args(["-c", "listen_addresses=", "-c", "max_connections=200"]);
        for option in &self.options {
            watch.args(["-c", option]);
        }
        self.watch = Some(watch.stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?);
        loop {
            let text = std::fs::read_to_string(&ready).unwrap_or_default();
            if text.lines().last().is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            let log = self.log();
            if Instant::now() > deadline || log.lines().any(is_fatal) {
                return Err(io::Error::other(log));
            }
            sleep(Duration::from_millis(5));
        }
    }

    fn process_id(&self) -> io::Result<String> {
        let text = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid"))?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A command that runs as the user who may run the programs.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command.current_dir(self.folder.path()).env("LC_ALL", "C.UTF-8");
        command.stderr(Stdio::piped()).stdout(Stdio::null());
        command
    }

    /// Lets the watch stop the server, and waits for it.
    fn end_watch(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            drop(watch.stdin.take());
            let _ = watch.wait();
        }
    }
}

impl Drop for ScratchPostgres {
    fn drop(&mut self) {
        self.end_watch();
    }
}

/// Whether the server says that it ends; those who come too early are refused by the same word.
fn is_fatal(line: &str) -> bool {
    line.contains("FATAL") && !line.contains("the database system is")
}

fn id(of: &str, user: Option<&str>) -> io::Result<u32> {
    let output = Command::new("id").arg(of).args(user).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let unknown = || io::Error::other(format!("no user {user:?}: install the package postgresql"));
    text.trim().parse().map_err(|_| unknown())
}

/// The folder of `initdb` and `postgres`, of the newest version that is installed.
fn programs() -> io::Result<PathBuf> {
    let version = |folder: &PathBuf| {
        let name = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok())
    };
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|entry| entry.path().join("bin"));
    let newest =
        folders.filter(|folder| File::open(folder.join("initdb")).is_ok()).max_by_key(version);
    newest.ok_or_else(|| io::Error::other("no initdb: install the package postgresql"))
}
