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
        /// Nobody had called it for longer than its type's idle limit.
        Idle = "idle",
        /// The object asked for it itself.
        Requested = "requested",
        /// A turn was rolled back, so what is in memory is not what is stored.
        RolledBack = "rolled_back",
        /// A turn panicked, so what is in memory may be half changed.
        Panicked = "panicked",
        /// A turn was cut off by the turn limit, so what is in memory may be half changed.
        CutOff = "cut_off",
        /// What a turn did could not be saved, so what is in memory is not what is stored.
        NotSaved = "not_saved",
        /// Its state was deleted.
        Deleted = "deleted",
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
        /// The store did not give its state, or that cannot be read.
        NotLoaded = "not_loaded",
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
        /// The hook was done, and the state could not be saved: changes are lost.
        NotSaved = "not_saved",
    }
}

label_values! {
    /// How a call ended: the label `status`.
    CallStatus {
        /// The method returned its value.
        Ok = "ok",
        /// The method returned an error of its own.
        Failed = "failed",
        /// The method panicked.
        Panicked = "panicked",
        /// The turn limit, or the shutdown limit, ended the turn.
        CutOff = "cut_off",
        /// The caller went away before the turn began.
        Cancelled = "cancelled",
        /// The turn never began; [`RejectionCode`] says why.
        Rejected = "rejected",
        /// The call was a repeat of one that had run, and got its answer; nothing ran.
        Repeated = "repeated",
        /// The method returned, and what it did could not be saved; it was discarded.
        NotSaved = "not_saved",
    }
}

label_values! {
    /// Why a turn never began: the label `code` of the rejected calls.
    RejectionCode {
        /// The type is not registered.
        UnknownType = "unknown_type",
        /// The type has no such method.
        UnknownMethod = "unknown_method",
        /// The object's id is not valid.
        InvalidId = "invalid_id",
        /// The arguments cannot be decoded.
        InvalidArguments = "invalid_arguments",
        /// The arguments are in an encoding that the method does not take.
        WrongEncoding = "wrong_encoding",
        /// The arguments are larger than is allowed.
        PayloadTooLarge = "payload_too_large",
        /// The object's queue is full.
        Overloaded = "overloaded",
        /// The deadline passed before the turn began.
        DeadlineExceeded = "deadline_exceeded",
        /// The chain of calls came back to an object that waits for it.
        Reentrant = "reentrant",
        /// Two chains of calls wait for each other.
        Deadlock = "deadlock",
        /// The chain of calls has reached its limit of depth.
        ChainTooLong = "chain_too_long",
        /// The object's activation hook returned an error.
        ActivationFailed = "activation_failed",
        /// The object's constructor or activation hook panicked.
        ActivationPanicked = "activation_panicked",
        /// The node is shutting down.
        ShuttingDown = "shutting_down",
        /// The node that has the object cannot be reached.
        Unreachable = "unreachable",
        /// The store did not give the object's state, or that cannot be read.
        NotLoaded = "not_loaded",
        /// The id of the call is not valid.
        InvalidCallId = "invalid_call_id",
        /// The id of the call was used for another method or other arguments.
        CallIdReused = "call_id_reused",
    }
}

label_values! {
    /// Where code of an object panicked: the label `site`.
    PanicSite {
        /// In a method.
        Turn = "turn",
        /// In the constructor or the activation hook.
        Activation = "activation",
        /// In the deactivation hook.
        Deactivation = "deactivation",
        /// In the `drop` of the object, or of what its hooks left behind.
        Drop = "drop",
    }
}

label_values! {
    /// Which store it is: the label `store`.
    StoreKind {
        /// In memory.
        Memory = "memory",
        /// A file of SQLite.
        Sqlite = "sqlite",
        /// A database of PostgreSQL.
        Postgres = "postgres",
        /// One that does not come with GoVerse.
        Other = "other",
    }
}

