//! What `#[object]` makes of an `impl` block: methods of every form, by reference and by name.

use goverse_core::{Encoding, ErrorCode};
use goverse_node::{
    CallError, Ctx, DeactivationReason, HookError, Node, NodeBuilder, Object, Payload, Proto,
    Reply, Turn, object,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

type Result<T, E = Refused> = std::result::Result<T, E>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Refused {
    TooLong { limit: usize },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    text: String,
    number: usize,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Greeting {
    #[prost(string, tag = "1")]
    text: String,
}

/// An object that keeps what it was told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Notebook {
    lines: Vec<String>,
}

#[object(crate = "goverse_node", name = "notes.Notebook")]
impl Notebook {
    const LIMIT: usize = 10;

    fn nothing(&mut self) {}

    fn plain(&self) -> usize {
        self.lines.len()
    }

    fn plain_cx(&self, cx: &Ctx) -> String {
        cx.id().as_str().to_owned()
    }

    fn plain_one(&mut self, line: String) -> usize {
        self.lines.push(line);
        self.lines.len()
    }

    fn plain_three(
        &mut self,
        mut first: String,
        r#type: Vec<u8>,
        cx: &Ctx,
        last: Option<i64>,
    ) -> String {
        first.push_str(cx.type_name().as_str());
        format!("{first} {type:?} {last:?}")
    }

    fn plain_result(&mut self, line: String) -> std::result::Result<usize, Refused> {
        Self::check(&line)?;
        Ok(self.plain_one(line))
    }

    fn plain_alias(&self, number: usize) -> self::Result<Line> {
        let text = self.lines.get(number).cloned().unwrap_or_default();
        Self::check(&text)?;
        Ok(Line { text, number })
    }

    async fn waits(&self) -> usize {
        tokio::task::yield_now().await;
        self.lines.len()
    }

    async fn waits_cx(&mut self, cx: &goverse_node::Ctx) {
        tokio::task::yield_now().await;
        self.lines.push(cx.id().as_str().to_owned());
    }

    #[expect(clippy::needless_arbitrary_self_type, reason = "the long form is read too")]
    async fn waits_three(
        self: &mut Self,
        number: u8,
        line: Line,
        pair: (i64, bool),
    ) -> Result<String, String> {
        tokio::task::yield_now().await;
        let text = format!("{number} {} {pair:?}", line.text);
        if pair.1 { Ok(text) } else { Err(text) }
    }

    async fn countdown(&self, cx: &Ctx, count: u64) -> Result<String, String> {
        if count == 0 {
            return Ok("done".to_owned());
        }
        let next = cx.object::<Self>(&count.to_string());
        next.countdown(count - 1).await.map_err(|error| error.to_string())
    }

    fn merge(&mut self, added: Self, again: Vec<Self>) -> Self {
        self.lines.extend(added.lines);
        self.lines.extend(again.into_iter().flat_map(|notebook| notebook.lines));
        self.clone()
    }

    fn greet(&self, greeting: Proto<Greeting>) -> Proto<Greeting> {
        Proto(Greeting { text: format!("{} and good day", greeting.text) })
    }

    async fn greet_in_vain(&mut self, _cx: &Ctx, name: Proto<Greeting>) -> Result<()> {
        Err(Refused::TooLong { limit: name.text.len() })
    }

    #[cfg(any())]
    fn conditional(&self, unknown: NoSuchType) {}

    #[cfg(not(any()))]
    fn conditional(&self) -> bool {
        true
    }

    async fn on_activate(&mut self, cx: &Ctx) -> std::result::Result<(), HookError> {
        if cx.id().as_str() == "refused" { Err("no such notebook".into()) } else { Ok(()) }
    }

    async fn on_deactivate(
        &mut self,
        _: &Ctx,
        reason: DeactivationReason,
    ) -> std::result::Result<(), HookError> {
        Err(format!("{} lines are lost: {reason:?}", self.lines.len()).into())
    }

    fn check(line: &str) -> Result<()> {
        let limit = Self::LIMIT;
        if line.len() > limit { Err(Refused::TooLong { limit }) } else { Ok(()) }
    }
}

fn node_with(register: impl FnOnce(NodeBuilder) -> NodeBuilder) -> Node {
    register(Node::builder("localhost:47000".parse().unwrap())).build().unwrap()
}

fn notebooks() -> Node {
    node_with(|node| node.object::<Notebook>())
}

#[test]
fn the_table_has_the_methods_in_order_with_their_turns() {
    let rows: Vec<_> = Notebook::METHODS.iter().map(|row| (row.name(), row.turn())).collect();
    let (exclusive, shared) = (Turn::Exclusive, Turn::Shared);
    assert_eq!(Notebook::TYPE, "notes.Notebook");
    assert_eq!(
        rows,
        [
            ("nothing", exclusive),
            ("plain", shared),
            ("plain_cx", shared),
            ("plain_one", exclusive),
            ("plain_three", exclusive),
            ("plain_result", exclusive),
            ("plain_alias", shared),
            ("waits", shared),
            ("waits_cx", exclusive),
            ("waits_three", exclusive),
            ("countdown", shared),
            ("merge", exclusive),
            ("greet", shared),
            ("greet_in_vain", exclusive),
            ("conditional", shared),
        ]
    );
}

#[tokio::test]
async fn a_reference_calls_methods_of_every_form() {
    let node = notebooks();
    let notebook: NotebookRef = node.object::<Notebook>("a");
    notebook.nothing().await.unwrap();
    assert_eq!(notebook.plain().await.unwrap(), 0);
    assert_eq!(notebook.plain_cx().await.unwrap(), "a");
    assert_eq!(notebook.plain_one("one".into()).await.unwrap(), 1);
    let three = notebook.plain_three("of ".into(), vec![1, 2], None).await.unwrap();
    assert_eq!(three, "of notes.Notebook [1, 2] None");
    assert_eq!(notebook.plain_result("two".into()).await.unwrap(), 2);
    let error = notebook.plain_result("much too long".into()).await.unwrap_err();
    assert_eq!(error, CallError::Method(Refused::TooLong { limit: 10 }));
    let line = notebook.plain_alias(1).await.unwrap();
    assert_eq!(line, Line { text: "two".into(), number: 1 });
    assert_eq!(notebook.waits().await.unwrap(), 2);
    notebook.waits_cx().await.unwrap();
    assert_eq!(notebook.plain().await.unwrap(), 3);
    let waits = notebook.waits_three(1, line.clone(), (-1, true)).await.unwrap();
    assert_eq!(waits, "1 two (-1, true)");
    let error = notebook.waits_three(1, line, (-1, false)).await.unwrap_err();
    assert_eq!(error.method().unwrap(), "1 two (-1, false)");
    let added = Notebook { lines: vec!["added".into()] };
    let merged = notebook.merge(added.clone(), vec![added]).await.unwrap();
    assert_eq!(merged.lines, ["one", "two", "a", "added", "added"]);
    let greeting = Proto(Greeting { text: "hello".into() });
    assert_eq!(notebook.greet(greeting.clone()).await.unwrap().text, "hello and good day");
    let error = notebook.greet_in_vain(greeting).await.unwrap_err();
    assert_eq!(error.method().unwrap(), Refused::TooLong { limit: 5 });
    assert!(notebook.conditional().await.unwrap());
}

#[tokio::test]
async fn a_method_calls_its_own_type_and_itself() {
    let node = notebooks();
    let done = tokio::spawn(async move { node.object::<Notebook>("start").countdown(5).await });
    assert_eq!(done.await.unwrap().unwrap(), "done");
}

#[tokio::test]
async fn a_reference_is_cloned_shown_and_dereferenced() {
    let node = notebooks();
    let notebook = node.object::<Notebook>("a").clone();
    assert_eq!(notebook.id(), "a");
    assert_eq!(format!("{notebook:?}"), format!("{:?}", node.reference::<Notebook>("a")));
    let call = tokio::spawn(notebook.plain_one("sent".into()));
    assert_eq!(call.await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn hooks_are_called_by_the_node() {
    let node = notebooks();
    let refused = node.object::<Notebook>("refused").plain().await.unwrap_err();
    assert_eq!(refused.system().unwrap().code(), ErrorCode::ActivationFailed);
    node.object::<Notebook>("a").plain_one("a".into()).await.unwrap();
    let error = node.destroy_object("notes.Notebook", "a").await.unwrap_err();
    let told = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(told, "1 lines are lost: Destroyed");
}

/// Calls a method by names with JSON, and shows the reply.
async fn by_name(node: &Node, method: &str, arguments: &str) -> String {
    let arguments = arguments.as_bytes().to_vec();
    match node.call("notes.Notebook", "n", method, Encoding::Json, arguments).await {
        Ok(reply) => String::from_utf8(reply.bytes).unwrap(),
        Err(CallError::Method(error)) => format!("err {}", String::from_utf8(error.bytes).unwrap()),
        Err(CallError::System(error)) => format!("{} {error}", error.code()),
    }
}

#[tokio::test]
async fn methods_are_called_by_name_with_json() {
    let node = notebooks();
    let check = async |method: &str, arguments: &str, expected: &str| {
        assert_eq!(by_name(&node, method, arguments).await, expected, "{method} {arguments}");
    };
    check("nothing", "", "null").await;
    check("plain", "{}", "0").await;
    check("plain_one", r#""one""#, "1").await;
    let of_three = r#""of notes.Notebook [7] Some(2)""#;
    check("plain_three", r#"{"first": "of ", "type": [7], "last": 2}"#, of_three).await;
    check("plain_three", r#"["of ", [7], 2]"#, of_three).await;
    let without_last = r#""of notes.Notebook [7] None""#;
    check("plain_three", r#"{"first": "of ", "type": [7]}"#, without_last).await;
    check("plain_result", r#""much too long""#, r#"err {"TooLong":{"limit":10}}"#).await;
    check("plain_alias", "0", r#"{"text":"one","number":0}"#).await;
    check("waits", "null", "1").await;
    check("waits_three", r#"[1, {"text": "t", "number": 2}, [3, true]]"#, r#""1 t (3, true)""#)
        .await;
    check("merge", r#"{"added": {"lines": []}, "again": []}"#, r#"{"lines":["one"]}"#).await;
}

#[tokio::test]
async fn wrong_arguments_are_told_by_their_names() {
    let node = notebooks();
    let check = async |arguments: &str, expected: &str| {
        let told = by_name(&node, "waits_three", arguments).await;
        assert!(told.contains(expected), "{arguments}: {told}");
    };
    check(r#"{"number": 1, "line": {"text": "", "number": 1}}"#, "missing field `pair`").await;
    let unknown = "unknown field `extra`, expected one of `number`, `line`, `pair`";
    check(r#"{"extra": 1}"#, unknown).await;
    let expected = "expected the arguments `number`, `line`, `pair` of `waits_three`";
    check("7", expected).await;
    check("[1]", expected).await;
    check(r#"[1, {"text": "t", "number": 2}, [3, true], 4]"#, "trailing characters").await;
}

#[tokio::test]
async fn methods_are_called_by_name_with_messagepack_and_protobuf() {
    let node = notebooks();
    let call = |method: &'static str, encoding, arguments| {
        let node = node.clone();
        async move { node.call("notes.Notebook", "n", method, encoding, arguments).await }
    };
    let encode = |value: serde_json::Value| value.encode(Encoding::MessagePack).unwrap();
    let decode = |reply: Reply| serde_json::Value::decode(reply.encoding, &reply.bytes).unwrap();

    let map = encode(json!({"first": "f ", "type": [1], "last": null}));
    let sequence = encode(json!(["f ", [1], null]));
    for arguments in [map, sequence] {
        let reply = call("plain_three", Encoding::MessagePack, arguments).await.unwrap();
        assert_eq!(decode(reply), json!("f notes.Notebook [1] None"));
    }
    let reply = call("plain", Encoding::MessagePack, Vec::new()).await.unwrap();
    assert_eq!(decode(reply), json!(0));

    let greeting = Proto(Greeting { text: "hi".into() }).encode(Encoding::Protobuf).unwrap();
    let reply = call("greet", Encoding::Protobuf, greeting.clone()).await.unwrap();
    let reply = Proto::<Greeting>::decode(reply.encoding, &reply.bytes).unwrap();
    assert_eq!(reply.text, "hi and good day");
    let error = call("greet_in_vain", Encoding::Protobuf, greeting).await.unwrap_err();
    let Reply { encoding, bytes } = error.method().unwrap();
    assert_eq!(Refused::decode(encoding, &bytes).unwrap(), Refused::TooLong { limit: 2 });
    let error = call("greet", Encoding::MessagePack, encode(json!("hi"))).await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::WrongEncoding);
}

#[tokio::test]
async fn an_object_is_defined_in_a_function() {
    #[derive(Default)]
    struct Local(u64);

    #[object(crate = "goverse_node")]
    impl Local {
        fn add(&mut self, by: u64, times: u64) -> u64 {
            self.0 += by * times;
            self.0
        }
    }

    let node = node_with(|node| node.object::<Local>());
    let local: LocalRef = node.object::<Local>("a");
    assert_eq!(local.add(2, 3).await.unwrap(), 6);
}

/// What the attribute gets when it stands in a macro of the user's.
macro_rules! define {
    ($name:ident, $ty:ty, $method:ident, $argument:ident: $number:ty, $body:expr) => {
        #[derive(Default)]
        struct $name($number);

        #[object(crate = "goverse_node")]
        impl $name {
            fn $method(&mut self, $argument: $number, cx: &Ctx, again: $ty) -> $number {
                let _ = cx;
                self.0 += $body + again;
                self.0
            }
        }
    };
}

define!(Defined, u64, add, by: u64, by * 2);

#[tokio::test]
async fn an_object_is_defined_by_a_macro() {
    let node = node_with(|node| node.object::<Defined>());
    let defined = node.object::<Defined>("a");
    assert_eq!(defined.add(2, 3).await.unwrap(), 7);
}

mod visible {
    use goverse_node::object;

    #[derive(Default)]
    pub(super) struct Open;

    #[object(crate = "goverse_node")]
    impl Open {
        pub(super) fn open(&self) -> u64 {
            self.closed()
        }

        fn closed(&self) -> u64 {
            1
        }

        #[deprecated = "use `open`"]
        pub(super) fn old(&self) -> u64 {
            2
        }
    }

    pub(super) async fn closed(open: &OpenRef) -> u64 {
        open.closed().await.unwrap()
    }
}

#[tokio::test]
async fn methods_of_every_visibility_are_called() {
    let node = node_with(|node| node.object::<visible::Open>());
    let open = node.object::<visible::Open>("a");
    assert_eq!(open.open().await.unwrap(), 1);
    assert_eq!(visible::closed(&open).await, 1);
    #[expect(deprecated, reason = "the deprecation is carried to the reference")]
    let old = open.old();
    assert_eq!(old.await.unwrap(), 2);
}

#[tokio::test]
async fn a_reply_that_does_not_travel_as_its_call_travels_as_what_it_can() {
    #[derive(Default)]
    struct Mixed;

    #[object(crate = "goverse_node")]
    impl Mixed {
        fn hear(&mut self, greeting: Proto<Greeting>) -> usize {
            greeting.0.text.len()
        }

        fn nothing(&mut self, _greeting: Proto<Greeting>) {}

        fn greet(&self, text: String) -> Proto<Greeting> {
            Proto(Greeting { text })
        }
    }

    let node = node_with(|node| node.object::<Mixed>());
    let greeting = Proto(Greeting { text: "hello".to_owned() });
    let bytes = greeting.encode(Encoding::Protobuf).unwrap();
    let check = async |method, encoding, arguments: &[u8], reply_encoding, reply: &[u8]| {
        let called = node.call("Mixed", "a", method, encoding, arguments.to_vec()).await;
        let expected = Reply { encoding: reply_encoding, bytes: reply.to_vec() };
        assert_eq!(called, Ok(expected), "{method}");
    };
    check("hear", Encoding::Protobuf, &bytes, Encoding::Json, b"5").await;
    check("nothing", Encoding::Protobuf, &bytes, Encoding::Json, b"null").await;
    check("greet", Encoding::Json, b"\"hello\"", Encoding::Protobuf, &bytes).await;
    // And from another object or node, which decodes what comes.
    assert_eq!(node.object::<Mixed>("a").hear(greeting).await.unwrap(), 5);
}
