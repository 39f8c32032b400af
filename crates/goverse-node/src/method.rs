//! What a method is to the runtime: its arguments as a value, and how it runs on an object.
//!
//! `#[goverse::object]` writes all of this for an `impl` block. By hand it looks like this:
//!
//! ```
//! use goverse_node::{Ctx, MethodEntry, Method, Never, Node, Object};
//!
//! #[derive(Default)]
//! struct Counter(i64);
//!
//! impl Object for Counter {
//!     const TYPE: &'static str = "Counter";
//!     const METHODS: &'static [MethodEntry<Self>] = &[MethodEntry::of::<Add>()];
//! }
//!
//! struct Add(i64);
//!
//! impl Method for Add {
//!     type Object = Counter;
//!     type Arguments = i64;
//!     type Output = i64;
//!     type Error = Never;
//!     const NAME: &'static str = "add";
//!     const PLAIN: bool = true;
//!
//!     fn from_arguments(by: i64) -> Self {
//!         Add(by)
//!     }
//!
//!     fn into_arguments(self) -> i64 {
//!         self.0
//!     }
//!
//!     async fn run_exclusive(self, counter: &mut Counter, _cx: &Ctx) -> Result<i64, Never> {
//!         counter.0 += self.0;
//!         Ok(counter.0)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder("localhost:47000".parse()?).object::<Counter>().build()?;
//! assert_eq!(node.reference::<Counter>("a").call(Add(5)).await?, 5);
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::marker::PhantomData;

use futures_util::future::BoxFuture;
use goverse_core::Payload;

use crate::bytes_call::{Answer, BytesCall, call_with_bytes};
use crate::object::{Ctx, Object};

/// What a turn needs of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// `&mut self`: nothing else runs on the object meanwhile.
    Exclusive,
    /// `&self`: other shared turns may run beside it.
    Shared,
}

/// A method with its arguments: what a call brings to an object.
///
/// It must be listed in [`Object::METHODS`] of its object; to call one that is not does not compile.
pub trait Method: Send + Sized + 'static {
    /// The type that has the method.
    type Object: Object;
    /// The arguments as they travel: one value, a struct of several, or [`NoArguments`](goverse_core::NoArguments).
    type Arguments: Payload;
    /// What it returns.
    type Output: Payload;
    /// The method's own error; [`Never`](goverse_core::Never) if it has none.
    type Error: Payload;
    /// The name that it is called by from outside, and that metrics show.
    const NAME: &'static str;
    /// Which of the two `run_…` is implemented.
    const TURN: Turn = Turn::Exclusive;
    /// Whether it never waits: then its future is ready when it is first polled, and is not put into a box.
    const PLAIN: bool = false;

    /// The method with arguments that came from outside.
    fn from_arguments(arguments: Self::Arguments) -> Self;

    /// The arguments, to be sent elsewhere.
    fn into_arguments(self) -> Self::Arguments;

    /// Runs in an exclusive turn.
    ///
    /// # Panics
    /// As provided: for a method of shared turns.
    fn run_exclusive(
        self,
        object: &mut Self::Object,
        cx: &Ctx,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send {
        let _ = (object, cx);
        wrong_turn::<Self>()
    }

    /// Runs in a shared turn.
    ///
    /// # Panics
    /// As provided: for a method of exclusive turns.
    fn run_shared(
        self,
        object: &Self::Object,
        cx: &Ctx,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send {
        let _ = (object, cx);
        wrong_turn::<Self>()
    }
}

/// A row of the table of an object's methods.
pub struct MethodEntry<T: Object> {
    pub(crate) name: &'static str,
    pub(crate) turn: Turn,
    pub(crate) call_with_bytes: fn(BytesCall<T>) -> BoxFuture<'static, Answer>,
    object: PhantomData<fn(T)>,
}

/// The types that a `Result` is made of, also behind an alias: what `#[object]` asks of a return type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is called a result, but is no `Result`",
    label = "this is no `Result`",
    note = "the name of a type that a method returns ends in `Result` if, and only if, it is one"
)]
pub trait ReturnsResult {
    /// The type of `Ok`.
    type Output;
    /// The type of `Err`.
    type Error;

    /// The value itself.
    fn into_result(self) -> Result<Self::Output, Self::Error>;
}

/// Where a method stands in the table of its object.
pub(crate) struct IndexOf<M>(PhantomData<M>);

#[expect(clippy::unused_async, reason = "a future is what both defaults return")]
async fn wrong_turn<M: Method>() -> Result<M::Output, M::Error> {
    panic!("method {} does not implement the run function of its TURN, {:?}", M::NAME, M::TURN)
}

// === impl MethodEntry ===

impl<T: Object> MethodEntry<T> {
    /// The row of a method.
    pub const fn of<M: Method<Object = T>>() -> Self {
        Self {
            name: M::NAME,
            turn: M::TURN,
            call_with_bytes: |call| Box::pin(call_with_bytes::<M>(call)),
            object: PhantomData,
        }
    }

    /// The method's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What a turn of the method needs of the object.
    pub const fn turn(&self) -> Turn {
        self.turn
    }
}

impl<T: Object> fmt::Debug for MethodEntry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("MethodEntry");
        shown.field("name", &self.name).field("turn", &self.turn).finish_non_exhaustive()
    }
}

// === impl ReturnsResult ===

impl<T, E> ReturnsResult for Result<T, E> {
    type Output = T;
    type Error = E;

    fn into_result(self) -> Result<T, E> {
        self
    }
}

// === impl IndexOf ===

impl<M: Method> IndexOf<M> {
    pub(crate) const INDEX: usize = index_of(<M::Object as Object>::METHODS, M::NAME);
}

const fn index_of<T: Object>(methods: &[MethodEntry<T>], name: &str) -> usize {
    let mut index = 0;
    while index < methods.len() {
        if is_same(methods[index].name.as_bytes(), name.as_bytes()) {
            return index;
        }
        index += 1;
    }
    panic!("this method is not listed in METHODS of its object")
}

const fn is_same(a: &[u8], b: &[u8]) -> bool {
    let mut index = 0;
    while index < a.len() && index < b.len() && a[index] == b[index] {
        index += 1;
    }
    index == a.len() && index == b.len()
}
