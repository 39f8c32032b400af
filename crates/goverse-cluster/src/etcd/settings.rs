//! How etcd is reached, and the mistakes that can be told before it is.

use std::fmt;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

/// Where etcd is, who we are to it, and which prefix is ours.
#[derive(Clone, Debug)]
pub struct EtcdSettings {
    /// URLs such as `http://10.0.0.1:2379`; each is used when those before it fail.
    pub endpoints: Vec<String>,
    /// All keys of the cluster are below it. Two clusters that share an etcd have different ones, none below the other.
    pub prefix: String,
    /// With whose permissions; nobody's if etcd asks for none.
    pub credentials: Option<Credentials>,
    /// For endpoints with `https`.
    pub tls: Option<TlsSettings>,
    /// How long an endpoint may take to accept a connection.
    pub connect_timeout: Duration,
}

/// A user of etcd.
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: String,
}

/// How etcd proves who it is, and we prove it to etcd. All as PEM.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// The certificates of the authorities that etcd's own is signed by.
    pub ca: Vec<u8>,
    /// The certificate that etcd may ask us for.
    pub identity: Option<TlsIdentity>,
    /// The name in etcd's certificate, where it is not the host of the endpoint.
    pub server_name: Option<String>,
}

/// A client's certificate and its private key, as PEM.
#[derive(Clone)]
pub struct TlsIdentity {
    /// The certificate, with those between it and the authority after it.
    pub certificate: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
}

/// What is wrong with settings, whatever etcd says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EtcdSettingsError {
    /// There is nowhere to go.
    #[error("etcd has no endpoint; name one, such as http://localhost:2379")]
    NoEndpoint,
    /// An endpoint is no URL of a server.
    #[error("{0:?} is no endpoint of etcd; it is a URL such as http://localhost:2379")]
    Endpoint(String),
    /// An endpoint asks for TLS and there are no settings for it.
    #[error(
        "{0:?} asks for TLS, so tls.ca is needed: the certificate of the authority that etcd's own is signed by"
    )]
    NoTls(String),
    /// An endpoint does not use the TLS that was set.
    #[error("{0:?} is not encrypted although TLS is set; write https, or leave TLS out")]
    NotEncrypted(String),
    /// A certificate or key cannot be read.
    #[error("TLS for etcd cannot be set up: {0}; certificates and keys are PEM")]
    Tls(String),
    /// The prefix is not one.
    #[error(
        "{0:?} is no prefix for etcd; it begins with a slash and does not end with one, such as /goverse"
    )]
    Prefix(String),
}

// === impl EtcdSettings ===

impl EtcdSettings {
    /// Settings for these endpoints, without TLS or user, with the prefix `/goverse`.
    pub fn new<S: Into<String>>(endpoints: impl IntoIterator<Item = S>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            prefix: "/goverse".to_owned(),
            credentials: None,
            tls: None,
            connect_timeout: Duration::from_secs(2),
        }
    }

    pub(super) fn prefix_with_slash(&self) -> Result<String, EtcdSettingsError> {
        let prefix = &self.prefix;
        let is_right = prefix.starts_with('/')
            && !prefix.ends_with('/')
            && !prefix.contains("//")
            && !prefix.contains(|letter: char| letter.is_control() || letter.is_whitespace());
        if is_right {
            Ok(format!("{prefix}/"))
        } else {
            Err(EtcdSettingsError::Prefix(prefix.clone()))
        }
    }

    /// Where to connect, by one of the URLs.
    pub(super) fn endpoint(&self, url: &str) -> Result<Endpoint, EtcdSettingsError> {
        let wrong = || EtcdSettingsError::Endpoint(url.to_owned());
        let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| wrong())?;
        let is_encrypted = match endpoint.uri().scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let endpoint = match (&self.tls, is_encrypted) {
            (None, false) => endpoint,
            (Some(tls), true) => encrypted(endpoint, tls)?,
            (None, true) => return Err(EtcdSettingsError::NoTls(url.to_owned())),
            (Some(_), false) => return Err(EtcdSettingsError::NotEncrypted(url.to_owned())),
        };
        Ok(endpoint.connect_timeout(self.connect_timeout).tcp_nodelay(true))
    }
}

