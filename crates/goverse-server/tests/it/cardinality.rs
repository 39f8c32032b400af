//! Names that come without end add series up to a cap, and what was refused is counted.
#![allow(
    clippy::disallowed_macros,
    reason = "these tests play the application, which uses the facade itself"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use goverse_metrics::{ObjectGuard, TypeMetrics};
use goverse_server::Recorder;

use crate::fixture::{page, server};
use crate::scrape::Scrape;

const MANY: usize = 100_000;

fn overflow(scrape: &Scrape, metric: &str) -> f64 {
    let series = format!("goverse_metrics_series_overflow_total{{metric=\"{metric}\"}}");
    scrape.value(&series).unwrap_or_else(|| panic!("{series}"))
}

fn rendered(recorder: &Recorder) -> Scrape {
    recorder.run_upkeep();
    Scrape::parse(&recorder.render("n:1"))
}

#[tokio::test]
async fn made_up_types_add_no_series_and_are_counted() {
    let server = server().start().await.unwrap();
    let series = |scrape: &Scrape| -> usize {
        let ours = scrape.families.iter().filter(|(name, _)| name.starts_with("goverse_object"));
        ours.map(|(_, family)| family.series.len()).sum()
    };
    let before = series(&Scrape::parse(&page(&server).await));
    for index in 0..MANY {
        server.node().create_object(&format!("Type{index}"), "a").await.unwrap_err();
    }
    let scrape = Scrape::parse(&page(&server).await);
    assert_eq!(series(&scrape), before);
    let node = server.node().address();
    let refused = format!(
        "goverse_object_activation_failures_total{{node=\"{node}\",type=\"other\",code=\"unknown_type\"}}"
    );
    assert_eq!(scrape.value(&refused), Some(MANY as f64));
}

#[test]
fn an_application_label_without_bound_is_folded_at_the_cap() {
    let recorder = Recorder::builder().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        for user in 0..MANY {
            metrics::counter!("app_logins_total", "user" => user.to_string()).increment(1);
            metrics::gauge!("app_score", "user" => user.to_string()).set(1.0);
            metrics::histogram!("app_wait_seconds", "user" => user.to_string()).record(0.1);
        }
    });
    let scrape = rendered(&recorder);
    let refused = (MANY - 1_000) as f64;
    for name in ["app_logins_total", "app_score", "app_wait_seconds"] {
        assert_eq!(overflow(&scrape, name), refused, "{name}");
    }
    assert_eq!(scrape.families["app_logins_total"].series.len(), 1_001);
    assert_eq!(scrape.families["app_score"].series.len(), 1_001);
    assert_eq!(scrape.value("app_logins_total{user=\"_other\"}"), Some(refused));
    assert_eq!(scrape.value("app_wait_seconds_count{user=\"_other\"}"), Some(refused));
    assert_eq!(scrape.value("app_logins_total{user=\"999\"}"), Some(1.0));
}

#[test]
fn a_series_that_was_there_before_the_cap_keeps_counting() {
    let recorder = Recorder::builder().series_max(2).build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        for user in ["a", "b", "c", "a", "b", "c", "d"] {
            metrics::counter!("app_logins_total", "user" => user).increment(1);
        }
    });
    let scrape = rendered(&recorder);
    let expected = [("_other", 3.0), ("a", 2.0), ("b", 2.0)];
    for (user, value) in expected {
        assert_eq!(
            scrape.value(&format!("app_logins_total{{user=\"{user}\"}}")),
            Some(value),
            "{user}"
        );
    }
    assert_eq!(overflow(&scrape, "app_logins_total"), 3.0);
}

#[test]
fn our_own_metrics_are_capped_too() {
    let recorder = Recorder::builder().build().unwrap();
    let objects: Vec<_> = metrics::with_local_recorder(&recorder, || {
        let types = (0..2_500).map(|index| Arc::new(TypeMetrics::new("n:1", &format!("T{index}"))));
        let objects = types.map(ObjectGuard::begin);
        objects.inspect(ObjectGuard::succeed).collect()
    });
    let scrape = rendered(&recorder);
    assert_eq!(scrape.families["goverse_objects_total"].series.len(), 2_001);
    assert_eq!(scrape.value("goverse_objects_total{node=\"n:1\",type=\"_other\"}"), Some(500.0));
    assert_eq!(overflow(&scrape, "goverse_objects_total"), 500.0);
    drop(objects);
    let sum: f64 = rendered(&recorder).families["goverse_objects_total"].series.values().sum();
    assert_eq!(sum, 0.0);
}

#[test]
fn metric_names_without_bound_are_refused_and_counted() {
    let recorder = Recorder::builder().families_max(10).build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        for index in 0..100 {
            metrics::counter!(format!("app_{index}_total")).increment(1);
        }
    });
    let scrape = rendered(&recorder);
    assert_eq!(scrape.families.keys().filter(|name| name.starts_with("app_")).count(), 10);
    assert_eq!(overflow(&scrape, "_other"), 90.0);
}

