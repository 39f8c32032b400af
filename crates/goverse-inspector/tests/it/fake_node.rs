//! Stand-ins for the operations ports of nodes: good ones and bad ones.

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A port that behaves in one way until it is stopped or dropped.
pub(crate) struct FakeNode {
    /// `127.0.0.1:port`.
    pub(crate) operations: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

/// What a node answers.
pub(crate) struct Pages {
    pub(crate) metrics: String,
    pub(crate) objects: String,
}

// === impl Pages ===

impl Pages {
    /// Those of a ready node with `rooms` objects of one type.
    pub(crate) fn of(node: &str, rooms: u64) -> Self {
        let metrics = format!(
            "# TYPE process_threads gauge\nprocess_threads 4\n\
             # TYPE chat_messages_total counter\nchat_messages_total{{room=\"a}}\"}} 9\n\
             # TYPE goverse_build_info gauge\ngoverse_build_info{{version=\"0.1.0\"}} 1\n\
             # TYPE goverse_objects_total gauge\n\
             goverse_objects_total{{node=\"{node}\",type=\"ChatRoom\"}} {rooms}\n"
        );
        let objects = format!(
            r#"{{"node":"{node}","ready":true,"total":{rooms},"types":{{"ChatRoom":{rooms}}},"objects":[],"next":null}}"#
        );
        Self { metrics, objects }
    }
}

// === impl FakeNode ===

impl FakeNode {
    /// A node as it should be.
    pub(crate) async fn healthy(node: &str, rooms: u64) -> Self {
        Self::with_pages("127.0.0.1:0", Pages::of(node, rooms)).await
    }

    /// A node that listens on `address` and answers with these pages.
    pub(crate) async fn with_pages(address: &str, pages: Pages) -> Self {
        let Pages { metrics, objects } = pages;
        let router = Router::new()
            .route("/metrics", get(async move || metrics.clone()))
            .route("/objects", get(async move || objects.clone()));
        Self::serve(address, router).await
    }

    /// A node whose `/metrics` is elsewhere.
    pub(crate) async fn redirecting(elsewhere: &FakeNode) -> Self {
        let metrics = Redirect::temporary(&format!("http://{}/metrics", elsewhere.operations));
        let objects = Pages::of("n1:47000", 1).objects;
        let router = Router::new()
            .route("/metrics", get(async move || metrics.clone()))
            .route("/objects", get(async move || objects.clone()));
        Self::serve("127.0.0.1:0", router).await
    }

    /// A port that takes connections and never answers.
    pub(crate) async fn silent() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let operations = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(async move {
            let accept = async {
                let mut taken = Vec::new();
                while let Ok((connection, _)) = listener.accept().await {
                    taken.push(connection);
                }
            };
            tokio::select! { () = accept => {}, _ = stopped => {} }
        });
        Self { operations, stop, server }
    }

    async fn serve(address: &str, router: Router) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let operations = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = axum::serve(listener, router)
            .with_graceful_shutdown(async { drop(stopped.await) })
            .into_future();
        let server = tokio::spawn(async { serve.await.unwrap() });
        Self { operations, stop, server }
    }

    /// Closes the port and every connection, and returns once they are closed.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.server.await.unwrap();
    }
}
