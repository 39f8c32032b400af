//! How values look as bytes, and which other bytes are read as the same values.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Line, Place, decoded, hex, order, tree, unhex};
use crate::{Encoding, NoArguments, Payload, Proto};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct One {
    amount: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Two {
    from: String,
    text: String,
}

/// Checks that `value` is written so in each encoding, and read back.
fn check<T: Payload + PartialEq + Debug>(value: T, json: &str, messagepack: &str) {
    let written = value.encode(Encoding::Json).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), json, "{value:?}");
    assert_eq!(decoded::<T>(Encoding::Json, json.as_bytes()).as_ref(), Ok(&value));

    let written = value.encode(Encoding::MessagePack).unwrap();
    assert_eq!(hex(&written), messagepack, "{value:?}");
    assert_eq!(decoded::<T>(Encoding::MessagePack, &written).as_ref(), Ok(&value));
}

/// Checks that `value` is read from these bytes too, though it is written otherwise.
fn reads<T: Payload + PartialEq + Debug>(json: &[&str], messagepack: &[&str], value: T) {
    for json in json {
        assert_eq!(decoded::<T>(Encoding::Json, json.as_bytes()).as_ref(), Ok(&value), "{json}");
    }
    for hex in messagepack {
        let bytes = unhex(hex);
        assert_eq!(decoded::<T>(Encoding::MessagePack, &bytes).as_ref(), Ok(&value), "{hex}");
    }
}

#[test]
fn values_come_back_as_they_went() {
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let order = order();
        assert_eq!(decoded(encoding, &order.encode(encoding).unwrap()), Ok(order));
    }
    let tree = Proto(tree());
    assert_eq!(decoded(Encoding::Protobuf, &tree.encode(Encoding::Protobuf).unwrap()), Ok(tree));
}

