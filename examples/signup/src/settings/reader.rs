//! Takes values out of a TOML table one by one, so that every message can name the key and say what was
//! expected there, and what is left over at the end is known to be a mistake.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use anyhow::{anyhow, bail};
use toml::{Table, Value};

/// One table of the file.
#[derive(Debug)]
pub(super) struct Reader {
    prefix: String,
    table: Table,
    known: Vec<&'static str>,
}

impl Reader {
    pub(super) fn new(text: &str) -> anyhow::Result<Self> {
        let table = text.parse().map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(start).filter(|&b| b == b'\n').count() + 1;
            anyhow!("line {line}: {}", error.message())
        })?;
        Ok(Self {
            prefix: String::new(),
            table,
            known: Vec::new(),
        })
    }

    /// `[key]`, empty when it is not there.
    pub(super) fn section(&mut self, key: &'static str) -> anyhow::Result<Self> {
        let table = match self.take(key) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => return Err(self.wrong(key, "a table", &other)),
        };
        Ok(Self {
            prefix: format!("{}{key}.", self.prefix),
            table,
            known: Vec::new(),
        })
    }

    pub(super) fn string(
        &mut self,
        key: &'static str,
        expected: &str,
    ) -> anyhow::Result<Option<String>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, expected, &other)),
        }
    }

    /// A string that stands for something else.
    pub(super) fn parsed<T: FromStr>(
        &mut self,
        key: &'static str,
        expected: &str,
    ) -> anyhow::Result<Option<T>> {
        let Some(text) = self.string(key, expected)? else {
            return Ok(None);
        };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(self.wrong(key, expected, &Value::String(text))),
        }
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> anyhow::Result<Option<bool>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Boolean(value)) => Ok(Some(value)),
            Some(other) => Err(self.wrong(key, "true or false", &other)),
        }
    }

    pub(super) fn integer<T>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<T>,
    ) -> anyhow::Result<Option<T>>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let expected = || format!("a number from {} to {}", range.start(), range.end());
        match self.take(key) {
            None => Ok(None),
            Some(Value::Integer(found)) => match T::try_from(found) {
                Ok(value) if range.contains(&value) => Ok(Some(value)),
                _ => Err(self.wrong(key, &expected(), &Value::Integer(found))),
            },
            Some(other) => Err(self.wrong(key, &expected(), &other)),
        }
    }

    /// Refuses the keys that nobody asked for.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let Some(key) = self.table.keys().next() else {
            return Ok(());
        };
        bail!(
            "unknown key `{}{key}`; known here: {}",
            self.prefix,
            self.known.join(", ")
        )
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.table.remove(key)
    }

    fn wrong(&self, key: &str, expected: &str, found: &Value) -> anyhow::Error {
        anyhow!(
            "`{}{key}`: expected {expected}, found {}",
            self.prefix,
            in_words(found)
        )
    }
}

fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(value) => value.to_string(),
        other => format!("a value of type {}", other.type_str()),
    }
}
