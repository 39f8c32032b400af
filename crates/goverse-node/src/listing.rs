//! Listing of objects, in order and in pages.

use std::collections::BinaryHeap;
use std::time::Duration;

use goverse_core::{ObjectId, TypeName};

use crate::object_type::AnyObjectType;

/// Which objects to list.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Only objects of this type.
    pub type_name: Option<String>,
    /// Only objects that come after this (type, id) in the order of the listing.
    pub after: Option<(String, String)>,
    /// How many at most.
    pub limit: usize,
}

/// One page of objects, ordered by type, then id.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The objects of this page.
    pub objects: Vec<ObjectInfo>,
    /// Whether more objects come after these.
    pub more: bool,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The object's type.
    pub type_name: TypeName,
    /// The object's id.
    pub id: ObjectId,
    /// How long it has been there.
    pub age: Duration,
}

// === impl ListQuery ===

impl Default for ListQuery {
    fn default() -> Self {
        Self { type_name: None, after: None, limit: 1_000 }
    }
}

impl ListQuery {
    /// Whether objects of `type_name` can be in the listing at all.
    pub(crate) fn wants(&self, type_name: &TypeName) -> bool {
        let after =
            self.after.as_ref().is_none_or(|(after, _)| type_name.as_str() >= after.as_str());
        after && self.type_name.as_ref().is_none_or(|wanted| wanted == type_name.as_str())
    }

    /// The id that objects of `type_name` must come after.
    pub(crate) fn after_id(&self, type_name: &TypeName) -> Option<&str> {
        let (after_type, after_id) = self.after.as_ref()?;
        (after_type == type_name.as_str()).then_some(after_id.as_str())
    }
}

/// The first `limit` objects of a type that come after an id, in order, with when they came to be.
///
/// Holds no more than `limit` ids, and one shard's lock at a time.
pub(crate) fn first_after(
    object_type: &dyn AnyObjectType,
    after: Option<&str>,
    limit: usize,
) -> Vec<(ObjectId, u64)> {
    let mut first: BinaryHeap<(ObjectId, u64)> = BinaryHeap::new();
    object_type.for_each(&mut |id, since| {
        let is_after = after.is_none_or(|after| id.as_str() > after);
        let has_room = first.len() < limit || first.peek().is_some_and(|(last, _)| id < last);
        if is_after && has_room {
            first.push((id.clone(), since));
            if first.len() > limit {
                first.pop();
            }
        }
    });
    first.into_sorted_vec()
}
