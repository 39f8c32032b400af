//! The node: registered types, and the operations on their objects.

mod builder;

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use goverse_core::{Encoding, ErrorCode, NodeAddress, ObjectId, Ran, TypeName};
use goverse_metrics::{RejectionCode, UnknownCallMetrics, UnknownTypeMetrics};
use tokio::task::JoinHandle;

pub use builder::NodeBuilder;

use crate::alarms::Alarms;
use crate::budget;
use crate::bytes_call::Reply;
use crate::call_error::{CallError, SystemError};
use crate::caller::{Addressed, Caller};
use crate::clock;
use crate::error::ObjectError;
use crate::hot::{HotObjects, HotReport};
use crate::keeper::Keeper;
use crate::lifecycle::{Drained, Lifecycle};
use crate::listing::{ListQuery, Listing, ObjectInfo, first_after};
use crate::log_limit::LogLimit;
use crate::long_turns::LongTurns;
use crate::object::Object;
use crate::object_type::{AnyObjectType, NamedCall, ObjectType};
use crate::reference::ObjectRef;
use crate::router::{OutgoingCall, Router};
use crate::run_to_end::Doing;
use crate::settings::NodeSettings;
use crate::state::NodeStore;
use crate::store::{StateStore, StoreError};
use crate::type_handle::Registered;
use crate::waits::Waits;

/// How many deactivation hooks run beside each other during a shutdown.
const DRAIN_CONCURRENCY: usize = 256;

/// How long a shutdown waits, once its limit is reached, for hooks to notice.
const CUT_OFF_GRACE: Duration = Duration::from_secs(1);

/// How often a shutdown says in the log how far it is.
const PROGRESS_PERIOD: Duration = Duration::from_secs(1);

/// The objects of one process under one address. Clones share them.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

/// A node, which lives as long as its handles.
pub(crate) struct Inner {
    pub(crate) state: Arc<NodeState>,
    pub(crate) types: BTreeMap<TypeName, Arc<dyn AnyObjectType>>,
    /// Of each, the `Registered<T>`; in order, for a search takes a few comparisons.
    by_rust_type: Box<[(TypeId, Box<dyn Any + Send + Sync>)]>,
}

/// What the objects of a node share; it outlives the node where they do.
pub struct NodeState {
    pub(crate) address: NodeAddress,
    pub(crate) settings: NodeSettings,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) router: Option<Arc<dyn Router>>,
    pub(crate) store: Option<NodeStore>,
    pub(crate) alarms: Alarms,
    pub(crate) keeper: Keeper,
    pub(crate) waits: Waits,
    pub(crate) hot: HotObjects,
    pub(crate) long_turns: LongTurns,
    pub(crate) failed_ticks: LogLimit,
    unknown_type: UnknownTypeMetrics,
    unknown_calls: UnknownCallMetrics,
}

// === impl NodeState ===

impl NodeState {
    fn new(
        address: NodeAddress,
        settings: NodeSettings,
        router: Option<Arc<dyn Router>>,
        store: Option<Arc<dyn StateStore>>,
    ) -> Self {
        let of_node = |store| NodeStore::new(store, address.as_str(), settings.store_timeout);
        Self {
            store: store.map(of_node),
            unknown_type: UnknownTypeMetrics::new(address.as_str()),
            unknown_calls: UnknownCallMetrics::new(address.as_str()),
            lifecycle: Lifecycle::default(),
            alarms: Alarms::new(),
            keeper: Keeper::default(),
            waits: Waits::default(),
            hot: HotObjects::new(clock::now()),
            long_turns: LongTurns::default(),
            failed_ticks: LogLimit::default(),
            address,
            settings,
            router,
        }
    }

    /// Cuts off everything that still runs.
    fn kill(&self) {
        self.lifecycle.kill();
        self.alarms.ring_all();
    }
}

impl Drop for Inner {
    /// Objects and their type hold each other, so their end has to be said.
    fn drop(&mut self) {
        self.state.lifecycle.close();
        self.types.values().for_each(|object_type| object_type.abandon());
    }
}

