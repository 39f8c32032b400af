//! A batch, column by column, as the statement takes it.

use std::collections::BTreeMap;

use goverse_node::{CallRecord, Change, Outgoing, Save};
use tokio_postgres::types::ToSql;

use crate::text::stored;

/// Each a column of its own, in the order of the statement's parameters.
#[derive(Default)]
pub(super) struct Columns<'a> {
    tenures: Tenures<'a>,
    states: States<'a>,
    calls: Calls<'a>,
    outgoing: Messages<'a>,
}

/// Each tenure once, in one order for all batches.
#[derive(Default)]
struct Tenures<'a> {
    keys: Vec<&'a str>,
    since: Vec<i64>,
}

#[derive(Default)]
struct States<'a> {
    standing: Vec<i64>,
    type_names: Vec<&'a str>,
    ids: Vec<&'a str>,
    expected: Vec<i64>,
    versions: Vec<i64>,
    tenures: Vec<i64>,
    saved: Vec<i64>,
    gone: Vec<Option<i64>>,
    schemas: Vec<Option<i64>>,
    encodings: Vec<Option<&'a str>>,
    states: Vec<Option<&'a [u8]>>,
}

#[derive(Default)]
struct Calls<'a> {
    places: Vec<i64>,
    type_names: Vec<&'a str>,
    ids: Vec<&'a str>,
    call_ids: Vec<&'a str>,
    digests: Vec<&'a [u8]>,
    failed: Vec<bool>,
    encodings: Vec<&'a str>,
    kept_until: Vec<i64>,
    answers: Vec<&'a [u8]>,
}

#[derive(Default)]
struct Messages<'a> {
    places: Vec<i64>,
    type_names: Vec<&'a str>,
    ids: Vec<&'a str>,
    versions: Vec<i64>,
    indices: Vec<i64>,
    to_types: Vec<&'a str>,
    to_ids: Vec<&'a str>,
    methods: Vec<&'a str>,
    encodings: Vec<&'a str>,
    call_ids: Vec<&'a str>,
    committed: Vec<i64>,
    attempts: Vec<i64>,
    not_before: Vec<i64>,
    arguments: Vec<&'a [u8]>,
}

// === impl Columns ===

impl<'a> Columns<'a> {
    pub(super) fn of(saves: impl Iterator<Item = &'a Save> + Clone) -> Self {
        let mut columns = Self::default();
        let tenure = |save: &'a Save| (save.tenure.key.as_str(), stored(save.tenure.since));
        let mut places: BTreeMap<(&str, i64), i64> =
            saves.clone().map(|save| (tenure(save), 0)).collect();
        for (place, ((key, since), at)) in (1..).zip(&mut places) {
            *at = place;
            columns.tenures.keys.push(key);
            columns.tenures.since.push(*since);
        }
        for (place, save) in (1..).zip(saves) {
            columns.states.push(save, places[&tenure(save)]);
            save.calls.iter().for_each(|call| columns.calls.push(place, save, call));
            save.outgoing.iter().for_each(|call| columns.outgoing.push(place, call));
        }
        columns
    }

    /// The values of the statement's parameters.
    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 36] {
        let Self { tenures, states, calls, outgoing } = self;
        [
            &tenures.keys,
            &tenures.since,
            &states.standing,
            &states.type_names,
            &states.ids,
            &states.expected,
            &states.versions,
            &states.tenures,
            &states.saved,
            &states.gone,
            &states.schemas,
            &states.encodings,
            &states.states,
            &calls.places,
            &calls.type_names,
            &calls.ids,
            &calls.call_ids,
            &calls.digests,
            &calls.failed,
            &calls.encodings,
            &calls.kept_until,
            &calls.answers,
            &outgoing.places,
            &outgoing.type_names,
            &outgoing.ids,
            &outgoing.versions,
            &outgoing.indices,
            &outgoing.to_types,
            &outgoing.to_ids,
            &outgoing.methods,
            &outgoing.encodings,
            &outgoing.call_ids,
            &outgoing.committed,
            &outgoing.attempts,
            &outgoing.not_before,
            &outgoing.arguments,
        ]
    }
}

// === impl States ===

impl<'a> States<'a> {
    fn push(&mut self, save: &'a Save, standing: i64) {
        let state = match &save.change {
            Change::Put(state) => Some(state),
            Change::Delete => None,
        };
        let saved = stored(save.now);
        self.standing.push(standing);
        self.type_names.push(save.object.type_name.as_str());
        self.ids.push(save.object.id.as_str());
        self.expected.push(stored(save.expected.0));
        self.versions.push(stored(save.next.0));
        self.tenures.push(stored(save.tenure.since));
        self.saved.push(saved);
        self.gone.push(state.is_none().then_some(saved));
        self.schemas.push(state.map(|state| i64::from(state.schema)));
        self.encodings.push(state.map(|state| state.encoding.as_str()));
        self.states.push(state.map(|state| state.bytes.as_slice()));
    }
}

// === impl Calls ===

impl<'a> Calls<'a> {
    fn push(&mut self, place: i64, save: &'a Save, call: &'a CallRecord) {
        self.places.push(place);
        self.type_names.push(save.object.type_name.as_str());
        self.ids.push(save.object.id.as_str());
        self.call_ids.push(call.call_id.as_str());
        self.digests.push(&call.digest);
        self.failed.push(call.failed);
        self.encodings.push(call.encoding.as_str());
        self.kept_until.push(stored(call.kept_until));
        self.answers.push(&call.answer);
    }
}

// === impl Messages ===

impl<'a> Messages<'a> {
    fn push(&mut self, place: i64, call: &'a Outgoing) {
        self.places.push(place);
        self.type_names.push(call.key.from.type_name.as_str());
        self.ids.push(call.key.from.id.as_str());
        self.versions.push(stored(call.key.version.0));
        self.indices.push(i64::from(call.key.index));
        self.to_types.push(call.to.type_name.as_str());
        self.to_ids.push(call.to.id.as_str());
        self.methods.push(&call.method);
        self.encodings.push(call.encoding.as_str());
        self.call_ids.push(call.call_id.as_str());
        self.committed.push(stored(call.committed));
        self.attempts.push(i64::from(call.attempts));
        self.not_before.push(stored(call.not_before));
        self.arguments.push(&call.arguments);
    }
}
