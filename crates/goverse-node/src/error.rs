//! What can go wrong with a node and its objects.

use goverse_core::{ErrorCode, InvalidName, ObjectId, TypeName};
use thiserror::Error;

use crate::call_error::SystemError;
use crate::object::HookError;

/// Why a node could not be built.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A type's name may not be one.
    #[error("cannot register a type: {0}")]
    InvalidTypeName(InvalidName),
    /// Two types of one name.
    #[error("type {0} is registered twice; each type needs a name of its own")]
    DuplicateType(TypeName),
    /// A method's name may not be one.
    #[error("cannot register {type_name}: {error}")]
    InvalidMethodName {
        /// The type.
        type_name: TypeName,
        /// What is wrong with the name; the message tells of it.
        error: InvalidName,
    },
    /// Two methods of one name.
    #[error("{type_name} has two methods called {method}; each needs a name of its own")]
    DuplicateMethod {
        /// The type.
        type_name: TypeName,
        /// The name.
        method: &'static str,
    },
    /// A persistent type on a node without a store.
    #[error("type {0} is persistent, and the node has no store; give it one")]
    NoStore(TypeName),
    /// Settings of a type that there is not.
    #[error(
        "there are settings of type {name:?}, which is not registered; registered are: {registered}"
    )]
    SettingsOfUnknownType {
        /// The name that the settings are of.
        name: String,
        /// The names that are registered.
        registered: String,
    },
}

/// Why an object could not be created or destroyed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// No type of that name is registered.
    #[error("type {name:?} is not registered on this node; it has: {registered}")]
    UnknownType {
        /// How the name begins.
        name: String,
        /// The names that are registered.
        registered: String,
    },
    /// The id may not be one.
    #[error(transparent)]
    InvalidId(InvalidName),
    /// There is such an object already, or one that has not yet gone.
    #[error("{type_name} {id:?} exists already", id = id.as_str())]
    AlreadyExists {
        /// The type.
        type_name: TypeName,
        /// The id.
        id: ObjectId,
    },
    /// There is no such object.
    #[error("there is no {type_name} {id:?} on this node", id = id.as_str())]
    NotFound {
        /// The type.
        type_name: TypeName,
        /// The id.
        id: ObjectId,
    },
    /// The activation hook returned an error; there is no object.
    #[error("activation of {type_name} failed")]
    ActivationFailed {
        /// The type.
        type_name: TypeName,
        /// What the hook returned.
        source: HookError,
    },
    /// The constructor or the activation hook panicked; there is no object.
    #[error("activation of {type_name} panicked: {message}")]
    ActivationPanicked {
        /// The type.
        type_name: TypeName,
        /// What the panic said.
        message: String,
    },
    /// The deactivation hook returned an error; the object is gone.
    #[error("deactivation of {type_name} failed; the object is gone")]
    DeactivationFailed {
        /// The type.
        type_name: TypeName,
        /// What the hook returned.
        source: HookError,
    },
    /// The deactivation hook, or the object's `Drop`, panicked; the object is gone.
    #[error("deactivation of {type_name} panicked, the object is gone: {message}")]
    DeactivationPanicked {
        /// The type.
        type_name: TypeName,
        /// What the panic said.
        message: String,
    },
    /// The store did not give the object's state, or that cannot be read; there is no object.
    #[error("{0}")]
    NotLoaded(SystemError),
    /// The object is gone, and changes to it could not be saved.
    #[error("{0}")]
    NotSaved(SystemError),
    /// The node takes no more objects.
    #[error("the node is shutting down")]
    ShuttingDown,
}

// === impl ObjectError ===

impl ObjectError {
    /// The stable code of the error.
    pub fn code(&self) -> ErrorCode {
        match self {
            ObjectError::UnknownType { .. } => ErrorCode::UnknownType,
            ObjectError::InvalidId(_) => ErrorCode::InvalidId,
            ObjectError::AlreadyExists { .. } => ErrorCode::AlreadyExists,
            ObjectError::NotFound { .. } => ErrorCode::NotFound,
            ObjectError::ActivationFailed { .. } => ErrorCode::ActivationFailed,
            ObjectError::ActivationPanicked { .. } => ErrorCode::ActivationPanicked,
            ObjectError::DeactivationFailed { .. } => ErrorCode::DeactivationFailed,
            ObjectError::DeactivationPanicked { .. } => ErrorCode::DeactivationPanicked,
            ObjectError::NotLoaded(error) | ObjectError::NotSaved(error) => error.code(),
            ObjectError::ShuttingDown => ErrorCode::ShuttingDown,
        }
    }
}
