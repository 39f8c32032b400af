//! One watch on the whole prefix: etcd's responses become whole revisions, in order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use etcd_client::{Client, Event, EventType, GetOptions, WatchOptions, WatchResponse, WatchStream};

use super::endpoints::{Endpoints, Outcome};
use super::failure::{is_about_access, meaning};
use super::{ANSWER_BYTES_MAX, cell, name, nonsense, revision_of};
use crate::coordinator::{BoxFuture, Cell, Change, CoordinatorError, Revision, Watch, WatchEvent};

/// A watch at one endpoint, on a connection of its own.
pub(super) struct EtcdWatch {
    endpoints: Arc<Endpoints>,
    turn: usize,
    prefix: Arc<str>,
    /// Gone once it has failed.
    stream: Option<WatchStream>,
    assembly: Assembly,
    ready: VecDeque<WatchEvent>,
}

/// Makes whole revisions of what comes in pieces.
struct Assembly {
    /// All up to here was said.
    said: Revision,
    /// Pieces of a response that goes on.
    pieces: Vec<Piece>,
}

/// What one revision did to one key.
struct Piece {
    revision: Revision,
    key: String,
    cell: Option<Cell>,
}

/// Watches from the revision after `after`.
pub(super) async fn start(
    endpoints: Arc<Endpoints>,
    prefix: Arc<str>,
    after: Revision,
) -> Result<EtcdWatch, CoordinatorError> {
    let attempt = endpoints.begin();
    let turn = attempt.turn();
    // With a token of its own: etcd says "permission denied" to a watch whose token is old.
    let client = attempt.connection().new_client().await;
    let started = match client {
        Ok(client) => open_checked(client, &endpoints, &prefix, after).await,
        Err(error) => Err(meaning(&error, Outcome::None)),
    };
    let stream = Some(attempt.end(started)?);
    let assembly = Assembly { said: after, pieces: Vec::new() };
    Ok(EtcdWatch { endpoints, turn, prefix, stream, assembly, ready: VecDeque::new() })
}

async fn open_checked(
    client: Client,
    endpoints: &Endpoints,
    prefix: &str,
    after: Revision,
) -> Result<WatchStream, CoordinatorError> {
    let stream = open(&client, prefix, after).await?;
    check_history(client, endpoints, prefix, after).await?;
    Ok(stream)
}

/// Opens the stream, and waits until etcd says that the watch is there.
async fn open(
    client: &Client,
    prefix: &str,
    after: Revision,
) -> Result<WatchStream, CoordinatorError> {
    let mut client = client.watch_client().max_decoding_message_size(ANSWER_BYTES_MAX);
    let from = i64::try_from(after.0 + 1).map_err(|_| nonsense("a revision too large"))?;
    // Notices of progress come by etcd's own timer alone: those that are asked for overtake changes before 3.4.25.
    let options = WatchOptions::new()
        .with_prefix()
        .with_start_revision(from)
        .with_progress_notify()
        .with_fragment();
    let lost = |error| meaning(&error, Outcome::None);
    let mut stream = client.watch(prefix, Some(options)).await.map_err(lost)?;
    let response = stream.message().await.map_err(lost)?.ok_or_else(closed)?;
    refusal(&response)?;
    Ok(stream)
}

/// Whether what is there is what `after` was read from. A watch from a revision that etcd has not reached waits until it
/// has, and would then tell changes of other data: an etcd that was wiped and started as before has the same id.
async fn check_history(
    mut client: Client,
    endpoints: &Endpoints,
    prefix: &str,
    after: Revision,
) -> Result<(), CoordinatorError> {
    let options = GetOptions::new().with_prefix().with_keys_only().with_limit(1);
    let read = client.get(prefix, Some(options)).await;
    let read = read.map_err(|error| meaning(&error, Outcome::None))?;
    let header = read.header().ok_or_else(|| nonsense("a read without a header"))?;
    if !endpoints.is_same_cluster(header.cluster_id()) {
        return Err(nonsense("another etcd cluster is at this endpoint"));
    }
    let newest = revision_of(header.revision())?;
    if newest < after {
        return Err(nonsense(&format!("etcd is at revision {newest}, and was at {after}")));
    }
    Ok(())
}

/// Why etcd ended the watch, if it did.
fn refusal(response: &WatchResponse) -> Result<(), CoordinatorError> {
    if response.compact_revision() > 0 {
        let revision = u64::try_from(response.compact_revision()).unwrap_or_default();
        return Err(CoordinatorError::Compacted(Revision(revision)));
    }
    if !response.canceled() {
        return Ok(());
    }
    let reason = response.cancel_reason();
    if is_about_access(reason) {
        return Err(CoordinatorError::Denied(reason.to_owned()));
    }
    Err(CoordinatorError::Unavailable(format!("etcd ended the watch: {reason}")))
}

fn closed() -> CoordinatorError {
    CoordinatorError::Unavailable("etcd closed the watch".to_owned())
}

// === impl EtcdWatch ===

impl EtcdWatch {
    /// Takes the next response in.
    async fn receive(&mut self) -> Result<(), CoordinatorError> {
        let stream = self.stream.as_mut().ok_or_else(closed)?;
        let response = stream.message().await.map_err(|error| meaning(&error, Outcome::None))?;
        let response = response.ok_or_else(closed)?;
        refusal(&response)?;
        let pieces: Vec<Piece> =
            response.events().iter().filter_map(|event| piece(&self.prefix, event)).collect();
        let header = response.header().map_or(0, |header| header.revision());
        let revision = Revision(u64::try_from(header).unwrap_or_default());
        self.ready.extend(self.assembly.take(revision, pieces, response.0.fragment)?);
        Ok(())
    }
}

