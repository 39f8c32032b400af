//! What cannot be right is told by one clear error, and takes part in nothing.

use goverse_e2e::poll::{LATER, SOON};
use goverse_e2e::{Etcd, Process, Stream, port};

use super::members::{Members, Setup};

/// Starts a member that is to end with a message that has these fragments.
async fn check(setup: &Setup, address: &str, fragments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = setup.command(address);
    command.arg("--record").arg(folder.path().join("record"));
    let mut process = Process::start(command);
    let status = process.wait_exit(LATER).await;
    let message = process.printed(Stream::Stderr);
    let error = message.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
    assert_eq!(status.code(), Some(2), "{message}");
    for fragment in fragments {
        assert!(error.contains(fragment), "{fragment:?} in:\n{message}");
    }
    let record = std::fs::read_to_string(folder.path().join("record")).unwrap_or_default();
    assert!(!record.contains("serve"), "it was refused, and served:\n{record}");
}

fn address() -> String {
    format!("127.0.0.1:{}", port::free_port())
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_right() {
    let etcd = Etcd::start().await;
    let setup = Setup::at(&etcd);
    let with = |change: fn(&mut Setup)| {
        let mut setup = setup.clone();
        change(&mut setup);
        setup
    };
    let slash = with(|setup| setup.prefix = "goverse/".to_owned());
    check(&slash, &address(), &["\"goverse/\" is no prefix", "such as /goverse"]).await;
    let no_url = with(|setup| setup.endpoints = vec!["localhost:2379".to_owned()]);
    check(&no_url, &address(), &["\"localhost:2379\" is no endpoint", "http://localhost:2379"])
        .await;
    let none = with(|setup| setup.endpoints.clear());
    check(&none, &address(), &["etcd has no endpoint"]).await;
    let user = with(|setup| setup.flags = ["--user", "shop"].map(str::to_owned).into());
    check(&user, &address(), &["refuses access", "authentication is not enabled"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_prefix_of_others() {
    let etcd = Etcd::start().await;
    for arguments in [
        &["user", "add", "root:master"][..],
        &["user", "add", "shop:sesame"],
        &["role", "add", "shop"],
        &["role", "grant-permission", "shop", "--prefix=true", "readwrite", "/goverse/"],
        &["user", "grant-role", "shop", "shop"],
        &["user", "grant-role", "root", "root"],
        &["auth", "enable"],
    ] {
        etcd.ctl(arguments);
    }
    let mut setup = Setup::at(&etcd);
    check(&setup, &address(), &["refuses access", "user name is empty"]).await;
    let flags = |password: &str| ["--user", "shop", "--password", password].map(str::to_owned);
    setup.flags = flags("wrong").into();
    check(&setup, &address(), &["refuses access", "invalid user ID or password"]).await;
    setup.flags = flags("sesame").into();
    setup.prefix = "/theirs".to_owned();
    check(&setup, &address(), &["refuses access", "permission denied"]).await;
    setup.prefix = "/goverse".to_owned();
    let mut members = Members::start(setup, 2).await;
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use() {
    let etcd = Etcd::start().await;
    let mut members = Members::start(Setup::at(&etcd), 2).await;
    let taken = members.all[0].address.clone();
    check(&members.setup, &taken, &["address in use", &taken]).await;
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_number_of_shards_or_another_format() {
    let etcd = Etcd::start().await;
    let mut members = Members::start(Setup::at(&etcd), 2).await;
    let mut other = members.setup.clone();
    other.flags = ["--shards", "128"].map(str::to_owned).into();
    check(&other, &address(), &["configured for 128 shards", "has 64"]).await;
    members.until_balanced().await;
    members.assert_one_owner_at_a_time();

    let mut setup = Setup::at(&etcd);
    for (prefix, config) in [
        ("/newer", "{\"format\":99,\"shards\":64}"),
        ("/broken", "{\"half\": "),
        ("/zero", "{\"format\":1,\"shards\":0}"),
    ] {
        setup.prefix = prefix.to_owned();
        etcd.ctl(&["put", &format!("{prefix}/config"), config]);
        check(&setup, &address(), &["`config` cannot be used"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_waits_for_an_etcd_that_is_not_there_yet() {
    let mut etcd = Etcd::start().await;
    etcd.kill().await;
    let mut members = Members::none(Setup::at(&etcd));
    members.add();
    let process = &mut members.all[0].process;
    process.wait_for_line("why it waits", |line| line.contains("did not do what"), SOON).await;
    etcd.start_again().await;
    members.until_balanced().await;
    // Debian's etcd may end living leases, and the log says so.
    let process = &mut members.all[0].process;
    let is_warning = |line: &str| line.contains("may end living leases");
    if etcd.ctl(&["version"]).contains("etcdctl version: 3.4.23") {
        process.wait_for_line("a warning", is_warning, SOON).await;
    }
    members.assert_one_owner_at_a_time();
}
