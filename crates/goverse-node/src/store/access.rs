//! The node's way to its store.

use std::sync::Arc;

use goverse_core::CallId;

use super::{
    CallRecord, FenceKey, Load, Loaded, ObjectKey, Outgoing, OutgoingKey, Save, Settlement,
    StateStore, StoreError, Tenure,
};

/// The store of a node, as its objects use it.
pub(crate) struct StoreAccess {
    store: Arc<dyn StateStore>,
}

// === impl StoreAccess ===

impl StoreAccess {
    pub(crate) fn new(store: Arc<dyn StateStore>, node: &str) -> Self {
        let _ = node;
        Self { store }
    }

    /// Begins a tenure of a node that is alone.
    pub(crate) async fn begin_tenure(
        &self,
        key: &FenceKey,
        now: u64,
    ) -> Result<Tenure, StoreError> {
        self.store.begin_tenure(key, now).await
    }

    /// Reads the record of a call that took effect.
    pub(crate) async fn call_record(
        &self,
        object: &ObjectKey,
        call_id: &CallId,
    ) -> Result<Option<CallRecord>, StoreError> {
        self.store.call_record(object, call_id).await
    }

    /// Reads calls that were committed and not settled.
    pub(crate) async fn outgoing(
        &self,
        after: Option<OutgoingKey>,
        limit: u32,
    ) -> Result<Vec<Outgoing>, StoreError> {
        self.store.outgoing(after, limit).await
    }

    /// Writes down what became of outgoing calls.
    pub(crate) async fn settle(&self, settlements: Vec<Settlement>) -> Result<(), StoreError> {
        self.store.settle(settlements).await
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
