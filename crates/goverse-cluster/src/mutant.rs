//! The protocol with one rule left out at a time: what the simulation must find out. No program contains them.

/// Which rules of the protocol are kept: all of them, and in a program there is nothing to say otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The one that is left out.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) without: Option<Mutant>,
}

/// Whether a rule is left out; `false` in every program.
#[cfg(any(test, feature = "simulation"))]
macro_rules! left_out {
    ($rules:expr, $mutant:ident) => {
        $rules.without == Some(crate::mutant::Mutant::$mutant)
    };
}

/// Whether a rule is left out; `false` in every program.
#[cfg(not(any(test, feature = "simulation")))]
macro_rules! left_out {
    ($rules:expr, $mutant:ident) => {{
        let _ = $rules;
        false
    }};
}

/// A rule that is left out, in the order of the list at the end of the protocol.
#[cfg(any(test, feature = "simulation"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    missing_docs,
    reason = "each is documented by the rule that it leaves out, at that rule's place"
)]
pub enum Mutant {
    NoWindow,
    NoWaiting,
    UnguardedLeader,
    LeaderGuardOnly,
    NoCheckAfterTurn,
    AckBeforeRelease,
    ReleasingListIgnored,
    OnlyLastHolderKept,
    WatchPerKey,
    ViewGoesBack,
    RestartOverwritesAddress,
    WindowFromReply,
    LateReplyMatched,
    StoreWithoutFence,
    SaveWithCurrentEpoch,
    ReloadWithoutVersionBump,
    OneAckForWholeEpoch,
    NoChainRule,
}

// === impl Mutant ===

#[cfg(any(test, feature = "simulation"))]
impl Mutant {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::NoWindow,
        Self::NoWaiting,
        Self::UnguardedLeader,
        Self::LeaderGuardOnly,
        Self::NoCheckAfterTurn,
        Self::AckBeforeRelease,
        Self::ReleasingListIgnored,
        Self::OnlyLastHolderKept,
        Self::WatchPerKey,
        Self::ViewGoesBack,
        Self::RestartOverwritesAddress,
        Self::WindowFromReply,
        Self::LateReplyMatched,
        Self::StoreWithoutFence,
        Self::SaveWithCurrentEpoch,
        Self::ReloadWithoutVersionBump,
        Self::OneAckForWholeEpoch,
        Self::NoChainRule,
    ];
}