impl Watch for EtcdWatch {
    fn next(&mut self) -> BoxFuture<'_, Result<WatchEvent, CoordinatorError>> {
        Box::pin(async {
            loop {
                if let Some(event) = self.ready.pop_front() {
                    return Ok(event);
                }
                if let Err(error) = self.receive().await {
                    self.stream = None;
                    if matches!(error, CoordinatorError::Unavailable(_)) {
                        self.endpoints.failed(self.turn);
                    }
                    return Err(error);
                }
            }
        })
    }
}

fn piece(prefix: &str, event: &Event) -> Option<Piece> {
    let found = event.kv()?;
    let revision = Revision(u64::try_from(found.mod_revision()).unwrap_or_default());
    let (key, cell) = match event.event_type() {
        EventType::Delete => (name(prefix, found.key()), None),
        EventType::Put => {
            let (key, cell) = cell(prefix, found.clone());
            (key, Some(cell))
        }
    };
    Some(Piece { revision, key, cell })
}

// === impl Assembly ===

impl Assembly {
    /// Takes a response, and gives the events that are complete with it. etcd splits a revision into several responses
    /// only by fragments, so a revision that comes again is one that was said in part.
    fn take(
        &mut self,
        header: Revision,
        pieces: Vec<Piece>,
        goes_on: bool,
    ) -> Result<Vec<WatchEvent>, CoordinatorError> {
        self.pieces.extend(pieces);
        if goes_on {
            return Ok(Vec::new());
        }
        let pieces = std::mem::take(&mut self.pieces);
        if pieces.is_empty() {
            return Ok(self.progress(header).into_iter().collect());
        }
        let mut changes: Vec<Change> = Vec::new();
        for Piece { revision, key, cell } in pieces {
            if changes.last().is_none_or(|last| last.revision != revision) {
                self.advance(revision)?;
                changes.push(Change { revision, cells: BTreeMap::new() });
            }
            let change = changes.last_mut().expect("one was just pushed, if there was none");
            change.cells.insert(key, cell);
        }
        Ok(changes.into_iter().map(WatchEvent::Changed).collect())
    }

    fn progress(&mut self, revision: Revision) -> Option<WatchEvent> {
        if revision <= self.said {
            return None;
        }
        self.said = revision;
        Some(WatchEvent::Progress(revision))
    }

    fn advance(&mut self, revision: Revision) -> Result<(), CoordinatorError> {
        if revision <= self.said {
            let said = self.said;
            return Err(CoordinatorError::Nonsense(format!(
                "revision {revision} in a watch that was at {said}"
            )));
        }
        self.said = revision;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds responses such as `5: a5 b5 c6 …`, where the header is 5, `a` was put in 5, `b-6` deleted in 6, and `…`
    /// says that it goes on; gives what the watch says.
    fn check(after: u64, responses: &[&str], expected: &[&str]) {
        let mut assembly = Assembly { said: Revision(after), pieces: Vec::new() };
        let mut told = Vec::new();
        for response in responses {
            let (header, words) = response.split_once(':').unwrap();
            let goes_on = words.ends_with('…');
            let words = words.trim_end_matches('…').split_whitespace();
            let taken = assembly.take(
                Revision(header.parse().unwrap()),
                words.map(piece_of).collect(),
                goes_on,
            );
            match taken {
                Ok(events) => told.extend(events.iter().map(tell)),
                Err(error) => told.push(error.to_string()),
            }
        }
        assert_eq!(told, expected);
    }

    fn piece_of(word: &str) -> Piece {
        let (key, revision) = word.split_at(1);
        let is_deleted = revision.starts_with('-');
        let revision = Revision(revision.trim_start_matches('-').parse().unwrap());
        let cell = Cell { value: Vec::new(), created: revision, modified: revision, lease: None };
        Piece { revision, key: key.to_owned(), cell: (!is_deleted).then_some(cell) }
    }

    fn tell(event: &WatchEvent) -> String {
        match event {
            WatchEvent::Progress(revision) => format!("up to {revision}"),
            WatchEvent::Changed(change) => {
                let keys = change.cells.iter().map(|(key, cell)| match cell {
                    Some(_) => format!(" {key}"),
                    None => format!(" -{key}"),
                });
                format!("{}:{}", change.revision, keys.collect::<String>())
            }
        }
    }

    #[test]
    fn one_response_may_hold_several_revisions() {
        check(4, &["7: a5 b5 a6 b-7", "9: a9"], &["5: a b", "6: a", "7: -b", "9: a"]);
    }

    #[test]
    fn fragments_are_joined_to_whole_revisions() {
        check(4, &["7: a5 b5…", "7: c5…", "7: a6"], &["5: a b c", "6: a"]);
        // A notice of progress that is a fragment's end says nothing by itself.
        check(4, &["7: a5…", "7:"], &["5: a"]);
    }

    #[test]
    fn progress_rises() {
        check(4, &["4:", "9:", "9:", "11: a11"], &["up to 9", "11: a"]);
    }

    #[test]
    fn a_watch_that_goes_back_is_over() {
        check(
            4,
            &["5: a5", "5: b5"],
            &[
                "5: a",
                "the coordinator's answer makes no sense: revision 5 in a watch that was at 5",
            ],
        );
        check(
            4,
            &["9:", "8: a8"],
            &[
                "up to 9",
                "the coordinator's answer makes no sense: revision 8 in a watch that was at 9",
            ],
        );
    }
}