#[test]
fn scalars() {
    check(true, "true", "c3");
    check((), "null", "c0");
    check(7_u8, "7", "07");
    check(-1_i64, "-1", "ff");
    check(u64::MAX, "18446744073709551615", "cf ff ff ff ff ff ff ff ff");
    check(i64::MIN, "-9223372036854775808", "d3 80 00 00 00 00 00 00 00");
    check(
        u128::MAX,
        "340282366920938463463374607431768211455",
        "c4 10 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff",
    );
    check(
        i128::MIN,
        "-170141183460469231731687303715884105728",
        "c4 10 80 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
    );
    check(1.5_f64, "1.5", "cb 3f f8 00 00 00 00 00 00");
    check('ß', "\"ß\"", "a2 c3 9f");
    check("Zoë\n🦀".to_owned(), r#""Zoë\n🦀""#, "a9 5a 6f c3 ab 0a f0 9f a6 80");
    check(Some(1_u8), "1", "01");
    check(None::<u8>, "null", "c0");
}

#[test]
fn collections() {
    check(Vec::<u32>::new(), "[]", "90");
    check((1_u8, "a".to_owned()), r#"[1,"a"]"#, "92 01 a1 61");
    check(vec![0_u8, 255], "[0,255]", "92 00 cc ff");
    check(BTreeMap::from([(1_u32, true)]), r#"{"1":true}"#, "81 01 c3");
    check(json!({"a": [null, 1.5, {}]}), r#"{"a":[null,1.5,{}]}"#, {
        "81 a1 61 93 c0 cb 3f f8 00 00 00 00 00 00 80"
    });
}

#[test]
fn variants() {
    check(Place::Nowhere, r#""Nowhere""#, "a7 4e 6f 77 68 65 72 65");
    check(Place::Named("a".to_owned()), r#"{"Named":"a"}"#, "81 a5 4e 61 6d 65 64 a1 61");
    check(
        Place::At(0.0, 1.0),
        r#"{"At":[0.0,1.0]}"#,
        "81 a2 41 74 92 cb 00 00 00 00 00 00 00 00 cb 3f f0 00 00 00 00 00 00",
    );
    check(
        Place::In { city: "b".to_owned(), zip: 1 },
        r#"{"In":{"city":"b","zip":1}}"#,
        "81 a2 49 6e 82 a4 63 69 74 79 a1 62 a3 7a 69 70 01",
    );
}

#[test]
fn a_struct_is_written_with_the_names_of_its_fields_and_read_without_them_too() {
    check(One { amount: 7 }, r#"{"amount":7}"#, "81 a6 61 6d 6f 75 6e 74 07");
    reads(&["[7]", " {\"amount\" : 7}\n"], &["91 07", "91 cc 07"], One { amount: 7 });

    let two = || Two { from: "a".to_owned(), text: "b".to_owned() };
    let named = "82 a4 66 72 6f 6d a1 61 a4 74 65 78 74 a1 62";
    check(two(), r#"{"from":"a","text":"b"}"#, named);
    let turned = "82 a4 74 65 78 74 a1 62 a4 66 72 6f 6d a1 61";
    reads(&[r#"["a","b"]"#, r#"{"text":"b","from":"a"}"#], &["92 a1 61 a1 62", turned], two());

    let unknown = "83 a1 78 90 a4 66 72 6f 6d a1 61 a4 74 65 78 74 a1 62";
    reads(&[r#"{"from":"a","later":[{}],"text":"b"}"#], &[unknown], two());
}

#[test]
fn types_that_need_names_travel_as_messagepack() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    enum Event {
        Sent { text: String },
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Stamped {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        skipped: Option<u8>,
        at: u8,
        #[serde(flatten)]
        line: Line,
    }
    check(
        Event::Sent { text: "a".to_owned() },
        r#"{"kind":"sent","text":"a"}"#,
        "82 a4 6b 69 6e 64 a4 73 65 6e 74 a4 74 65 78 74 a1 61",
    );
    check(
        Stamped { skipped: None, at: 1, line: Line { item: "a".to_owned(), count: -1 } },
        r#"{"at":1,"item":"a","count":-1}"#,
        "83 a2 61 74 01 a4 69 74 65 6d a1 61 a5 63 6f 75 6e 74 ff",
    );
}

#[test]
fn a_type_with_a_form_for_machines_takes_it_in_messagepack() {
    check(IpAddr::from([127, 0, 0, 1]), "\"127.0.0.1\"", "81 a2 56 34 94 7f 00 00 01");
}

#[test]
fn bytes_are_read_from_an_array_of_numbers_and_from_binary_data() {
    reads(&["[1,2]"], &["92 01 02", "c4 02 01 02", "c5 00 02 01 02"], vec![1_u8, 2]);
    reads(&[], &["c4 00", "90"], Vec::<u8>::new());
}

#[test]
fn what_json_has_no_number_for_becomes_null() {
    assert_eq!(f64::NAN.encode(Encoding::Json), Ok(b"null".to_vec()));
    assert_eq!(decoded(Encoding::Json, b"null"), Ok(None::<f64>));
    let infinite = f64::INFINITY.encode(Encoding::MessagePack).unwrap();
    assert_eq!(decoded(Encoding::MessagePack, &infinite), Ok(f64::INFINITY));
}

#[test]
fn an_absence_within_a_presence_is_lost() {
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let lost = Some(None::<u8>).encode(encoding).unwrap();
        assert_eq!(decoded(encoding, &lost), Ok(None::<Option<u8>>));
        let lost = Some(()).encode(encoding).unwrap();
        assert_eq!(decoded(encoding, &lost), Ok(None::<()>));
    }
}

#[test]
fn no_arguments_are_written_in_one_way_and_read_from_many() {
    check(NoArguments, "null", "c0");
    let json = ["", " \n", "null", " null ", "[]", "[ ]", "{}", "{\n}"];
    reads(&json, &["", "c0", "90", "80", "dc 00 00", "df 00 00 00 00"], NoArguments);
    assert_eq!(NoArguments.encode(Encoding::Protobuf), Ok(Vec::new()));
    assert_eq!(decoded(Encoding::Protobuf, b""), Ok(NoArguments));
}

#[test]
fn a_message_keeps_to_the_bytes_of_its_schema() {
    let check = |message: super::Tree, expected: &str| {
        let bytes = Proto(message.clone()).encode(Encoding::Protobuf).unwrap();
        assert_eq!(hex(&bytes), expected);
        assert_eq!(decoded(Encoding::Protobuf, &bytes), Ok(Proto(message)));
    };
    check(super::Tree::default(), "");
    check(super::Tree { name: "ab".to_owned(), ..Default::default() }, "0a 02 61 62");
    check(super::Tree { numbers: vec![1, 300], ..Default::default() }, "1a 03 01 ac 02");
    check(super::Tree { balance: Some(-1), ..Default::default() }, "28 01");
    let named = super::Tree { name: "a".to_owned(), ..Default::default() };
    let unknown = unhex("0a 01 61 7a 01 ff");
    assert_eq!(decoded(Encoding::Protobuf, &unknown), Ok(Proto(named.clone())));
    assert_eq!(Proto(named).name, "a");
}

/// Compiles only while `T` is no `Serialize`: else either implementation would do.
trait NotSerialize<Marker> {
    fn holds() {}
}
impl<T> NotSerialize<()> for T {}
impl<T: Serialize> NotSerialize<u8> for T {}

#[test]
fn what_has_forms_of_its_own_is_unknown_to_serde() {
    <Proto<String> as NotSerialize<_>>::holds();
    <Proto<super::Tree> as NotSerialize<_>>::holds();
    <NoArguments as NotSerialize<_>>::holds();
    <Value as NotSerialize<u8>>::holds();
}
