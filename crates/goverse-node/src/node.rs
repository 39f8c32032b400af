//! The node: registered types, and the operations on their objects.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use goverse_core::{NodeAddress, ObjectId, TypeName};
use goverse_metrics::{DeactivationReason, TypeMetrics, UnknownTypeMetrics};

use crate::activation::{Activation, Place, activate, deactivate};
use crate::directory::Directory;
use crate::error::{BuildError, ObjectError};
use crate::lifecycle::{Drained, Lifecycle};
use crate::listing::{ListQuery, Listing, ObjectInfo, first_after};
use crate::object::{ErasedObject, Object};
use crate::run_to_end::run_to_end;

/// How many deactivation hooks run beside each other during a shutdown.
const DRAIN_CONCURRENCY: usize = 256;

/// How long a shutdown waits, once its limit is reached, for hooks to notice.
const CUT_OFF_GRACE: Duration = Duration::from_secs(1);

/// The objects of one process under one address. Clones share them.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

/// Registers the types of a node.
pub struct NodeBuilder {
    address: NodeAddress,
    types: Vec<(&'static str, Constructor)>,
}

pub(crate) struct Inner {
    pub(crate) address: NodeAddress,
    pub(crate) lifecycle: Lifecycle,
    types: BTreeMap<TypeName, Arc<RegisteredType>>,
    unknown_type: UnknownTypeMetrics,
}

/// A registered type with all its objects.
pub(crate) struct RegisteredType {
    pub(crate) name: TypeName,
    pub(crate) construct: Constructor,
    pub(crate) metrics: Arc<TypeMetrics>,
    pub(crate) directory: Directory,
}

type Constructor = Box<dyn Fn() -> Box<dyn ErasedObject> + Send + Sync>;

// === impl NodeBuilder ===

impl NodeBuilder {
    /// Registers the type `T`, whose objects begin as their default.
    #[must_use]
    pub fn object<T: Object + Default>(self) -> Self {
        self.object_with(T::default)
    }

    /// Registers the type `T`, whose objects begin as `construct` makes them.
    #[must_use]
    pub fn object_with<T: Object>(
        mut self,
        construct: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.types.push((T::TYPE, Box::new(move || Box::new(construct()))));
        self
    }

    /// Makes the node and resolves its metrics: **a recorder must be installed before**, or the node
    /// stays unseen for ever.
    ///
    /// # Errors
    /// When a type's name is not valid, or two types have the same.
    pub fn build(self) -> Result<Node, BuildError> {
        let mut types = BTreeMap::new();
        for (name, construct) in self.types {
            let name = TypeName::new(name).map_err(BuildError::InvalidTypeName)?;
            let metrics = Arc::new(TypeMetrics::new(self.address.as_str(), name.as_str()));
            let directory = Directory::new();
            let registered = RegisteredType { name: name.clone(), construct, metrics, directory };
            if types.insert(name.clone(), Arc::new(registered)).is_some() {
                return Err(BuildError::DuplicateType(name));
            }
        }
        let unknown_type = UnknownTypeMetrics::new(self.address.as_str());
        let lifecycle = Lifecycle::default();
        let inner = Inner { address: self.address, lifecycle, types, unknown_type };
        Ok(Node { inner: Arc::new(inner) })
    }
}

// === impl Node ===

impl Node {
    /// Begins a node that is known as `address`.
    pub fn builder(address: NodeAddress) -> NodeBuilder {
        NodeBuilder { address, types: Vec::new() }
    }

    /// The address that the node is known by.
    pub fn address(&self) -> &NodeAddress {
        &self.inner.address
    }

    /// The registered types, in order.
    pub fn types(&self) -> impl Iterator<Item = &TypeName> {
        self.inner.types.keys()
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
            self.registered(type_name).inspect_err(|_| self.inner.unknown_type.refused())?;
        let id = ObjectId::new(id).map_err(ObjectError::InvalidId)?;
        let place = Place::reserve(&self.inner, registered, id)?;
        run_to_end(activate(place)).await.unwrap_or(Err(ObjectError::ShuttingDown))
    }

    /// Destroys an object, and waits for its deactivation hook.
    ///
    /// The deactivation goes on when the caller goes away.
    ///
    /// # Errors
    /// When there is no such object, or it is ending already; when the hook fails or panics, in which
    /// case the object is gone all the same.
    pub async fn destroy_object(&self, type_name: &str, id: &str) -> Result<(), ObjectError> {
        let registered = self.registered(type_name)?;
        let id = ObjectId::new(id).map_err(ObjectError::InvalidId)?;
        let Some(activation) = registered.directory.take(id.as_str()) else {
            return Err(ObjectError::NotFound { type_name: registered.name.clone(), id });
        };
        let place = Place::of(&self.inner, registered, id);
        let end = deactivate(place, activation, DeactivationReason::Destroyed);
        run_to_end(end).await.unwrap_or(Err(ObjectError::ShuttingDown))
    }

