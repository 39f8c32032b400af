//! What a caller names a call by, so that it takes effect once.

use std::fmt;

use smol_str::SmolStr;

/// The name of a call, chosen by its caller, so that it takes effect once: 1 to 128 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(SmolStr);

/// Why a text is no call id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a call id has 1 to {max} bytes without control characters; {found}", max = CallId::BYTES_MAX)]
pub struct InvalidCallId {
    found: String,
}

// === impl CallId ===

impl CallId {
    /// The longest, in bytes.
    pub const BYTES_MAX: usize = 128;

    /// Checks `text`.
    ///
    /// # Errors
    /// When it is empty, too long, or has control characters.
    pub fn new(text: &str) -> Result<Self, InvalidCallId> {
        let found = if text.is_empty() {
            "this is empty".to_owned()
        } else if text.len() > Self::BYTES_MAX {
            format!("this has {}", text.len())
        } else if let Some(found) = text.chars().find(|c| c.is_control()) {
            format!("{text:?} has the character {found:?}")
        } else {
            return Ok(Self(text.into()));
        };
        Err(InvalidCallId { found })
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::CallId;

    #[track_caller]
    fn check(text: &str, expected: Result<(), &str>) {
        let made = CallId::new(text).map(|id| assert_eq!(id.as_str(), text));
        assert_eq!(
            made.map_err(|error| error.to_string()).as_ref(),
            expected.map_err(str::to_owned).as_ref()
        );
    }

    #[test]
    fn a_call_id_is_short_text_without_control_characters() {
        check("a", Ok(()));
        check("payment 17 / ü 🦀", Ok(()));
        check(&"x".repeat(128), Ok(()));
        check("", Err("a call id has 1 to 128 bytes without control characters; this is empty"));
        let long = "a call id has 1 to 128 bytes without control characters; this has 129";
        check(&"x".repeat(129), Err(long));
        let control = "a call id has 1 to 128 bytes without control characters; \"a\\0b\" has the character '\\0'";
        check("a\0b", Err(control));
    }
}
