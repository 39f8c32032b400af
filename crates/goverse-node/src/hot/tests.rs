//! Callers of known habits, and what a report says of them.

use goverse_core::{OBJECT_ID_BYTES_MAX, TYPE_NAME_BYTES_MAX};
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::sampler::LONG_NANOS;
use super::*;

const SECOND: u64 = 1_000_000_000;

type Who = (TypeName, ObjectId);

/// A thread that calls objects by number, and what there is to know about them.
struct Caller {
    hot: HotObjects,
    sampler: Sampler,
    now: u64,
    objects: Vec<Who>,
}

impl Caller {
    fn new(seed: u64, objects: usize) -> Self {
        println!("seed {seed}");
        let objects = (0..objects).map(|number| who(&format!("room-{number}"))).collect();
        Self { hot: HotObjects::new(0), sampler: Sampler::seeded(seed), now: 0, objects }
    }

    /// Ends a turn of that object `gap` nanoseconds after the last one.
    fn call(&mut self, object: usize, nanos: u64, gap: u64) {
        self.now += gap;
        if !self.sampler.passes_over(nanos, self.now) {
            let who = || self.objects[object].clone();
            self.hot.look_at(&self.sampler, nanos, self.now, who);
        }
    }

    fn report(&self) -> HotReport {
        self.hot.report(self.now)
    }
}

fn who(id: &str) -> Who {
    (TypeName::new("ChatRoom").unwrap(), ObjectId::new(id).unwrap())
}

/// The number of the object in a [`Caller`].
fn number(object: &HotObject) -> usize {
    object.id.as_str().strip_prefix("room-").unwrap().parse().unwrap()
}

/// The object of that number in a list.
fn find(list: &[HotObject], wanted: usize) -> Option<&HotObject> {
    list.iter().find(|object| number(object) == wanted)
}

/// Each object's id with its calls in a second and the error of that.
fn calls(report: &HotReport) -> Vec<(&str, f64, f64)> {
    let objects = report.by_calls.iter();
    let rows = objects.map(|of| (of.id.as_str(), of.calls_per_second, of.calls_per_second_error));
    rows.collect()
}

/// Runs `call` on fresh threads, with `a` on one and `b` on the other.
fn on_two_threads(call: impl Fn(&str) + Sync) {
    std::thread::scope(|scope| {
        scope.spawn(|| call("a"));
        scope.spawn(|| call("b"));
    });
}

#[test]
fn few_calls_are_counted_exactly() {
    let mut caller = Caller::new(1, 3);
    for object in [0, 1, 0, 2, 0, 1, 0, 0] {
        caller.call(object, 200_000, SECOND);
    }
    let report = caller.report();
    let expected =
        [("room-0", 5.0 / 8.0, 0.0), ("room-1", 2.0 / 8.0, 0.0), ("room-2", 1.0 / 8.0, 0.0)];
    assert_eq!(calls(&report), expected);
    assert_eq!(report.by_time[0].seconds_per_second, 0.001 / 8.0);
    assert_eq!((report.window_seconds, report.turns_per_sample), (8.0, 1.0));
    assert_eq!((report.calls_per_second, report.seconds_per_second), (1.0, 0.0002));
    assert_eq!((report.by_calls_absent_max, report.by_calls[0].missed_max), (0.0, 0.0));
}

#[test]
fn a_node_without_turns_has_an_empty_report() {
    let report = HotObjects::new(5 * SECOND).report(5 * SECOND);
    assert!(report.by_calls.is_empty() && report.by_time.is_empty());
    assert_eq!((report.calls_per_second, report.turns_per_sample), (0.0, 1.0));
}

#[test]
fn long_turns_are_counted_exactly_among_many_short_ones() {
    let mut caller = Caller::new(2, 12);
    for turn in 0..2_000_000 {
        caller.call(turn % 10, 300, 1_000);
        match turn % 10_000 {
            0 => caller.call(10, 1_000_000, 1_000_000),
            5_000 => caller.call(11, 5_000_000, 5_000_000),
            _ => {}
        }
    }
    let report = caller.report();
    assert!(report.turns_per_sample > 50.0, "{report:?}");
    let nanos = |object: &HotObject| object.seconds_per_second * report.window_seconds * 1e9;
    for (wanted, expected) in [(10, 200.0 * 1_000_000.0), (11, 200.0 * 5_000_000.0)] {
        let object = find(&report.by_time, wanted).unwrap();
        assert!((nanos(object) - expected).abs() < 1.0, "{object:?}");
        assert_eq!(object.seconds_per_second_error, 0.0);
    }
    assert_eq!(number(&report.by_time[0]), 11);
}

