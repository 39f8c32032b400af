//! The closed vocabularies of label values: each enum is a label, each variant a value it may take.

/// Declares an enum whose variants are the only values of one label.
macro_rules! label_values {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $value:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];
            /// The label values of [`Self::ALL`].
            pub const VALUES: &'static [&'static str] = &[$($value,)+];

            /// The value of the label.
            pub const fn as_str(self) -> &'static str {
                Self::VALUES[self as usize]
            }
        }
    };
}

label_values! {
    /// Why an object is no longer there: the label `reason`.
    DeactivationReason {
        /// Somebody asked for it by `destroy_object`.
        Destroyed = "destroyed",
        /// The node is shutting down.
        Shutdown = "shutdown",
        /// The activation was dropped without a reason given: its node was dropped, or its task ended.
        Dropped = "dropped",
    }
}

label_values! {
    /// Why an object did not come to be: the label `code` of the activation failures.
    ActivationFailure {
        /// The type is not registered on the node.
        UnknownType = "unknown_type",
        /// The activation hook returned an error.
        Failed = "activation_failed",
        /// The constructor or the activation hook panicked.
        Panicked = "activation_panicked",
        /// The node began to shut down before the object was there.
        ShuttingDown = "shutting_down",
        /// The activation was dropped before it ended, as when the runtime stops.
        Abandoned = "abandoned",
    }
}

label_values! {
    /// Why a deactivation hook did not end well: the label `code` of the deactivation failures.
    DeactivationFailure {
        /// The hook returned an error.
        Failed = "deactivation_failed",
        /// The hook panicked.
        Panicked = "deactivation_panicked",
        /// The hook was cut off by the shutdown limit.
        TimedOut = "deactivation_timed_out",
    }
}
