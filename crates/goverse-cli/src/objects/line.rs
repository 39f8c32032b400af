//! An object as a line of JSON: exactly as it is stored, and readable where it can be.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use goverse::core::{Encoding, ObjectId, TypeName};
use goverse::node::{ObjectKey, StoredState};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    #[serde(rename = "type")]
    type_name: String,
    id: String,
    schema: u32,
    encoding: String,
    /// The state in base64: this is what counts.
    bytes: String,
    /// The state for people; nobody reads it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<Value>,
}

// === impl Line ===

impl Line {
    pub(super) fn of(object: &ObjectKey, state: &StoredState) -> Self {
        Self {
            type_name: object.type_name.to_string(),
            id: object.id.to_string(),
            schema: state.schema,
            encoding: state.encoding.as_str().to_owned(),
            bytes: STANDARD.encode(&state.bytes),
            state: state.decode().ok(),
        }
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = serde_json::to_string(self).expect("it has texts for keys");
        text.push('\n');
        text
    }

    /// The object that a line tells of.
    pub(super) fn read(line: &str) -> Result<(ObjectKey, StoredState), String> {
        let Self { type_name, id, schema, encoding, bytes, .. } = serde_json::from_str(line)
            .map_err(|error| format!("this is no exported object: {error}"))?;
        let type_name = TypeName::new(&type_name).map_err(|error| error.to_string())?;
        let id = ObjectId::new(&id).map_err(|error| error.to_string())?;
        let encoding: Encoding = encoding.parse().map_err(|error| format!("{error}"))?;
        let bytes =
            STANDARD.decode(bytes).map_err(|error| format!("`bytes` is no base64: {error}"))?;
        Ok((ObjectKey { type_name, id }, StoredState { schema, encoding, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_as_it_was() {
        let object = ObjectKey {
            type_name: TypeName::new("Wallet").expect("a name"),
            id: ObjectId::new("it's 100 % ü").expect("an id"),
        };
        for bytes in [vec![0x81, 0xA1, b'n', 0x05], vec![0xC1, 0xFF]] {
            let state = StoredState { schema: 3, encoding: Encoding::MessagePack, bytes };
            let line = Line::of(&object, &state).to_text();
            assert_eq!(Line::read(line.trim_end()), Ok((object.clone(), state)));
        }
        for wrong in
            ["", "{}", "[]", r#"{"type":"a","id":"","schema":1,"encoding":"json","bytes":""}"#]
        {
            Line::read(wrong).expect_err(wrong);
        }
    }
}
