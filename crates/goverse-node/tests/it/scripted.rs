//! An object whose turns and hooks are closures, so that a test reads from top to bottom.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use goverse_node::{
    Addressed, Caller, Ctx, DeactivationReason, HookError, Method, MethodEntry, Never, NoArguments,
    NodeBuilder, Object, ObjectRef, Turn,
};

/// The object.
#[derive(Default)]
pub(crate) struct Scripted {
    on_activate: Option<Arc<dyn Script>>,
    on_deactivate: Option<Arc<dyn Script>>,
}

/// What a turn does.
pub(crate) trait Script: Send + Sync + 'static {
    fn play<'a>(&'a self, cx: &'a Ctx) -> BoxFuture<'a, Result<(), String>>;
}

impl<F> Script for F
where
    F: for<'a> Fn(&'a Ctx) -> BoxFuture<'a, Result<(), String>> + Send + Sync + 'static,
{
    fn play<'a>(&'a self, cx: &'a Ctx) -> BoxFuture<'a, Result<(), String>> {
        self(cx)
    }
}

/// Names the type of a closure that is a script.
pub(crate) fn script<F>(script: F) -> F
where
    F: for<'a> Fn(&'a Ctx) -> BoxFuture<'a, Result<(), String>> + Send + Sync + 'static,
{
    script
}

/// A call of an exclusive turn.
#[derive(Clone)]
pub(crate) struct Exclusive(pub(crate) Arc<dyn Script>);

/// A call of a shared turn.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Arc<dyn Script>);

/// A call of an exclusive turn that does not wait.
#[derive(Clone)]
pub(crate) struct Plain(pub(crate) Arc<dyn Fn(&Ctx) + Send + Sync>);

pub(crate) fn exclusive<F>(play: F) -> Exclusive
where
    F: for<'a> Fn(&'a Ctx) -> BoxFuture<'a, Result<(), String>> + Send + Sync + 'static,
{
    Exclusive(Arc::new(play))
}

pub(crate) fn shared<F>(play: F) -> Shared
where
    F: for<'a> Fn(&'a Ctx) -> BoxFuture<'a, Result<(), String>> + Send + Sync + 'static,
{
    Shared(Arc::new(play))
}

pub(crate) fn plain(play: impl Fn(&Ctx) + Send + Sync + 'static) -> Plain {
    Plain(Arc::new(play))
}

/// Keeps what happened, for the test to look at.
pub(crate) struct Log<E>(Arc<Mutex<Vec<E>>>);

impl Object for Scripted {
    const TYPE: &'static str = "Scripted";
    const METHODS: &'static [MethodEntry<Self>] =
        &[MethodEntry::of::<Exclusive>(), MethodEntry::of::<Shared>(), MethodEntry::of::<Plain>()];

    async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
        let Some(script) = &self.on_activate else { return Ok(()) };
        Ok(script.play(cx).await?)
    }

    async fn on_deactivate(&mut self, cx: &Ctx, _: DeactivationReason) -> Result<(), HookError> {
        let Some(script) = &self.on_deactivate else { return Ok(()) };
        Ok(script.play(cx).await?)
    }
}

impl Addressed for Scripted {
    type Ref = ObjectRef<Self>;

    fn refer(caller: Caller<'_>, id: &str) -> ObjectRef<Self> {
        ObjectRef::new(caller, id)
    }
}

impl Method for Exclusive {
    type Object = Scripted;
    type Arguments = NoArguments;
    type Output = ();
    type Error = String;
    const NAME: &'static str = "exclusive";

    fn from_arguments(_: NoArguments) -> Self {
        exclusive(|_| Box::pin(async { Ok(()) }))
    }

    fn into_arguments(self) -> NoArguments {
        NoArguments
    }

    async fn run_exclusive(self, _: &mut Scripted, cx: &Ctx) -> Result<(), String> {
        self.0.play(cx).await
    }
}

impl Method for Shared {
    type Object = Scripted;
    type Arguments = NoArguments;
    type Output = ();
    type Error = String;
    const NAME: &'static str = "shared";
    const TURN: Turn = Turn::Shared;

    fn from_arguments(_: NoArguments) -> Self {
        shared(|_| Box::pin(async { Ok(()) }))
    }

    fn into_arguments(self) -> NoArguments {
        NoArguments
    }

    async fn run_shared(self, _: &Scripted, cx: &Ctx) -> Result<(), String> {
        self.0.play(cx).await
    }
}

impl Method for Plain {
    type Object = Scripted;
    type Arguments = NoArguments;
    type Output = ();
    type Error = Never;
    const NAME: &'static str = "plain";
    const PLAIN: bool = true;

    fn from_arguments(_: NoArguments) -> Self {
        plain(|_| {})
    }

    fn into_arguments(self) -> NoArguments {
        NoArguments
    }

    async fn run_exclusive(self, _: &mut Scripted, cx: &Ctx) -> Result<(), Never> {
        (self.0)(cx);
        Ok(())
    }
}

/// Registers the type with hooks.
pub(crate) fn with_hooks(
    node: NodeBuilder,
    on_activate: Option<Arc<dyn Script>>,
    on_deactivate: Option<Arc<dyn Script>>,
) -> NodeBuilder {
    node.object_with(move || Scripted {
        on_activate: on_activate.clone(),
        on_deactivate: on_deactivate.clone(),
    })
}

// === impl Log ===

impl<E> Log<E> {
    pub(crate) fn push(&self, event: E) {
        self.0.lock().unwrap().push(event);
    }

    /// What was pushed since this was last called.
    pub(crate) fn take(&self) -> Vec<E> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl<E> Clone for Log<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E> Default for Log<E> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
