//! A registered type on a node: its settings, its metrics, and all its objects.

use std::any::Any;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use goverse_core::{Encoding, ErrorCode, ObjectId, Ran, TypeName};
use goverse_metrics::{
    CallGuard, CallMetrics, DeactivationReason, MethodMetrics, RejectionCode, RepeatedCallMetrics,
    TypeMetrics,
};

use crate::activation::{Activation, describe};
use crate::bytes_call::{BytesCall, Reply};
use crate::call_error::{CallError, SystemError};
use crate::caller::Origin;
use crate::clock;
use crate::directory::Directory;
use crate::error::ObjectError;
use crate::gone::Gone;
use crate::life;
use crate::method::{IndexOf, Method};
use crate::node::{Inner, Node, NodeState};
use crate::object::Object;
use crate::run_to_end::Doing;
use crate::settings::TypeSettings;
use crate::state::{NodeStore, Unsaved, Unsure, WritePolicy};
use crate::type_handle::{Handles, Registered};

/// A registered type with all its objects.
pub(crate) struct ObjectType<T: Object> {
    pub(crate) name: TypeName,
    pub(crate) node_state: Arc<NodeState>,
    pub(crate) settings: TypeSettings,
    /// From how many ns on a turn is long.
    pub(crate) long_turn: u64,
    pub(crate) construct: Constructor<T>,
    /// What is counted of its objects.
    pub(crate) metrics: TypeMetrics,
    pub(crate) call_metrics: Arc<CallMetrics>,
    pub(crate) repeated: RepeatedCallMetrics,
    pub(crate) directory: Directory<T>,
    pub(crate) unsaved: Unsaved<T>,
    pub(crate) unsure: Unsure,
    /// Told whenever an activation is gone.
    pub(crate) gone: Gone,
    node: Weak<Inner>,
    this: Weak<Self>,
    pub(crate) handles: Handles<T>,
    /// In the order of the type's methods.
    methods: Box<[MethodMetrics]>,
    unknown_method: MethodMetrics,
}

pub(crate) type Constructor<T> = Box<dyn Fn() -> T + Send + Sync>;

/// A call that came as bytes, or from a client that knows the type's name alone.
pub(crate) struct NamedCall {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) encoding: Encoding,
    pub(crate) bytes: Vec<u8>,
    pub(crate) origin: Origin,
    pub(crate) timeout: Option<Duration>,
    /// So that it takes effect once.
    pub(crate) call_id: Option<String>,
}

/// A registered type, whichever it is.
pub(crate) trait AnyObjectType: Send + Sync {
    fn name(&self) -> &TypeName;
    /// The type itself, as the [`Registered`] that its node keeps.
    fn register(self: Arc<Self>) -> Box<dyn Any + Send + Sync>;
    fn create(&self, id: ObjectId) -> Doing<Result<(), ObjectError>>;
    /// Done with `None` if there was no such object by then.
    fn destroy(&self, id: &str) -> Doing<Option<Result<(), ObjectError>>>;
    fn call(
        self: Arc<Self>,
        call: NamedCall,
    ) -> BoxFuture<'static, Result<Reply, CallError<Reply>>>;
    /// When the object came to be, if it is there.
    fn find(&self, id: &str) -> Option<u64>;
    /// Visits every object that is there, with when it came to be.
    fn for_each(&self, visit: &mut dyn FnMut(&ObjectId, u64));
    /// How many activations there are, also of those that come or go.
    fn len(&self) -> usize;
    /// The ends of all that are there now, each of which is done when the object is gone.
    fn ends(&self) -> Box<dyn Iterator<Item = BoxFuture<'static, ()>> + Send + '_>;
    /// Deactivates what has been idle for long enough; when to look again.
    fn collect_idle(&self, now: u64) -> u64;
    /// Since when the oldest unsaved change waits, if it is to be saved in time.
    fn oldest_unsaved(&self) -> Option<u64>;
    /// Drops all objects without their hooks; what runs is dropped when it ends.
    fn abandon(&self);
}

// === impl NamedCall ===

impl NamedCall {
    /// A call that belongs to no turn, with the node's time-out.
    pub(crate) fn outside(id: &str, method: &str, encoding: Encoding, bytes: Vec<u8>) -> Self {
        let (id, method, origin) = (id.to_owned(), method.to_owned(), Origin::OUTSIDE);
        Self { id, method, encoding, bytes, origin, timeout: None, call_id: None }
    }
}

// === impl ObjectType ===

