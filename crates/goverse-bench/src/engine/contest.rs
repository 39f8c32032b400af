//! All competitors at one scenario, in turn, and the figures that come of it.

use std::sync::Arc;

use super::actix::Actix;
use super::competitor::{Competitor, Threads};
use super::goverse::Goverse;
use super::kameo::Kameo;
use super::mailbox::Mailbox;
use super::ractor::Ractor;
use super::xtra::Xtra;
use crate::measure::{Runs, in_turns};
use crate::report::{Figure, Report};

/// Something that every competitor can do.
pub(super) trait Scenario {
    /// What doing it once gives.
    type Outcome;

    /// What there is to tell of it.
    fn quantities(&self) -> Vec<Quantity<Self::Outcome>>;

    /// Does it once, with a competitor and threads that nothing else has used.
    fn measure<C: Competitor>(&self, competitor: Arc<C>, threads: &C::Threads) -> Self::Outcome;
}

/// One figure of a scenario.
pub(super) struct Quantity<T> {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) value: fn(&T) -> f64,
    pub(super) beside: Beside,
}

/// Whose figure ours stands beside.
#[derive(Clone, Copy)]
pub(super) enum Beside {
    /// The mailbox written by hand.
    Mailbox,
    /// The competitor of this name.
    Named(&'static str),
    /// The frameworks' most: of ractor, kameo, actix and xtra.
    MostOfFrameworks,
    /// The frameworks' least.
    LeastOfFrameworks,
}

/// A competitor, with what it does.
pub(super) struct Entrant<'a, T> {
    pub(super) name: &'static str,
    /// Does it once; none while there is nothing to measure yet.
    pub(super) measure: Box<dyn FnMut() -> Option<T> + 'a>,
}

/// Something of a competitor, with its name.
type Named<T> = (&'static str, T);

/// Lets all take turns, and reports it: the peers beside the mailbox, ours beside what it is to be judged by.
pub(super) fn contest<S: Scenario>(scenario: &S, report: &Report, runs: usize) {
    let quantities = scenario.quantities();
    let mut entrants = entrants(scenario);
    let names = entrants.each_ref().map(|entrant| entrant.name);
    if !quantities.iter().any(|quantity| names.iter().any(|name| report.wants(&quantity.of(name))))
    {
        return;
    }
    let measures = entrants.each_mut().map(|entrant| &mut *entrant.measure);
    let outcomes = in_turns(runs, measures.map(|measure| measure as &mut dyn FnMut() -> _));
    for quantity in quantities {
        let values = outcomes.each_ref().map(|outcomes| {
            let values: Vec<_> = outcomes.iter().flatten().map(quantity.value).collect();
            (!values.is_empty()).then(|| Runs::new(values))
        });
        let present = names.into_iter().zip(values);
        let present = present.filter_map(|(name, runs)| Some((name, runs?))).collect::<Vec<_>>();
        for (name, runs) in &present {
            let reference = quantity.reference_of(name, &present);
            report.add(&Figure::new(&quantity.of(name), quantity.unit, runs.clone(), reference));
        }
    }
}

/// Everybody, ours first.
pub(super) fn entrants<S: Scenario>(scenario: &S) -> [Entrant<'_, S::Outcome>; 7] {
    [
        entrant::<S, Goverse<true>>(scenario),
        entrant::<S, Mailbox>(scenario),
        entrant::<S, Ractor>(scenario),
        entrant::<S, Kameo>(scenario),
        entrant::<S, Actix<2>>(scenario),
        entrant::<S, Actix<1>>(scenario),
        entrant::<S, Xtra>(scenario),
    ]
}

fn entrant<S: Scenario, C: Competitor>(scenario: &S) -> Entrant<'_, S::Outcome> {
    Entrant { name: C::NAME, measure: Box::new(|| once::<S, C>(scenario)) }
}

/// Does it once, from nothing.
pub(super) fn once<S: Scenario, C: Competitor>(scenario: &S) -> Option<S::Outcome> {
    let threads = C::Threads::begin();
    let competitor = C::begin(&threads)?;
    Some(scenario.measure(Arc::new(competitor), &threads))
}

// === impl Quantity ===

impl<T> Quantity<T> {
    /// What the figure of a competitor is called; ours has no addition to its name.
    fn of(&self, competitor: &str) -> String {
        match competitor {
            Goverse::<true>::NAME => self.name.to_owned(),
            peer => format!("{}/{peer}", self.name),
        }
    }

    fn reference_of(&self, competitor: &str, all: &[Named<Runs>]) -> Named<Runs> {
        let frameworks =
            all.iter().filter(|(name, _)| ![Goverse::<true>::NAME, Mailbox::NAME].contains(name));
        let by_median = |a: &&Named<Runs>, b: &&Named<Runs>| a.1.median().total_cmp(&b.1.median());
        let reference = match self.beside {
            _ if competitor != Goverse::<true>::NAME => named(Mailbox::NAME, all),
            Beside::Mailbox => named(Mailbox::NAME, all),
            Beside::Named(name) => named(name, all),
            Beside::MostOfFrameworks => frameworks.max_by(by_median),
            Beside::LeastOfFrameworks => frameworks.min_by(by_median),
        };
        reference.expect("every peer can be measured").clone()
    }
}

fn named<'a>(name: &str, all: &'a [Named<Runs>]) -> Option<&'a Named<Runs>> {
    all.iter().find(|(other, _)| *other == name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Beside, Quantity, Scenario, entrants};
    use crate::engine::competitor::{Competitor, complete};
    use crate::measure::Runs;

    /// What five calls answer, after objects that came and went.
    struct Answers;

    impl Scenario for Answers {
        type Outcome = [i64; 5];

        fn quantities(&self) -> Vec<Quantity<[i64; 5]>> {
            Vec::new()
        }

        fn measure<C: Competitor>(&self, competitor: Arc<C>, threads: &C::Threads) -> [i64; 5] {
            complete(threads, async move {
                competitor.come_and_go("a").await;
                competitor.come_and_go_with_hooks("a").await;
                let object = competitor.activate(0, "b").await;
                let directory = competitor.directory(&["c".to_owned(), "d".to_owned()]).await;
                [
                    C::add(&object, 5).await,
                    C::add_yielding(&object, 6).await,
                    C::add_waiting(&object, 4).await,
                    C::add_by_id(&directory, "c", 7).await,
                    C::add_by_id(&directory, "c", 8).await,
                ]
            })
        }
    }

    #[test]
    fn every_competitor_counts_alike() {
        for mut entrant in entrants(&Answers) {
            if let Some(answers) = (entrant.measure)() {
                assert_eq!(answers, [5, 11, 15, 7, 15], "{}", entrant.name);
            }
        }
    }

    #[test]
    fn ours_is_judged_by_what_the_scenario_says_and_a_peer_by_the_mailbox() {
        let all = [("goverse", 9.0), ("mailbox", 8.0), ("ractor", 3.0), ("xtra", 5.0)]
            .map(|(name, value)| (name, Runs::new(vec![value])));
        let check = |beside, competitor: &str, expected: &str| {
            let quantity = Quantity::<f64> { name: "q", unit: "/s", value: |value| *value, beside };
            assert_eq!(quantity.reference_of(competitor, &all).0, expected, "{competitor}");
        };
        check(Beside::Mailbox, "goverse", "mailbox");
        check(Beside::Named("ractor"), "goverse", "ractor");
        check(Beside::MostOfFrameworks, "goverse", "xtra");
        check(Beside::LeastOfFrameworks, "goverse", "ractor");
        check(Beside::MostOfFrameworks, "ractor", "mailbox");
    }
}
