//! Reading a page into families, line by line.

use std::collections::HashMap;

use super::line::{BLANKS, check_escapes, read_sample, split_metric_name};
use super::{ExpositionError, Family, FamilyKind, Problem, Sample, excerpt};

/// Reads a page into its families, in the order in which they first occur.
pub(crate) fn parse(page: &str) -> Result<Vec<Family<'_>>, ExpositionError> {
    let mut reader = Reader::default();
    let mut line_number = 0;
    for line in page.split_inclusive('\n') {
        line_number += 1;
        let read = match line.strip_suffix('\n') {
            Some(line) => reader.read_line(line.trim_matches(BLANKS), line_number),
            None => Err(Problem::UnendedLine),
        };
        read.map_err(|problem| problem.at(line_number))?;
    }
    Ok(reader.families)
}

#[derive(Default)]
struct Reader<'page> {
    families: Vec<Family<'page>>,
    index: HashMap<&'page str, usize>,
    /// Families whose TYPE line was read.
    typed: HashMap<&'page str, FamilyKind>,
}

// === impl Reader ===

impl<'page> Reader<'page> {
    fn read_line(&mut self, line: &'page str, number: usize) -> Result<(), Problem> {
        if line.is_empty() {
            return Ok(());
        }
        if let Some(comment) = line.strip_prefix('#') {
            return self.read_comment(comment.trim_start_matches(BLANKS));
        }
        self.read_sample(read_sample(line, number)?)
    }

    fn read_comment(&mut self, comment: &'page str) -> Result<(), Problem> {
        let (keyword, rest) = comment.split_once(BLANKS).unwrap_or((comment, ""));
        match keyword {
            "HELP" => self.read_help(rest.trim_start_matches(BLANKS)),
            "TYPE" => self.read_kind(rest.trim_start_matches(BLANKS)),
            _ => Ok(()),
        }
    }

    fn read_help(&mut self, text: &'page str) -> Result<(), Problem> {
        let (name, help) = split_metric_name(text)?;
        let help = help.trim_start_matches(BLANKS);
        check_escapes(help)?;
        let family = self.family(name);
        if family.help.replace(help).is_some() {
            return Err(Problem::RepeatedHelp(excerpt(name)));
        }
        Ok(())
    }

    fn read_kind(&mut self, text: &'page str) -> Result<(), Problem> {
        let (name, word) = split_metric_name(text)?;
        let word = word.trim_start_matches(BLANKS);
        let kind = FamilyKind::from_word(word).ok_or_else(|| Problem::Kind(excerpt(word)))?;
        if self.typed.insert(name, kind).is_some() {
            return Err(Problem::RepeatedKind(excerpt(name)));
        }
        let family = self.family(name);
        if !family.samples.is_empty() {
            return Err(Problem::LateKind(excerpt(name)));
        }
        family.kind = kind;
        Ok(())
    }

    fn read_sample(&mut self, sample: Sample<'page>) -> Result<(), Problem> {
        let name = self.family_of(&sample)?;
        self.family(name).samples.push(sample);
        Ok(())
    }

