//! A batch whose connection is cut when a part of it has been saved.

use std::path::Path;
use std::sync::Arc;

use goverse_node::{StateStore, StoreError};
use goverse_store::{PostgresSettings, PostgresStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::{server, settings};
use crate::conformance::records::{load, put, wallet};

const SOCKET: &str = ".s.PGSQL.5432";

/// A text that only the statement has by which a store finds out why it was refused.
const FINDS_OUT: &[u8] = b"WHERE key = $1), o.version";

/// Passes everything on, until somebody wants to find out why a save was refused; then the connection ends.
async fn pass_on(client: UnixStream, server: Arc<Path>) {
    let server = UnixStream::connect(&*server).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = async {
        let mut chunk = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from_client.read(&mut chunk).await {
            let sent = &chunk[..length];
            if sent.windows(FINDS_OUT.len()).any(|window| window == FINDS_OUT) {
                return;
            }
            to_server.write_all(sent).await.unwrap();
        }
    };
    tokio::select! {
        () = there => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}

async fn proxy(folder: &Path) {
    let listener = UnixListener::bind(folder.join(SOCKET)).unwrap();
    let server: Arc<Path> = server().folder().join(SOCKET).into();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_on(client, Arc::clone(&server)));
        }
    });
}

#[tokio::test]
async fn what_was_saved_is_told_so_when_the_rest_cannot_be_found_out() {
    let folder = TempDir::new().unwrap();
    proxy(folder.path()).await;
    let url = format!("host={} user=postgres dbname=postgres", folder.path().display());
    let settings = PostgresSettings { url, ..settings("cut batch") };
    let store = PostgresStore::open(&settings).await.unwrap();
    let [a, b] = [wallet("a"), wallet("b")];
    store.load(load(&a, 1)).await.unwrap();
    // The second is on a version that nobody has made.
    let answers = store.save(vec![put(&a, 1, 0, "one"), put(&b, 1, 7, "two")]).await;
    let [saved, lost] = &answers.unwrap()[..] else { panic!("one answer each") };
    assert_eq!(*saved, Ok(()));
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    assert!(store.read(&a).await.unwrap().is_some());
    assert_eq!(store.read(&b).await, Ok(None));
}
