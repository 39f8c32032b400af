//! What is refused, and in which words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::{Line, Order, Place, Tree, decoded, unhex};
use crate::payload::bounded;
use crate::{Encoding, Never, NoArguments, Payload, PayloadError, Proto};

fn json<T: Payload>(text: &str, expected: &str) {
    let message = decoded::<T>(Encoding::Json, text.as_bytes()).err();
    assert_eq!(message, Some(format!("cannot decode json: {expected}")), "{text}");
}

fn messagepack<T: Payload>(hex: &str, expected: &str) {
    let message = decoded::<T>(Encoding::MessagePack, &unhex(hex)).err();
    assert_eq!(message, Some(format!("cannot decode messagepack: {expected}")), "{hex}");
}

fn protobuf<T: Payload>(hex: &str, expected: &str) {
    let message = decoded::<T>(Encoding::Protobuf, &unhex(hex)).err();
    assert_eq!(message, Some(format!("cannot decode protobuf: {expected}")), "{hex}");
}

#[test]
fn json_that_is_no_such_value() {
    json::<u8>("", "EOF while parsing a value at line 1 column 0");
    json::<u8>("256", "invalid value: integer `256`, expected u8 at line 1 column 3");
    json::<u8>("1 2", "trailing characters at line 1 column 3");
    json::<Line>("{} ", "missing field `item` at line 1 column 2");
    json::<Line>(
        r#"["a"]"#,
        "invalid length 1, expected struct Line with 2 elements at line 1 column 5",
    );
    json::<Line>(r#"["a",1,2]"#, "trailing characters at line 1 column 8");
    json::<Line>(r#"{"item":"a","count":1}}"#, "trailing characters at line 1 column 23");
    json::<Line>(r#"{"item":"a","item":"a"}"#, "duplicate field `item` at line 1 column 18");
    json::<Place>(
        r#""Here""#,
        "unknown variant `Here`, expected one of `Nowhere`, `Named`, `At`, `In` at line 1 column 6",
    );
    json::<String>(
        "\"\u{0}\"",
        "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 2",
    );
    json::<Never>("null", "a method that cannot fail has no error to decode");
}

#[test]
fn messagepack_that_is_no_such_value() {
    messagepack::<u8>("", "there are no bytes");
    messagepack::<u8>("cd 01 00", "invalid value: integer `256`, expected u8");
    messagepack::<u8>("01 02", "something follows the value, from byte 1 on");
    messagepack::<Line>("80", "missing field `item`");
    messagepack::<Line>("91 a1 61", "invalid length 1, expected struct Line with 2 elements");
    messagepack::<Line>("93 a1 61 01 02", "array had incorrect length, expected 2");
    messagepack::<Place>(
        "a4 48 65 72 65",
        "unknown variant `Here`, expected one of `Nowhere`, `Named`, `At`, `In`",
    );
    messagepack::<String>(
        "a2 c3 28",
        "string found to be invalid utf8: invalid utf-8 sequence of 1 bytes from index 0",
    );
    messagepack::<Never>("c0", "a method that cannot fail has no error to decode");
}

#[test]
fn protobuf_that_is_no_such_message() {
    protobuf::<Proto<Tree>>("0a", "Tree.name: invalid varint");
    protobuf::<Proto<Tree>>("0a 05 61", "Tree.name: buffer underflow");
    protobuf::<Proto<Tree>>(
        "0a 01 ff",
        "Tree.name: invalid string value: data is not UTF-8 encoded",
    );
    protobuf::<Proto<Tree>>("00", "invalid tag value: 0");
    protobuf::<Proto<Tree>>(
        "08 01",
        "Tree.name: invalid wire type: Varint (expected LengthDelimited)",
    );
    protobuf::<Proto<Tree>>("22 02 0a 05", "Tree.name: Tree.children: buffer underflow");
}

#[test]
fn some_arguments_where_none_are_expected() {
    let right = "expected no arguments: null, [] or {}";
    json::<NoArguments>("7", &format!("invalid type: integer `7`, {right} at line 1 column 1"));
    json::<NoArguments>("[7]", "expected no arguments, found an array of some at line 1 column 3");
    json::<NoArguments>(
        r#"{"a":1}"#,
        "expected no arguments, found a map of some at line 1 column 4",
    );
    json::<NoArguments>("nullx", "trailing characters at line 1 column 5");
    json::<NoArguments>("[] []", "trailing characters at line 1 column 4");
    messagepack::<NoArguments>("07", &format!("invalid type: integer `7`, {right}"));
    messagepack::<NoArguments>("91 07", "expected no arguments, found an array of some");
    messagepack::<NoArguments>("81 a1 61 07", "expected no arguments, found a map of some");
    messagepack::<NoArguments>("c0 c0", "something follows the value, from byte 1 on");
    protobuf::<NoArguments>("0a 00", "expected no arguments, found 2 bytes");
}

#[test]
fn an_encoding_that_the_type_does_not_travel_in() {
    fn check<T: Payload>(value: T, encoding: Encoding, expected: &'static str) {
        let error = PayloadError::WrongEncoding { encoding, expected };
        assert_eq!(value.encode(encoding), Err(error.clone()));
        assert_eq!(T::decode(encoding, b"").err(), Some(error));
    }
    check(7_u8, Encoding::Protobuf, "json or messagepack");
    check(Proto(Tree::default()), Encoding::Json, "protobuf");
    check(Proto(Tree::default()), Encoding::MessagePack, "protobuf");
    assert_eq!(
        7_u8.encode(Encoding::Protobuf).unwrap_err().to_string(),
        "this type does not travel as protobuf; use json or messagepack"
    );
    assert_eq!(
        decoded::<Never>(Encoding::Protobuf, b"").unwrap_err(),
        "this type does not travel as protobuf; use json or messagepack"
    );
}

#[test]
fn values_that_have_no_form() {
    #[derive(Deserialize)]
    struct Stubborn;
    impl Serialize for Stubborn {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom(format_args!("no{}", "o".repeat(1 << 20))))
        }
    }
    fn check<T: Payload>(value: T, encoding: Encoding, expected: &str) {
        let message = value.encode(encoding).unwrap_err().to_string();
        assert_eq!(message, format!("cannot encode {encoding}: {expected}"));
    }
    check(BTreeMap::from([((1, 2), 3)]), Encoding::Json, "key must be a string");
    let cut = format!("n{}…{}", "o".repeat(118), "o".repeat(80));
    check(Stubborn, Encoding::Json, &cut);
    check(Stubborn, Encoding::MessagePack, &cut);
}

#[test]
fn a_message_keeps_its_beginning_and_its_end() {
    let check = |message: &str, expected: &str| assert_eq!(bounded(message), expected);
    check("", "");
    check(&"é".repeat(200), &"é".repeat(200));
    check(&format!("{}!", "é".repeat(200)), &format!("{}…{}!", "é".repeat(119), "é".repeat(79)));
    check("a\nb\u{1b}[0m", "a\u{fffd}b\u{fffd}[0m");
    let long = format!("a\n{}\nb", "x".repeat(1 << 20));
    check(&long, &format!("a\u{fffd}{}…{}\u{fffd}b", "x".repeat(117), "x".repeat(78)));
}

#[test]
fn a_big_payload_is_not_echoed() {
    let big = "\u{7}".repeat(1 << 20);
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let bytes = big.clone().encode(encoding).unwrap();
        let messages = [
            decoded::<u8>(encoding, &bytes).unwrap_err(),
            decoded::<Place>(encoding, &bytes).unwrap_err(),
            decoded::<Order>(encoding, &bytes).unwrap_err(),
            decoded::<NoArguments>(encoding, &bytes).unwrap_err(),
        ];
        for message in messages {
            assert!(
                message.chars().count() <= 200 + "cannot decode messagepack: ".len(),
                "{message}"
            );
            assert!(!message.contains('\u{7}'), "{message:?}");
        }
    }
    let message = decoded::<u8>(Encoding::Json, &big.encode(Encoding::Json).unwrap()).unwrap_err();
    assert!(message.ends_with(", expected u8 at line 1 column 6291458"), "{message}");
}
