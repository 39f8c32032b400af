//! What `docs/getting-started.md` tells a newcomer to write is built and run, as it stands there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use goverse_e2e::poll::SOON;
use goverse_e2e::{Process, Stream, build_package, exposition, http, poll, port, workspace_root};

/// Where the page has the clone of this repository, beside the folder of the newcomer.
const CLONE: &str = "../goverse/";

/// Where the page has the program serve its metrics.
const OPERATIONS: &str = "localhost:9090";

fn page() -> String {
    fs::read_to_string(workspace_root().join("docs/getting-started.md")).unwrap()
}

/// The one block of code in a language.
fn block<'a>(page: &'a str, language: &str) -> &'a str {
    let mut blocks = page.split("\n```").skip(1).step_by(2);
    let start = format!("{language}\n");
    let block = blocks.find_map(|block| block.strip_prefix(&start));
    block.unwrap_or_else(|| panic!("the page has no block of {language}"))
}

/// Writes what the page says into a folder.
fn write_package(page: &str, folder: &Path) {
    let manifest = block(page, "toml");
    assert!(manifest.contains(CLONE), "{manifest}");
    let clone = format!("{}/", workspace_root().display());
    fs::write(folder.join("Cargo.toml"), manifest.replace(CLONE, &clone)).unwrap();
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("src/main.rs"), block(page, "rust")).unwrap();
}

/// What of the page's samples the program does not show yet.
///
/// The page shows a counter that has run for a while.
fn difference(expected: &BTreeMap<String, f64>, shown: &BTreeMap<String, f64>) -> String {
    let is_shown = |series: &String, expected: f64| match shown.get(series) {
        Some(value) if expected > 1.0 => *value > 1.0,
        value => value == Some(&expected),
    };
    let missing = expected.iter().filter(|(series, value)| !is_shown(series, **value));
    missing.map(|(series, value)| format!("{series} {value}\n")).collect()
}

#[tokio::test]
async fn an_empty_folder_becomes_a_counter_with_metrics() {
    let (page, folder) = (page(), tempfile::tempdir().unwrap());
    assert!(block(&page, "rust").lines().count() < 40, "it is to be short");
    write_package(&page, folder.path());
    let (program, complaints) = build_package(folder.path(), "counter");
    assert_eq!(complaints, Vec::<String>::new(), "it builds without a warning");

    let flag = "--metrics-listen-address";
    assert!(page.contains(&format!("$ cargo run -- {flag} {OPERATIONS}\n")), "the page runs it");
    let operations = format!("localhost:{}", port::free_port());
    let mut command = Command::new(program);
    command.args([flag, &operations]);
    let mut counter = Process::start(command);
    let expected = exposition::samples(block(&page, "text"));
    assert!(expected.len() > 3, "{expected:?}");
    poll::until("what the page shows", SOON, async || {
        let metrics = http::page(&format!("http://{operations}/metrics")).await?;
        let difference = difference(&expected, &exposition::samples(&metrics));
        poll::expect(difference.is_empty(), difference)
    })
    .await;
    for link in ["objects", "debug/hot"] {
        assert!(
            page.contains(&format!("<http://{OPERATIONS}/{link}>")),
            "the page leads to {link}"
        );
        let shown = http::page(&format!("http://{operations}/{link}")).await.unwrap();
        assert!(shown.contains("\"id\":\"seconds\""), "{link}: {shown}");
    }
    counter.terminate();
    assert_eq!(counter.wait_exit(SOON).await.code(), Some(0));
    assert!(counter.printed(Stream::Stdout).starts_with("1\n2\n"));
}
