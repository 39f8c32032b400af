//! An application in one call: command line, configuration, logs, metrics, signals.

use std::process::exit;

use clap::Parser;
use goverse_node::{Drained, Node, Object};
use goverse_server::{ConfigArgs, ConfigError, Server, ServerBuilder, ServerConfig, StartError};
use thiserror::Error;

use crate::logging::init_logging;

/// The result of running an application.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The exit code for what the user can mend: flags, configuration, a port in use.
const EXIT_USAGE: i32 = 2;
/// The exit code for objects that ended without their hooks.
const EXIT_CUT_OFF: i32 = 1;

/// An application: the types that it registers, and what runs beside their objects.
#[derive(Default)]
#[must_use = "an application does nothing until it is run"]
pub struct App {
    registrations: Vec<Box<dyn FnOnce(ServerBuilder) -> ServerBuilder + Send>>,
}

/// Why an application did not start, or did not end well.
#[derive(Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration was refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The server did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Objects ended without their hooks, because the shutdown took too long.
    #[error("the shutdown took too long: {cut_off} objects ended without their hook, {left} never ended", cut_off = .0.cut_off, left = .0.left)]
    CutOff(Drained),
}

/// The command line of an application.
#[derive(Parser)]
#[command(about = "A node of distributed objects", version)]
struct CommandLine {
    #[command(flatten)]
    config: ConfigArgs,
}

/// Begins an application.
pub fn app() -> App {
    App::default()
}

/// Runs a server until SIGTERM or Ctrl-C; the last thing that a program does.
///
/// A hook that never yields holds a worker for ever, and the end of the runtime would wait for it: when
/// such objects are left, they are reported on standard error and the process ends with exit code 1.
///
/// # Errors
/// When objects ended without their hooks because the shutdown took too long.
pub async fn run_until_stopped(server: Server) -> Result<()> {
    let drained = server.run_until_signal().await;
    let Drained { cut_off, left, .. } = drained;
    let result = if cut_off + left == 0 { Ok(()) } else { Err(Error::CutOff(drained)) };
    match result {
        Err(error) if left > 0 => {
            eprintln!("error: {error:?}");
            exit(EXIT_CUT_OFF)
        }
        result => result,
    }
}

// === impl App ===

impl App {
    /// Registers a type whose objects begin as their default.
    pub fn object<T: Object + Default>(self) -> Self {
        self.register(|server| server.object::<T>())
    }

    /// Registers a type whose objects begin as `construct` makes them.
    pub fn object_with<T: Object>(self, construct: impl Fn() -> T + Send + Sync + 'static) -> Self {
        self.register(|server| server.object_with(construct))
    }

    /// Runs `task` beside the objects: from when the node is ready until it begins to shut down, when the task is dropped
    /// at its next await.
    ///
    /// It is where an application listens at a port of its own, reads from a queue, or looks at a clock.
    pub fn task<F>(self, task: impl FnOnce(Node) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.register(|server| server.task(task))
    }

    /// Reads the command line, the environment and the configuration file, starts a server, and runs it
    /// until SIGTERM or Ctrl-C.
    ///
    /// What the user can mend (a flag, a value, a port in use) is said on standard error and ends the
    /// process with exit code 2, as the command line's own errors do. For other ways, see
    /// [`run_with`](Self::run_with) and [`start`](Self::start).
    ///
    /// # Errors
    /// When objects ended without their hooks because the shutdown took too long.
    pub async fn run(self) -> Result<()> {
        let args = CommandLine::parse().config;
        match self.run_with(&args).await {
            Err(error @ (Error::Config(_) | Error::Start(_))) => {
                eprintln!("error: {error:?}");
                exit(EXIT_USAGE)
            }
            other => other,
        }
    }

    /// Like [`run`](Self::run), with settings that were parsed already, and without ending the process for
    /// what the user can mend.
    ///
    /// # Errors
    /// When the configuration is refused, the server does not start, or does not end well.
    pub async fn run_with(self, args: &ConfigArgs) -> Result<()> {
        init_logging("info");
        let config = ServerConfig::load(args)?;
        run_until_stopped(self.start(config).await?).await
    }

    /// Starts a server with the application's types and tasks.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(self, config: ServerConfig) -> Result<Server> {
        let server = Server::builder(config);
        let server =
            self.registrations.into_iter().fold(server, |server, register| register(server));
        Ok(server.start().await?)
    }

    fn register(
        mut self,
        register: impl FnOnce(ServerBuilder) -> ServerBuilder + Send + 'static,
    ) -> Self {
        self.registrations.push(Box::new(register));
        self
    }
}

// === impl Error ===

/// The message with its causes: `main` shows an error that it returns in this form.
impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            // An error that has told of its cause already is not repeated.
            if !self.to_string().contains(&error.to_string()) {
                write!(f, ": {error}")?;
            }
            cause = error.source();
        }
        Ok(())
    }
}