impl<T: Object> ObjectType<T> {
    pub(crate) fn new(
        name: TypeName,
        settings: TypeSettings,
        construct: Constructor<T>,
        node_state: Arc<NodeState>,
        node: Weak<Inner>,
        this: Weak<Self>,
    ) -> Self {
        let address = node_state.address.as_str();
        let call_metrics = Arc::new(CallMetrics::new(address, name.as_str()));
        let metrics_of = |method: &str| {
            MethodMetrics::new(address, name.as_str(), method, Arc::clone(&call_metrics))
        };
        let methods = T::METHODS.iter().map(|method| metrics_of(method.name)).collect();
        let unknown_method =
            MethodMetrics::unknown(address, name.as_str(), Arc::clone(&call_metrics));
        Self {
            metrics: TypeMetrics::new(address, name.as_str()),
            call_metrics,
            repeated: RepeatedCallMetrics::new(address, name.as_str()),
            methods,
            unknown_method,
            directory: Directory::new(settings.idle_timeout),
            unsaved: Unsaved::default(),
            unsure: Unsure::default(),
            gone: Gone::default(),
            name,
            long_turn: clock::after(0, settings.long_turn),
            settings,
            construct,
            node_state,
            node,
            this,
            handles: Handles::default(),
        }
    }

    /// The `Arc` that it is in.
    pub(crate) fn share(&self) -> Arc<Self> {
        self.this.upgrade().expect("who refers to a type keeps its `Arc`")
    }

    pub(crate) fn node(&self) -> Option<Node> {
        self.node.upgrade().map(Node::from)
    }

    pub(crate) fn weak_node(&self) -> Weak<Inner> {
        Weak::clone(&self.node)
    }

    /// The store of a persistent type.
    pub(crate) fn store(&self) -> &NodeStore {
        self.node_state.store.as_ref().expect("a persistent type is registered with a store only")
    }

    /// When objects of a persistent type are saved.
    pub(crate) fn write_policy(&self) -> WritePolicy {
        let own = T::PERSISTENCE.map_or(WritePolicy::EveryCall, |persistence| persistence.write);
        self.settings.write.unwrap_or(own)
    }

    /// What is counted of a method.
    #[inline]
    pub(crate) fn method<M: Method<Object = T>>(&self) -> &MethodMetrics {
        &self.methods[IndexOf::<M>::INDEX]
    }

    /// Counts a call that never came to a turn, and says why.
    pub(crate) fn reject_unknown_method(&self, name: &str) -> SystemError {
        CallGuard::begin(&self.unknown_method).rejected(RejectionCode::UnknownMethod);
        let start: String = name.chars().take(64).collect();
        let methods: Vec<&str> = T::METHODS.iter().map(|method| method.name).collect();
        let methods = if methods.is_empty() { "none".to_owned() } else { methods.join(", ") };
        let message = format!("{} has no method {start:?}; it has: {methods}", self.name);
        SystemError::new(ErrorCode::UnknownMethod, Ran::No, message)
    }
}

impl<T: Object> AnyObjectType for ObjectType<T> {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn register(self: Arc<Self>) -> Box<dyn Any + Send + Sync> {
        Box::new(Registered::new(self))
    }

    fn create(&self, id: ObjectId) -> Doing<Result<(), ObjectError>> {
        life::create(self, id)
    }

    fn destroy(&self, id: &str) -> Doing<Option<Result<(), ObjectError>>> {
        life::destroy(self, id)
    }

    fn call(
        self: Arc<Self>,
        call: NamedCall,
    ) -> BoxFuture<'static, Result<Reply, CallError<Reply>>> {
        let Some(method) = T::METHODS.iter().find(|method| method.name == call.method) else {
            let error = self.reject_unknown_method(&call.method);
            return Box::pin(std::future::ready(Err(error.into())));
        };
        (method.call_with_bytes)(BytesCall { object_type: self, call })
    }

    fn find(&self, id: &str) -> Option<u64> {
        self.directory.get(id)?.since()
    }

    fn for_each(&self, visit: &mut dyn FnMut(&ObjectId, u64)) {
        self.directory.for_each(|activation| {
            if let Some(since) = activation.since() {
                visit(activation.id(), since);
            }
        });
    }

    fn len(&self) -> usize {
        self.directory.len()
    }

    fn ends(&self) -> Box<dyn Iterator<Item = BoxFuture<'static, ()>> + Send + '_> {
        let end = |activation: Arc<Activation<T>>| -> BoxFuture<'static, ()> {
            Box::pin(async move {
                let _ = life::end(activation, DeactivationReason::Shutdown).await;
            })
        };
        Box::new(self.directory.by_shard().flatten().map(end))
    }

    fn collect_idle(&self, now: u64) -> u64 {
        for activation in self.directory.take_idle(now) {
            life::end_if_idle(&activation, now);
        }
        self.directory.next_look()
    }

    fn oldest_unsaved(&self) -> Option<u64> {
        self.unsaved.oldest()
    }

    fn abandon(&self) {
        for activation in self.directory.by_shard().flatten() {
            life::abandon(&activation);
        }
    }
}

/// The message that tells of a call which never began.
pub(crate) fn refused(
    code: ErrorCode,
    type_name: &TypeName,
    id: &str,
    method: &str,
    why: &str,
) -> SystemError {
    let object = describe(type_name, id);
    SystemError::new(code, Ran::No, format!("{method} of {object} did not run: {why}"))
}
