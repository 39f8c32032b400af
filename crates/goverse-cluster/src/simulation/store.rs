//! A store as the protocol wants one: rows with versions, and a fence for each shard.
//!
//! Chapter *Store* of the protocol.

use std::collections::BTreeMap;

use goverse_core::ShardId;

use crate::mutant::Rules;
use crate::tenure::Epoch;

use super::objects::Object;

/// All rows and fences.
pub(super) struct Store {
    rows: BTreeMap<Object, Row>,
    fences: BTreeMap<ShardId, Epoch>,
    rules: Rules,
}

/// What is stored of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) version: u64,
    pub(super) since: Epoch,
    /// How many changes it has seen.
    pub(super) value: u64,
}

/// What a save names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Save {
    pub(super) object: Object,
    pub(super) since: Epoch,
    pub(super) expected: u64,
    pub(super) value: u64,
}

// === impl Store ===

impl Store {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rows: BTreeMap::new(), fences: BTreeMap::new(), rules }
    }

    pub(super) fn row(&self, object: Object) -> Row {
        self.rows.get(&object).copied().unwrap_or_default()
    }

    pub(super) fn fence(&self, shard: ShardId) -> Epoch {
        self.fences.get(&shard).copied().unwrap_or_default()
    }

    /// Raises the fence, then reads; refused if the fence stands higher. After a save of unknown outcome the version is
    /// raised, so that the save cannot land any more.
    pub(super) fn load(
        &mut self,
        object: Object,
        since: Epoch,
        is_after_unknown: bool,
    ) -> Option<Row> {
        let fence = self.fences.entry(object.shard).or_default();
        if *fence > since && !left_out!(self.rules, StoreWithoutFence) {
            return None;
        }
        *fence = since.max(*fence);
        let row = self.rows.entry(object).or_default();
        if is_after_unknown && !left_out!(self.rules, ReloadWithoutVersionBump) {
            row.version += 1;
        }
        Some(*row)
    }

    /// Saves; `None` if it is refused.
    pub(super) fn save(&mut self, save: Save) -> Option<Row> {
        let fence = self.fence(save.object.shard);
        let row = self.rows.entry(save.object).or_default();
        let is_fenced = save.since < fence || save.since < row.since;
        if row.version != save.expected || (is_fenced && !left_out!(self.rules, StoreWithoutFence))
        {
            return None;
        }
        *row = Row { version: save.expected + 1, since: save.since, value: save.value };
        Some(*row)
    }
}
