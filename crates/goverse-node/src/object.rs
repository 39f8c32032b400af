//! What an application implements: the object trait, and the context of its hooks.

use futures_util::future::BoxFuture;
use goverse_core::{NodeAddress, ObjectId, TypeName};
use goverse_metrics::DeactivationReason;

/// The error of a hook: anything that can be shown.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

/// A distributed object: a value with an address (type and id) that a node keeps in memory.
///
/// Both hooks are optional, may wait, may fail and may panic; the node's counts stay exact in any case.
/// Once a hook has begun it runs to its end, whatever becomes of the caller that set it off, unless the
/// node's shutdown reaches its limit.
pub trait Object: Send + 'static {
    /// The name that the type is registered under, see [`TypeName::new`].
    const TYPE: &'static str;

    /// Runs before the object is there. On an error or a panic the object does not come to be.
    fn on_activate(&mut self, cx: &Ctx) -> impl Future<Output = Result<(), HookError>> + Send {
        let _ = cx;
        std::future::ready(Ok(()))
    }

    /// Runs before the object goes. It goes in any case; an error is reported and counted.
    fn on_deactivate(
        &mut self,
        cx: &Ctx,
        reason: DeactivationReason,
    ) -> impl Future<Output = Result<(), HookError>> + Send {
        let _ = (cx, reason);
        std::future::ready(Ok(()))
    }
}

/// Who an object is, and where.
#[derive(Clone, Debug)]
pub struct Ctx {
    node_address: NodeAddress,
    type_name: TypeName,
    id: ObjectId,
}

/// [`Object`] without its type, so that a node can hold all kinds.
pub(crate) trait ErasedObject: Send {
    fn on_activate<'a>(&'a mut self, cx: &'a Ctx) -> BoxFuture<'a, Result<(), HookError>>;

    fn on_deactivate<'a>(
        &'a mut self,
        cx: &'a Ctx,
        reason: DeactivationReason,
    ) -> BoxFuture<'a, Result<(), HookError>>;
}

// === impl Ctx ===

impl Ctx {
    pub(crate) fn new(node_address: NodeAddress, type_name: TypeName, id: ObjectId) -> Self {
        Self { node_address, type_name, id }
    }

    /// The address of the node that the object is on.
    pub fn node_address(&self) -> &NodeAddress {
        &self.node_address
    }

    /// The object's type.
    pub fn type_name(&self) -> &TypeName {
        &self.type_name
    }

    /// The object's id.
    pub fn id(&self) -> &ObjectId {
        &self.id
    }
}

// === impl ErasedObject ===

impl<T: Object> ErasedObject for T {
    fn on_activate<'a>(&'a mut self, cx: &'a Ctx) -> BoxFuture<'a, Result<(), HookError>> {
        Box::pin(Object::on_activate(self, cx))
    }

    fn on_deactivate<'a>(
        &'a mut self,
        cx: &'a Ctx,
        reason: DeactivationReason,
    ) -> BoxFuture<'a, Result<(), HookError>> {
        Box::pin(Object::on_deactivate(self, cx, reason))
    }
}
