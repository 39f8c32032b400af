//! Users, passwords, encryption, and versions.

use goverse_cluster::etcd::{
    Credentials, Etcd, EtcdSettings, LeaseFault, TlsIdentity, TlsSettings,
};
use goverse_cluster::{Coordinator, CoordinatorError, Revision};
use goverse_e2e::poll::{self, SOON};
use goverse_e2e::{Certificates, Etcd as Server};

use super::at;
use crate::steps::{TTL, cells, force, next_change, put, soon, when};

/// An etcd that asks who one is; `shop` may do all below `/goverse`.
async fn guarded() -> Server {
    let server = Server::start().await;
    server.ctl(&["user", "add", "root:master"]);
    server.ctl(&["user", "add", "shop:sesame"]);
    server.ctl(&["role", "add", "shop"]);
    server.ctl(&["role", "grant-permission", "shop", "--prefix=true", "readwrite", "/goverse/"]);
    server.ctl(&["user", "grant-role", "shop", "shop"]);
    server.ctl(&["user", "grant-role", "root", "root"]);
    server.ctl(&["auth", "enable"]);
    server
}

fn settings(server: &Server, user: &str, password: &str) -> EtcdSettings {
    let mut settings = EtcdSettings::new([server.url()]);
    let (user, password) = (user.to_owned(), password.to_owned());
    settings.credentials = Some(Credentials { user, password });
    settings
}

async fn check_denied(settings: &EtcdSettings, expected: &str) {
    let it = Etcd::new(settings).unwrap();
    // Each time again: a mistake is not taken for an outage.
    for _ in 0..2 {
        let read = soon(it.read()).await.unwrap_err();
        let put = soon(it.transact(when([], [put("a", "1")]))).await.unwrap_err();
        let watch = soon(it.watch(Revision(1))).await.map(drop).unwrap_err();
        for error in [read, put, watch] {
            let told = error.to_string();
            assert!(matches!(error, CoordinatorError::Denied(_)), "{told}");
            assert!(told.contains(expected), "{told}");
        }
    }
}

#[tokio::test]
async fn who_may_not_is_told_so() {
    let server = guarded().await;
    check_denied(&settings(&server, "shop", "wrong"), "invalid user ID or password").await;
    check_denied(&settings(&server, "nobody", "sesame"), "invalid user ID or password").await;
    let mut elsewhere = settings(&server, "shop", "sesame");
    elsewhere.prefix = "/elsewhere".to_owned();
    check_denied(&elsewhere, "permission denied").await;
    let it = at([server.url()]);
    for error in [
        soon(it.read()).await.map(drop).unwrap_err(),
        soon(it.transact(when([], [put("a", "1")]))).await.map(drop).unwrap_err(),
        soon(it.watch(Revision(1))).await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, CoordinatorError::Denied(_)), "{error}");
    }
}

#[tokio::test]
async fn a_user_for_an_etcd_that_asks_for_none_is_told_so() {
    let server = Server::start().await;
    check_denied(&settings(&server, "shop", "sesame"), "authentication is not enabled").await;
}

#[tokio::test]
async fn a_user_works_below_the_prefix_also_when_the_token_is_lost() {
    let mut server = guarded().await;
    let it = Etcd::new(&settings(&server, "shop", "sesame")).unwrap();
    let start = force(&it, [put("a", "1")]).await;
    let mut watch = soon(it.watch(start)).await.unwrap();
    let second = force(&it, [put("a", "2")]).await;
    assert_eq!(next_change(&mut *watch).await.unwrap().revision, second);
    let grant = soon(it.grant(TTL)).await.unwrap();
    assert_eq!(soon(it.renew(grant.lease)).await, Ok(grant));
    // etcd forgets its tokens with its process.
    server.kill().await;
    server.start_again().await;
    let watch = poll::until("etcd to answer", SOON, async || match soon(it.watch(second)).await {
        Ok(watch) => Ok(watch),
        Err(CoordinatorError::Unavailable(text)) => Err(text),
        Err(error) => panic!("{error}"),
    });
    let mut watch = watch.await;
    soon(it.read()).await.unwrap();
    let third = force(&it, [put("a", "3")]).await;
    assert_eq!(next_change(&mut *watch).await.unwrap().revision, third);
}

#[tokio::test]
async fn encryption_proves_both_sides() {
    let certificates = Certificates::make();
    let server = Server::start_with_tls(certificates.server()).await;
    let pem = |path: &std::path::Path| std::fs::read(path).unwrap();
    let (certificate, key) = (pem(&certificates.client), pem(&certificates.client_key));
    let tls = TlsSettings {
        ca: pem(&certificates.authority),
        identity: Some(TlsIdentity { certificate, key }),
        server_name: None,
    };
    let with = |tls: TlsSettings| {
        let mut settings = EtcdSettings::new([server.url()]);
        settings.tls = Some(tls);
        Etcd::new(&settings)
    };
    let it = with(tls.clone()).unwrap();
    force(&it, [put("a", "1")]).await;
    assert_eq!(cells(&it).await.len(), 1);

    let stranger = Certificates::make();
    for wrong in [
        TlsSettings { ca: pem(&stranger.authority), ..tls.clone() },
        TlsSettings { identity: None, ..tls.clone() },
        TlsSettings { server_name: Some("elsewhere.test".to_owned()), ..tls.clone() },
    ] {
        let it = with(wrong).unwrap();
        let error = soon(it.read()).await.unwrap_err();
        assert!(matches!(error, CoordinatorError::Unavailable(_)), "{error}");
    }
    assert!(with(TlsSettings { ca: b"no certificate".to_vec(), ..tls }).is_err());
}

#[tokio::test]
async fn an_etcd_with_a_known_fault_is_named() {
    let server = Server::start().await;
    let it = at(["http://127.0.0.1:1".to_owned(), server.url()]);
    let version = server.ctl(&["version"]);
    let version = version.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
    let expected = LeaseFault { endpoint: server.url(), version };
    // Debian's is one; where the tests find a later one there is nothing to name.
    let faults = it.lease_faults().await;
    let is_faulty = expected.version.starts_with("3.4.2");
    assert_eq!(faults, if is_faulty { vec![expected] } else { Vec::new() });
}
