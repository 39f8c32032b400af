//! Names of types and ids of objects, checked when they are made; why a name is refused.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use smol_str::SmolStr;
use thiserror::Error;

/// The longest type name, in bytes.
pub const TYPE_NAME_BYTES_MAX: usize = 128;

/// The longest object id, in bytes.
pub const OBJECT_ID_BYTES_MAX: usize = 512;

/// The name that objects of one type are registered under: `[A-Za-z][A-Za-z0-9_.:-]*`.
///
/// It is a label value in metrics, so the name `other`, which stands for unknown types there, is refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TypeName(Arc<str>);

/// The id of an object within its type: any text without control characters.
///
/// One of at most 23 bytes needs no memory beside itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(SmolStr);

/// Why a name was refused. The message shows at most its first 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidName {
    /// Nothing at all.
    #[error("{what} is empty")]
    Empty {
        /// What was to be named.
        what: &'static str,
    },
    /// Longer than its maximum.
    #[error("{what} {start:?}… has {len} bytes; at most {max} are allowed")]
    TooLong {
        /// What was to be named.
        what: &'static str,
        /// How it begins.
        start: String,
        /// Its length in bytes.
        len: usize,
        /// The maximum in bytes.
        max: usize,
    },
    /// A character that may not be in it.
    #[error("{what} {name:?} has the character {found:?}; {right}")]
    Character {
        /// What was to be named.
        what: &'static str,
        /// The name, or how it begins.
        name: String,
        /// The first such character.
        found: char,
        /// What would be right.
        right: &'static str,
    },
    /// A name with a meaning of its own.
    #[error("{what} {name:?} is reserved: it stands for {stands_for} in metrics")]
    Reserved {
        /// What was to be named.
        what: &'static str,
        /// The name.
        name: String,
        /// What it means.
        stands_for: &'static str,
    },
}

// === impl TypeName ===

impl TypeName {
    /// Checks `name`.
    ///
    /// # Errors
    /// When it is empty, longer than [`TYPE_NAME_BYTES_MAX`], has other characters, or is `other`.
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        const WHAT: &str = "type name";
        check_length(WHAT, name, TYPE_NAME_BYTES_MAX)?;
        let allowed = |(i, c): &(usize, char)| {
            c.is_ascii_alphabetic() || (*i > 0 && (c.is_ascii_digit() || "_.:-".contains(*c)))
        };
        if let Some((_, found)) = name.chars().enumerate().find(|indexed| !allowed(indexed)) {
            let right = "use a letter, then letters, digits and _ . : -";
            return Err(InvalidName::Character { what: WHAT, name: start_of(name), found, right });
        }
        if name == "other" {
            let stands_for = "unknown types";
            return Err(InvalidName::Reserved { what: WHAT, name: name.to_owned(), stands_for });
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// === impl ObjectId ===

impl ObjectId {
    /// Checks `id`.
    ///
    /// # Errors
    /// When it is empty, longer than [`OBJECT_ID_BYTES_MAX`], or has control characters.
    pub fn new(id: &str) -> Result<Self, InvalidName> {
        const WHAT: &str = "object id";
        check_length(WHAT, id, OBJECT_ID_BYTES_MAX)?;
        let is_plain = id.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !is_plain && let Some(found) = id.chars().find(|c| c.is_control()) {
            let right = "use any text without control characters";
            return Err(InvalidName::Character { what: WHAT, name: start_of(id), found, right });
        }
        Ok(Self(id.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

macro_rules! text_impls {
    ($($name:ident)+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )+};
}
text_impls!(TypeName ObjectId);

pub(crate) fn check_length(what: &'static str, name: &str, max: usize) -> Result<(), InvalidName> {
    match name.len() {
        0 => Err(InvalidName::Empty { what }),
        len if len > max => Err(InvalidName::TooLong { what, start: start_of(name), len, max }),
        _ => Ok(()),
    }
}

pub(crate) fn start_of(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::{ObjectId, TypeName};

    fn check_type(name: &str, expected: Result<(), &str>) {
        let result = TypeName::new(name).map(drop).map_err(|error| error.to_string());
        assert_eq!(result, expected.map_err(str::to_owned), "{name:?}");
    }

    fn check_id(id: &str, expected: Result<(), &str>) {
        let result = ObjectId::new(id).map(drop).map_err(|error| error.to_string());
        assert_eq!(result, expected.map_err(str::to_owned), "{id:?}");
    }

    #[test]
    fn type_names() {
        check_type("ChatRoom", Ok(()));
        check_type("chat.Room-2_x:y", Ok(()));
        check_type("", Err("type name is empty"));
        check_type(
            "other",
            Err("type name \"other\" is reserved: it stands for unknown types in metrics"),
        );
        let right = "use a letter, then letters, digits and _ . : -";
        check_type("a b", Err(&format!("type name \"a b\" has the character ' '; {right}")));
        check_type("1a", Err(&format!("type name \"1a\" has the character '1'; {right}")));
        check_type("a\\b", Err(&format!(r#"type name "a\\b" has the character '\\'; {right}"#)));
        let long = "x".repeat(129);
        let start = "x".repeat(64);
        check_type(
            &long,
            Err(&format!("type name \"{start}\"… has 129 bytes; at most 128 are allowed")),
        );
    }

    #[test]
    fn object_ids() {
        check_id("room-1", Ok(()));
        check_id("shard#7/name", Ok(()));
        check_id("Zoë's 100% \"room\" \\ 日本", Ok(()));
        check_id("", Err("object id is empty"));
        let right = "use any text without control characters";
        check_id("a\0b", Err(&format!("object id \"a\\0b\" has the character '\\0'; {right}")));
        let start = "é".repeat(64);
        check_id(
            &"é".repeat(300),
            Err(&format!("object id \"{start}\"… has 600 bytes; at most 512 are allowed")),
        );
    }
}
