//! What the store in memory holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use goverse_core::{ObjectId, TypeName};
use goverse_node::{
    CallId, CallRecord, Change, DeadLetter, FenceKey, Listed, Load, Loaded, ObjectKey, Outgoing,
    OutgoingKey, Save, Settlement, StoreError, StoredState, Tenure, Version,
};

use crate::guard::{Standing, not_fenced};
use crate::limits;

/// Everything, in the order in which it is listed.
#[derive(Debug, Default)]
pub(super) struct Tables {
    fences: HashMap<FenceKey, u64>,
    objects: BTreeMap<ObjectKey, Row>,
    calls: BTreeMap<ObjectKey, BTreeMap<CallId, CallRecord>>,
    outgoing: BTreeMap<OutgoingKey, Outgoing>,
    dead: BTreeMap<OutgoingKey, DeadLetter>,
}

/// An object, or what is left of it.
#[derive(Clone, Debug)]
struct Row {
    version: Version,
    tenure: u64,
    saved: u64,
    state: Option<StoredState>,
}

// === impl Tables ===

impl Tables {
    pub(super) fn begin_tenure(&mut self, key: &FenceKey, now: u64) -> Tenure {
        let since = now.max(self.fence(key) + 1);
        self.fences.insert(key.clone(), since);
        Tenure { key: key.clone(), since }
    }

    fn fence(&self, key: &FenceKey) -> u64 {
        self.fences.get(key).copied().unwrap_or(0)
    }

    pub(super) fn load(&mut self, load: Load) -> Result<Loaded, StoreError> {
        let Tenure { key, since } = &load.tenure;
        not_fenced(&load.tenure, self.fence(key))?;
        self.fences.insert(key.clone(), *since);
        if let Some(version) = load.raise_to {
            self.raise(&load.object, version, *since, load.now);
        }
        let has_call_records = self.calls.contains_key(&load.object);
        let row = self.objects.get(&load.object);
        Ok(Loaded {
            version: row.map(|row| row.version).unwrap_or_default(),
            state: row.and_then(|row| row.state.clone()),
            has_call_records,
        })
    }

    fn raise(&mut self, object: &ObjectKey, version: Version, since: u64, now: u64) {
        let placeholder = Row { version, tenure: since, saved: now, state: None };
        let row = self.objects.entry(object.clone()).or_insert(placeholder);
        if row.version < version {
            row.version = version;
            row.tenure = row.tenure.max(since);
        }
        if row.state.is_none() {
            row.saved = row.saved.max(now);
        }
    }

    pub(super) fn save(&mut self, save: Save) -> Result<(), StoreError> {
        let row = self.objects.get(&save.object);
        let standing = Standing {
            fence: self.fence(&save.tenure.key),
            version: row.map(|row| row.version).unwrap_or_default(),
            tenure: row.map(|row| row.tenure).unwrap_or_default(),
        };
        standing.admits(&save)?;
        self.check_outgoing(&save.outgoing)?;
        let state = match save.change {
            Change::Put(state) => Some(state),
            Change::Delete => None,
        };
        let row = Row { version: save.next, tenure: save.tenure.since, saved: save.now, state };
        self.objects.insert(save.object.clone(), row);
        if !save.calls.is_empty() {
            let records = self.calls.entry(save.object).or_default();
            records.extend(save.calls.into_iter().map(|call| (call.call_id.clone(), call)));
        }
        self.outgoing.extend(save.outgoing.into_iter().map(|call| (call.key.clone(), call)));
        Ok(())
    }

    /// Refuses a key that is there already.
    fn check_outgoing(&self, outgoing: &[Outgoing]) -> Result<(), StoreError> {
        let mut seen = BTreeSet::new();
        let is_new = |key| !self.outgoing.contains_key(key) && !self.dead.contains_key(key);
        match outgoing.iter().find(|call| !is_new(&call.key) || !seen.insert(&call.key)) {
            Some(call) => {
                Err(StoreError::Refused(format!("two calls with the key {:?}", call.key)))
            }
            None => Ok(()),
        }
    }

