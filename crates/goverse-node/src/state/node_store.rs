//! The store of a node: in whose name it is used, and how long it may take.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use goverse_core::{CallId, ErrorCode, Ran};
use tokio::sync::OnceCell;

use crate::call_error::SystemError;
use crate::node::Inner;
use crate::state::delivery::Delivery;
use crate::store::{
    CallRecord, Conflict, FenceKey, Load, Loaded, ObjectKey, Outgoing, OutgoingKey, Save,
    StateStore, StoreAccess, StoreError, Tenure, Version,
};

/// How many outgoing calls of one object are read at once.
const OUTGOING_PAGE: u32 = 100;

/// What the objects of a node have of its store.
pub(crate) struct NodeStore {
    pub(super) access: StoreAccess,
    pub(super) delivery: Delivery,
    /// That of a node which is alone.
    tenure: OnceCell<Tenure>,
    /// How long the store may take for one answer.
    timeout: Duration,
}

// === impl NodeStore ===

impl NodeStore {
    pub(crate) fn new(store: Arc<dyn StateStore>, node: &str, timeout: Duration) -> Self {
        let access = StoreAccess::new(node, store);
        Self { access, delivery: Delivery::new(node), tenure: OnceCell::new(), timeout }
    }

    /// Delivers what was committed before, if that has not begun.
    pub(crate) fn begin_delivery(&self, node: &Weak<Inner>) {
        self.delivery.begin(node);
    }

    /// The tenure of this node, which begins at the first use of the store.
    pub(crate) async fn tenure(&self) -> Result<Tenure, StoreError> {
        let begin = || async {
            let key = FenceKey::ALONE;
            let begun = self.access.begin_tenure(&key, unix_ms());
            self.in_time(begun, StoreError::Unavailable).await
        };
        self.tenure.get_or_try_init(begin).await.cloned()
    }

    pub(super) async fn load(
        &self,
        object: ObjectKey,
        raise_to: Option<Version>,
    ) -> Result<(Tenure, Loaded), StoreError> {
        let tenure = self.tenure().await?;
        let load = Load { object, tenure: tenure.clone(), raise_to, now: unix_ms() };
        let loaded = self.in_time(self.access.load(load), StoreError::Unavailable).await?;
        Ok((tenure, loaded))
    }

    pub(super) async fn save(&self, save: Save) -> Result<(), StoreError> {
        self.in_time(self.access.save(save), StoreError::Unknown).await
    }

    pub(super) async fn call_record(
        &self,
        object: &ObjectKey,
        call_id: &CallId,
    ) -> Result<Option<CallRecord>, StoreError> {
        self.in_time(self.access.call_record(object, call_id), StoreError::Unavailable).await
    }

    /// Whether the store answers.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.in_time(self.access.check(), StoreError::Unavailable).await
    }

    /// The calls of an object that its saves from `version` on have stored, and that are not settled.
    pub(super) async fn outgoing_since(
        &self,
        from: &ObjectKey,
        version: Version,
    ) -> Result<Vec<Outgoing>, StoreError> {
        let before = Version(version.0.saturating_sub(1));
        let mut after = OutgoingKey { from: from.clone(), version: before, index: u32::MAX };
        let mut calls: Vec<Outgoing> = Vec::new();
        loop {
            let page = self.access.outgoing(Some(after), OUTGOING_PAGE);
            let page = self.in_time(page, StoreError::Unavailable).await?;
            let len = page.len();
            calls.extend(page.into_iter().take_while(|call| call.key.from == *from));
            match calls.last() {
                Some(last) if len == OUTGOING_PAGE as usize => after = last.key.clone(),
                _ => return Ok(calls),
            }
        }
    }

    pub(super) async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, StoreError>>,
        late: fn(String) -> StoreError,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.timeout, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(late(format!("it did not answer within {:?}", self.timeout))),
        }
    }
}

/// The store's error, as the caller is told: `what` it concerns, and whether the method ran.
pub(super) fn told(error: &StoreError, ran: Ran, what: &str) -> SystemError {
    let code = match error {
        StoreError::Conflict(_) => ErrorCode::StoreConflict,
        StoreError::Unknown(_) if ran != Ran::No => ErrorCode::OutcomeUnknown,
        StoreError::Unavailable(_) | StoreError::Unknown(_) => ErrorCode::StoreUnavailable,
        StoreError::Refused(_) => ErrorCode::StoreUnavailable,
        StoreError::Corrupt(_) => ErrorCode::StateUnreadable,
    };
    let ran = if code == ErrorCode::OutcomeUnknown { Ran::Maybe } else { ran };
    let hint = match error {
        StoreError::Conflict(Conflict::Fence { .. }) => "; another node has taken over its objects",
        _ => "",
    };
    SystemError::new(code, ran, format!("{what}: {error}{hint}"))
}

/// The time of day, as stores are told it: ms since 1970.
pub(super) fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}
