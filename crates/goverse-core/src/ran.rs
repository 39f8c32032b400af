//! Whether the method of a failed call ran.

use std::fmt;

use serde::Serialize;

/// Whether the method ran, as far as the caller can know. Only [`Ran::No`] is safe to repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ran {
    /// It did not run, and will not.
    No,
    /// It may have run, in whole or in part, or may still.
    Maybe,
    /// It ran.
    Yes,
}

// === impl Ran ===

impl Ran {
    /// The answer as it is written on the wire, in logs and in labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Ran::No => "no",
            Ran::Maybe => "maybe",
            Ran::Yes => "yes",
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Ran;

    #[test]
    fn serde_and_display_agree() {
        for (ran, text) in [(Ran::No, "no"), (Ran::Maybe, "maybe"), (Ran::Yes, "yes")] {
            assert_eq!(ran.to_string(), text);
            assert_eq!(serde_json::to_string(&ran).unwrap(), format!("{text:?}"));
        }
    }
}
