//! Reading an assignment. Whatever the bytes are, it ends in an assignment or an error, and takes no more memory than an
//! assignment does.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use goverse_core::{ShardCount, ShardId};

use super::{AssignedNode, Assignment, Holder, Owner};
use crate::records::{FORMAT, RecordError, malformed, ranges};
use crate::tenure::{Epoch, Incarnation};

/// What has been read so far.
struct Reader {
    shards: ShardCount,
    head: Option<(Epoch, Incarnation)>,
    nodes: Vec<AssignedNode>,
    epochs: Vec<Epoch>,
    owners: Vec<Owner>,
    holders: BTreeMap<ShardId, Arc<[Holder]>>,
}

type Words<'a> = std::str::SplitAsciiWhitespace<'a>;

pub(super) fn decode(value: &[u8], shards: ShardCount) -> Result<Assignment, RecordError> {
    let first = value.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let format = std::str::from_utf8(first).ok().and_then(|line| line.strip_prefix("format "));
    let format: u32 =
        format.and_then(number).ok_or_else(|| malformed(&"the first line is not `format N`"))?;
    if format > FORMAT {
        return Err(RecordError::Newer(format));
    }
    let lines = std::str::from_utf8(value).map_err(|error| malformed(&error))?.lines().skip(1);
    let mut reader = Reader {
        shards,
        head: None,
        nodes: Vec::new(),
        epochs: Vec::new(),
        owners: Vec::new(),
        holders: BTreeMap::new(),
    };
    for (number, line) in (2..).zip(lines) {
        reader
            .line(line)
            .ok_or_else(|| malformed(&format_args!("line {number} makes no sense")))?;
    }
    reader.end()
}

// === impl Reader ===

impl Reader {
    fn line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split_ascii_whitespace();
        match words.next()? {
            "epoch" if self.head.is_none() => {
                self.head = Some((Epoch(number(words.next()?)?), words.next()?.parse().ok()?));
            }
            "node" => self.node(&mut words)?,
            "since" => {
                for word in words.by_ref() {
                    self.epochs.push(Epoch(number(word)?));
                }
            }
            "owners" => words.by_ref().try_for_each(|word| self.owners(word))?,
            "holders" => self.holders(&mut words)?,
            _ => return None,
        }
        words.next().is_none().then_some(())
    }

    fn node(&mut self, words: &mut Words<'_>) -> Option<()> {
        self.nodes.push(AssignedNode {
            incarnation: words.next()?.parse().ok()?,
            address: words.next()?.parse().ok()?,
            since: Epoch(number(words.next()?)?),
        });
        Some(())
    }

    fn owners(&mut self, word: &str) -> Option<()> {
        let (len, owner) = word.split_once('x').unwrap_or(("1", word));
        let (node, since) = owner.split_once('.')?;
        let owner =
            Owner { node: self.known(node)?, since: *self.epochs.get(number::<usize>(since)?)? };
        let free = self.shards.get() as usize - self.owners.len();
        let len = number(len).filter(|len| (1..=free).contains(len))?;
        self.owners.extend(std::iter::repeat_n(owner, len));
        Some(())
    }

    fn holders(&mut self, words: &mut Words<'_>) -> Option<()> {
        let (first, last) = ranges::decode_run(words.next()?)?;
        let is_after = self.holders.last_key_value().is_none_or(|(before, _)| before.0 < first);
        if !is_after || last >= self.shards.get() {
            return None;
        }
        let holders = words.map(|word| {
            let (node, release) = word.split_once('@')?;
            Some(Holder { node: self.known(node)?, release: Epoch(number(release)?) })
        });
        let holders: Arc<[Holder]> = holders.collect::<Option<Vec<_>>>()?.into();
        self.holders.extend((first..=last).map(|shard| (ShardId(shard), Arc::clone(&holders))));
        (!holders.is_empty()).then_some(())
    }

    /// A node's place, if it is one.
    fn known(&self, word: &str) -> Option<u32> {
        number(word).filter(|node| (*node as usize) < self.nodes.len())
    }

    fn end(self) -> Result<Assignment, RecordError> {
        let Self { shards, head, nodes, owners, holders, .. } = self;
        let (epoch, writer) = head.ok_or_else(|| malformed(&"there is no line `epoch`"))?;
        if owners.len() != shards.get() as usize {
            let counts = format_args!("it has {} shards, the cluster {shards}", owners.len());
            return Err(malformed(&counts));
        }
        let since = nodes.iter().map(|node| node.since).chain(owners.iter().map(|it| it.since));
        let releases = holders.values().flat_map(|holders| holders.iter().map(|it| it.release));
        if since.chain(releases).any(|given| given > epoch) {
            return Err(malformed(&"it speaks of an epoch above its own"));
        }
        Ok(Assignment { epoch, writer, nodes, owners, holders })
    }
}

/// A number without a sign, which [`FromStr`] would take.
fn number<N: FromStr>(word: &str) -> Option<N> {
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok())?
}