#[test]
fn callers_that_take_turns_are_not_mistaken_for_each_other() {
    for seed in 1..5 {
        let mut caller = Caller::new(seed, 64);
        for turn in 0..2_000_000 {
            // Fast enough that one turn in about 64 is recorded.
            caller.call(turn % 64, 500, 3_800);
        }
        let report = caller.report();
        assert!((40.0..90.0).contains(&report.turns_per_sample), "{}", report.turns_per_sample);
        assert_eq!(report.by_calls.len(), 64);
        let truth = 2_000_000.0 / 64.0 / report.window_seconds;
        let errors = report.by_calls.iter().map(|object| (object.calls_per_second - truth).abs());
        assert!(errors.clone().all(|error| error < 0.2 * truth), "{truth} in truth, {report:?}");
        // The error that is told is about right: not far fewer than two in three are within it, and not all.
        let told = report.by_calls.iter().map(|object| object.calls_per_second_error);
        let within = errors.zip(told).filter(|(error, told)| error <= told).count();
        assert!((30..58).contains(&within), "{within} of 64 within their error");
    }
}

#[test]
fn the_busiest_of_many_are_found_though_most_turns_pass_unseen() {
    const OBJECTS: usize = 20_000;
    for seed in 1..3 {
        let mut random = SmallRng::seed_from_u64(seed);
        let zipf = WeightedIndex::new((1..=OBJECTS).map(|rank| 1.0 / rank as f64)).unwrap();
        let mut caller = Caller::new(seed, OBJECTS);
        let (mut calls, mut seconds) = (vec![0.0; OBJECTS], vec![0.0; OBJECTS]);
        for _ in 0..1_000_000 {
            let object = zipf.sample(&mut random);
            let nanos = random.random_range(0..2_000) * (1 + object as u64 % 10);
            caller.call(object, nanos, 2_000);
            calls[object] += 1.0;
            seconds[object] += nanos as f64 / 1e9;
        }
        let report = caller.report();
        assert!(report.turns_per_sample > 20.0, "{}", report.turns_per_sample);
        let per_second =
            |sums: &[f64]| sums.iter().map(|sum| sum / report.window_seconds).collect();
        check_top(&report.by_calls, per_second(&calls), |object| {
            (object.calls_per_second, object.calls_per_second_error)
        });
        check_top(&report.by_time, per_second(&seconds), |object| {
            (object.seconds_per_second, object.seconds_per_second_error)
        });
    }
}

/// That the ten busiest objects in truth are far up in the list, each as close to the truth as is said there.
fn check_top(list: &[HotObject], truth: Vec<f64>, rate: impl Fn(&HotObject) -> (f64, f64)) {
    let mut busiest: Vec<usize> = (0..truth.len()).collect();
    busiest.sort_by(|a, b| truth[*b].total_cmp(&truth[*a]));
    for wanted in busiest.into_iter().take(10) {
        let object = find(&list[..15], wanted).unwrap_or_else(|| panic!("{wanted} is not there"));
        let (seen, error) = rate(object);
        let range = seen - 4.0 * error..seen + object.missed_max + 4.0 * error;
        assert!(range.contains(&truth[wanted]), "{wanted}: {} in truth, {object:?}", truth[wanted]);
    }
}

#[test]
fn objects_that_fall_silent_fade_and_are_forgotten() {
    let mut caller = Caller::new(3, 2);
    for _ in 0..1_000 {
        caller.call(0, 50_000, SECOND / 200);
    }
    let at = |second: u64| caller.hot.report(second * SECOND);
    let left = |second| {
        let report = at(second);
        (report.by_calls[0].calls_per_second * report.window_seconds).round()
    };
    assert_eq!([9, 10, 19, 20, 30, 100].map(left), [1_000.0, 500.0, 500.0, 250.0, 125.0, 1.0]);
    assert!(at(120).by_calls.is_empty() && at(120).by_calls_absent_max > 0.0);
    assert!(at(160).by_time.is_empty());
    assert!(at(160).calls_per_second < 0.01);

    // What comes after a long silence is not old.
    caller.now = 300 * SECOND;
    caller.call(1, 50_000, SECOND);
    let HotReport { window_seconds, by_calls, .. } = caller.report();
    let calls = by_calls.iter().map(|object| (number(object), object.calls_per_second));
    assert_eq!(calls.collect::<Vec<_>>(), [(1, 1.0 / window_seconds)]);
}

#[test]
fn errors_fade_with_what_they_are_of() {
    let hot = HotObjects::new(0);
    (0..100).for_each(|_| hot.record(who("lobby"), &Tally::of_turn(100, 50.0), SECOND));
    let part = |second| {
        let HotObject { calls_per_second, calls_per_second_error, .. } =
            hot.report(second * SECOND).by_calls.remove(0);
        calls_per_second_error / calls_per_second
    };
    let expected = (50.0_f64 * 49.0 * 100.0).sqrt() / 5_000.0;
    for found in [9, 15, 45].map(part) {
        assert!((found - expected).abs() < 1e-9, "{found} of it, not {expected}");
    }
}

#[test]
fn a_steady_caller_has_the_same_rate_at_any_time() {
    let mut caller = Caller::new(4, 1);
    for turn in 1..1_000 {
        caller.call(0, 2_000_000, SECOND / 10);
        // In the first second the rates are said to be too low.
        if turn > 10 && turn % 7 == 0 {
            let mut report = caller.report();
            assert!((0.999..1.001).contains(&report.turns_per_sample), "{report:?}");
            let HotObject { calls_per_second, seconds_per_second, .. } = report.by_calls.remove(0);
            assert!((9.5..10.5).contains(&calls_per_second), "{calls_per_second} after {turn}");
            assert!((0.019..0.021).contains(&seconds_per_second), "{seconds_per_second}");
        }
    }
}

