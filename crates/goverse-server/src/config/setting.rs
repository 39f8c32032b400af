//! One value and where it came from, so that whoever finds it wrong can say so.

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use goverse_core::NodeAddress;
use goverse_node::WritePolicy;

use super::ConfigError;

/// A value and where it came from.
pub(super) struct Setting<T = String> {
    field: String,
    source_name: String,
    value: T,
}

// === impl Setting ===

impl<T: Debug> Setting<T> {
    /// The value of the file, if it has one.
    pub(super) fn in_file(
        field: impl Into<String>,
        path: Option<&Path>,
        value: Option<T>,
    ) -> Option<Self> {
        let source_name = path.map_or_else(String::new, |path| path.display().to_string());
        value.map(|value| Self { field: field.into(), source_name, value })
    }

    pub(super) fn default_of(field: &str, value: impl Into<T>) -> Self {
        let (field, source_name) = (field.to_owned(), "default".to_owned());
        Self { field, source_name, value: value.into() }
    }

    pub(super) fn source_name(&self) -> &str {
        &self.source_name
    }

    /// This value is wrong, and what would be right.
    pub(super) fn wrong(&self, problem: impl Into<String>) -> ConfigError {
        ConfigError::Field {
            source_name: self.source_name.clone(),
            field: self.field.clone(),
            value: format!("{:?}", self.value),
            problem: problem.into(),
        }
    }
}

impl Setting<i64> {
    /// A number that may not be smaller than `min` or greater than `max`.
    pub(super) fn number(&self, min: usize, max: usize) -> Result<usize, ConfigError> {
        let number = usize::try_from(self.value).ok();
        number.filter(|number| (min..=max).contains(number)).ok_or_else(|| {
            let at_least = format!("write a number that is at least {min}");
            let up_to = if max == usize::MAX { String::new() } else { format!(", at most {max}") };
            self.wrong(at_least + &up_to)
        })
    }
}

impl Setting {
    /// The value that counts: what was given to the program before what is in the file.
    pub(super) fn of(
        field: &str,
        given: Option<&str>,
        path: Option<&Path>,
        in_file: Option<String>,
    ) -> Option<Self> {
        let Some(value) = given else { return Self::in_file(field, path, in_file) };
        let name = field.rsplit('.').next().unwrap_or(field);
        let variable = format!("GOVERSE_{}", name.to_uppercase());
        let is_variable = std::env::var(&variable).is_ok_and(|set| set == value);
        let flag = format!("flag --{}", name.replace('_', "-"));
        let source_name = if is_variable { format!("variable {variable}") } else { flag };
        Some(Self { field: field.to_owned(), source_name, value: value.to_owned() })
    }

    /// The address of a store, which is shown without its password wherever it is wrong.
    pub(super) fn of_store(
        given: Option<&str>,
        path: Option<&Path>,
        in_file: Option<String>,
    ) -> Option<Self> {
        let Some(value) = given else { return Self::in_file("store.url", path, in_file) };
        let is_variable = std::env::var("GOVERSE_STORE").is_ok_and(|set| set == value);
        let source_name = if is_variable { "variable GOVERSE_STORE" } else { "flag --store" };
        Some(Self {
            field: "store.url".to_owned(),
            source_name: source_name.to_owned(),
            value: value.to_owned(),
        })
    }

    /// The name of a schema in a database.
    pub(super) fn schema_name(&self) -> Result<String, ConfigError> {
        let name = &self.value;
        let is_word =
            name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if is_word
            && !name.is_empty()
            && name.len() <= 63
            && !name.starts_with(|c: char| c.is_ascii_digit())
        {
            return Ok(name.clone());
        }
        Err(self.wrong("write small letters, digits and _, 63 at most, and no digit first"))
    }

    /// When persistent objects are saved.
    pub(super) fn write_policy(&self) -> Result<WritePolicy, ConfigError> {
        let interval = self.value.strip_prefix("interval(").and_then(|rest| rest.strip_suffix(')'));
        let time = interval.and_then(|time| humantime::parse_duration(time).ok());
        match (self.value.as_str(), time.filter(|time| !time.is_zero())) {
            ("every_call", _) => Ok(WritePolicy::EveryCall),
            ("on_deactivate", _) => Ok(WritePolicy::OnDeactivate),
            (_, Some(time)) => Ok(WritePolicy::Interval(time)),
            _ => Err(self.wrong("write every_call, on_deactivate, or interval(5s)")),
        }
    }

    pub(super) fn parse<T>(&self) -> Result<T, ConfigError>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        self.value.parse().map_err(|problem: T::Err| self.wrong(problem.to_string()))
    }

    pub(super) fn duration(&self) -> Result<Duration, ConfigError> {
        self.duration_such_as("30s, 1m or 500ms")
    }

    /// A duration that is not 0.
    pub(super) fn time(&self) -> Result<Duration, ConfigError> {
        self.duration().and_then(|time| self.not_zero(time, "30s, 1m or 500ms"))
    }

    /// A duration that is not 0, or the word for none.
    pub(super) fn time_or_never(&self) -> Result<Option<Duration>, ConfigError> {
        let examples = "15m or 2h, or \"never\"";
        if self.value == "never" {
            return Ok(None);
        }
        let time = self.duration_such_as(examples)?;
        self.not_zero(time, examples).map(Some)
    }

    pub(super) fn endpoints(&self) -> Result<String, ConfigError> {
        for endpoint in self.value.split(',') {
            let address =
                endpoint.trim().trim_start_matches("http://").trim_start_matches("https://");
            let checked: Result<NodeAddress, _> = address.parse();
            checked.map_err(|problem| self.wrong(problem.to_string()))?;
        }
        Ok(self.value.clone())
    }

    fn duration_such_as(&self, examples: &str) -> Result<Duration, ConfigError> {
        let parsed = humantime::parse_duration(&self.value);
        parsed.map_err(|error| self.wrong(format!("{error}; write a time such as {examples}")))
    }

    fn not_zero(&self, time: Duration, examples: &str) -> Result<Duration, ConfigError> {
        if time.is_zero() {
            return Err(
                self.wrong(format!("it must be longer than 0; write a time such as {examples}"))
            );
        }
        Ok(time)
    }
}
