//! `goverse demo`.

use std::collections::BTreeMap;

use goverse_e2e::poll::{LATER, SOON};
use goverse_e2e::{Demo, Stream, exposition, goverse_command, http, poll, port};

const NODES: [&str; 3] = ["localhost:47000", "localhost:47001", "localhost:47002"];
const ACTIVATIONS: &str = "goverse_object_activations_total";

type Samples = BTreeMap<String, f64>;

/// The series of the three nodes' pages, together.
async fn of_nodes(demo: &Demo) -> Result<Samples, String> {
    let mut all = Samples::new();
    for url in demo.metrics() {
        all.extend(exposition::samples(&http::page(&url).await?));
    }
    Ok(all)
}

#[tokio::test]
async fn a_demo_with_a_duration_ends_by_itself() {
    let mut demo = Demo::start(&["--duration", "3s", "--clients", "20", "--rooms", "5"]).await;
    let status = demo.process.wait_exit(SOON).await;
    assert_eq!(status.code(), Some(0));
    let printed = demo.process.printed(Stream::Stdout);
    for (node, url) in NODES.iter().zip(demo.metrics()) {
        assert!(printed.contains(&format!("node {node}  {url}\n")), "{printed}");
    }
    assert!(
        printed.contains(&format!("http://{0}  discovery http://{0}/sd", demo.inspector)),
        "{printed}"
    );
    let last = printed.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("stopped: ") && last.ends_with(" objects deactivated, 0 cut off"),
        "{printed}"
    );
}

#[tokio::test]
async fn a_demo_whose_output_nobody_reads_ends_well() {
    use std::process::Stdio;

    let ports = port::free_ports_in_a_row(3).to_string();
    let inspector = port::free_port().to_string();
    let mut command = goverse_command();
    command.args(["demo", "--metrics-port", &ports, "--inspector-port", &inspector]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the demo starts");
    // As `head` does, when it has seen enough.
    drop(child.stdout.take());
    let ended = poll::until("the demo to end", SOON, async || {
        child.try_wait().map_err(|error| error.to_string())?.ok_or("it runs".to_owned())
    });
    assert_eq!(ended.await.code(), Some(0));
}

#[tokio::test]
async fn signals_end_the_demo_well() {
    for signal in [goverse_e2e::Process::terminate, goverse_e2e::Process::interrupt] {
        let mut demo = Demo::start(&["--clients", "5", "--rooms", "5"]).await;
        signal(&mut demo.process);
        assert_eq!(demo.process.wait_exit(SOON).await.code(), Some(0));
        assert!(demo.process.printed(Stream::Stdout).contains("\nstopped: "));
    }
}

#[tokio::test]
async fn each_page_shows_its_own_node() {
    let demo = Demo::start(&["--clients", "40", "--rooms", "6"]).await;
    for (node, url) in NODES.iter().zip(demo.metrics()) {
        let samples = exposition::samples(&http::page(&url).await.unwrap());
        let shown = samples.keys().filter_map(|series| exposition::label(series, "node"));
        let foreign: Vec<&str> = shown.filter(|shown| shown != node).collect();
        assert_eq!(foreign, Vec::<&str>::new(), "{url}");
        let types = samples.keys().filter(|series| series.starts_with("goverse_objects_total{"));
        assert_eq!(types.count(), 2, "{url}");
        assert!(samples.contains_key("process_open_fds"), "{url}");
    }
}

/// The demo never stands still, but a counter only rises: what the inspector shows lies between what
/// the nodes showed before and what they show after.
#[tokio::test]
async fn the_inspector_shows_the_sum_of_the_nodes() {
    let demo = Demo::start(&["--clients", "60", "--rooms", "6"]).await;
    let url = format!("http://{}/metrics", demo.inspector);
    let sum = |samples: &Samples| exposition::sum(samples, ACTIVATIONS);
    let before = poll::until("objects", LATER, async || {
        let before = of_nodes(&demo).await?;
        poll::expect(sum(&before) > 50.0, sum(&before)).map(|()| before)
    })
    .await;
    let inspected = poll::until("the inspector to know as much", LATER, async || {
        let inspected = exposition::samples(&http::page(&url).await?);
        poll::expect(sum(&inspected) >= sum(&before), sum(&inspected)).map(|()| inspected)
    })
    .await;
    let after = of_nodes(&demo).await.unwrap();
    assert!(sum(&inspected) <= sum(&after), "{} of {}", sum(&inspected), sum(&after));

    let series_of = |samples: &Samples, metric: &str| -> Vec<String> {
        let prefix = format!("{metric}{{");
        samples.keys().filter(|series| series.starts_with(&prefix)).cloned().collect()
    };
    for metric in ["goverse_objects_total", ACTIVATIONS, "goverse_node_ready"] {
        assert_eq!(series_of(&inspected, metric), series_of(&after, metric), "{metric}");
    }
}
