//! The application's own macros end on the same page, and cannot touch GoVerse's series.
#![allow(
    clippy::disallowed_macros,
    reason = "these tests play the application, which uses the facade itself"
)]

use std::f64::consts::PI;

use goverse_server::Recorder;

use crate::fixture::{page, server};
use crate::scrape::Scrape;

#[tokio::test]
async fn the_applications_macros_are_on_the_page_of_its_node() {
    let server = server().start().await.unwrap();
    metrics::describe_counter!("shop_orders_total", "Orders that were placed");
    metrics::counter!("shop_orders_total", "region" => "eu").increment(3);
    metrics::gauge!("shop_open_carts").set(PI);
    metrics::histogram!("shop_checkout_seconds").record(0.2);
    metrics::histogram!("shop_checkout_seconds").record(f64::NAN);
    let scrape = Scrape::parse(&page(&server).await);
    assert_eq!(scrape.value("shop_orders_total{region=\"eu\"}"), Some(3.0));
    assert_eq!(scrape.families["shop_orders_total"].help, "Orders that were placed");
    assert_eq!(scrape.value("shop_open_carts"), Some(PI));
    assert_eq!(scrape.value("shop_checkout_seconds_count"), Some(1.0));
    assert_eq!(scrape.value("shop_checkout_seconds_sum"), Some(0.2));
    assert_eq!(scrape.value("shop_checkout_seconds_bucket{le=\"0.25\"}"), Some(1.0));
    assert_eq!(scrape.value("shop_checkout_seconds_bucket{le=\"0.1\"}"), Some(0.0));
}

#[test]
fn names_of_ours_are_out_of_the_applications_reach() {
    let recorder = Recorder::builder().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        metrics::gauge!("goverse_objects_total", "node" => "n:1", "type" => "Room").set(1e6);
        metrics::counter!("goverse_made_up_total").increment(1);
        metrics::counter!("process_cpu_seconds_total").increment(1);
        metrics::counter!("process_restarts_total").increment(1);
    });
    let scrape = Scrape::parse(&recorder.render("n:1"));
    assert!(scrape.families["goverse_objects_total"].series.is_empty());
    assert!(!scrape.families.contains_key("goverse_made_up_total"));
    assert!(scrape.value("process_cpu_seconds_total").unwrap() < 1e6);
    assert_eq!(scrape.value("process_restarts_total"), Some(1.0), "a name that is not ours");
}

/// Counts log lines.
#[derive(Clone, Default)]
struct Lines(std::sync::Arc<std::sync::atomic::AtomicUsize>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn a_refused_metric_is_logged_once_however_often_it_is_updated() {
    let (recorder, lines) = (Recorder::builder().build().unwrap(), Lines::default());
    tracing::subscriber::with_default(lines.clone(), || {
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("app_things").increment(1);
            for _ in 0..1_000 {
                metrics::counter!("goverse_mine_total").increment(1);
                metrics::gauge!("app_things").set(1.0);
                metrics::counter!("app.things").increment(1);
            }
        });
    });
    assert_eq!(lines.0.load(std::sync::atomic::Ordering::Relaxed), 3);
}

#[test]
fn an_application_chooses_the_buckets_of_its_histograms() {
    let recorder =
        Recorder::builder().buckets("app_size_bytes", &[1024.0, 64.0, 64.0]).build().unwrap();
    metrics::with_local_recorder(&recorder, || metrics::histogram!("app_size_bytes").record(100.0));
    let scrape = Scrape::parse(&recorder.render("n:1"));
    let buckets: Vec<&String> = scrape.families["app_size_bytes"]
        .series
        .keys()
        .filter(|series| series.contains("le="))
        .collect();
    assert_eq!(buckets.len(), 3, "{buckets:?}");
    assert_eq!(scrape.value("app_size_bytes_bucket{le=\"64\"}"), Some(0.0));
    assert!(Recorder::builder().buckets("app_size_bytes", &[]).build().is_err());
}
