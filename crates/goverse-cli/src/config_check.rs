//! `goverse config check`: whether a file would be accepted, and what it comes to.

use std::path::PathBuf;

use goverse::server::{ConfigArgs, ServerConfig};

use crate::failure::Failure;

pub(crate) fn run(file: PathBuf) -> Result<(), Failure> {
    let shown = file.display().to_string();
    let config = ServerConfig::load(&ConfigArgs { config: Some(file), ..ConfigArgs::default() })?;
    println!("{shown}: valid; with the defaults it comes to");
    let settings = serde_json::to_value(&config).expect("a configuration is plain data");
    for (field, value) in settings.as_object().into_iter().flatten() {
        println!("  {field} = {value}");
    }
    for field in config.without_effect() {
        println!("note: {field} has no effect in this version");
    }
    Ok(())
}
