//! How objects are run and called: the table `objects` of the file, with a table for each type that differs.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use goverse_node::{NodeBuilder, NodeSettings, TypeSettings, WritePolicy};
use serde::{Deserialize, Serialize, Serializer};

use super::setting::Setting;
use super::{ConfigArgs, ConfigError};

/// Each object of a chain runs on the stack of the one before, and a thread's stack is not long.
const CHAIN_LEN_MAX: usize = 1_000;

/// How the objects of a node are run and called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectsConfig {
    /// How the node treats calls.
    pub calls: NodeSettings,
    /// How objects are run whose type has no settings of its own.
    pub defaults: TypeSettings,
    /// How the objects of a type are run, by the type's name; it must be registered.
    pub types: BTreeMap<String, TypeSettings>,
}

/// The table `objects`: what it looks like before it is checked.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct FileObjects {
    call_timeout: Option<String>,
    chain_len_max: Option<i64>,
    payload_bytes_max: Option<i64>,
    idle_timeout: Option<String>,
    waiting_max: Option<i64>,
    turn_limit: Option<String>,
    long_turn: Option<String>,
    write: Option<String>,
    #[serde(default)]
    types: BTreeMap<String, FileType>,
}

/// The table of one type.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct FileType {
    idle_timeout: Option<String>,
    waiting_max: Option<i64>,
    turn_limit: Option<String>,
    long_turn: Option<String>,
    write: Option<String>,
}

/// A table of the file.
struct Table<'a> {
    name: String,
    path: Option<&'a Path>,
}

/// The settings of all objects, as they are shown.
#[derive(Serialize)]
struct ShownObjects<'a> {
    call_timeout: String,
    chain_len_max: usize,
    payload_bytes_max: usize,
    #[serde(flatten)]
    defaults: ShownType,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    types: BTreeMap<&'a str, ShownType>,
}

/// The settings of one type, as they are shown.
#[derive(Serialize)]
struct ShownType {
    idle_timeout: String,
    waiting_max: usize,
    turn_limit: String,
    long_turn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    write: Option<String>,
}

// === impl ObjectsConfig ===

impl ObjectsConfig {
    /// Gives the settings to a node that is being built.
    pub(crate) fn apply(&self, node: NodeBuilder) -> NodeBuilder {
        let node = node.settings(self.calls).type_settings(self.defaults);
        self.types.iter().fold(node, |node, (name, settings)| node.settings_of(name, *settings))
    }
}

impl Serialize for ObjectsConfig {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let types = self.types.iter();
        let shown = ShownObjects {
            call_timeout: text(self.calls.call_timeout),
            chain_len_max: self.calls.chain_len_max,
            payload_bytes_max: self.calls.payload_bytes_max,
            defaults: ShownType::from(&self.defaults),
            types: types.map(|(name, settings)| (name.as_str(), settings.into())).collect(),
        };
        shown.serialize(out)
    }
}

fn text(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

fn policy(write: WritePolicy) -> String {
    match write {
        WritePolicy::EveryCall => "every_call".to_owned(),
        WritePolicy::Interval(time) => format!("interval({})", text(time)),
        WritePolicy::OnDeactivate => "on_deactivate".to_owned(),
    }
}

// === impl FileObjects ===

impl FileObjects {
    /// Checks the settings, and puts those that were given to the program over them.
    pub(super) fn check(
        self,
        args: &ConfigArgs,
        path: Option<&Path>,
    ) -> Result<ObjectsConfig, ConfigError> {
        let Self { call_timeout, chain_len_max, payload_bytes_max, types, .. } = self;
        let Self { idle_timeout, waiting_max, turn_limit, long_turn, write, .. } = self;
        let table = Table { name: "objects".to_owned(), path };
        let mut calls = NodeSettings::default();
        let given = args.call_timeout.as_deref();
        table.time("call_timeout", given, call_timeout, &mut calls.call_timeout)?;
        let chain_len = &mut calls.chain_len_max;
        table.number("chain_len_max", chain_len_max, CHAIN_LEN_MAX, chain_len)?;
        let payload_bytes = &mut calls.payload_bytes_max;
        table.number("payload_bytes_max", payload_bytes_max, usize::MAX, payload_bytes)?;
        let every_type = FileType { idle_timeout, waiting_max, turn_limit, long_turn, write };
        let given = args.idle_timeout.as_deref();
        let defaults = every_type.check(&table, given, TypeSettings::default())?;
        let types = types.into_iter().map(|(name, of_type)| {
            let table = Table { name: format!("objects.types.{name}"), path };
            Ok((name, of_type.check(&table, None, defaults)?))
        });
        Ok(ObjectsConfig { calls, defaults, types: types.collect::<Result<_, _>>()? })
    }
}

// === impl FileType ===

impl FileType {
    /// Checks the settings, and puts them over `settings`.
    fn check(
        self,
        table: &Table<'_>,
        idle_timeout: Option<&str>,
        mut settings: TypeSettings,
    ) -> Result<TypeSettings, ConfigError> {
        if let Some(idle) = table.setting("idle_timeout", idle_timeout, self.idle_timeout) {
            settings.idle_timeout = idle.time_or_never()?;
        }
        table.number("waiting_max", self.waiting_max, usize::MAX, &mut settings.waiting_max)?;
        table.time("turn_limit", None, self.turn_limit, &mut settings.turn_limit)?;
        table.time("long_turn", None, self.long_turn, &mut settings.long_turn)?;
        if let Some(write) = table.setting("write", None, self.write) {
            settings.write = Some(write.write_policy()?);
        }
        Ok(settings)
    }
}

// === impl Table ===

impl Table<'_> {
    fn setting(&self, key: &str, given: Option<&str>, in_file: Option<String>) -> Option<Setting> {
        Setting::of(&format!("{}.{key}", self.name), given, self.path, in_file)
    }

    fn time(
        &self,
        key: &str,
        given: Option<&str>,
        in_file: Option<String>,
        time: &mut Duration,
    ) -> Result<(), ConfigError> {
        if let Some(setting) = self.setting(key, given, in_file) {
            *time = setting.time()?;
        }
        Ok(())
    }

    fn number(
        &self,
        key: &str,
        in_file: Option<i64>,
        max: usize,
        number: &mut usize,
    ) -> Result<(), ConfigError> {
        let setting = Setting::in_file(format!("{}.{key}", self.name), self.path, in_file);
        if let Some(setting) = setting {
            *number = setting.number(1, max)?;
        }
        Ok(())
    }
}

// === impl ShownType ===

impl From<&TypeSettings> for ShownType {
    fn from(settings: &TypeSettings) -> Self {
        Self {
            idle_timeout: settings.idle_timeout.map_or_else(|| "never".to_owned(), text),
            waiting_max: settings.waiting_max,
            turn_limit: text(settings.turn_limit),
            long_turn: text(settings.long_turn),
            write: settings.write.map(policy),
        }
    }
}
