//! What members have written down: who could act for which shard, and when.

use std::collections::BTreeMap;
use std::fmt;

/// From when to when, in ns of the boot clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// One incarnation of one member could act for a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) shard: u32,
    /// The epoch from which.
    pub(crate) since: u64,
    pub(crate) who: String,
    pub(crate) span: Span,
    /// Whether it still serves the shard, as far as the record goes.
    pub(crate) is_open: bool,
}

/// Two could act for a shard at one time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overlap {
    one: Act,
    other: Act,
}

#[derive(Default)]
struct Life {
    windows: Vec<Span>,
    /// By shard and epoch: from when to when, if it has ended.
    tenures: BTreeMap<(u32, u64), (u64, Option<u64>)>,
}

/// Reads a member's record.
pub(crate) fn read(name: &str, text: &str) -> Vec<Act> {
    let mut lives: Vec<(String, Life)> = Vec::new();
    // The last line may be half written.
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in complete.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |index: usize| -> u64 {
            words[index].parse().unwrap_or_else(|_| panic!("{name} wrote {line}"))
        };
        let life = lives.last_mut().map(|(_, life)| life);
        match (words[0], life) {
            ("begin", _) => lives.push((words[1].to_owned(), Life::default())),
            ("window", Some(life)) => life.move_window(number(1), number(2)),
            ("serve", Some(life)) => {
                let shard = u32::try_from(number(2)).expect("a shard");
                life.tenures.insert((shard, number(3)), (number(4), None));
            }
            ("end", _) => {
                let shard = u32::try_from(number(2)).expect("a shard");
                let mut lives = lives.iter_mut().rev();
                let life = lives.find(|(incarnation, _)| incarnation == words[1]);
                let tenure = life.and_then(|(_, life)| life.tenures.get_mut(&(shard, number(3))));
                tenure.unwrap_or_else(|| panic!("{name} ended what it had not begun: {line}")).1 =
                    Some(number(4));
            }
            ("lost", _) => {}
            _ => panic!("{name} wrote {line}"),
        }
    }
    lives.iter().flat_map(|(incarnation, life)| life.acts(name, incarnation)).collect()
}

/// What no two members may do.
pub(crate) fn overlaps(acts: &[Act]) -> Vec<Overlap> {
    let mut sorted: Vec<&Act> = acts.iter().collect();
    sorted.sort_by_key(|act| (act.shard, act.span.from));
    let mut overlaps = Vec::new();
    let mut latest: Option<&Act> = None;
    for act in sorted {
        if let Some(before) = latest.filter(|before| before.shard == act.shard) {
            if before.who != act.who && act.span.from < before.span.to {
                overlaps.push(Overlap { one: before.clone(), other: act.clone() });
            }
            if before.span.to >= act.span.to {
                continue;
            }
        }
        latest = Some(act);
    }
    overlaps
}

/// Of each shard, since when it has been served, if it is at this time.
pub(crate) fn served(acts: &[Act], now: u64) -> BTreeMap<u32, u64> {
    let open = acts.iter().filter(|act| act.is_open && act.span.from <= now && now < act.span.to);
    let mut served = BTreeMap::new();
    for act in open {
        // Windows that follow one another are one stretch.
        let is_same = |other: &&Act| {
            (other.shard, other.since, &other.who) == (act.shard, act.since, &act.who)
        };
        let since = acts.iter().filter(is_same).map(|other| other.span.from).min();
        let since = since.unwrap_or(act.span.from);
        served.insert(act.shard, since);
    }
    served
}

// === impl Life ===

impl Life {
    /// One that closes takes nothing away that was there before: what ends then is told by itself.
    fn move_window(&mut self, now: u64, end: u64) {
        if end <= now {
            return;
        }
        match self.windows.last_mut() {
            Some(last) if now <= last.to => last.to = last.to.max(end),
            _ => self.windows.push(Span { from: now, to: end }),
        }
    }

    fn acts(&self, name: &str, incarnation: &str) -> Vec<Act> {
        let who = format!("{name}/{}", &incarnation[..incarnation.len().min(8)]);
        let mut acts = Vec::new();
        for ((shard, since), (from, end)) in &self.tenures {
            for window in &self.windows {
                let span = Span {
                    from: *from.max(&window.from),
                    to: end.map_or(window.to, |end| end.min(window.to)),
                };
                if span.from < span.to {
                    let (who, is_open) = (who.clone(), end.is_none());
                    acts.push(Act { shard: *shard, since: *since, who, span, is_open });
                }
            }
        }
        acts
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { one, other } = self;
        let ms = |ns: u64| ns as f64 / 1e6;
        write!(
            f,
            "shard {}: {} until {:.3} ms, {} from {:.3} ms",
            one.shard,
            one.who,
            ms(one.span.to),
            other.who,
            ms(other.span.from)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{overlaps, read, served};

    fn check(records: &[(&str, &str)], expected: &[&str]) {
        let acts: Vec<_> = records.iter().flat_map(|(name, text)| read(name, text)).collect();
        let told: Vec<String> = overlaps(&acts).iter().map(ToString::to_string).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn two_that_could_act_at_one_time_are_found() {
        let one = "begin aa 0\nwindow 1000000 9000000\nserve aa 3 7 2000000\n";
        let two = "begin bb 0\nwindow 1000000 20000000\nserve bb 3 8 8000000\n";
        check(&[("a", one), ("b", two)], &["shard 3: a/aa until 9.000 ms, b/bb from 8.000 ms"]);
        check(&[("a", one), ("b", &two.replace("8 8000000", "8 9000000"))], &[]);
        check(&[("a", one), ("b", &two.replace("serve bb 3", "serve bb 4"))], &[]);
        // It had said before that it no longer acts.
        check(&[("a", &format!("{one}end aa 3 7 7000000\n")), ("b", two)], &[]);
        // What is half written was not done.
        check(&[("a", one), ("b", two.trim_end())], &[]);
    }

    #[test]
    fn a_window_that_is_extended_is_one() {
        let one = "begin aa 0\nwindow 1 5\nserve aa 3 7 2\nwindow 4 9\n";
        assert_eq!(served(&read("a", one), 8).into_iter().collect::<Vec<_>>(), [(3, 2)]);
        assert!(served(&read("a", one), 9).is_empty());
        let again = format!("{one}end aa 3 7 6\nserve aa 3 8 7\n");
        assert_eq!(served(&read("a", &again), 8).into_iter().collect::<Vec<_>>(), [(3, 7)]);
        // It closes later than it begins to close: until then it is as it was.
        let closed = format!("{one}window 5 0\n");
        assert_eq!(read("a", &closed), read("a", one));
    }
}
