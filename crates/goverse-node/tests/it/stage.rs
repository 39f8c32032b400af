//! A node with actors, the world that they live in, the callers of a test, and the books that must be right at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use goverse_node::{Node, NodeBuilder, ObjectRef, TypeSettings};
use tokio::task::coop::unconstrained;

use crate::actor::{Actor, Answer, Order, in_words};
use crate::fixture::{Observed, observed_with};
use crate::world::World;

pub(crate) struct Stage {
    pub(crate) observed: Observed,
    pub(crate) world: Arc<World>,
}

/// A call that a test polls by hand, or awaits.
pub(crate) struct Caller {
    call: BoxFuture<'static, Answer>,
    answer: Option<Answer>,
}

/// Everything that a node reported since the books were opened.
pub(crate) struct Books<'a> {
    stage: &'a Stage,
    totals: BTreeMap<String, f64>,
}

/// A node with actors.
pub(crate) fn stage() -> Stage {
    stage_with(|_| {}, |node| node)
}

/// A node with actors whose type has these settings, and with whatever else `more` adds.
pub(crate) fn stage_with(
    set: impl FnOnce(&mut TypeSettings),
    more: impl FnOnce(NodeBuilder) -> NodeBuilder,
) -> Stage {
    quiet_about_panics_on_purpose();
    let world = Arc::new(World::default());
    let mut settings = TypeSettings::default();
    set(&mut settings);
    let of_actors = Arc::clone(&world);
    let observed = observed_with(|node| {
        let make = move || Actor::new(Arc::clone(&of_actors));
        more(node.settings_of("Actor", settings).object_with(make))
    });
    Stage { observed, world }
}

/// Thousands of them would bury the one that matters.
pub(crate) fn quiet_about_panics_on_purpose() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.to_string().contains("on purpose") {
                before(info);
            }
        }));
    });
}

/// How many rounds to run of a soak test: 1, or what a soak asks for.
pub(crate) fn rounds() -> u64 {
    std::env::var("GOVERSE_SOAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

/// The output of `future`, which is there well before any deadline of a call.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(5), future).await {
        Ok(output) => output,
        Err(_) => panic!("not within 5 s: {what}"),
    }
}

/// What became of callers, in words. Each goes on in a task of its own.
pub(crate) async fn told(callers: impl IntoIterator<Item = Caller>) -> Vec<String> {
    let tasks: Vec<_> = callers.into_iter().map(|caller| tokio::spawn(caller.told())).collect();
    let mut told = Vec::new();
    for task in tasks {
        told.push(task.await.unwrap());
    }
    told
}

// === impl Stage ===

impl Stage {
    pub(crate) fn node(&self) -> &Node {
        &self.observed.node
    }

    pub(crate) fn actor(&self, id: &str) -> ObjectRef<Actor> {
        self.node().object::<Actor>(id)
    }

    /// A call that stands in line when this returns, or runs.
    pub(crate) fn begin(&self, order: Order) -> Caller {
        let mut caller =
            Caller { call: unconstrained(order.made_from(self.node())).boxed(), answer: None };
        caller.poll();
        caller
    }

    /// What became of a call, in words.
    pub(crate) async fn tell(&self, order: Order) -> String {
        self.begin(order).told().await
    }

    pub(crate) fn books(&self) -> Books<'_> {
        Books { stage: self, totals: BTreeMap::new() }
    }
}

// === impl Caller ===

impl Caller {
    /// Whether it has its answer by now. It is not woken later on, but must be polled again, or awaited.
    pub(crate) fn poll(&mut self) -> bool {
        if self.answer.is_none()
            && let Poll::Ready(answer) =
                self.call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            self.answer = Some(answer);
        }
        self.answer.is_some()
    }

    pub(crate) async fn answer(self) -> Answer {
        match self.answer {
            Some(answer) => answer,
            None => self.call.await,
        }
    }

    /// What became of it, in words.
    pub(crate) async fn told(self) -> String {
        match soon("the call is answered", self.answer()).await {
            Ok(number) => number.to_string(),
            Err(error) => in_words(error),
        }
    }
}

// === impl Books ===

impl Books<'_> {
    /// The sum of all series that begin so, as `method_calls_total Actor act`.
    pub(crate) fn sum(&mut self, start: &str) -> f64 {
        for (series, change) in self.stage.observed.reported() {
            *self.totals.entry(series).or_default() += change;
        }
        let starts = |series: &str| {
            series.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        self.totals.iter().filter(|(series, _)| starts(series)).map(|(_, value)| value).sum()
    }

    /// Waits until no call and no hook is under way, and checks what must hold then.
    pub(crate) async fn at_rest(&mut self) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while let Err(difference) = self.compare() {
            assert!(tokio::time::Instant::now() < deadline, "{difference}: {:?}", self.totals);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Nothing is under way, and gauge, listing, activations and deactivations agree.
    fn compare(&mut self) -> Result<(), String> {
        for gauge in ["calls_in_flight", "calls_queued"] {
            let value = self.sum(gauge);
            if value != 0.0 {
                return Err(format!("{gauge} is {value}"));
            }
        }
        for (type_name, listed) in self.stage.node().count_by_type() {
            let mut of_type = |name: &str| self.sum(&format!("{name} {type_name}"));
            let gauge = of_type("objects_total");
            let (began, ended) =
                (of_type("object_activations_total"), of_type("object_deactivations_total"));
            if gauge != listed as f64 || began - ended != gauge {
                return Err(format!(
                    "{type_name}: gauge {gauge}, listed {listed}, {began} activated, {ended} ended"
                ));
            }
        }
        Ok(())
    }
}