// === impl Node ===

impl Node {
    /// Begins a node that is known as `address`.
    pub fn builder(address: NodeAddress) -> NodeBuilder {
        NodeBuilder::new(address)
    }

    /// The address that the node is known by.
    pub fn address(&self) -> &NodeAddress {
        &self.inner.state.address
    }

    /// How the node treats calls.
    pub fn settings(&self) -> &NodeSettings {
        &self.inner.state.settings
    }

    /// The registered types, in order.
    pub fn types(&self) -> impl Iterator<Item = &TypeName> {
        self.inner.types.keys()
    }

    /// A reference to an object, for calls from outside of any turn.
    #[inline]
    pub fn object<K: Addressed>(&self, id: impl AsRef<str>) -> K::Ref {
        K::refer(Caller::outside(self), id.as_ref())
    }

    /// The plain reference to an object, for calls of methods that were written by hand.
    #[inline]
    pub fn reference<T: Object>(&self, id: impl AsRef<str>) -> ObjectRef<T> {
        ObjectRef::new(Caller::outside(self), id.as_ref())
    }

    /// Calls a method by names, with arguments as bytes; the reply comes in the same encoding.
    ///
    /// # Errors
    /// The method's own error, encoded; or the runtime's, with its stable code.
    pub async fn call(
        &self,
        type_name: &str,
        id: &str,
        method: &str,
        encoding: Encoding,
        arguments: Vec<u8>,
    ) -> Result<Reply, CallError<Reply>> {
        let call = NamedCall::outside(id, method, encoding, arguments);
        self.call_by_name(type_name, call).await
    }

    /// As [`call`](Self::call), of a call that takes effect once: see [`Call::call_id`](crate::Call::call_id).
    ///
    /// # Errors
    /// As there; and if the id is no call id, or was used for another call of the object.
    pub async fn call_once(
        &self,
        type_name: &str,
        id: &str,
        method: &str,
        encoding: Encoding,
        arguments: Vec<u8>,
        call_id: &str,
    ) -> Result<Reply, CallError<Reply>> {
        let call = NamedCall::outside(id, method, encoding, arguments);
        self.call_by_name(type_name, NamedCall { call_id: Some(call_id.to_owned()), ..call }).await
    }

    /// Takes over the store: every node that had it before is refused from now on, and calls that were committed and not
    /// answered before are delivered. Without it the first call of a persistent object does so.
    ///
    /// # Errors
    /// When the store does not answer. It may be tried again.
    pub async fn open_store(&self) -> Result<(), StoreError> {
        let Some(store) = &self.inner.state.store else { return Ok(()) };
        store.tenure().await?;
        store.begin_delivery(&Arc::downgrade(&self.inner));
        Ok(())
    }

    pub(crate) async fn call_by_name(
        &self,
        type_name: &str,
        call: NamedCall,
    ) -> Result<Reply, CallError<Reply>> {
        let state = &self.inner.state;
        let away = state.router.as_ref().filter(|router| !router.is_here(type_name, &call.id));
        if let Some(router) = away {
            let timeout = call.timeout.unwrap_or(state.settings.call_timeout);
            let left = clock::between(clock::now(), call.origin.deadline);
            let time_left = timeout.min(left);
            return router.call(OutgoingCall::new(type_name, call, time_left)).await;
        }
        match self.inner.types.get(type_name) {
            Some(object_type) => Arc::clone(object_type).call(call).await,
            None => Err(self.refuse_unknown_type(type_name, &call.method).into()),
        }
    }

