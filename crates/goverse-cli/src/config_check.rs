//! `goverse config check`: whether a file would be accepted, and what it comes to.

use std::path::PathBuf;

use goverse::server::{ConfigArgs, ServerConfig};
use serde_json::Value;

use crate::failure::Failure;
use crate::output::print;

pub(crate) fn run(file: PathBuf) -> Result<(), Failure> {
    let shown = file.display().to_string();
    let config = ServerConfig::load(&ConfigArgs { config: Some(file), ..ConfigArgs::default() })?;
    let settings = serde_json::to_value(&config).expect("a configuration is plain data");
    let mut text = format!("{shown}: valid; with the defaults it comes to\n");
    text += &lines("", &settings);
    for field in config.without_effect() {
        text += &format!("note: {field} has no effect in this version\n");
    }
    print(&text).map(drop)
}

/// A line for each setting, named with the tables that it is in.
fn lines(name: &str, value: &Value) -> String {
    let Value::Object(table) = value else { return format!("  {name} = {value}\n") };
    let inner = |key: &String| if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
    table.iter().map(|(key, value)| lines(&inner(key), value)).collect()
}
