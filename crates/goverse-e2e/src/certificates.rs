//! Certificates for tests: an authority, and what it has signed for a server and a client.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::EtcdTls;

/// Files of certificates and keys as PEM, in a folder that is removed with them.
pub struct Certificates {
    /// The certificate of the authority that signed both.
    pub authority: PathBuf,
    /// The certificate of a client.
    pub client: PathBuf,
    /// The key of the client's certificate.
    pub client_key: PathBuf,
    server: PathBuf,
    server_key: PathBuf,
    _folder: TempDir,
}

// === impl Certificates ===

impl Certificates {
    /// Makes an authority and what it signs; the server is at 127.0.0.1 and localhost.
    ///
    /// # Panics
    /// When there is no folder for temporary files.
    pub fn make() -> Self {
        let folder = TempDir::new().expect("there is a folder for temporary files");
        let issuer = authority();
        let authority = folder.path().join("authority.pem");
        write(&authority, &issuer.0);
        let (server, server_key) =
            signed(&folder, "server", &issuer.1, ExtendedKeyUsagePurpose::ServerAuth);
        let (client, client_key) =
            signed(&folder, "client", &issuer.1, ExtendedKeyUsagePurpose::ClientAuth);
        Self { authority, client, client_key, server, server_key, _folder: folder }
    }

    /// What a server of etcd needs.
    pub fn server(&self) -> EtcdTls {
        EtcdTls {
            certificate: self.server.clone(),
            key: self.server_key.clone(),
            client_ca: self.authority.clone(),
        }
    }
}

/// An authority's certificate, and what signs in its name.
fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("keys can be made");
    let certificate = params.self_signed(&key).expect("the parameters are right");
    (certificate.pem(), Issuer::new(params, key))
}

fn signed(
    folder: &TempDir,
    name: &str,
    issuer: &Issuer<'_, KeyPair>,
    usage: ExtendedKeyUsagePurpose,
) -> (PathBuf, PathBuf) {
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let mut params = CertificateParams::new(names).expect("the names are names");
    params.extended_key_usages.push(usage);
    let key = KeyPair::generate().expect("keys can be made");
    let certificate = params.signed_by(&key, issuer).expect("the parameters are right");
    let file = |suffix: &str| folder.path().join(format!("{name}{suffix}.pem"));
    write(&file(""), &certificate.pem());
    write(&file("-key"), &key.serialize_pem());
    (file(""), file("-key"))
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("the folder is ours");
}