    /// The object of that type and id, if it is there.
    pub fn find(&self, type_name: &str, id: &str) -> Option<ObjectInfo> {
        let registered = self.inner.types.get(type_name)?;
        let since = registered.directory.find(id)?;
        let id = ObjectId::new(id).ok()?;
        Some(ObjectInfo { type_name: registered.name.clone(), id, age: since.elapsed() })
    }

    /// A page of the objects that are there, ordered by type, then id.
    ///
    /// It looks at every object of the wanted types: with very many, call it off the async workers.
    pub fn list(&self, query: &ListQuery) -> Listing {
        let mut objects = Vec::new();
        for registered in self.inner.types.values().filter(|entry| query.wants(&entry.name)) {
            let room = query.limit.saturating_add(1) - objects.len();
            let after = query.after_id(&registered.name);
            let found = first_after(&registered.directory, after, room).into_iter();
            objects.extend(found.map(|(id, since)| ObjectInfo {
                type_name: registered.name.clone(),
                id,
                age: since.elapsed(),
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
        let count = |registered: &Arc<RegisteredType>| {
            let mut count = 0;
            registered.directory.for_each(|_, _| count += 1);
            count
        };
        self.inner
            .types
            .iter()
            .map(|(name, registered)| (name.clone(), count(registered)))
            .collect()
    }

    /// Takes no more objects, and deactivates those that are there with their hooks.
    ///
    /// At the limit, hooks that still run are dropped at their next await, and those that wait for their
    /// turn (256 run beside each other) do not begin. Calling it again, or twice at once, is harmless:
    /// each call returns when all objects are gone, and tells of all of them.
    pub async fn shutdown(&self, limit: Duration) -> Drained {
        self.inner.lifecycle.close();
        let mut drain = std::pin::pin!(self.drain());
        let drained = tokio::select! {
            () = &mut drain => true,
            () = tokio::time::sleep(limit) => false,
            () = self.inner.lifecycle.killed() => false,
        };
        if !drained {
            self.inner.lifecycle.kill();
            let _ = tokio::time::timeout(CUT_OFF_GRACE, &mut drain).await;
        }
        let places = self.inner.types.values().map(|registered| registered.directory.len());
        self.inner.lifecycle.drained(places.sum::<usize>() as u64)
    }

    /// Brings a shutdown that is under way to its limit now.
    pub fn cut_off(&self) {
        self.inner.lifecycle.close();
        self.inner.lifecycle.kill();
    }

    /// Deactivates objects until none is there; also those whose activation was under way.
    async fn drain(&self) {
        loop {
            // Made before the directories are looked at: no change after that is missed.
            let changed = self.inner.lifecycle.next_change();
            let mut ends = futures_util::stream::iter(self.take_all())
                .map(|(place, activation)| {
                    tokio::spawn(deactivate(place, activation, DeactivationReason::Shutdown))
                })
                .buffer_unordered(DRAIN_CONCURRENCY);
            while ends.next().await.is_some() {}
            if self.inner.types.values().all(|registered| registered.directory.len() == 0) {
                return;
            }
            changed.await;
        }
    }

    /// Takes the objects of all types out of their directories, a shard at a time, as they are asked for.
    ///
    /// Each comes with its place from the moment it is out, so that a drain may be dropped anywhere.
    fn take_all(&self) -> impl Iterator<Item = (Place, Box<Activation>)> + '_ {
        self.inner.types.values().flat_map(move |registered| {
            registered.directory.take_all().flat_map(move |objects| {
                let placed =
                    |(id, activation)| (Place::of(&self.inner, registered, id), activation);
                objects.into_iter().map(placed).collect::<Vec<_>>()
            })
        })
    }

    fn registered(&self, type_name: &str) -> Result<&Arc<RegisteredType>, ObjectError> {
        self.inner.types.get(type_name).ok_or_else(|| {
            let names: Vec<&str> = self.types().map(TypeName::as_str).collect();
            ObjectError::UnknownType {
                name: type_name.chars().take(64).collect(),
                registered: if names.is_empty() { "none".to_owned() } else { names.join(", ") },
            }
        })
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("address", &self.inner.address).finish_non_exhaustive()
    }
}
