//! A reference to an object: its address, and who calls it.

use std::fmt;

use crate::call::Call;
use crate::caller::{Caller, Origin};
use crate::method::Method;
use crate::object::Object;
use crate::target::Target;

/// Refers to one object of type `T`, whether it is in memory or not.
///
/// It may be kept and cloned; an object that was deactivated meanwhile is activated by the next call. It does not keep
/// the object in memory. One that was made by [`Ctx::object`](crate::Ctx::object) belongs to that turn: its calls are
/// part of the turn's chain, and end by its deadline.
pub struct ObjectRef<T: Object> {
    target: Target<T>,
    origin: Origin,
}

// === impl ObjectRef ===

impl<T: Object> ObjectRef<T> {
    /// A reference to the object `id`.
    ///
    /// An id that cannot be one is reported by the calls.
    #[inline]
    pub fn new(caller: Caller<'_>, id: &str) -> Self {
        let object_type = caller.node().and_then(|node| node.object_type::<T>());
        let target = match object_type {
            Some(object_type) => Target::find(object_type, id),
            None => Target::Elsewhere(caller.node().cloned(), id.to_owned()),
        };
        Self { target, origin: caller.origin() }
    }

    /// The call of a method, which begins when it is awaited.
    #[inline]
    pub fn call<M: Method<Object = T>>(&self, method: M) -> Call<M> {
        Call::new(self.target.clone(), self.origin.clone(), method)
    }

    /// The object's id, as it was given.
    pub fn id(&self) -> &str {
        self.target.id()
    }
}

impl<T: Object> Clone for ObjectRef<T> {
    fn clone(&self) -> Self {
        Self { target: self.target.clone(), origin: self.origin.clone() }
    }
}

impl<T: Object> fmt::Debug for ObjectRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ObjectRef");
        shown.field("type", &T::TYPE).field("id", &self.id()).finish_non_exhaustive()
    }
}