#[test]
fn an_unlabelled_series_that_finds_no_room_is_folded_visibly() {
    let recorder = Recorder::builder().series_max(2).build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        metrics::counter!("app_total", "a" => "1").increment(1);
        metrics::counter!("app_total", "a" => "2").increment(1);
        metrics::counter!("app_total").increment(10);
        metrics::counter!("app_total", "a" => "3").increment(1_000);
    });
    let scrape = rendered(&recorder);
    assert_eq!(scrape.value("app_total"), None);
    assert_eq!(scrape.value("app_total{a=\"_other\"}"), Some(1_010.0));
}

#[test]
fn descriptions_are_as_bounded_as_metrics() {
    let recorder = Recorder::builder().families_max(3).build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        for index in 0..10 {
            metrics::describe_counter!(format!("app_{index}"), "x".repeat(1 << 20));
        }
        metrics::counter!("app_2").increment(1);
        metrics::counter!("app_9").increment(1);
    });
    let scrape = rendered(&recorder);
    assert_eq!(scrape.families["app_2"].help.len(), 1_024);
    assert_eq!(scrape.families["app_9"].help, "", "there was no room for its description");
}

#[test]
fn names_and_labels_of_prometheus_are_left_to_it() {
    let recorder = Recorder::builder().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        metrics::gauge!("up").set(0.0);
        metrics::gauge!("scrape_duration_seconds").set(0.0);
        metrics::counter!("app_total", "job" => "x", "instance" => "y").increment(1);
    });
    let scrape = rendered(&recorder);
    assert!(
        !scrape.families.contains_key("up")
            && !scrape.families.contains_key("scrape_duration_seconds")
    );
    assert_eq!(scrape.value("app_total{exported_instance=\"y\",exported_job=\"x\"}"), Some(1.0));
    assert_eq!(overflow(&scrape, "_other"), 2.0);
}

#[test]
fn names_that_break_a_page_do_not_and_no_two_series_collide() {
    let long = "x".repeat(65_536);
    let values = [
        "plain",
        "a\\b",
        "a_b",
        "a\\\\b",
        "a\nb",
        "a\\nb",
        "a\"b",
        "a\\\"b",
        "a\\",
        "a",
        "a\rb",
        "a\0b",
        "a\u{85}b",
        "}",
        "{",
        ",",
        "=",
        "#",
        " ",
        "",
        "le",
        "_other",
        "日本",
        "…",
        &long,
        &long[1..],
        "a\\\\",
        "\\",
        "\\\\",
        "\"",
        "\\\"",
    ];
    let keys =
        ["user", "le", "quantile", "__name__", "a.b", "1st", "", "日本", &long, "exported_le"];
    let recorder = Recorder::builder().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        for value in values {
            metrics::counter!("app_values_total", "value" => value.to_owned()).increment(1);
        }
        for key in keys {
            metrics::counter!("app_keys_total", key.to_owned() => "v").increment(1);
            metrics::histogram!("app_keys_seconds", key.to_owned() => "v").record(1.0);
        }
        for name in ["app.dots", "1app", "", "日本", &long, "app{x}", "app\n"] {
            metrics::counter!(name.to_owned()).increment(1);
            metrics::describe_counter!(name.to_owned(), "help with \\ and \n and \"");
        }
    });
    let page = recorder.render("n:1");
    let scrape = Scrape::parse(&page);
    let all = |name: &str| &scrape.families[name].series;
    assert_eq!(all("app_values_total").len(), values.len());
    assert!(all("app_values_total").values().all(|value| *value == 1.0), "one sample each: {page}");
    // `le` is shown as exported_le, which this application has too: the later one is folded, and counted.
    let folded = overflow(&scrape, "app_keys_total");
    assert_eq!(folded, 1.0);
    assert_eq!(all("app_keys_total").values().sum::<f64>(), keys.len() as f64);
    assert!(page.lines().all(|line| line.len() < 1_000), "every line is bounded");
}

#[test]
fn one_name_has_one_kind() {
    let recorder = Recorder::builder().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        metrics::counter!("app_things").increment(1);
        metrics::gauge!("app_things").set(7.0);
        metrics::counter!("app.things").increment(1);
        metrics::histogram!("app_time_seconds").record(1.0);
        metrics::counter!("app_time_seconds_count").increment(5);
        metrics::gauge!("app_size_sum").set(5.0);
        metrics::histogram!("app_size").record(1.0);
    });
    let scrape = rendered(&recorder);
    assert_eq!(scrape.value("app_things"), Some(1.0));
    assert_eq!(scrape.value("app_time_seconds_count"), Some(1.0));
    assert_eq!(scrape.value("app_size_sum"), Some(5.0));
    assert_eq!(overflow(&scrape, "app_things"), 2.0);
    let names: BTreeSet<&str> = scrape.families.keys().map(String::as_str).collect();
    assert!(!names.contains("app_size") && !names.contains("app_time_seconds_count"), "{names:?}");
}
