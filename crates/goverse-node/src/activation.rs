//! An object in memory: its id, who may have it, and what it is.

use std::any::Any;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use goverse_core::{ObjectId, TypeName};
use goverse_metrics::{ObjectGuard, PanicSite};
use tokio_util::sync::CancellationToken;

use crate::alarms::Line;
use crate::call_error::SystemError;
use crate::clock;
use crate::idle::IdlePlace;
use crate::node::{Node, NodeState};
use crate::object::Object;
use crate::object_type::ObjectType;
use crate::run_to_end::catch_now;
use crate::state::Book;
use crate::turn_lock::{ExclusiveTurn, Granted, Refused, TurnLock, TurnOwner};
use crate::type_handle::TypeHandle;
use crate::waiting_call::Waiter;

/// An object from its first call to its end. Whoever refers to it keeps the shell, not the object.
///
/// What every call writes to comes first, beside the counts of the `Arc`: a call by another core has to fetch each cache
/// line of it. What calls only read comes after that, where several cores can have it.
#[repr(C)]
pub(crate) struct Activation<T: Object> {
    /// When it was last called, came to be, or began to.
    last_used: AtomicU64,
    /// Nothing before the activation has succeeded, and nothing after the end.
    turns: TurnLock<Option<Live<T>>, Waiter<T>>,
    /// What it is counted by, and how it refers to its type. Dropped after the object, which counts until it is gone.
    guard: ObjectGuard<TypeHandle<T>>,
    id: ObjectId,
    /// Its place in the wheel of idle objects: the slot, or 0; and the index in it.
    idle_slot: AtomicU64,
    idle_index: AtomicU32,
    /// Whether its place is free again.
    is_out: AtomicBool,
    /// Whether its turns have set timers.
    has_timers: AtomicBool,
    /// When its line is to be looked at for calls that wait no longer.
    line_due: AtomicU64,
    stage: Mutex<Stage>,
}

/// The object itself, while it counts.
#[repr(C)]
pub(crate) struct Live<T> {
    pub(crate) object: T,
    /// What is known of it beside; nothing of one that is not persistent, until a call with an id comes.
    pub(crate) book: Option<Box<Book>>,
}

/// How far an activation is, with what few have at that point: all objects pay for the room.
enum Stage {
    /// The object is there, or is to come. What its timers end by, if it has set any.
    Alive(Option<CancellationToken>),
    /// The object goes, and its timers are over.
    Ended,
    /// The object did not come to be, and this is told to all who waited for it.
    Failed(SystemError),
}

/// The `Arc` of an activation of whatever type, to be looked at or to be had.
pub trait SharedActivation: Send + Sync {
    fn get(&self) -> &dyn AnyActivation;
    fn share(&self) -> Arc<dyn AnyActivation>;
}

/// An activation of whatever type.
pub trait AnyActivation: Any + Send + Sync {
    fn type_name(&self) -> &TypeName;
    fn id(&self) -> &ObjectId;
    fn node_state(&self) -> &Arc<NodeState>;
    /// Its node, unless that is gone.
    fn node(&self) -> Option<Node>;
}

// === impl Activation ===

impl<T: Object> Activation<T> {
    /// An activation whose first turn has begun: the one that brings the object to life.
    pub(crate) fn begin(object_type: TypeHandle<T>, id: ObjectId) -> ExclusiveTurn<Self> {
        TurnLock::begun(|turns| {
            Arc::new(Self {
                guard: ObjectGuard::begin(object_type),
                id,
                turns,
                is_out: AtomicBool::new(false),
                last_used: AtomicU64::new(clock::now()),
                idle_slot: AtomicU64::new(0),
                idle_index: AtomicU32::new(0),
                has_timers: AtomicBool::new(false),
                line_due: AtomicU64::new(clock::NEVER),
                stage: Mutex::new(Stage::Alive(None)),
            })
        })
    }

    /// It itself, if it is one of a `T`.
    #[inline]
    pub(crate) fn of(any: Arc<dyn AnyActivation>) -> Option<Arc<Self>> {
        let any: Arc<dyn Any + Send + Sync> = any;
        any.downcast().ok()
    }

    #[inline]
    pub(crate) fn id(&self) -> &ObjectId {
        &self.id
    }

    /// Whether it has its place in the directory, for all that this thread knows.
    #[inline]
    pub(crate) fn is_in_directory(&self) -> bool {
        !self.is_out.load(Ordering::Relaxed)
    }

