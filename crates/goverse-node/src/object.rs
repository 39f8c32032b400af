//! What an application implements: the object trait; and what its methods and hooks are given, the context.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use goverse_core::{NodeAddress, ObjectId, TypeName};
use goverse_metrics::DeactivationReason;

use crate::activation::{Activation, AnyActivation, SharedActivation};
use crate::call_error::SystemError;
use crate::caller::{Addressed, Caller};
use crate::chain::Link;
use crate::clock;
use crate::method::MethodEntry;
use crate::node::Node;
use crate::state::{Book, Persistence, Saving, save_within};

/// The error of a hook: anything that can be shown.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

/// A distributed object: a value with an address (type and id) that a node keeps in memory.
///
/// Both hooks are optional, may wait, may fail and may panic; the node's counts stay exact in any case.
/// Once a hook has begun it runs to its end, whatever becomes of the caller that set it off, unless the
/// node's shutdown reaches its limit.
pub trait Object: Send + Sync + Sized + 'static {
    /// The name that the type is registered under, see [`TypeName::new`].
    const TYPE: &'static str;
    /// The methods that can be called; [`#[object]`](crate::object) lists them.
    const METHODS: &'static [MethodEntry<Self>] = &[];
    /// How its state is stored; objects of a type without it begin anew at each activation.
    const PERSISTENCE: Option<Persistence<Self>> = None;
    /// Whether it has hooks; [`#[object]`](crate::object) sees that itself.
    ///
    /// Where this is `false`, hooks are not called, even if there are any. Objects without hooks, and without stored
    /// state, come and go in place, which takes about half the time: nothing of it can wait.
    const HAS_HOOKS: bool = true;

    /// Runs before the object is there. On an error or a panic the object does not come to be.
    fn on_activate(&mut self, cx: &Ctx) -> impl Future<Output = Result<(), HookError>> + Send {
        let _ = cx;
        std::future::ready(Ok(()))
    }

    /// Runs before the object goes. It goes in any case; an error is reported and counted.
    fn on_deactivate(
        &mut self,
        cx: &Ctx,
        reason: DeactivationReason,
    ) -> impl Future<Output = Result<(), HookError>> + Send {
        let _ = (cx, reason);
        std::future::ready(Ok(()))
    }
}

/// One turn of an object: who it is, where, and what it can ask for.
///
/// It is lent to a method or hook for the time of its turn. What goes on after the turn takes [`Ctx::node`].
///
/// `A`, which nobody names, is the activation: any one to methods and hooks, a certain one to the runtime.
pub struct Ctx<A: ?Sized = dyn SharedActivation> {
    /// The objects that wait for this turn.
    before: Option<Arc<Link>>,
    /// Those, and this object.
    link: OnceLock<Arc<Link>>,
    deadline: u64,
    wishes: AtomicU8,
    /// Whether a timer set the turn off, and nobody called.
    is_tick: bool,
    /// What the turn can save, if anything, and why it is not to count, if so.
    saving: OnceLock<Box<Saving>>,
    /// The last field, so that a reference to the whole forgets the type of it.
    activation: A,
}

/// What a turn asks for at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// That the object stays as it is.
    Stay,
    /// That the object is deactivated.
    Deactivate,
    /// That the object is dropped as it is.
    RollBack,
    /// That the object is dropped, and its state erased.
    Delete,
}

const DEACTIVATE: u8 = 1;
const ROLL_BACK: u8 = 2;
const DELETE: u8 = 4;

// === impl Ctx ===

impl<T: Object> Ctx<Arc<Activation<T>>> {
    pub(crate) fn new(
        activation: Arc<Activation<T>>,
        before: Option<Arc<Link>>,
        deadline: u64,
    ) -> Self {
        let (link, wishes, saving) = (OnceLock::new(), AtomicU8::new(0), OnceLock::new());
        Self { before, link, deadline, wishes, is_tick: false, saving, activation }
    }

    /// That of a turn which a timer sets off, and so the first of its chain.
    pub(crate) fn of_tick(activation: Arc<Activation<T>>, deadline: u64) -> Self {
        Self { is_tick: true, ..Self::new(activation, None, deadline) }
    }

    /// What it was made of.
    pub(crate) fn into_parts(self) -> (Arc<Activation<T>>, Option<Arc<Link>>) {
        (self.activation, self.before)
    }

    #[inline]
    pub(crate) fn typed_activation(&self) -> &Arc<Activation<T>> {
        &self.activation
    }
}

impl<A: ?Sized> Ctx<A> {
    /// The turn has ended: calls that it made and did not wait for may come back to the object.
    #[inline]
    pub(crate) fn end(&self) {
        if let Some(link) = self.link.get() {
            link.end();
        }
    }

    /// What the turn can save, and whether it is to count.
    #[inline]
    pub(crate) fn saving(&self) -> Option<&Saving> {
        self.saving.get().map(|saving| &**saving)
    }

