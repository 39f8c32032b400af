//! How the bytes of a payload are to be read.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// How a payload is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// JSON, RFC 8259.
    Json,
    /// MessagePack, <https://github.com/msgpack/msgpack/blob/master/spec.md>.
    MessagePack,
    /// Protocol Buffers, the binary form.
    Protobuf,
}

/// Why a text names no encoding. The message shows at most its first 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidEncoding {
    /// The name of no encoding.
    #[error("{0:?} is no encoding; use json, messagepack or protobuf")]
    Name(String),
    /// The media type of no encoding.
    #[error(
        "{0:?} is the media type of no encoding; use application/json, application/vnd.msgpack or application/x-protobuf"
    )]
    MediaType(String),
}

// === impl Encoding ===

impl Encoding {
    /// Every encoding there is.
    pub const ALL: &[Self] = &[Self::Json, Self::MessagePack, Self::Protobuf];

    /// The encoding as it is written on the wire, in logs and in labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Encoding::Json => "json",
            Encoding::MessagePack => "messagepack",
            Encoding::Protobuf => "protobuf",
        }
    }

    /// What an HTTP header `content-type` says.
    pub const fn media_type(self) -> &'static str {
        match self {
            Encoding::Json => "application/json",
            Encoding::MessagePack => "application/vnd.msgpack",
            Encoding::Protobuf => "application/x-protobuf",
        }
    }

    /// The encoding that an HTTP header `content-type` means, whatever its parameters and its case.
    ///
    /// # Errors
    /// When it is none of the media types above, and no usual alias of one.
    pub fn from_media_type(text: &str) -> Result<Self, InvalidEncoding> {
        let essence = text.split(';').next().unwrap_or_default().trim_ascii();
        match essence.to_ascii_lowercase().as_str() {
            "application/json" => Ok(Encoding::Json),
            "application/vnd.msgpack" | "application/msgpack" | "application/x-msgpack" => {
                Ok(Encoding::MessagePack)
            }
            "application/x-protobuf" | "application/protobuf" => Ok(Encoding::Protobuf),
            _ => Err(InvalidEncoding::MediaType(start_of(text))),
        }
    }
}

impl FromStr for Encoding {
    type Err = InvalidEncoding;

    fn from_str(text: &str) -> Result<Self, InvalidEncoding> {
        let named = Self::ALL.iter().find(|encoding| encoding.as_str() == text);
        named.copied().ok_or_else(|| InvalidEncoding::Name(start_of(text)))
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn start_of(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::{Encoding, InvalidEncoding};

    fn check(result: Result<Encoding, InvalidEncoding>, expected: Result<Encoding, &str>) {
        assert_eq!(result.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn each_form_of_an_encoding_leads_back_to_it() {
        for &encoding in Encoding::ALL {
            check(encoding.to_string().parse(), Ok(encoding));
            check(Encoding::from_media_type(encoding.media_type()), Ok(encoding));
            assert_eq!(serde_json::to_string(&encoding).unwrap(), format!("\"{encoding}\""));
        }
    }

    #[test]
    fn names() {
        check("json".parse(), Ok(Encoding::Json));
        check("messagepack".parse(), Ok(Encoding::MessagePack));
        check("protobuf".parse(), Ok(Encoding::Protobuf));
        let right = "is no encoding; use json, messagepack or protobuf";
        check("".parse(), Err(&format!("\"\" {right}")));
        check("xml".parse(), Err(&format!("\"xml\" {right}")));
        check("JSON".parse(), Err(&format!("\"JSON\" {right}")));
        check("a\n".parse(), Err(&format!(r#""a\n" {right}"#)));
        check("x".repeat(1 << 20).parse(), Err(&format!("{:?} {right}", "x".repeat(64))));
    }

    #[test]
    fn media_types() {
        fn check(text: &str, expected: Result<Encoding, &str>) {
            super::tests::check(Encoding::from_media_type(text), expected);
        }
        check("application/json", Ok(Encoding::Json));
        check("application/json; charset=utf-8", Ok(Encoding::Json));
        check(" Application/JSON ;charset=utf-8;q=1", Ok(Encoding::Json));
        check("application/vnd.msgpack", Ok(Encoding::MessagePack));
        check("application/msgpack", Ok(Encoding::MessagePack));
        check("application/x-msgpack", Ok(Encoding::MessagePack));
        check("application/x-protobuf;proto=a.B", Ok(Encoding::Protobuf));
        check("application/protobuf", Ok(Encoding::Protobuf));
        let right = "is the media type of no encoding; use application/json, application/vnd.msgpack or application/x-protobuf";
        check("", Err(&format!("\"\" {right}")));
        check(";charset=utf-8", Err(&format!("\";charset=utf-8\" {right}")));
        check("text/json", Err(&format!("\"text/json\" {right}")));
        check("application/jsonx", Err(&format!("\"application/jsonx\" {right}")));
        check("json", Err(&format!("\"json\" {right}")));
    }
}
