//! Calls by name with bytes: what is right is answered in its own encoding, and what is not is refused by name and code,
//! counted, and leaves the object as it is.

use std::collections::{BTreeMap, HashMap};

use goverse_core::ErrorCode;
use goverse_node::{
    CallError, Ctx, Encoding, HookError, Method, MethodEntry, Never, NoArguments, NodeSettings,
    Object, Payload, Proto, Ran, Reply, Turn,
};
use serde::{Deserialize, Serialize};

use crate::actor::methods;
use crate::fixture::{Observed, observed_with};

/// Has a balance. An id that begins with `bad` is not activated.
#[derive(Default)]
struct Ledger {
    balance: i64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Booking {
    amount: i64,
    #[serde(default)]
    text: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Short {
    missing: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Amount {
    #[prost(int64, tag = "1")]
    amount: i64,
}

struct Book(Booking);
struct Balance;
/// As [`Book`], in Protobuf.
struct BookProto(Proto<Amount>);
/// Gives what has no form in JSON.
struct ByPair;
struct Explode;

methods! {
    Ledger:
    "book" Book(Booking) -> Result<i64, Short>, exclusive: |book, ledger, _cx| {
        tokio::task::yield_now().await;
        ledger.book(book.0.amount)
    };
    #[plain] "balance" Balance() -> Result<i64, Never>, shared: |_balance, ledger, _cx| Ok(ledger.balance);
    "book_proto" BookProto(Proto<Amount>) -> Result<Proto<Amount>, Short>, exclusive: |book, ledger, _cx| {
        let amount = ledger.book(book.0.amount)?;
        Ok(Proto(Amount { amount }))
    };
    "by_pair" ByPair() -> Result<HashMap<(i64, i64), i64>, Never>, shared: |_by, ledger, _cx| {
        Ok(HashMap::from([((1, 2), ledger.balance)]))
    };
    "explode" Explode() -> Result<i64, Never>, exclusive: |_explode, ledger, _cx| {
        ledger.balance = -1;
        panic!("on purpose")
    };
}

impl Ledger {
    fn book(&mut self, amount: i64) -> Result<i64, Short> {
        if self.balance + amount < 0 {
            return Err(Short { missing: -self.balance - amount });
        }
        self.balance += amount;
        Ok(self.balance)
    }
}

impl Object for Ledger {
    const TYPE: &'static str = "Ledger";
    const METHODS: &'static [MethodEntry<Self>] = &[
        MethodEntry::of::<Book>(),
        MethodEntry::of::<Balance>(),
        MethodEntry::of::<BookProto>(),
        MethodEntry::of::<ByPair>(),
        MethodEntry::of::<Explode>(),
    ];

    async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
        if cx.id().as_str().starts_with("bad") { Err("it is bad".into()) } else { Ok(()) }
    }
}

fn ledgers() -> Observed {
    crate::stage::quiet_about_panics_on_purpose();
    observed_with(|node| node.object::<Ledger>())
}

type Called = Result<Reply, CallError<Reply>>;

fn reply(encoding: Encoding, value: &impl Payload) -> Reply {
    Reply { encoding, bytes: value.encode(encoding).unwrap() }
}

async fn call(observed: &Observed, method: &str, encoding: Encoding, bytes: &[u8]) -> Called {
    observed.node.call("Ledger", "a", method, encoding, bytes.to_vec()).await
}

#[tokio::test]
async fn a_call_is_answered_in_the_encoding_that_it_came_in() {
    use Encoding::{Json, MessagePack, Protobuf};
    let ledgers = ledgers();
    for (encoding, balance) in [(Json, 5), (MessagePack, 10)] {
        let booking = Booking { amount: 5, text: "one".into() }.encode(encoding).unwrap();
        let booked = call(&ledgers, "book", encoding, &booking).await;
        assert_eq!(booked, Ok(reply(encoding, &balance)));
        let nothing = NoArguments.encode(encoding).unwrap();
        assert_eq!(
            call(&ledgers, "balance", encoding, &nothing).await,
            Ok(reply(encoding, &balance))
        );
        assert_eq!(call(&ledgers, "balance", encoding, b"").await, Ok(reply(encoding, &balance)));
    }
    let amount = Proto(Amount { amount: 7 });
    let booked = call(&ledgers, "book_proto", Protobuf, &amount.encode(Protobuf).unwrap()).await;
    assert_eq!(booked, Ok(reply(Protobuf, &Proto(Amount { amount: 17 }))));
    // People write JSON by hand, and leave out what has a default.
    assert_eq!(call(&ledgers, "book", Json, br#" {"amount": 3} "#).await, Ok(reply(Json, &20_i64)));
    assert_eq!(ledgers.node.reference::<Ledger>("a").call(Balance).await, Ok(20));
}

#[tokio::test]
async fn a_method_fails_in_the_encoding_of_the_call_or_in_json() {
    use Encoding::{Json, MessagePack, Protobuf};
    let ledgers = ledgers();
    let short = Short { missing: 5 };
    for encoding in [Json, MessagePack] {
        let booking = Booking { amount: -5, text: String::new() }.encode(encoding).unwrap();
        let failed = call(&ledgers, "book", encoding, &booking).await.unwrap_err();
        assert_eq!(failed.ran(), Ran::Yes);
        assert_eq!(failed, CallError::Method(reply(encoding, &short)));
    }
    let amount = Proto(Amount { amount: -5 }).encode(Protobuf).unwrap();
    let failed = call(&ledgers, "book_proto", Protobuf, &amount).await;
    assert_eq!(failed, Err(CallError::Method(reply(Json, &short))));
    let reported = ledgers.reported();
    assert_eq!(reported["method_calls_total Ledger book failed"], 2.0);
    assert_eq!(reported["method_calls_total Ledger book_proto failed"], 1.0);
}

#[tokio::test]
async fn a_result_without_a_form_in_the_encoding_says_that_the_method_ran() {
    let ledgers = ledgers();
    for (encoding, bytes) in [(Encoding::Json, &b"null"[..]), (Encoding::Protobuf, b"")] {
        let error = call(&ledgers, "by_pair", encoding, bytes).await.unwrap_err();
        let error = error.system().unwrap();
        assert_eq!((error.code(), error.ran()), (ErrorCode::Unencodable, Ran::Yes));
        let expected = r#"by_pair of Ledger "a" ran, but its result does not travel: "#;
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    assert!(call(&ledgers, "by_pair", Encoding::MessagePack, b"").await.is_ok());
    assert_eq!(ledgers.reported()["method_calls_total Ledger by_pair ok"], 3.0);
}

#[tokio::test]
async fn a_panic_is_told_by_its_code_and_leaves_a_fresh_object() {
    let ledgers = ledgers();
    let json = Encoding::Json;
    assert!(call(&ledgers, "book", json, br#"{"amount": 3}"#).await.is_ok());
    let error = call(&ledgers, "explode", json, b"").await.unwrap_err();
    let error = error.system().unwrap();
    assert_eq!((error.code(), error.ran()), (ErrorCode::Panicked, Ran::Maybe));
    assert_eq!(call(&ledgers, "balance", json, b"").await, Ok(reply(json, &0_i64)));
}

/// A call that cannot be right, and what is told and counted of it.
struct Bad<'a> {
    type_name: &'a str,
    id: &'a str,
    method: &'a str,
    encoding: Encoding,
    bytes: &'a [u8],
    code: ErrorCode,
    /// What the message tells.
    message: &'a [&'a str],
    /// The type and the method that it is counted under.
    counted: (&'a str, &'a str),
}

/// A call that is right, for one thing to be made wrong in it.
const RIGHT: Bad<'static> = Bad {
    type_name: "Ledger",
    id: "a",
    method: "book",
    encoding: Encoding::Json,
    bytes: br#"{"amount": 1}"#,
    code: ErrorCode::Unencodable,
    message: &[],
    counted: ("Ledger", "book"),
};

async fn check(bad: Bad<'_>) {
    for is_there in [false, true] {
        let mut settings = NodeSettings::default();
        settings.payload_bytes_max = 1_024;
        let ledgers = observed_with(|node| node.object::<Ledger>().settings(settings));
        if is_there {
            ledgers
                .node
                .reference::<Ledger>("a")
                .call(Book(Booking { amount: 7, text: String::new() }))
                .await
                .unwrap();
            ledgers.reported();
        }
        let Bad { type_name, id, method, encoding, bytes, .. } = bad;
        let called = ledgers.node.call(type_name, id, method, encoding, bytes.to_vec()).await;
        let error = called.unwrap_err();
        let error = error.system().expect("no method ran");
        assert_eq!((error.code(), error.ran()), (bad.code, Ran::No), "{error}");
        let message = error.to_string();
        assert!(bad.message.iter().all(|part| message.contains(part)), "{message}");
        assert!(message.chars().count() < 600, "{} characters", message.chars().count());
        let (counted_type, counted_method) = bad.counted;
        let counted = [
            format!("method_calls_total {counted_type} {counted_method} rejected"),
            format!("call_rejections_total {counted_type} {}", bad.code),
        ];
        let mut reported = ledgers.reported();
        for series in &counted {
            assert_eq!(reported.remove(series), Some(1.0), "{series}");
        }
        // A failed activation is counted and timed as one too.
        reported.retain(|series, _| !series.starts_with("object_activation_failures_total"));
        assert_eq!(reported, BTreeMap::new());
        assert_eq!(ledgers.node.find("Ledger", "a").is_some(), is_there, "nothing was activated");
        let balance = ledgers.node.reference::<Ledger>("a").call(Balance).await;
        assert_eq!(balance, Ok(if is_there { 7 } else { 0 }));
        let reported = ledgers.reported();
        assert_eq!(reported.get("object_deactivations_total"), None);
        let came = reported.get("objects_total Ledger").copied().unwrap_or(0.0);
        assert_eq!(came, if is_there { 0.0 } else { 1.0 });
    }
}

#[tokio::test]
async fn bytes_that_are_no_arguments_are_refused() {
    use Encoding::{Json, MessagePack, Protobuf};
    let deep = "[".repeat(500);
    let cases: [(&str, Encoding, &[u8]); 14] = [
        ("book", Json, b""),
        ("book", Json, b"\xff\xfe"),
        ("book", Json, br#"{"amount": 1"#),
        ("book", Json, br#"{"amount": 1} x"#),
        ("book", Json, br#"{"amount": "1"}"#),
        ("book", Json, br#"{"text": "no amount"}"#),
        ("book", Json, b"null"),
        ("book", Json, deep.as_bytes()),
        ("balance", Json, b"[1]"),
        ("book", MessagePack, b""),
        ("book", MessagePack, b"\xc1"),
        ("book", MessagePack, b"\xdf\xff\xff\xff\xff"),
        ("book_proto", Protobuf, b"\xff\xff\xff"),
        ("balance", Protobuf, b"\x08\x01"),
    ];
    for (method, encoding, bytes) in cases {
        let code = ErrorCode::InvalidArguments;
        let start = format!("{method} of Ledger \"a\" did not run: ");
        let message = &[&*start, encoding.as_str()];
        let message = if matches!(encoding, Json | MessagePack) { &message[..1] } else { message };
        check(Bad { method, encoding, bytes, code, message, counted: ("Ledger", method), ..RIGHT })
            .await;
    }
}

#[tokio::test]
async fn an_encoding_that_the_method_does_not_take_is_refused_and_the_right_one_named() {
    use Encoding::{Json, MessagePack, Protobuf};
    let cases = [
        ("book", Protobuf, "this type does not travel as protobuf; use json or messagepack"),
        ("book_proto", Json, "this type does not travel as json; use protobuf"),
        ("book_proto", MessagePack, "this type does not travel as messagepack; use protobuf"),
    ];
    for (method, encoding, why) in cases {
        let message = format!("{method} of Ledger \"a\" did not run: {why}");
        let code = ErrorCode::WrongEncoding;
        let counted = ("Ledger", method);
        check(Bad { method, encoding, bytes: b"", code, message: &[&message], counted, ..RIGHT })
            .await;
    }
}

#[tokio::test]
async fn a_type_that_is_not_registered_is_refused_under_one_label() {
    let long = "x".repeat(1 << 20);
    let code = ErrorCode::UnknownType;
    for type_name in ["Nope", "", "other", "ledger", "Ledger\n", &long] {
        let start: String = type_name.chars().take(64).collect();
        let message = [&*format!("type {start:?} is not registered"), "it has: Ledger", "book"];
        check(Bad { type_name, code, message: &message, counted: ("other", "other"), ..RIGHT })
            .await;
    }
}

#[tokio::test]
async fn a_method_that_the_type_does_not_have_is_refused_under_one_label() {
    let long = "x".repeat(1 << 20);
    let code = ErrorCode::UnknownMethod;
    for method in ["nope", "", "other", "Book", "book ", "on_activate", &long] {
        let start: String = method.chars().take(64).collect();
        let message = [
            &*format!("Ledger has no method {start:?}"),
            "it has: book, balance, book_proto, by_pair, explode",
        ];
        check(Bad { method, code, message: &message, counted: ("Ledger", "other"), ..RIGHT }).await;
    }
}

#[tokio::test]
async fn an_id_that_cannot_be_one_is_refused() {
    let long = "x".repeat(1 << 20);
    let code = ErrorCode::InvalidId;
    let cases = [("", "is empty"), ("a\nb", r"'\n'"), (&*long, "has 1048576 bytes; at most 512")];
    for (id, why) in cases {
        let message = ["book of Ledger did not run: object id ", why];
        check(Bad { id, code, message: &message, ..RIGHT }).await;
    }
}

#[tokio::test]
async fn arguments_over_the_limit_are_refused_unread() {
    let mut bytes = br#"{"amount": 1}"#.to_vec();
    bytes.resize(1_025, b' ');
    let code = ErrorCode::PayloadTooLarge;
    let message =
        [r#"book of Ledger "a" did not run: its arguments have 1025 bytes; at most 1024"#];
    check(Bad { bytes: &bytes, code, message: &message, ..RIGHT }).await;
    let junk = vec![0xc1; 8 << 20];
    let message = ["its arguments have 8388608 bytes"];
    check(Bad { bytes: &junk, code, message: &message, ..RIGHT }).await;
    // The limit itself is within it.
    let ledgers = ledgers();
    bytes.resize(4 << 20, b' ');
    assert!(call(&ledgers, "book", Encoding::Json, &bytes).await.is_ok());
    bytes.push(b' ');
    let error = call(&ledgers, "book", Encoding::Json, &bytes).await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), code);
}

#[tokio::test]
async fn what_is_wrong_in_many_ways_is_refused_and_counted_once() {
    let (junk, id) = (vec![0xc1; 2_000], "x".repeat(1 << 20));
    let message = [r#"book of Ledger "xxx"#, "its arguments have 2000 bytes"];
    check(Bad {
        id: &id,
        bytes: &junk,
        code: ErrorCode::PayloadTooLarge,
        message: &message,
        ..RIGHT
    })
    .await;
    let message = [r#"book of Ledger "" did not run: "#];
    check(Bad {
        id: "",
        bytes: b"x",
        code: ErrorCode::InvalidArguments,
        message: &message,
        ..RIGHT
    })
    .await;
}

#[tokio::test]
async fn an_object_that_does_not_come_to_be_is_told_by_type_and_method() {
    let message = [r#"book of Ledger "bad" did not run: activation of Ledger failed: it is bad"#];
    check(Bad { id: "bad", code: ErrorCode::ActivationFailed, message: &message, ..RIGHT }).await;
}

#[tokio::test]
async fn a_typed_call_with_an_invalid_id_is_told_and_counted_the_same() {
    let ledgers = ledgers();
    let long = "x".repeat(1 << 20);
    for id in ["", "a\u{7}", &long] {
        let reference = ledgers.node.reference::<Ledger>(id);
        assert_eq!(reference.id(), id);
        let error = reference.call(Balance).await.unwrap_err();
        let error = error.system().unwrap();
        assert_eq!((error.code(), error.ran()), (ErrorCode::InvalidId, Ran::No));
        assert!(error.to_string().starts_with("balance of Ledger did not run: "), "{error}");
    }
    let reported = ledgers.reported();
    assert_eq!(reported["call_rejections_total Ledger invalid_id"], 3.0);
    assert_eq!(reported["method_calls_total Ledger balance rejected"], 3.0);
    assert_eq!(reported.len(), 2, "{reported:?}");
}

#[tokio::test]
async fn a_typed_call_of_a_type_that_is_not_registered_is_told_and_counted_the_same() {
    let empty = observed_with(|node| node);
    let error = empty.node.reference::<Ledger>("a").call(Balance).await.unwrap_err();
    let error = error.system().unwrap();
    assert_eq!((error.code(), error.ran()), (ErrorCode::UnknownType, Ran::No));
    assert!(
        error.to_string().contains("Ledger") && error.to_string().contains("balance"),
        "{error}"
    );
    let reported = empty.reported();
    assert_eq!(reported["call_rejections_total other unknown_type"], 1.0);
    assert_eq!(reported["method_calls_total other other rejected"], 1.0);
}
