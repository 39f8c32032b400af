//! The signals that ask a process to stop.

/// Waits for SIGTERM or Ctrl-C, and returns which it was.
pub async fn stop_signal() -> &'static str {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                () = interrupted() => "Ctrl-C",
            },
            Err(error) => {
                tracing::warn!(%error, "cannot listen for SIGTERM");
                interrupted().await;
                "Ctrl-C"
            }
        }
    }
    #[cfg(not(unix))]
    {
        interrupted().await;
        "Ctrl-C"
    }
}

async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "cannot listen for Ctrl-C");
        std::future::pending::<()>().await;
    }
}