label_values! {
    /// What a store was asked for: the label `operation`.
    StoreOperation {
        /// To begin the tenure of a node that is alone.
        BeginTenure = "begin_tenure",
        /// To read an object for an activation.
        Load = "load",
        /// To save an object.
        Save = "save",
        /// To read what a call came to.
        CallRecord = "call_record",
        /// To read calls that are to be made.
        Outgoing = "outgoing",
        /// To write down what became of such calls.
        Settle = "settle",
        /// To delete what is past its time.
        Sweep = "sweep",
        /// To say whether it answers.
        Check = "check",
    }
}

label_values! {
    /// What a store answered: the label `status`.
    StoreStatus {
        /// What was asked for.
        Ok = "ok",
        /// A guard refused it; [`ConflictKind`] says which.
        Conflict = "conflict",
        /// It was not reached, is full, read-only or locked.
        Unavailable = "unavailable",
        /// The answer was lost.
        Unknown = "unknown",
        /// It has no room for what was to be stored.
        Refused = "refused",
        /// What is stored cannot be read.
        Corrupt = "corrupt",
        /// Whoever asked went away before the answer came.
        Cancelled = "cancelled",
    }
}

label_values! {
    /// Which guard of a store refused: the label `kind` of the conflicts.
    ConflictKind {
        /// Another version was stored.
        Version = "version",
        /// A newer tenure had begun.
        Fence = "fence",
    }
}

label_values! {
    /// What became of an attempt to make an after-commit call: the label `outcome`.
    AfterCommitOutcome {
        /// It was answered.
        Delivered = "delivered",
        /// It was not answered, and is tried again.
        Retried = "retried",
        /// It failed for good, and became a dead letter.
        Dead = "dead",
    }
}

// === impl StoreKind ===

impl StoreKind {
    /// The store that calls itself so.
    pub fn of(name: &str) -> Self {
        let named = Self::ALL.iter().find(|kind| kind.as_str() == name);
        named.copied().unwrap_or(Self::Other)
    }
}

label_values! {
    /// What a member of the cluster does: the label `state`.
    MemberState {
        /// It does not listen yet.
        Joining = "joining",
        /// It may be given shards.
        Active = "active",
        /// It is leaving, and gives its shards away.
        Draining = "draining",
    }
}

label_values! {
    /// Why a shard was given to another node: the label `reason` of the moves.
    ShardMoveReason {
        /// It had no owner.
        First = "first",
        /// Its owner was gone.
        Failover = "failover",
        /// Its owner is leaving.
        Drain = "drain",
        /// So that each member has its share.
        Balance = "balance",
        /// An operator asked for it.
        Intent = "intent",
    }
}

label_values! {
    /// What became of a renewal: the label `outcome` of the renewals.
    RenewalOutcome {
        /// The lease lives on.
        Ok = "ok",
        /// No answer came in time.
        Failed = "failed",
        /// There was no such lease any more.
        Gone = "gone",
    }
}

label_values! {
    /// What is asked of a coordinator: the label `operation`.
    CoordinatorOperation {
        /// A lease.
        Grant = "grant",
        /// That a lease lives on.
        Renew = "renew",
        /// That a lease ends.
        Revoke = "revoke",
        /// All there is.
        Read = "read",
        /// Whether what is known is current.
        Confirm = "confirm",
        /// A guarded change.
        Transact = "transact",
        /// To be told of changes.
        Watch = "watch",
    }
}

label_values! {
    /// How an operation at a coordinator ended: the label `outcome`.
    CoordinatorOutcome {
        /// As it was asked.
        Ok = "ok",
        /// A guard did not hold, or the lease was gone.
        Refused = "refused",
        /// The coordinator was not reached, or cannot decide.
        Unavailable = "unavailable",
        /// The answer was lost.
        Unknown = "unknown",
        /// No answer came in time.
        TimedOut = "timed_out",
        /// User or password are wrong, or do not suffice.
        Denied = "denied",
        /// All others.
        Failed = "failed",
    }
}