#[test]
fn newcomers_do_not_come_first_for_what_they_may_have_missed() {
    let mut caller = Caller::new(6, 4_000);
    // With 4000 turns for 256 slots, someone who is new may have had 15 before.
    let busy = std::iter::repeat_n(0, 18);
    for object in busy.chain(1..3_999).chain([3_999; 6]) {
        caller.call(object, 100, SECOND / 5_000);
    }
    let report = caller.report();
    let top = report.by_calls[..2].iter();
    let top = top.map(|object| (number(object), object.calls_per_second, object.missed_max));
    assert_eq!(top.collect::<Vec<_>>(), [(0, 18.0, 0.0), (3_999, 6.0, 15.0)]);
}

#[test]
fn memory_is_bounded_whatever_ids_come() {
    let hot = HotObjects::new(0);
    let sampler = Sampler::seeded(5);
    let name = "T".repeat(TYPE_NAME_BYTES_MAX);
    for number in 0..20_000 {
        let id = format!("{number:0>OBJECT_ID_BYTES_MAX$}");
        let who = || (TypeName::new(&name).unwrap(), ObjectId::new(&id).unwrap());
        hot.look_at(&sampler, LONG_NANOS, number, who);
    }
    let bytes = hot.bytes();
    assert!((350 * 1_024..400 * 1_024).contains(&bytes), "{bytes} bytes");

    // Nobody is hot there, and the report does not say that anybody is.
    let report = hot.report(SECOND);
    assert_eq!((report.by_calls.len(), report.by_time.len()), (KEPT, KEPT));
    assert!(report.by_calls.iter().all(|object| object.calls_per_second == 1.0));
    let share = 20_000.0 / KEPT as f64;
    assert!((0.9 * share..=share).contains(&report.by_calls_absent_max), "{report:?}");
    assert!((0.9 * share..=share).contains(&(report.by_time_absent_max * 1_000.0)), "{report:?}");

    // What is forgotten is given back.
    hot.report(1_000 * SECOND);
    assert!(hot.bytes() < 60 * 1_024, "{} bytes", hot.bytes());
}

#[test]
fn two_threads_with_few_calls_are_counted_exactly() {
    let hot = HotObjects::new(0);
    let call = |id: &str| {
        for turn in 1..=3_000 {
            hot.turn_ended(400, turn * (SECOND / 3_000), || {
                who(if turn % 3 == 0 { "both" } else { id })
            });
        }
    };
    on_two_threads(call);
    let expected = [("a", 2_000.0, 0.0), ("b", 2_000.0, 0.0), ("both", 2_000.0, 0.0)];
    assert_eq!(calls(&hot.report(SECOND)), expected);
}

#[test]
fn two_busy_threads_are_estimated_together() {
    let hot = HotObjects::new(0);
    let call = |id: &str| {
        for turn in 1..=1_000_000 {
            hot.turn_ended(400, turn * 2_000, || who(if turn % 4 == 0 { "both" } else { id }));
        }
    };
    on_two_threads(call);
    let report = hot.report(2 * SECOND);
    assert!(report.turns_per_sample > 50.0, "{report:?}");
    for HotObject { id, calls_per_second, calls_per_second_error, .. } in &report.by_calls {
        let truth = if id.as_str() == "both" { 250_000.0 } else { 375_000.0 };
        let off = (calls_per_second - truth).abs();
        assert!(off < 5.0 * calls_per_second_error, "{id}: {calls_per_second} for {truth}");
        assert!(*calls_per_second_error < 0.1 * truth, "{id}: {calls_per_second_error}");
    }
    assert_eq!(report.by_calls.len(), 3);
}

#[test]
fn a_report_is_plain_json() {
    let hot = HotObjects::new(0);
    hot.record(who("lobby"), &Tally::of_turn(3_000_000, 1.0), SECOND);
    let json = serde_json::to_value(hot.report(2 * SECOND)).unwrap();
    let lobby = serde_json::json!({
        "type": "ChatRoom",
        "id": "lobby",
        "calls_per_second": 0.5,
        "calls_per_second_error": 0.0,
        "seconds_per_second": 0.0015,
        "seconds_per_second_error": 0.0,
        "missed_max": 0.0,
    });
    let expected = serde_json::json!({
        "window_seconds": 2.0,
        "half_life_seconds": 10.0,
        "turns_per_sample": 1.0,
        "calls_per_second": 0.5,
        "seconds_per_second": 0.0015,
        "by_calls": [lobby],
        "by_calls_absent_max": 0.0,
        "by_time": [lobby],
        "by_time_absent_max": 0.0,
    });
    assert_eq!(json, expected);
}

impl HotObjects {
    /// What it takes now, with every name that it keeps as if nobody else had it.
    fn bytes(&self) -> usize {
        let state = self.lock();
        size_of::<Self>() + state.by_calls.bytes() + state.by_time.bytes()
    }
}