    /// The family that a sample is of, by its name without the suffix where its family has suffixes.
    fn family_of(&self, sample: &Sample<'page>) -> Result<&'page str, Problem> {
        let kind_of = |name: &str| self.typed.get(name).copied();
        let name = sample.name;
        if let Some(base) = name.strip_suffix("_bucket")
            && kind_of(base) == Some(FamilyKind::Histogram)
        {
            let has_bound = sample.labels.iter().any(|(name, _)| *name == "le");
            return if has_bound { Ok(base) } else { Err(Problem::NoBound(excerpt(base))) };
        }
        if let Some(base) = name.strip_suffix("_sum").or_else(|| name.strip_suffix("_count"))
            && matches!(kind_of(base), Some(FamilyKind::Histogram | FamilyKind::Summary))
        {
            return Ok(base);
        }
        match kind_of(name) {
            Some(FamilyKind::Histogram) => Err(Problem::BareHistogram(excerpt(name))),
            _ => Ok(name),
        }
    }

    fn family(&mut self, name: &'page str) -> &mut Family<'page> {
        let index = *self.index.entry(name).or_insert_with(|| {
            let (help, kind) = (None, FamilyKind::Untyped);
            self.families.push(Family { name, help, kind, samples: Vec::new() });
            self.families.len() - 1
        });
        &mut self.families[index]
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use expect_test::{Expect, expect};

    use super::parse;

    fn check(page: &str, expected: Expect) {
        let mut shown = String::new();
        match parse(page) {
            Err(error) => writeln!(shown, "{error}").unwrap(),
            Ok(families) => {
                for family in families {
                    let (name, kind, help) = (family.name, family.kind, family.help);
                    writeln!(shown, "{name} {kind:?} {help:?}").unwrap();
                    for sample in family.samples {
                        let (name, labels, value) = (sample.name, sample.labels, sample.value);
                        writeln!(shown, "  {name} {labels:?} {value}").unwrap();
                    }
                }
            }
        }
        expected.assert_eq(&shown);
    }

    #[test]
    fn families_samples_and_comments() {
        check(
            "# HELP a_total Counts \\\\ things\n# TYPE a_total counter\na_total 1\n\
             a_total{x=\"1\",} 2.5e3 1700000000000\n\n# a remark\n#\n  b { y = \"2\" , z=\"3\" }  +Inf\n",
            expect![[r#"
                a_total Counter Some("Counts \\\\ things")
                  a_total [] 1
                  a_total [("x", "1")] 2.5e3 1700000000000
                b Untyped None
                  b [("y", "2"), ("z", "3")] +Inf
            "#]],
        );
        check("", expect![""]);
    }

    #[test]
    fn histograms_and_summaries_keep_their_parts() {
        check(
            "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n\
             # TYPE s summary\ns{quantile=\"0.5\"} NaN\ns_sum 0\ns_count 0\n\
             # TYPE g gauge\ng_sum 1\ng 1\n",
            expect![[r#"
                h Histogram None
                  h_bucket [("le", "1")] 1
                  h_bucket [("le", "+Inf")] 2
                  h_sum [] 3
                  h_count [] 2
                s Summary None
                  s [("quantile", "0.5")] NaN
                  s_sum [] 0
                  s_count [] 0
                g Gauge None
                  g [] 1
                g_sum Untyped None
                  g_sum [] 1
            "#]],
        );
    }

    #[test]
    fn label_values_may_hold_anything() {
        check(
            "a{x=\"} 1, y=\\\"2\\\" # \\\\\",z=\"{é\\n\"} 7\n",
            expect![[r##"
                a Untyped None
                  a [("x", "} 1, y=\\\"2\\\" # \\\\"), ("z", "{é\\n")] 7
            "##]],
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let pages = [
            "ok 1\n<html>\n",
            "1a 1\n",
            "a\n",
            "a one\n",
            "a 1 later\n",
            "a 1 1.5\n",
            "a 1 2 3\n",
            "a 1",
            "a{x=\"1\" 1\n",
            "a{x=\"1\n",
            "a{x=\"1\\\"} 1\n",
            "a{x=\"\\t\"} 1\n",
            "a{x=1} 1\n",
            "a{0=\"1\"} 1\n",
            "a{__name__=\"b\"} 1\n",
            "a{x=\"1\",x=\"2\"} 1\n",
            "a{,} 1\n",
            "a{\n",
            "# TYPE a thing\n",
            "# TYPE a\n",
            "# TYPE a gauge\n# TYPE a gauge\n",
            "# HELP a b\n# HELP a c\n",
            "a 1\n# TYPE a gauge\n",
            "# TYPE a histogram\na 1\n",
            "# TYPE a histogram\na_bucket 1\n",
            "# HELP\n",
            "a 1\r\n",
        ];
        let mut shown = String::new();
        for page in pages {
            writeln!(shown, "{page:?} → {}", parse(page).unwrap_err()).unwrap();
        }
        expect![[r##"
            "ok 1\n<html>\n" → line 2: "<html>" does not begin with the name of a metric
            "1a 1\n" → line 1: "1a 1" does not begin with the name of a metric
            "a\n" → line 1: "" is no number
            "a one\n" → line 1: "one" is no number
            "a 1 later\n" → line 1: "later" is no time-stamp
            "a 1 1.5\n" → line 1: "1.5" is no time-stamp
            "a 1 2 3\n" → line 1: "3" follows the time-stamp
            "a 1" → line 1: the page ends in the middle of it
            "a{x=\"1\" 1\n" → line 1: the labels do not end with a brace
            "a{x=\"1\n" → line 1: the value of the label x does not end
            "a{x=\"1\\\"} 1\n" → line 1: the value of the label x does not end
            "a{x=\"\\t\"} 1\n" → line 1: a backslash may only stand before a backslash, a quote or n
            "a{x=1} 1\n" → line 1: the label x has no value in quotes
            "a{0=\"1\"} 1\n" → line 1: "0=\"1\"} 1" does not begin with the name of a label
            "a{__name__=\"b\"} 1\n" → line 1: "__name__=\"b\"} 1" does not begin with the name of a label
            "a{x=\"1\",x=\"2\"} 1\n" → line 1: the label x is there twice
            "a{,} 1\n" → line 1: ",} 1" does not begin with the name of a label
            "a{\n" → line 1: the labels do not end with a brace
            "# TYPE a thing\n" → line 1: "thing" is no type of a metric
            "# TYPE a\n" → line 1: "" is no type of a metric
            "# TYPE a gauge\n# TYPE a gauge\n" → line 2: a has a second TYPE line
            "# HELP a b\n# HELP a c\n" → line 2: a has a second HELP line
            "a 1\n# TYPE a gauge\n" → line 2: the TYPE line of a comes after its samples
            "# TYPE a histogram\na 1\n" → line 2: a is a histogram, whose samples end in _bucket, _sum or _count
            "# TYPE a histogram\na_bucket 1\n" → line 2: a bucket of a has no label le
            "# HELP\n" → line 1: "" does not begin with the name of a metric
            "a 1\r\n" → line 1: "1\r" is no number
        "##]].assert_eq(&shown);
    }
}
