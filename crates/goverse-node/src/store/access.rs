//! The node's way to its store.

use std::sync::Arc;

use super::{Load, Loaded, Save, StateStore, StoreError};

/// The store of a node, as its objects use it.
pub(crate) struct StoreAccess {
    store: Arc<dyn StateStore>,
}

// === impl StoreAccess ===

impl StoreAccess {
    pub(crate) fn new(store: Arc<dyn StateStore>) -> Self {
        Self { store }
    }

    /// Reads an object for an activation.
    pub(crate) async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        self.store.load(load).await
    }

    /// Saves one object, in one transaction with others that are saved at the same time.
    pub(crate) async fn save(&self, save: Save) -> Result<(), StoreError> {
        let answers = self.store.save(vec![save]).await?;
        let lost = || StoreError::Unknown("the store gave no answer to a save".to_owned());
        answers.into_iter().next().unwrap_or_else(|| Err(lost()))
    }
}