    /// The turn may save from now on.
    pub(crate) fn may_save(&self, book: Option<Box<Book>>, has_call_id: bool) {
        // Nothing refuses a turn that has not begun.
        let _ = self.saving.set(Box::new(Saving::new(book, has_call_id)));
    }

    /// The turn is not to count.
    pub(crate) fn refuse(&self, error: SystemError) {
        self.saving.get_or_init(|| Box::new(Saving::new(None, false))).refuse(error);
    }
}

impl Ctx {
    /// The address of the node that the object is on.
    pub fn node_address(&self) -> &NodeAddress {
        &self.activation().node_state().address
    }

    /// The object's type.
    pub fn type_name(&self) -> &TypeName {
        self.activation().type_name()
    }

    /// The object's id.
    pub fn id(&self) -> &ObjectId {
        self.activation().id()
    }

    /// A reference to another object, for calls that this turn waits for.
    ///
    /// They are part of the chain that this turn is in: they end by the deadline of the call that is being answered,
    /// and one that would come back to an object that waits is refused at once.
    ///
    /// # Panics
    /// As `K`'s references do; those of `#[object]` never do.
    pub fn object<K: Addressed>(&self, id: impl AsRef<str>) -> K::Ref {
        let node = self.activation().node();
        K::refer(Caller::in_turn(node.as_ref(), self.link(), self.deadline), id.as_ref())
    }

    /// A reference to this object itself, for its timers: see [`every`](Self::every) and [`after`](Self::after).
    ///
    /// Its calls do not belong to this turn: they are of no chain, and end by no deadline but their own. So a turn must
    /// not wait for one: it would wait for itself, and nothing but the deadline would tell.
    ///
    /// # Panics
    /// As `K`'s references do; those of `#[object]` never do.
    pub fn this<K: Addressed>(&self) -> K::Ref {
        let node = self.activation().node();
        K::refer(Caller::detached(node.as_ref()), self.id().as_str())
    }

    /// The node, for calls that do not belong to this turn; `None` when it is gone.
    pub fn node(&self) -> Option<Node> {
        self.activation().node()
    }

    /// How much time is left until the caller waits no more; `None` if nobody waits.
    pub fn time_left(&self) -> Option<Duration> {
        (self.deadline != clock::NEVER).then(|| clock::between(clock::now(), self.deadline))
    }

    /// Takes back what this turn did: when it ends, the object is dropped as it is, and the next call gets a fresh one.
    ///
    /// Returns `error`, so that a method can end with `return Err(cx.rollback(error))`. Without it an error keeps
    /// what the method has changed until then.
    pub fn rollback<E>(&self, error: E) -> E {
        self.wishes.fetch_or(ROLL_BACK, Ordering::Relaxed);
        error
    }

    /// Lets the object be deactivated when this turn has ended, before others.
    ///
    /// After a shared turn it waits for those that came before.
    pub fn deactivate(&self) {
        self.wishes.fetch_or(DEACTIVATE, Ordering::Relaxed);
    }

    /// Erases the stored state when this turn has ended, and drops the object; the next call finds it as if it had never
    /// been.
    ///
    /// Only in a turn with `&mut self`. Calls that the turn makes after its commit are made all the same.
    pub fn delete(&self) {
        self.wishes.fetch_or(DELETE, Ordering::Relaxed);
    }

    /// Saves the state as it is now, within the turn; `object` is `self`.
    ///
    /// What the turn does later is saved at its end, as always. A turn that fails later keeps what was saved here.
    ///
    /// # Errors
    /// When it cannot be saved: then the turn does not count, whatever it returns, and the object is dropped. When there
    /// is nothing to save, as in a turn with `&self` or in an object that is not persistent; and in a call with an id,
    /// which takes effect as a whole.
    pub async fn save<T: Object>(&self, object: &T) -> Result<(), SystemError> {
        save_within(self, object).await
    }

    #[inline]
    pub(crate) fn activation(&self) -> &dyn AnyActivation {
        self.activation.get()
    }

    /// The activation itself, if it is one of a `T`.
    pub(crate) fn activation_of<T: Object>(&self) -> Option<Arc<Activation<T>>> {
        Activation::of(self.activation.share())
    }

    #[inline]
    pub(crate) fn is_tick(&self) -> bool {
        self.is_tick
    }

    pub(crate) fn wish(&self) -> Wish {
        match self.wishes.load(Ordering::Relaxed) {
            0 => Wish::Stay,
            DEACTIVATE => Wish::Deactivate,
            wishes if wishes & ROLL_BACK != 0 => Wish::RollBack,
            _ => Wish::Delete,
        }
    }

    fn link(&self) -> &Arc<Link> {
        self.link.get_or_init(|| Arc::new(Link::new(self.activation.share(), self.before.clone())))
    }
}

impl fmt::Debug for Ctx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Ctx");
        shown.field("type", self.type_name()).field("id", self.id()).finish_non_exhaustive()
    }
}
