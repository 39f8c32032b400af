//! What a node is made of: its types, their settings, its store and its router.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use goverse_core::{NodeAddress, TypeName, check_method_name};

use super::{Inner, Node, NodeState};
use crate::error::BuildError;
use crate::object::Object;
use crate::object_type::{AnyObjectType, Constructor, ObjectType};
use crate::router::Router;
use crate::settings::{NodeSettings, TypeSettings};
use crate::store::StateStore;

/// Registers the types of a node.
pub struct NodeBuilder {
    address: NodeAddress,
    settings: NodeSettings,
    type_settings: TypeSettings,
    settings_by_type: BTreeMap<String, TypeSettings>,
    router: Option<Arc<dyn Router>>,
    store: Option<Arc<dyn StateStore>>,
    types: Vec<Registration>,
}

/// A type that is to be registered.
struct Registration {
    name: &'static str,
    method_names: Vec<&'static str>,
    rust_type: TypeId,
    is_persistent: bool,
    make: MakeType,
}

type MakeType = Box<
    dyn FnOnce(TypeName, TypeSettings, Arc<NodeState>, Weak<Inner>) -> Arc<dyn AnyObjectType>
        + Send,
>;

// === impl NodeBuilder ===

impl NodeBuilder {
    pub(super) fn new(address: NodeAddress) -> Self {
        Self {
            address,
            settings: NodeSettings::default(),
            type_settings: TypeSettings::default(),
            settings_by_type: BTreeMap::new(),
            router: None,
            store: None,
            types: Vec::new(),
        }
    }

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
        let construct: Constructor<T> = Box::new(construct);
        self.types.push(Registration {
            name: T::TYPE,
            method_names: T::METHODS.iter().map(|method| method.name).collect(),
            rust_type: TypeId::of::<T>(),
            is_persistent: T::PERSISTENCE.is_some(),
            make: Box::new(|name, settings, state, node| {
                Arc::new_cyclic(|this| {
                    ObjectType::new(name, settings, construct, state, node, Weak::clone(this))
                })
            }),
        });
        self
    }

    /// Sets how the node treats calls.
    #[must_use]
    pub fn settings(mut self, settings: NodeSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets how objects are run whose type has no settings of its own.
    #[must_use]
    pub fn type_settings(mut self, settings: TypeSettings) -> Self {
        self.type_settings = settings;
        self
    }

    /// Sets how the objects of one type are run, by the type's name.
    #[must_use]
    pub fn settings_of(mut self, type_name: &str, settings: TypeSettings) -> Self {
        self.settings_by_type.insert(type_name.to_owned(), settings);
        self
    }

    /// Sets what brings calls to other nodes.
    #[must_use]
    pub fn router(mut self, router: Arc<dyn Router>) -> Self {
        self.router = Some(router);
        self
    }

    /// Sets where persistent objects keep their state.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn StateStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Whether a registered type is persistent.
    pub fn needs_store(&self) -> bool {
        self.types.iter().any(|registration| registration.is_persistent)
    }

    /// Makes the node and resolves its metrics: **a recorder must be installed before**, or the node
    /// stays unseen for ever.
    ///
    /// # Errors
    /// When the name of a type or method is not valid, two types or two methods of one type have the same, settings
    /// name a type that is not registered, or a type is persistent and there is no store.
    pub fn build(self) -> Result<Node, BuildError> {
        let Self { address, settings, type_settings, mut settings_by_type, router, store, types } =
            self;
        let mut names = BTreeMap::new();
        for registration in types {
            let name = TypeName::new(registration.name).map_err(BuildError::InvalidTypeName)?;
            registration.check_methods(&name)?;
            if registration.is_persistent && store.is_none() {
                return Err(BuildError::NoStore(name));
            }
            let settings = settings_by_type.remove(name.as_str()).unwrap_or(type_settings);
            if names.insert(name.clone(), (registration, settings)).is_some() {
                return Err(BuildError::DuplicateType(name));
            }
        }
        if let Some((name, _)) = settings_by_type.pop_first() {
            let registered = names.keys().map(TypeName::to_string).collect::<Vec<_>>().join(", ");
            return Err(BuildError::SettingsOfUnknownType { name, registered });
        }
        let state = Arc::new(NodeState::new(address, settings, router, store));
        let inner = Arc::new_cyclic(|node: &Weak<Inner>| {
            let mut types = BTreeMap::new();
            let mut by_rust_type = Vec::new();
            for (name, (registration, settings)) in names {
                let Registration { rust_type, make, .. } = registration;
                let made = make(name.clone(), settings, Arc::clone(&state), Weak::clone(node));
                by_rust_type.push((rust_type, Arc::clone(&made).register()));
                types.insert(name, made);
            }
            by_rust_type.sort_by_key(|(rust_type, _)| *rust_type);
            Inner { state, types, by_rust_type: by_rust_type.into() }
        });
        Ok(Node { inner })
    }
}

// === impl Registration ===

impl Registration {
    fn check_methods(&self, type_name: &TypeName) -> Result<(), BuildError> {
        let type_name = || type_name.clone();
        for (index, name) in self.method_names.iter().enumerate() {
            check_method_name(name)
                .map_err(|error| BuildError::InvalidMethodName { type_name: type_name(), error })?;
            if self.method_names[..index].contains(name) {
                return Err(BuildError::DuplicateMethod { type_name: type_name(), method: name });
            }
        }
        Ok(())
    }
}