    pub(super) fn call_record(&self, object: &ObjectKey, call_id: &CallId) -> Option<CallRecord> {
        self.calls.get(object)?.get(call_id).cloned()
    }

    pub(super) fn sweep(&mut self, now: u64, deleted_before: u64, limit: u32) -> u64 {
        let mut left = limit;
        for records in self.calls.values_mut() {
            records.retain(|_, record| !take(&mut left, record.kept_until < now));
        }
        self.calls.retain(|_, records| !records.is_empty());
        let calls = self.outgoing.keys().chain(self.dead.keys());
        let callers: BTreeSet<&ObjectKey> = calls.map(|key| &key.from).collect();
        self.objects.retain(|object, row| {
            let is_gone = row.state.is_none() && row.saved < deleted_before;
            !take(&mut left, is_gone && !callers.contains(object))
        });
        u64::from(limit - left)
    }

    pub(super) fn outgoing(&self, after: Option<OutgoingKey>, limit: u32) -> Vec<Outgoing> {
        let calls = self.outgoing.range((later_than(after), Bound::Unbounded));
        calls.take(limit as usize).map(|(_, call)| call.clone()).collect()
    }

    pub(super) fn settle(&mut self, settlement: Settlement) {
        match settlement {
            Settlement::Delivered(key) => {
                self.outgoing.remove(&key);
            }
            Settlement::Again { key, attempts, not_before } => {
                if let Some(call) = self.outgoing.get_mut(&key) {
                    (call.attempts, call.not_before) = (attempts, not_before);
                }
            }
            Settlement::Dead { key, at, reason } => {
                if let Some(call) = self.outgoing.remove(&key) {
                    let reason = limits::reason(&reason);
                    self.dead.insert(key, DeadLetter { call, at, reason });
                }
            }
        }
    }

    pub(super) fn dead_letters(&self, after: Option<OutgoingKey>, limit: u32) -> Vec<DeadLetter> {
        let letters = self.dead.range((later_than(after), Bound::Unbounded));
        letters.take(limit as usize).map(|(_, letter)| letter.clone()).collect()
    }

    pub(super) fn resolve_dead_letter(&mut self, key: &OutgoingKey, retry: bool) -> bool {
        let Some(letter) = self.dead.remove(key) else { return false };
        if retry {
            let call = Outgoing { attempts: 0, not_before: 0, ..letter.call };
            self.outgoing.insert(key.clone(), call);
        }
        true
    }

    pub(super) fn read(&self, object: &ObjectKey) -> Option<(Version, StoredState)> {
        let row = self.objects.get(object)?;
        Some((row.version, row.state.clone()?))
    }

    pub(super) fn list(
        &self,
        type_name: Option<&TypeName>,
        after: Option<(TypeName, ObjectId)>,
        limit: u32,
    ) -> Vec<Listed> {
        let after = after.map(|(type_name, id)| ObjectKey { type_name, id });
        let rows = self.objects.range((later_than(after), Bound::Unbounded));
        let rows = rows.filter(|(object, _)| type_name.is_none_or(|it| *it == object.type_name));
        rows.filter_map(|(object, row)| row.listed(object)).take(limit as usize).collect()
    }
}

/// Whether `is_meant` and there is one left to take.
fn take(left: &mut u32, is_meant: bool) -> bool {
    let taken = is_meant && *left > 0;
    *left -= u32::from(taken);
    taken
}

fn later_than<T>(after: Option<T>) -> Bound<T> {
    after.map_or(Bound::Unbounded, Bound::Excluded)
}

// === impl Row ===

impl Row {
    fn listed(&self, object: &ObjectKey) -> Option<Listed> {
        let state = self.state.as_ref()?;
        Some(Listed {
            object: object.clone(),
            version: self.version,
            schema: state.schema,
            len: state.bytes.len() as u64,
            saved: self.saved,
        })
    }
}
