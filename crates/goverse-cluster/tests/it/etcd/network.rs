//! Connections are cut, answers are lost, endpoints are dead.

use std::time::Duration;

use goverse_cluster::etcd::Etcd;
use goverse_cluster::{Coordinator, CoordinatorError};
use goverse_e2e::poll::{self, SOON};
use goverse_e2e::{Etcd as Server, Proxy, Traffic, port};
use tokio::time::{Instant, timeout};

use super::at;
use crate::steps::{TTL, absent, cells, end_of, force, is_done, next_change, put, soon, when};

/// How long a caller waits for an answer that is kept back.
const BRIEFLY: Duration = Duration::from_millis(300);

fn url(proxy: &Proxy) -> String {
    format!("http://{}", proxy.address())
}

/// An endpoint at which nobody listens.
fn dead() -> String {
    format!("http://127.0.0.1:{}", port::free_port())
}

/// Until a read at the endpoint in use succeeds.
async fn until_it_answers(it: &Etcd) {
    poll::until("etcd to answer", SOON, async || {
        soon(it.read()).await.map(drop).map_err(|error| error.to_string())
    })
    .await;
}

#[tokio::test]
async fn a_cut_connection_ends_the_watch_and_it_goes_on_after() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address()).await;
    let (it, direct) = (at([url(&proxy)]), at([server.url()]));
    let start = force(&it, [put("a", "1")]).await;
    let mut watch = soon(it.watch(start)).await.unwrap();
    proxy.set(Traffic::Cut);
    let end = end_of(&mut *watch).await;
    assert!(matches!(end, CoordinatorError::Unavailable(_)), "{end}");
    let refused = soon(it.read()).await.unwrap_err();
    assert!(matches!(refused, CoordinatorError::Unavailable(_)), "{refused}");
    let missed = force(&direct, [put("a", "2")]).await;
    proxy.set(Traffic::Flows);
    until_it_answers(&it).await;
    let mut watch = soon(it.watch(start)).await.unwrap();
    assert_eq!(next_change(&mut *watch).await.unwrap().revision, missed);
}

#[tokio::test]
async fn a_watch_that_is_left_without_an_answer_ends() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address()).await;
    let it = at([url(&proxy)]);
    let start = force(&it, [put("a", "1")]).await;
    let mut watch = soon(it.watch(start)).await.unwrap();
    proxy.set(Traffic::Stalls);
    let end = end_of(&mut *watch).await;
    assert!(matches!(end, CoordinatorError::Unavailable(_)), "{end}");
}

#[tokio::test]
async fn a_transaction_without_an_answer_may_have_happened() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address()).await;
    let (it, direct) = (at([url(&proxy)]), at([server.url()]));
    until_it_answers(&it).await;
    proxy.set(Traffic::AnswersStall);
    let (outcome, ()) =
        tokio::join!(soon(it.transact(when([absent("a")], [put("a", "1")]))), async {
            poll::until("the transaction to happen", SOON, async || {
                let cells = cells(&direct).await;
                poll::expect(cells.len() == 1, cells)
            })
            .await;
            proxy.set(Traffic::Cut);
        });
    assert!(matches!(outcome, Err(CoordinatorError::Unknown(_))), "{outcome:?}");
    // Nobody listens: it is sure that nothing happened.
    drop(proxy);
    let outcome = poll::until("the port to be closed", SOON, async || {
        match soon(it.transact(when([absent("b")], [put("b", "1")]))).await {
            Err(CoordinatorError::Unavailable(text)) => Ok(text),
            other => Err(format!("{other:?}")),
        }
    });
    assert!(outcome.await.contains("refused"));
    assert!(is_done(&direct, when([absent("b")], [put("b", "2")])).await);
}

#[tokio::test]
async fn a_late_answer_is_not_taken_for_the_next_renewals() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address()).await;
    let (it, direct) = (at([url(&proxy)]), at([server.url()]));
    let grant = soon(it.grant(TTL * 10)).await.unwrap();
    assert_eq!(soon(it.renew(grant.lease)).await, Ok(grant));
    proxy.set(Traffic::AnswersStall);
    assert!(timeout(BRIEFLY, it.renew(grant.lease)).await.is_err());
    soon(direct.revoke(grant.lease)).await.unwrap();
    proxy.set(Traffic::Flows);
    assert_eq!(soon(it.renew(grant.lease)).await, Err(CoordinatorError::LeaseGone));
}

#[tokio::test]
async fn an_endpoint_that_is_dead_is_left_for_the_next() {
    let server = Server::start().await;
    let it = at([dead(), server.url()]);
    let first = soon(it.read()).await.unwrap_err();
    assert!(matches!(first, CoordinatorError::Unavailable(_)), "{first}");
    // Every one of these was at the one that lives.
    for _ in 0..5 {
        soon(it.read()).await.unwrap();
    }
    force(&it, [put("a", "1")]).await;
    let grant = soon(it.grant(TTL)).await.unwrap();
    assert_eq!(soon(it.renew(grant.lease)).await, Ok(grant));
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_left_when_the_caller_gives_up() {
    let servers = Server::start_cluster(3).await;
    let silent = Proxy::start(servers[0].address()).await;
    let it = at([url(&silent), dead(), servers[1].url(), servers[2].url()]);
    let start = soon(it.read()).await.unwrap();
    let mut watch = soon(it.watch(start.revision)).await.unwrap();
    silent.set(Traffic::Stalls);
    assert!(timeout(BRIEFLY, it.read()).await.is_err());
    let refused = soon(it.read()).await.unwrap_err();
    assert!(matches!(refused, CoordinatorError::Unavailable(_)), "{refused}");
    let revision = force(&it, [put("a", "1")]).await;
    // The watch stays where it began, and ends by itself.
    let end = end_of(&mut *watch).await;
    assert!(matches!(end, CoordinatorError::Unavailable(_)), "{end}");
    let mut watch = soon(it.watch(start.revision)).await.unwrap();
    assert_eq!(next_change(&mut *watch).await.unwrap().revision, revision);
}

#[tokio::test]
async fn one_of_three_may_go_and_two_may_not() {
    let mut servers = Server::start_cluster(3).await;
    let it = at(servers.iter().map(Server::url));
    force(&it, [put("a", "1")]).await;
    servers[0].kill().await;
    poll::until("two to answer", SOON, async || {
        let attempt = timeout(Duration::from_secs(2), it.read()).await;
        let answer = attempt.map_err(|_| "no answer".to_owned())?;
        answer.map(drop).map_err(|error| error.to_string())
    })
    .await;
    servers[1].kill().await;
    // Out of quorum: no answer, or an error that says so.
    poll::until("the last to notice", SOON, async || match timeout(BRIEFLY, it.read()).await {
        Err(_) | Ok(Err(CoordinatorError::Unavailable(_))) => Ok(()),
        Ok(other) => Err(format!("{other:?}")),
    })
    .await;
    servers[1].start_again_alone();
    until_it_answers(&it).await;
    assert_eq!(cells(&it).await.len(), 1);
}

#[tokio::test]
async fn nobody_there_is_told_soon() {
    let it = at([dead(), dead()]);
    let begin = Instant::now();
    for _ in 0..4 {
        let errors = [
            soon(it.read()).await.unwrap_err(),
            soon(it.transact(when([], [put("a", "1")]))).await.unwrap_err(),
            soon(it.grant(TTL)).await.unwrap_err(),
        ];
        for error in errors {
            let told = error.to_string();
            assert!(matches!(error, CoordinatorError::Unavailable(_)), "{told}");
            assert!(told.contains("refused"), "{told}");
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}