    pub(crate) fn left_directory(&self) {
        self.is_out.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn object_type(&self) -> &Arc<ObjectType<T>> {
        self.guard.metrics()
    }

    /// What it is counted by. Who has its first turn, or its object, may tell that what becomes of it.
    #[inline]
    pub(crate) fn guard(&self) -> &ObjectGuard<TypeHandle<T>> {
        &self.guard
    }

    /// When the object came to be, if it has.
    pub(crate) fn since(&self) -> Option<u64> {
        self.guard.since()
    }

    #[inline]
    pub(crate) fn used(&self, now: u64) {
        self.last_used.store(now, Ordering::Relaxed);
    }

    pub(crate) fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    /// Whole only within the lock of its shard of the directory.
    pub(crate) fn idle_place(&self) -> Option<IdlePlace> {
        let slot = self.idle_slot.load(Ordering::Relaxed);
        let index = self.idle_index.load(Ordering::Relaxed);
        (slot != 0).then_some(IdlePlace { slot, index })
    }

    pub(crate) fn set_idle_place(&self, place: Option<IdlePlace>) {
        let (slot, index) = place.map_or((0, 0), |place| (place.slot, place.index));
        self.idle_index.store(index, Ordering::Relaxed);
        self.idle_slot.store(slot, Ordering::Relaxed);
    }

    /// Why the object did not come to be, if so.
    pub(crate) fn failure(&self) -> Option<SystemError> {
        match &*self.stage() {
            Stage::Failed(error) => Some(error.clone()),
            Stage::Alive(_) | Stage::Ended => None,
        }
    }

    /// The object is there.
    #[inline]
    pub(crate) fn came_to_be(&self, now: u64) {
        self.used(now);
        self.guard.succeed_at(now);
    }

    /// The object did not come to be.
    pub(crate) fn failed(&self, error: SystemError) {
        self.leave_alive(Stage::Failed(error));
    }

    /// What a new timer of the object ends by. That is cancelled already if the object goes.
    pub(crate) fn timer_token(&self) -> CancellationToken {
        self.has_timers.store(true, Ordering::Relaxed);
        match &mut *self.stage() {
            Stage::Alive(timers) => timers.get_or_insert_default().child_token(),
            Stage::Ended | Stage::Failed(_) => {
                let token = CancellationToken::new();
                token.cancel();
                token
            }
        }
    }

    /// Ends all timers of the object, and those that its last turns and its hook still set.
    pub(crate) fn end_timers(&self) {
        self.leave_alive(Stage::Ended);
    }

    /// As [`end_timers`](Self::end_timers), of an object that takes no more turns and has no hook: nobody sets timers.
    #[inline]
    pub(crate) fn end_timers_if_any(&self) {
        // Seen, for the lock of the turn that set them was taken since.
        if self.has_timers.load(Ordering::Relaxed) {
            self.end_timers();
        }
    }

    fn leave_alive(&self, next: Stage) {
        let mut stage = self.stage();
        let Stage::Alive(timers) = &mut *stage else { return };
        let timers = timers.take();
        *stage = next;
        // What is woken is foreign code, so the mutex goes first.
        drop(stage);
        if let Some(timers) = timers {
            timers.cancel();
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that a call in its line does not wait beyond its deadline.
    #[inline]
    pub(crate) fn watch_line(self: &Arc<Self>, deadline: u64) {
        if deadline < self.line_due.load(Ordering::SeqCst)
            && deadline < self.line_due.fetch_min(deadline, Ordering::SeqCst)
        {
            let line: Weak<Self> = Arc::downgrade(self);
            let node = &self.object_type().node_state;
            node.alarms.watch(deadline, line);
            node.keeper.is_needed(self.object_type());
        }
    }

    /// Type and id for a message, where a long id is cut short.
    pub(crate) fn describe(&self) -> String {
        describe(self.type_name(), self.id.as_str())
    }
}

/// Type and id for a message, where a long id is cut short.
pub(crate) fn describe(type_name: &TypeName, id: &str) -> String {
    let mut text = type_name.to_string();
    let start: String = id.chars().take(64).collect();
    let more = if start.len() < id.len() { "…" } else { "" };
    write!(text, " {start:?}{more}").expect("a string takes every text");
    text
}

impl<T: Object> TurnOwner for Activation<T> {
    type State = Option<Live<T>>;
    type Waiter = Waiter<T>;

    fn turn_lock(&self) -> &TurnLock<Option<Live<T>>, Waiter<T>> {
        &self.turns
    }

    fn granted(waiter: &Waiter<T>) {
        waiter.granted();
    }

    fn answer(waiter: Waiter<T>, turn: Result<Granted<Self>, Refused>) {
        waiter.answer(turn);
    }
}

impl<T: Object> Line for Activation<T> {
    fn look(self: Arc<Self>, now: u64) {
        // Before the line is looked at: who joins it after that comes to watch it anew.
        self.line_due.store(clock::NEVER, Ordering::SeqCst);
        let is_killed = self.object_type().node_state.lifecycle.is_killed();
        let mut next = clock::NEVER;
        TurnLock::refuse_if(&self, |waiter| {
            let deadline = waiter.deadline();
            let is_over = deadline <= now || (is_killed && deadline != clock::NEVER);
            next = if is_over { next } else { next.min(deadline) };
            is_over
        });
        if next != clock::NEVER {
            self.watch_line(next);
        }
    }
}

impl<T: Object> AnyActivation for Activation<T> {
    fn type_name(&self) -> &TypeName {
        &self.object_type().name
    }

    fn id(&self) -> &ObjectId {
        &self.id
    }

    fn node_state(&self) -> &Arc<NodeState> {
        &self.object_type().node_state
    }

    fn node(&self) -> Option<Node> {
        self.object_type().node()
    }
}

impl<T: Object> SharedActivation for Arc<Activation<T>> {
    fn get(&self) -> &dyn AnyActivation {
        &**self
    }

    fn share(&self) -> Arc<dyn AnyActivation> {
        Arc::clone(self) as _
    }
}

// === impl Live ===

impl<T: Object> Live<T> {
    #[inline]
    pub(crate) fn new(object: T, book: Option<Box<Book>>) -> Self {
        Self { object, book }
    }

    /// Drops the object of this activation, and then counts it out.
    ///
    /// # Errors
    /// What the panic said, if the object's drop panics.
    pub(crate) fn end(self, activation: &Activation<T>) -> Result<(), String> {
        let Self { object, book } = self;
        drop(book);
        let dropped = catch_now(|| drop(object));
        if let Err(message) = &dropped {
            let object_type = activation.object_type();
            object_type.call_metrics.panicked(PanicSite::Drop);
            tracing::error!(r#type = %object_type.name, panic = message, "dropping an object panicked");
        }
        activation.guard.end();
        dropped
    }
}
