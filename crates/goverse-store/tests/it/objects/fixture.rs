//! The objects of these tests, and nodes that have them.

use std::sync::Arc;
use std::time::Duration;

use goverse_node::{Ctx, HookError, Node, NodeSettings, StateStore, StoredState, object};
use serde::{Deserialize, Serialize};

/// An account: what it has, and how often it was told to change that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) balance: i64,
    pub(super) entries: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Short {
    pub(super) has: i64,
}

#[object(crate = "goverse_node", persist)]
impl Account {
    pub(super) fn add(&mut self, by: i64) -> i64 {
        self.balance += by;
        self.entries.push(format!("add {by}"));
        self.balance
    }

    pub(super) fn balance(&self) -> i64 {
        self.balance
    }

    pub(super) fn entries(&self) -> Vec<String> {
        self.entries.clone()
    }

    /// Takes what is there, and keeps the entry also if that is too little.
    pub(super) fn take(&mut self, n: i64) -> Result<i64, Short> {
        self.entries.push(format!("take {n}"));
        if n > self.balance {
            return Err(Short { has: self.balance });
        }
        self.balance -= n;
        Ok(self.balance)
    }

    pub(super) fn take_or_nothing(&mut self, cx: &Ctx, n: i64) -> Result<i64, Short> {
        self.balance -= n;
        if self.balance < 0 {
            return Err(cx.rollback(Short { has: self.balance + n }));
        }
        Ok(self.balance)
    }

    pub(super) fn pay(&mut self, cx: &Ctx, to: String, n: i64) -> Result<i64, Short> {
        if n > self.balance {
            return Err(Short { has: self.balance });
        }
        self.balance -= n;
        cx.object::<Account>(to).add(n).after_commit(cx);
        Ok(self.balance)
    }

    pub(super) fn panics(&mut self) {
        self.balance = -1;
        panic!("as it was told");
    }

    pub(super) fn close(&mut self, cx: &Ctx) {
        cx.delete();
    }

    pub(super) fn close_shared(&self, cx: &Ctx) {
        cx.delete();
    }

    pub(super) fn pay_shared(&self, cx: &Ctx, to: String) {
        cx.object::<Account>(to).add(1).after_commit(cx);
    }

    /// Saves in its middle, and then does what it is told.
    pub(super) async fn add_twice(
        &mut self,
        cx: &Ctx,
        by: i64,
        then_panic: bool,
    ) -> Result<(), String> {
        self.balance += by;
        cx.save(self).await.map_err(|error| error.to_string())?;
        self.balance += by;
        assert!(!then_panic, "as it was told");
        Ok(())
    }
}

/// As an account, saved a while after each change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Meter(pub(super) i64);

#[object(crate = "goverse_node", persist, write = "interval(50ms)")]
impl Meter {
    pub(super) fn add(&mut self, by: i64) -> i64 {
        self.0 += by;
        self.0
    }

    pub(super) fn panics(&mut self) {
        panic!("as it was told");
    }

    pub(super) fn add_and_tell(&mut self, cx: &Ctx, to: String) {
        self.0 += 1;
        cx.object::<Account>(to).add(1).after_commit(cx);
    }
}

/// As an account, saved when it goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Draft(pub(super) String);

#[object(crate = "goverse_node", persist, write = "on_deactivate")]
impl Draft {
    pub(super) fn write(&mut self, more: String) -> String {
        self.0 += &more;
        self.0.clone()
    }

    pub(super) fn read(&self) -> String {
        self.0.clone()
    }

    async fn on_deactivate(
        &mut self,
        _cx: &Ctx,
        _reason: goverse_node::DeactivationReason,
    ) -> Result<(), HookError> {
        if !self.0.is_empty() {
            self.0.push('.');
        }
        Ok(())
    }
}

/// A type that has been stored in an older form.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Profile {
    pub(super) first: String,
    pub(super) last: String,
}

#[object(crate = "goverse_node", persist, schema = 2, upgrade = Self::upgrade)]
impl Profile {
    pub(super) fn names(&self) -> Vec<String> {
        vec![self.first.clone(), self.last.clone()]
    }

    fn upgrade(state: &StoredState) -> Result<Self, HookError> {
        let whole: String = state.decode()?;
        let (first, last) = whole.split_once(' ').ok_or("a name has two parts")?;
        Ok(Self { first: first.to_owned(), last: last.to_owned() })
    }
}

/// Keeps nothing.
#[derive(Default)]
pub(super) struct Tally(i64);

#[object(crate = "goverse_node")]
impl Tally {
    pub(super) fn add(&mut self, by: i64) -> i64 {
        self.0 += by;
        self.0
    }

    pub(super) fn pay(&mut self, cx: &Ctx, to: String) {
        self.0 += 1;
        cx.object::<Account>(to).add(1).after_commit(cx);
    }

    pub(super) async fn save(&mut self, cx: &Ctx) -> Result<(), String> {
        cx.save(self).await.map_err(|error| error.to_string())
    }
}

pub(super) fn node(store: Arc<dyn StateStore>) -> Node {
    node_with(store, NodeSettings::default())
}

pub(super) fn node_with(store: Arc<dyn StateStore>, settings: NodeSettings) -> Node {
    let node = Node::builder("localhost:47000".parse().unwrap()).settings(settings).store(store);
    node.object::<Account>()
        .object::<Meter>()
        .object::<Draft>()
        .object::<Profile>()
        .object::<Tally>()
        .build()
        .unwrap()
}

/// Waits until `found` finds something.
#[track_caller]
pub(super) fn eventually<T, F: Future<Output = Option<T>>>(
    mut found: impl FnMut() -> F,
) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        let end = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(found) = found().await {
                return found;
            }
            assert!(std::time::Instant::now() < end, "it did not come to be: {place}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
