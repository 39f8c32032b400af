//! A node under a recorder of its own, and objects whose hooks do as their id says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use goverse_node::{Ctx, DeactivationReason, HookError, Node, NodeBuilder, Object};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// A node, and what it reported.
pub(crate) struct Observed {
    pub(crate) node: Node,
    snapshotter: Snapshotter,
}

/// An object whose hooks do what words in its id say: `start-fails`, `end-panics`, `waits`, …
#[derive(Default)]
pub(crate) struct Moody {
    drop_panics: bool,
}

/// A second type, without hooks.
#[derive(Default)]
pub(crate) struct Plain;

/// A type whose constructor panics.
pub(crate) struct Unborn;

impl Object for Moody {
    const TYPE: &'static str = "Moody";

    async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
        self.drop_panics = cx.id().as_str().contains("drop-panics");
        mood(cx.id().as_str(), "start").await
    }

    async fn on_deactivate(&mut self, cx: &Ctx, _: DeactivationReason) -> Result<(), HookError> {
        mood(cx.id().as_str(), "end").await
    }
}

impl Drop for Moody {
    fn drop(&mut self) {
        if self.drop_panics && !std::thread::panicking() {
            panic!("drop panics on purpose");
        }
    }
}

impl Object for Plain {
    const TYPE: &'static str = "Plain";
}

impl Object for Unborn {
    const TYPE: &'static str = "Unborn";
}

async fn mood(id: &str, hook: &str) -> Result<(), HookError> {
    let is = |what: &str| id.contains(&format!("{hook}-{what}"));
    if is("waits") {
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    if is("hangs") {
        std::future::pending::<()>().await;
    }
    if is("panics") {
        panic!("{hook} panics on purpose");
    }
    if is("fails") { Err("on purpose".into()) } else { Ok(()) }
}

/// Makes the node that `register` describes.
pub(crate) fn observed_with(register: impl FnOnce(NodeBuilder) -> NodeBuilder) -> Observed {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let builder = register(Node::builder("localhost:47000".parse().unwrap()));
    let node = metrics::with_local_recorder(&recorder, || builder.build().unwrap());
    Observed { node, snapshotter }
}

/// A node with every type of this file.
pub(crate) fn observed() -> Observed {
    observed_with(|node| {
        node.object::<Moody>().object::<Plain>().object_with::<Unborn>(|| panic!("never born"))
    })
}

impl Observed {
    /// What changed since it was last asked, without what is 0: name, type and code or reason to value.
    pub(crate) fn reported(&self) -> BTreeMap<String, f64> {
        reported(&self.snapshotter)
    }

    /// The node, and what is asked for what it reports.
    pub(crate) fn into_parts(self) -> (Node, impl Fn() -> BTreeMap<String, f64>) {
        let Self { node, snapshotter } = self;
        (node, move || reported(&snapshotter))
    }

    /// What changed once the node was dropped.
    pub(crate) fn after_drop(self) -> BTreeMap<String, f64> {
        let Self { node, snapshotter } = self;
        drop(node);
        reported(&snapshotter)
    }

    /// How many objects of a type the gauge says, and how many the listing says.
    pub(crate) fn gauge_and_listing(&self, type_name: &str) -> (f64, usize) {
        let gauge = format!("objects_total {type_name}");
        let counts = self.node.count_by_type();
        let listed = counts.iter().find(|(name, _)| name.as_str() == type_name);
        let gauge = self.reported().get(&gauge).copied().unwrap_or(0.0);
        (gauge, listed.map_or(0, |(_, count)| *count))
    }
}

fn reported(snapshotter: &Snapshotter) -> BTreeMap<String, f64> {
    let mut values = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let key = key.key();
        let labels = key.labels().filter(|label| label.key() != "node");
        let labels: Vec<&str> = labels.map(|label| label.value()).collect();
        let value = match value {
            DebugValue::Counter(value) => value as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(samples) => samples.len() as f64,
        };
        if value != 0.0 {
            let name = key.name().trim_start_matches("goverse_");
            values.insert(format!("{name} {}", labels.join(" ")), value);
        }
    }
    values
}

/// Waits until `holds`, for at most 10 s of real time, also where that of the runtime is paused.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 10 s: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
