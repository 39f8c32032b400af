//! What a call is addressed to: an activation at hand, or a name.

use std::sync::Arc;

use goverse_core::{InvalidName, ObjectId};

use crate::activation::Activation;
use crate::node::Node;
use crate::object::Object;
use crate::object_type::ObjectType;

/// An object that can be called.
pub(crate) enum Target<T: Object> {
    /// An activation that was in memory when it was looked for. It may have ended since.
    There(Arc<Activation<T>>),
    /// None was there.
    Absent(Arc<ObjectType<T>>, ObjectId),
    /// The type is not registered on this node; gone, if there was no node to look at.
    Elsewhere(Option<Node>, String),
    /// There can be no object of that id.
    Invalid(Arc<ObjectType<T>>, Box<InvalidId>),
}

/// An id that cannot be one, as it was given, and why. It is rare, and kept small for those that are right.
#[derive(Clone)]
pub(crate) struct InvalidId {
    pub(crate) id: String,
    pub(crate) error: InvalidName,
}

// === impl Target ===

impl<T: Object> Target<T> {
    #[inline]
    pub(crate) fn find(object_type: &Arc<ObjectType<T>>, id: &str) -> Self {
        match object_type.directory.get(id) {
            Some(activation) => Target::There(activation),
            None => Self::absent(object_type, id),
        }
    }

    /// The object's id, as it was given, if there can be such an object.
    pub(crate) fn id(&self) -> &str {
        match self {
            Target::There(activation) => activation.id().as_str(),
            Target::Absent(_, id) => id.as_str(),
            Target::Elsewhere(_, id) => id,
            Target::Invalid(_, invalid) => &invalid.id,
        }
    }

    /// Whether it is the object of this activation.
    pub(crate) fn is_of(&self, activation: &Activation<T>) -> bool {
        let is_here = match self {
            Target::There(there) => Arc::ptr_eq(there.object_type(), activation.object_type()),
            Target::Absent(object_type, _) => Arc::ptr_eq(object_type, activation.object_type()),
            // An object that outlives its node looks for itself where there is nothing any more.
            Target::Elsewhere(node, _) => node.is_none(),
            Target::Invalid(..) => false,
        };
        is_here && self.id() == activation.id().as_str()
    }

    #[cold]
    fn absent(object_type: &Arc<ObjectType<T>>, id: &str) -> Self {
        match ObjectId::new(id) {
            Ok(id) => Target::Absent(Arc::clone(object_type), id),
            Err(error) => {
                let invalid = Box::new(InvalidId { id: id.to_owned(), error });
                Target::Invalid(Arc::clone(object_type), invalid)
            }
        }
    }
}

impl<T: Object> Clone for Target<T> {
    fn clone(&self) -> Self {
        match self {
            Target::There(activation) => Target::There(Arc::clone(activation)),
            Target::Absent(object_type, id) => Target::Absent(Arc::clone(object_type), id.clone()),
            Target::Elsewhere(node, id) => Target::Elsewhere(node.clone(), id.clone()),
            Target::Invalid(object_type, invalid) => {
                Target::Invalid(Arc::clone(object_type), invalid.clone())
            }
        }
    }
}
