//! The command line that every bench has.

use clap::Args;

use crate::report::{Form, Report};

/// The arguments of every bench.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Print one line of JSON for each figure instead of a table
    #[arg(long)]
    json: bool,
    /// How often each figure is measured; its median is shown
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = at_least_one)]
    runs: usize,
    /// Measure only the figures whose name contains this
    #[arg(long, value_name = "SUBSTRING")]
    only: Option<String>,
}

// === impl Arguments ===

impl Arguments {
    /// How often each figure is to be measured.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// The report that was asked for; its head is printed.
    pub fn report(&self) -> Report {
        let form = if self.json { Form::Json } else { Form::Table };
        let report = Report::new(form, self.only.clone());
        report.print_head(self.runs);
        report
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("a figure needs one run at least".to_owned()),
        Ok(runs) => Ok(runs),
        Err(error) => Err(format!("{error}; write a number such as 7")),
    }
}
