//! Who calls: somebody outside of any turn, or an object within its own.

use std::sync::Arc;

use crate::chain::Link;
use crate::clock::NEVER;
use crate::node::Node;

/// What `node.object::<K>(id)` and `cx.object::<K>(id)` make a reference of: `#[object]` writes it for a type.
pub trait Addressed: 'static {
    /// The reference: a value with the methods of the object.
    type Ref;

    /// The reference to the object `id`.
    fn refer(caller: Caller<'_>, id: &str) -> Self::Ref;
}

/// Who a reference is made for.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// Gone when a turn outlives its node.
    node: Option<&'a Node>,
    turn: Option<(&'a Arc<Link>, u64)>,
}

/// The turn that a call is made in, if any.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) chain: Option<Arc<Link>>,
    /// When those who wait for the turn do so no more.
    pub(crate) deadline: u64,
}

// === impl Caller ===

impl<'a> Caller<'a> {
    pub(crate) fn outside(node: &'a Node) -> Self {
        Self::detached(Some(node))
    }

    /// An object, of whose turn the calls are no part.
    pub(crate) fn detached(node: Option<&'a Node>) -> Self {
        Self { node, turn: None }
    }

    pub(crate) fn in_turn(node: Option<&'a Node>, link: &'a Arc<Link>, deadline: u64) -> Self {
        Self { node, turn: Some((link, deadline)) }
    }

    pub(crate) fn node(&self) -> Option<&'a Node> {
        self.node
    }

    pub(crate) fn origin(&self) -> Origin {
        match self.turn {
            None => Origin::OUTSIDE,
            Some((link, deadline)) => Origin { chain: Some(Arc::clone(link)), deadline },
        }
    }
}

impl std::fmt::Debug for Caller<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("in_turn", &self.turn.is_some()).finish_non_exhaustive()
    }
}

// === impl Origin ===

impl Origin {
    pub(crate) const OUTSIDE: Self = Self { chain: None, deadline: NEVER };
}
