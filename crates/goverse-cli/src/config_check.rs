//! `goverse config check`: whether a file would be accepted, and what it comes to.

use std::path::PathBuf;

use goverse::server::{ConfigArgs, ServerConfig};

use crate::failure::Failure;
use crate::output::print;

pub(crate) fn run(file: PathBuf) -> Result<(), Failure> {
    let shown = file.display().to_string();
    let config = ServerConfig::load(&ConfigArgs { config: Some(file), ..ConfigArgs::default() })?;
    let mut text = format!("{shown}: valid; with the defaults it comes to\n");
    let settings = serde_json::to_value(&config).expect("a configuration is plain data");
    for (field, value) in settings.as_object().into_iter().flatten() {
        text += &format!("  {field} = {value}\n");
    }
    for field in config.without_effect() {
        text += &format!("note: {field} has no effect in this version\n");
    }
    print(&text).map(drop)
}
