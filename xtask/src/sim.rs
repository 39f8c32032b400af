//! The simulation of clusters: one seed again, or many of them.

use crate::failure::Failure;
use crate::process;
use crate::task::{Task, passed_on};

pub(crate) const TASK: Task = Task {
    name: "sim",
    arguments: "--seed N | --seeds FROM..TO",
    summary: "Simulates clusters from seeds; a failure is shrunk and told",
    details: "With --seed one cluster is run again, exactly as before. With --seeds every seed from FROM to before TO is run on all
processors, until one fails. A failure prints the seed, the fewest faults that still break the invariant, and what happened.",
    run,
};

const PACKAGE: &str = "goverse-cluster";

fn run(arguments: &[String]) -> Result<(), Failure> {
    let arguments = passed_on(arguments);
    let [option, _] = arguments else {
        return Err(TASK.misused("it wants --seed N or --seeds FROM..TO"));
    };
    if !matches!(option.as_str(), "--seed" | "--seeds") {
        return Err(TASK.misused(&format!("unexpected {option:?}")));
    }
    let example = ["run", "--release", "--package", PACKAGE, "--example", "sim"];
    let mut command = process::cargo(&example);
    process::replace_by(command.args(["--features", "simulation", "--"]).args(arguments))
}
