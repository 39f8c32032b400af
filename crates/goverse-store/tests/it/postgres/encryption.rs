//! Encrypted connections: a server must show a certificate of its name, by an authority that is believed in.

use std::path::{Path, PathBuf};
use std::process::Command;

use goverse_node::StateStore;
use goverse_store::scratch_postgres::ScratchPostgres;
use goverse_store::{PostgresSettings, PostgresStore, Tls};
use tempfile::TempDir;

/// An authority, and a certificate of `localhost` that it has signed.
fn certificates(folder: &Path) -> PathBuf {
    let script = r#"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
            -subj '/CN=authority' -keyout authority.key -out authority.pem
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
            -subj '/CN=localhost' -keyout server.key -out server.csr
        printf 'subjectAltName=DNS:localhost' >names
        openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -days 2 \
            -extfile names -out server.pem
        chmod 644 server.key
    "#;
    let output = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("authority.pem")
}

/// A server that listens at a port of this machine and has the certificate.
fn server(folder: &Path) -> (ScratchPostgres, u16) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = ScratchPostgres::start_with(
        |data| {
            for name in ["server.pem", "server.key"] {
                std::fs::copy(folder.join(name), data.join(name))?;
            }
            Ok(())
        },
        &[
            "listen_addresses=127.0.0.1",
            &format!("port={port}"),
            "ssl=on",
            "ssl_cert_file=server.pem",
            "ssl_key_file=server.key",
        ],
    );
    (server.unwrap(), port)
}

#[tokio::test]
async fn a_server_is_believed_by_its_certificate_alone() {
    let folder = TempDir::new().unwrap();
    let authority = certificates(folder.path());
    let (_server, port) = server(folder.path());
    let settings = |host: &str, authorities: Option<&Path>| {
        let url = format!("postgres://postgres@{host}:{port}/postgres");
        let authorities = authorities.map(Path::to_path_buf);
        PostgresSettings { tls: Tls::On { authorities }, ..PostgresSettings::new(url) }
    };
    let store = PostgresStore::open(&settings("localhost", Some(&authority))).await.unwrap();
    assert_eq!(store.check().await, Ok(()));
    assert_eq!(store.is_encrypted().await, Ok(true));
    for (host, authorities) in [("localhost", None), ("127.0.0.1", Some(&*authority))] {
        let error = PostgresStore::open(&settings(host, authorities)).await.unwrap_err();
        assert!(error.to_string().contains("certificate"), "{host}: {error}");
    }
    let missing = folder.path().join("missing.pem");
    let error = PostgresStore::open(&settings("localhost", Some(&missing))).await.unwrap_err();
    assert!(error.to_string().contains("missing.pem"), "{error}");
}
