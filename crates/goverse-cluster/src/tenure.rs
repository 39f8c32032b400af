//! The numbers that tell one ownership from every other: epochs, incarnations, and the tokens made of them.

use std::fmt;
use std::str::FromStr;

use goverse_core::ShardId;

/// Which assignment of shards: a later one has a higher epoch, in ms since 1970 or just above the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// One life of one node, from a lease to its end: 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Incarnation(pub u128);

/// One node's ownership of one shard from one epoch: what every activation carries, and what is checked before it acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    /// Whose.
    pub incarnation: Incarnation,
    /// Of which shard.
    pub shard: ShardId,
    /// The epoch that gave it; the fence of the store.
    pub since: Epoch,
}

/// A text that should be an incarnation and is not: 32 hexadecimal digits in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an incarnation is 32 hexadecimal digits in lower case")]
pub struct InvalidIncarnation;

// === impl Epoch ===

impl Epoch {
    /// The epoch of the next assignment: above this one, and not below the time, so that it rises over a coordinator that
    /// was wiped or put back.
    #[must_use]
    pub fn next(self, unix_ms: u64) -> Self {
        Self(self.0.saturating_add(1).max(unix_ms))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl Incarnation ===

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Incarnation {
    type Err = InvalidIncarnation;

    fn from_str(text: &str) -> Result<Self, InvalidIncarnation> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return Err(InvalidIncarnation);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| InvalidIncarnation)
    }
}

impl serde::Serialize for Incarnation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Incarnation {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_rise_whatever_the_clock_says() {
        assert_eq!(Epoch(5).next(1_763_836_625_000), Epoch(1_763_836_625_000));
        assert_eq!(Epoch(1_763_836_625_000).next(5), Epoch(1_763_836_625_001));
        assert_eq!(Epoch(u64::MAX).next(5), Epoch(u64::MAX));
    }

    #[test]
    fn an_incarnation_is_its_text_again() {
        let incarnation = Incarnation(0x0123_4567_89ab_cdef);
        let text = "00000000000000000123456789abcdef";
        assert_eq!(incarnation.to_string(), text);
        assert_eq!(text.parse(), Ok(incarnation));
        for wrong in ["", "0", &text.to_uppercase(), "+0000000000000000123456789abcdef"] {
            assert_eq!(wrong.parse::<Incarnation>(), Err(InvalidIncarnation), "{wrong:?}");
        }
    }
}
