//! The chain of a call: the objects that wait for it, from the first to the one that called last.
//!
//! An object that calls another waits for it within its own turn. A call that came back to it would wait for ever, so
//! the chain goes along with every call, and a call that would close a circle is refused before it waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use goverse_core::{ObjectId, TypeName};

use crate::activation::AnyActivation;

/// One object of a chain, with those before it.
pub(crate) struct Link {
    activation: Arc<dyn AnyActivation>,
    before: Option<Arc<Link>>,
    len: usize,
    /// Once its turn has ended it waits no more, also for calls that it has forgotten.
    ended: AtomicBool,
}

/// Tells activations apart as long as somebody holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ActivationKey(usize);

// === impl Link ===

impl Link {
    pub(crate) fn new(activation: Arc<dyn AnyActivation>, before: Option<Arc<Link>>) -> Self {
        let len = before.as_ref().map_or(0, |before| before.len) + 1;
        Self { activation, before, len, ended: AtomicBool::new(false) }
    }

    /// How many objects wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The activations of the chain, the last one first.
    pub(crate) fn activations(&self) -> impl Iterator<Item = &Arc<dyn AnyActivation>> {
        self.links().map(|link| &link.activation)
    }

    fn links(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |link| link.before.as_deref())
    }

    /// The turn of its last object has ended.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Whether this activation waits.
    pub(crate) fn contains(&self, key: ActivationKey) -> bool {
        let waits = |link: &Self| {
            ActivationKey::of(&link.activation) == key && !link.ended.load(Ordering::Acquire)
        };
        self.links().any(waits)
    }

    /// Who waits, the last one first, for a call that goes elsewhere.
    pub(crate) fn names(chain: Option<&Self>) -> Vec<(TypeName, ObjectId)> {
        let name =
            |waiting: &Arc<dyn AnyActivation>| (waiting.type_name().clone(), waiting.id().clone());
        chain.into_iter().flat_map(Self::activations).map(name).collect()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = ActivationKey> {
        self.activations().map(ActivationKey::of)
    }
}

// === impl ActivationKey ===

impl ActivationKey {
    pub(crate) fn of<A: ?Sized>(activation: &Arc<A>) -> Self {
        Self(Arc::as_ptr(activation).cast::<()>().addr())
    }
}