fn encrypted(endpoint: Endpoint, tls: &TlsSettings) -> Result<Endpoint, EtcdSettingsError> {
    check_certificates("tls.ca", &tls.ca)?;
    let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&tls.ca));
    if let Some(TlsIdentity { certificate, key }) = &tls.identity {
        check_certificates("tls.certificate", certificate)?;
        config = config.identity(Identity::from_pem(certificate, key));
    }
    if let Some(name) = &tls.server_name {
        config = config.domain_name(name);
    }
    endpoint.tls_config(config).map_err(|error| EtcdSettingsError::Tls(causes(&error)))
}

/// A file without any certificate would be taken, and nobody trusted.
fn check_certificates(name: &str, pem: &[u8]) -> Result<(), EtcdSettingsError> {
    let mut certificates = CertificateDer::pem_slice_iter(pem);
    match certificates.next() {
        Some(Ok(_)) => Ok(()),
        Some(Err(error)) => Err(EtcdSettingsError::Tls(format!("{name}: {error}"))),
        None => Err(EtcdSettingsError::Tls(format!("{name} has no certificate"))),
    }
}

/// An error with what it comes from.
pub(super) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some tell their cause themselves.
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: &EtcdSettings, expected: &str) {
        let prefix = settings.prefix_with_slash().map(drop);
        let endpoints = settings.endpoints.iter().map(|url| settings.endpoint(url).map(drop));
        let wrong = std::iter::once(prefix).chain(endpoints).find_map(Result::err);
        assert_eq!(wrong.map(|error| error.to_string()).unwrap_or_default(), expected);
    }

    #[test]
    fn endpoints_are_urls() {
        check(&EtcdSettings::new(["http://localhost:2379", "http://[::1]:2379"]), "");
        for wrong in ["localhost:2379", "ftp://localhost", "http://", "a b"] {
            let expected = format!(
                "{wrong:?} is no endpoint of etcd; it is a URL such as http://localhost:2379"
            );
            check(&EtcdSettings::new([wrong]), &expected);
        }
    }

    #[test]
    fn a_prefix_begins_with_a_slash_and_ends_with_none() {
        let of = |prefix: &str| {
            let mut settings = EtcdSettings::new(["http://localhost:2379"]);
            settings.prefix = prefix.to_owned();
            settings
        };
        check(&of("/goverse"), "");
        check(&of("/teams/blue"), "");
        for wrong in ["", "/", "goverse", "/goverse/", "/a//b", "/a\nb"] {
            let expected = format!(
                "{wrong:?} is no prefix for etcd; it begins with a slash and does not end with one, such as /goverse"
            );
            check(&of(wrong), &expected);
        }
    }

    #[test]
    fn encryption_is_set_for_all_or_none() {
        let mut settings = EtcdSettings::new(["https://localhost:2379"]);
        check(
            &settings,
            "\"https://localhost:2379\" asks for TLS, so tls.ca is needed: the certificate of the authority that etcd's own is signed by",
        );
        settings.tls = Some(TlsSettings { ca: Vec::new(), identity: None, server_name: None });
        settings.endpoints = vec!["http://localhost:2379".to_owned()];
        check(
            &settings,
            "\"http://localhost:2379\" is not encrypted although TLS is set; write https, or leave TLS out",
        );
    }

    #[test]
    fn nothing_secret_is_printed() {
        let mut settings = EtcdSettings::new(["http://localhost:2379"]);
        settings.credentials =
            Some(Credentials { user: "shop".to_owned(), password: "sesame".to_owned() });
        let printed = format!("{settings:?}");
        assert!(printed.contains("shop") && !printed.contains("sesame"), "{printed}");
    }
}
