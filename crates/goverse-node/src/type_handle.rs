//! How activations refer to their type: by one of some handles, so that threads that make and end objects at the same time
//! do not all count references in the same place.
//!
//! Two cores that write to one cache line take turns at it, at some 50 ns each.

use std::ops::Deref;
use std::sync::{Arc, OnceLock, Weak};

use crossbeam_utils::CachePadded;
use goverse_metrics::TypeMetrics;

use crate::alarms::shard_of_thread;
use crate::object::Object;
use crate::object_type::ObjectType;

/// As many as there are numbers of threads.
const HANDLES: usize = 16;

/// How an activation refers to its type.
pub(crate) struct TypeHandle<T: Object>(Arc<Counted<T>>);

/// The `Arc` of a type, apart from the count of those who refer to it by this handle.
type Counted<T> = CachePadded<Arc<ObjectType<T>>>;

/// The handles of a type as the type knows them.
pub(crate) struct Handles<T: Object>(OnceLock<[Weak<Counted<T>>; HANDLES]>);

/// A type on its node, with what keeps its handles.
pub(crate) struct Registered<T: Object> {
    pub(crate) object_type: Arc<ObjectType<T>>,
    _handles: [Arc<Counted<T>>; HANDLES],
}

// === impl TypeHandle ===

impl<T: Object> Deref for TypeHandle<T> {
    type Target = Arc<ObjectType<T>>;

    #[inline]
    fn deref(&self) -> &Arc<ObjectType<T>> {
        &self.0
    }
}

impl<T: Object> AsRef<TypeMetrics> for TypeHandle<T> {
    #[inline]
    fn as_ref(&self) -> &TypeMetrics {
        &self.0.metrics
    }
}

// === impl Handles ===

impl<T: Object> Handles<T> {
    /// The handle of this thread; `None` before the type is registered, and when its node is gone.
    fn of_thread(&self) -> Option<TypeHandle<T>> {
        self.0.get()?[shard_of_thread() % HANDLES].upgrade().map(TypeHandle)
    }
}

impl<T: Object> Default for Handles<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

// === impl Registered ===

impl<T: Object> Registered<T> {
    pub(crate) fn new(object_type: Arc<ObjectType<T>>) -> Self {
        let handles = std::array::from_fn(|_| counted(Arc::clone(&object_type)));
        let known = std::array::from_fn(|index: usize| Arc::downgrade(&handles[index]));
        let _ = object_type.handles.0.set(known);
        Self { object_type, _handles: handles }
    }
}

impl<T: Object> ObjectType<T> {
    /// A handle of the type, for an activation.
    pub(crate) fn handle(&self) -> TypeHandle<T> {
        self.handles.of_thread().unwrap_or_else(|| TypeHandle(counted(self.share())))
    }
}

fn counted<T: Object>(object_type: Arc<ObjectType<T>>) -> Arc<Counted<T>> {
    Arc::new(CachePadded::new(object_type))
}
