//! Which shard an object belongs to: a hash of its id, the same in every process and as in the Go project GoVerse.

use std::fmt;

use thiserror::Error;

/// What every object of one shard moves with: a number below the [`ShardCount`] of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u32);

/// How many shards a cluster has, from 1 to 65536. It is chosen once; 8192 unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardCount(u32);

/// Why there is no such shard, or no such number of shards.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidShard {
    /// A cluster cannot have so many shards, or so few.
    #[error("a cluster has from 1 to {max} shards, not {0}", max = ShardCount::MAX.0)]
    Count(u32),
    /// An id of the form `shard#N/name` whose N is no shard.
    #[error("{start:?} names no shard; write shard#N/name with N from 0 to {last}")]
    Fixed {
        /// The part before the slash, or how it begins.
        start: String,
        /// The last shard that there is.
        last: u32,
    },
}

/// What an id begins with that names its shard: `shard#N/name`.
const FIXED_PREFIX: &str = "shard#";

const FNV_OFFSET_BASIS: u32 = 0x811c_9dc5;
const FNV_PRIME: u32 = 0x0100_0193;

/// The shard of the object with this id: FNV-1a (32 bits) of its bytes modulo the number of shards, or N for an id of the
/// form `shard#N/name`.
///
/// # Errors
/// When N is no number, or not below the number of shards.
pub fn shard_of(id: &str, shards: ShardCount) -> Result<ShardId, InvalidShard> {
    let fixed = id.strip_prefix(FIXED_PREFIX).and_then(|rest| rest.split_once('/'));
    let Some((number, _)) = fixed else {
        return Ok(ShardId(fnv1a_32(id.as_bytes()) % shards.0));
    };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|number| digits && *number < shards.0);
    number.map(ShardId).ok_or_else(|| InvalidShard::Fixed {
        start: id.split('/').next().unwrap_or_default().chars().take(64).collect(),
        last: shards.0 - 1,
    })
}

/// The hash of Fowler, Noll and Vo: <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn fnv1a_32(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(FNV_OFFSET_BASIS, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(FNV_PRIME))
}

// === impl ShardCount ===

impl ShardCount {
    /// The most that there can be.
    pub const MAX: Self = Self(65_536);

    /// Checks a number of shards.
    ///
    /// # Errors
    /// When it is 0 or above [`ShardCount::MAX`].
    pub fn new(count: u32) -> Result<Self, InvalidShard> {
        if count == 0 || count > Self::MAX.0 {
            return Err(InvalidShard::Count(count));
        }
        Ok(Self(count))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }

    /// Every shard, in order.
    pub fn shards(self) -> impl Iterator<Item = ShardId> {
        (0..self.0).map(ShardId)
    }
}

impl Default for ShardCount {
    fn default() -> Self {
        Self(8_192)
    }
}

impl fmt::Display for ShardCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl ShardId ===

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the test vectors that the authors of the hash publish (`test_fnv.c`).
    #[test]
    fn the_hash_is_that_of_its_authors() {
        let check = |text: &str, expected: u32| {
            assert_eq!(fnv1a_32(text.as_bytes()), expected, "{text:?}");
        };
        check("", 0x811c_9dc5);
        check("a", 0xe40c_292c);
        check("b", 0xe70c_2de5);
        check("foo", 0xa9f3_7ed7);
        check("foobar", 0xbf9c_f968);
        check("chongo was here!\n", 0xd499_30d5);
    }

    #[test]
    fn an_id_has_one_shard() {
        let check = |id: &str, count: u32, expected: u32| {
            let shards = ShardCount::new(count).unwrap();
            assert_eq!(shard_of(id, shards), Ok(ShardId(expected)), "{id:?} of {count}");
        };
        // 0xe40c292c = 3826002220 and 0xbf9cf968 = 3214735720; their remainders were worked out by hand.
        check("a", 8_192, 2_348);
        check("foobar", 8_192, 6_504);
        check("foobar", 1, 0);
        check("foobar", 1_000, 720);
        check("shard#17/name", 8_192, 17);
        check("shard#017/name", 8_192, 17);
        check("shard#8191/", 8_192, 8_191);
        check("shard#17", 1, 0);
    }

    #[test]
    fn a_fixed_shard_that_is_none_is_refused() {
        let check = |id: &str| {
            let error = shard_of(id, ShardCount::default()).unwrap_err().to_string();
            assert!(error.contains("write shard#N/name with N from 0 to 8191"), "{id:?}: {error}");
        };
        check("shard#8192/name");
        check("shard#99999999999999999999/name");
        check("shard#/name");
        check("shard#-1/name");
        check("shard#+1/name");
        check("shard#x/name");
    }

    #[test]
    fn a_cluster_has_at_least_one_shard_and_at_most_65536() {
        assert_eq!(ShardCount::default().get(), 8_192);
        assert!(ShardCount::new(65_536).is_ok());
        assert_eq!(ShardCount::new(0), Err(InvalidShard::Count(0)));
        let error = ShardCount::new(65_537).unwrap_err().to_string();
        assert_eq!(error, "a cluster has from 1 to 65536 shards, not 65537");
    }
}
