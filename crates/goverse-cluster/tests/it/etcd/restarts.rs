//! etcd ends and comes again, with its data and without.

use goverse_cluster::{Coordinator, CoordinatorError};
use goverse_e2e::Etcd as Server;
use goverse_e2e::poll::{self, SOON};

use super::at;
use crate::steps::{TTL, cells, end_of, force, next_change, put, put_with, soon};

#[tokio::test]
async fn all_is_there_after_a_restart() {
    let mut server = Server::start().await;
    let it = at([server.url()]);
    let grant = soon(it.grant(TTL * 10)).await.unwrap();
    let before = force(&it, [put("a", "1"), put_with("b", "2", grant.lease)]).await;
    let content = soon(it.read()).await.unwrap();
    let mut watch = soon(it.watch(before)).await.unwrap();
    server.kill().await;
    let end = end_of(&mut *watch).await;
    assert!(matches!(end, CoordinatorError::Unavailable(_)), "{end}");
    server.start_again().await;
    let again = poll::until("etcd to answer", SOON, async || {
        soon(it.read()).await.map_err(|error| error.to_string())
    });
    assert_eq!(again.await, content);
    assert_eq!(soon(it.renew(grant.lease)).await, Ok(grant));
    // The watch goes on where it was.
    let mut watch = soon(it.watch(before)).await.unwrap();
    let after = force(&it, [put("a", "3")]).await;
    assert_eq!(next_change(&mut *watch).await.unwrap().revision, after);
}

#[tokio::test]
async fn a_wiped_etcd_is_seen_by_its_revision() {
    let mut server = Server::start().await;
    let it = at([server.url()]);
    let grant = soon(it.grant(TTL * 10)).await.unwrap();
    force(&it, [put_with("a", "1", grant.lease)]).await;
    let before = soon(it.read()).await.unwrap();
    server.wipe().await;
    // The watch does not wait in the new one's future, for what is there is other data.
    let refused =
        poll::until("etcd to answer", SOON, async || match soon(it.watch(before.revision)).await {
            Err(CoordinatorError::Nonsense(text)) => Ok(text),
            Err(error) => Err(error.to_string()),
            Ok(_) => panic!("the watch goes on in other data"),
        });
    let text = refused.await;
    assert!(text.contains("etcd is at revision 1, and was at"), "{text}");
    let after = soon(it.read()).await.unwrap();
    assert!(after.cells.is_empty() && after.revision < before.revision);
    assert_eq!(soon(it.renew(grant.lease)).await, Err(CoordinatorError::LeaseGone));
    soon(it.watch(after.revision)).await.unwrap();
}

#[tokio::test]
async fn keys_that_are_put_and_deleted_by_hand_are_seen() {
    let server = Server::start().await;
    let it = at([server.url()]);
    let start = force(&it, [put("a", "1")]).await;
    let mut watch = soon(it.watch(start)).await.unwrap();
    server.ctl(&["put", "/goverse/members/x", "not what it should be"]);
    server.ctl(&["del", "/goverse/a"]);
    server.ctl(&["put", "/goverse", "beside the prefix"]);
    assert!(next_change(&mut *watch).await.unwrap().cells["members/x"].is_some());
    assert!(next_change(&mut *watch).await.unwrap().cells["a"].is_none());
    let expected = [("members/x".to_owned(), "not what it should be".to_owned())];
    assert_eq!(cells(&it).await, expected);
}