    /// Whether the store answers; well if there is none.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn check_store(&self) -> Result<(), StoreError> {
        match &self.inner.state.store {
            Some(store) => store.check().await,
            None => Ok(()),
        }
    }

    /// Creates the object `id` of a registered type, and waits for its activation hook.
    ///
    /// The activation goes on when the caller goes away.
    ///
    /// # Errors
    /// When the type is not registered, the id is not valid or taken, the hook fails or panics, or the
    /// node shuts down. No object is there then.
    pub async fn create_object(&self, type_name: &str, id: &str) -> Result<(), ObjectError> {
        let registered =
            self.registered(type_name).inspect_err(|_| self.inner.state.unknown_type.refused())?;
        let id = ObjectId::new(id).map_err(ObjectError::InvalidId)?;
        budget::proceed().await;
        match registered.create(id) {
            Doing::Done(result) => result,
            Doing::GoesOn(rest) => rest.await.unwrap_or(Err(ObjectError::ShuttingDown)),
        }
    }

    /// Destroys an object when its turn for that has come, and waits for its deactivation hook.
    ///
    /// The deactivation goes on when the caller goes away.
    ///
    /// # Errors
    /// When there is no such object, or it has ended by then; when the hook fails or panics, in which
    /// case the object is gone all the same.
    pub async fn destroy_object(&self, type_name: &str, id: &str) -> Result<(), ObjectError> {
        let registered = self.registered(type_name)?;
        budget::proceed().await;
        let ended = match registered.destroy(id) {
            Doing::Done(ended) => Some(ended),
            Doing::GoesOn(rest) => rest.await,
        };
        match ended {
            Some(Some(result)) => result,
            Some(None) => {
                let id = ObjectId::new(id).map_err(ObjectError::InvalidId)?;
                Err(ObjectError::NotFound { type_name: registered.name().clone(), id })
            }
            None => Err(ObjectError::ShuttingDown),
        }
    }

    /// The object of that type and id, if it is there.
    pub fn find(&self, type_name: &str, id: &str) -> Option<ObjectInfo> {
        let registered = self.inner.types.get(type_name)?;
        let since = registered.find(id)?;
        let id = ObjectId::new(id).ok()?;
        let age = clock::between(since, clock::now());
        Some(ObjectInfo { type_name: registered.name().clone(), id, age })
    }

    /// A page of the objects that are there, ordered by type, then id.
    ///
    /// It looks at every object of the wanted types: with very many, call it off the async workers.
    pub fn list(&self, query: &ListQuery) -> Listing {
        let mut objects = Vec::new();
        let now = clock::now();
        for registered in self.inner.types.values().filter(|entry| query.wants(entry.name())) {
            let room = query.limit.saturating_add(1) - objects.len();
            let after = query.after_id(registered.name());
            let found = first_after(&**registered, after, room).into_iter();
            objects.extend(found.map(|(id, since)| ObjectInfo {
                type_name: registered.name().clone(),
                id,
                age: clock::between(since, now),
            }));
            if objects.len() > query.limit {
                break;
            }
        }
        let more = objects.len() > query.limit;
        objects.truncate(query.limit);
        Listing { objects, more }
    }

    /// How many objects of each registered type are there.
    pub fn count_by_type(&self) -> BTreeMap<TypeName, usize> {
        let count = |registered: &Arc<dyn AnyObjectType>| {
            let mut count = 0;
            registered.for_each(&mut |_, _| count += 1);
            count
        };
        let types = self.inner.types.iter();
        types.map(|(name, registered)| (name.clone(), count(registered))).collect()
    }

    /// The objects that are busiest now, by calls and by time.
    pub fn hot_objects(&self) -> HotReport {
        self.inner.state.hot.report(clock::now())
    }

    /// How many objects have been deactivated by a shutdown, and how many are left, so far.
    pub fn drained(&self) -> Drained {
        self.inner.state.lifecycle.drained(self.len() as u64)
    }

    /// Takes no more calls from outside, and deactivates the objects that are there with their hooks, each after the
    /// calls that it has taken already.
    ///
    /// Turns that run may still call objects that are there. At the limit, turns and hooks that still run are dropped at
    /// their next await, and those that wait (256 hooks run beside each other) do not begin. Calling it again, or twice
    /// at once, is harmless: each call returns when all objects are gone, and tells of all of them. How far it is, the
    /// log says every second, and [`drained`](Self::drained) at any time.
    pub async fn shutdown(&self, limit: Duration) -> Drained {
        let state = &self.inner.state;
        state.lifecycle.close();
        let mut drain = std::pin::pin!(self.drain());
        let drained = tokio::select! {
            () = &mut drain => true,
            () = tokio::time::sleep(limit) => false,
            () = state.lifecycle.killed() => false,
            () = self.tell_progress() => false,
        };
        if !drained {
            state.kill();
            let _ = tokio::time::timeout(CUT_OFF_GRACE, &mut drain).await;
        }
        self.drained()
    }

    /// Brings a shutdown that is under way to its limit now.
    pub fn cut_off(&self) {
        self.inner.state.lifecycle.close();
        self.inner.state.kill();
    }

    /// Deactivates objects until none is there; also those whose activation was under way.
    async fn drain(&self) {
        loop {
            // Made before the directories are looked at: no change after that is missed.
            let changed = self.inner.state.lifecycle.next_change();
            let mut ends =
                futures_util::stream::iter(self.ends()).buffer_unordered(DRAIN_CONCURRENCY);
            while ends.next().await.is_some() {}
            if self.len() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Tasks that end the objects that are there now; each begins when it is asked for.
    ///
    /// In a box, for `Send` is not seen through closures over references.
    fn ends(&self) -> Box<dyn Iterator<Item = JoinHandle<()>> + Send + '_> {
        let types = self.inner.types.values();
        Box::new(types.flat_map(|object_type| object_type.ends()).map(|end| tokio::spawn(end)))
    }

    /// Never done.
    async fn tell_progress(&self) {
        loop {
            tokio::time::sleep(PROGRESS_PERIOD).await;
            let Drained { deactivated, cut_off, left } = self.drained();
            tracing::info!(node = %self.address(), deactivated, cut_off, left, "node draining");
        }
    }

    /// Since when the oldest unsaved change waits, of types that are saved so long after one.
    pub(crate) fn oldest_unsaved(&self) -> Option<u64> {
        self.inner.types.values().filter_map(|object_type| object_type.oldest_unsaved()).min()
    }

    /// How many activations there are, also of those that come or go.
    fn len(&self) -> usize {
        self.inner.types.values().map(|object_type| object_type.len()).sum()
    }

    #[inline]
    pub(crate) fn object_type<T: Object>(&self) -> Option<&Arc<ObjectType<T>>> {
        let types = &self.inner.by_rust_type;
        let index = types.binary_search_by_key(&TypeId::of::<T>(), |(rust_type, _)| *rust_type);
        types[index.ok()?]
            .1
            .downcast_ref()
            .map(|registered: &Registered<T>| &registered.object_type)
    }

    pub(crate) fn state(&self) -> &Arc<NodeState> {
        &self.inner.state
    }

    /// Counts a call of a type that nobody registered.
    pub(crate) fn refuse_unknown_type(&self, type_name: &str, method: &str) -> SystemError {
        self.inner.state.unknown_calls.rejected(RejectionCode::UnknownType);
        let method: String = method.chars().take(64).collect();
        let message = format!("{method:?} did not run: {}", self.unknown_type(type_name));
        SystemError::new(ErrorCode::UnknownType, Ran::No, message)
    }

    fn registered(&self, type_name: &str) -> Result<&Arc<dyn AnyObjectType>, ObjectError> {
        self.inner.types.get(type_name).ok_or_else(|| self.unknown_type(type_name))
    }

    fn unknown_type(&self, type_name: &str) -> ObjectError {
        let names: Vec<&str> = self.types().map(TypeName::as_str).collect();
        ObjectError::UnknownType {
            name: type_name.chars().take(64).collect(),
            registered: if names.is_empty() { "none".to_owned() } else { names.join(", ") },
        }
    }
}

impl From<Arc<Inner>> for Node {
    fn from(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("address", self.address()).finish_non_exhaustive()
    }
}
