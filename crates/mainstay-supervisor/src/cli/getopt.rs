//! The dialect: Python's `getopt`, with Supervisor's rules on top.
//!
//! Short options can be bundled and have their value attached, long options can be cut short, and
//! the first word that is not an option ends them.

use std::fmt;

use crate::config::{repr, repr_list};

/// One option of a program.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Spec<K: 'static> {
    /// What the program calls it.
    pub id: K,
    /// Its letters; the first is its usual one.
    pub short: &'static [char],
    /// Its long spellings; the first is its usual one.
    pub long: &'static [&'static str],
    /// What stands for its value in the help; `None`: it takes none.
    pub value: Option<&'static str>,
    /// What it does.
    pub help: &'static str,
}

/// An option of the command line, as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<K> {
    /// Which.
    pub id: K,
    /// As it was spelt: `-c` or `--configuration`, in full.
    pub spelling: String,
    /// Its value; empty if it takes none.
    pub value: String,
}

/// A command line, split into options and the words after them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line<K> {
    /// In the order given.
    pub options: Vec<Found<K>>,
    /// What follows the options.
    pub rest: Vec<String>,
}

/// A command line that cannot be understood. `Display` is Supervisor's message, without `Error: `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError(String);

impl UsageError {
    pub(super) fn value<K>(found: &Found<K>, reason: impl fmt::Display) -> Self {
        let value = repr(&found.value);
        Self(format!(
            "invalid value for {} {value}: {reason}",
            found.spelling
        ))
    }

    pub(super) fn positional(words: &[String]) -> Self {
        Self(format!(
            "positional arguments are not supported: {}",
            repr_list(words)
        ))
    }

    pub(super) fn conflict<K>(found: &Found<K>) -> Self {
        Self(format!(
            "conflicting command line option {}",
            repr(&found.spelling)
        ))
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

impl<K: Copy + PartialEq> Spec<K> {
    /// Splits the arguments, the program's name not among them.
    pub fn split(specs: &[Self], args: &[String]) -> Result<Line<K>, UsageError> {
        let mut args = args.iter();
        let mut options = Vec::new();
        while let Some(arg) = args.as_slice().first() {
            if arg == "--" {
                args.next();
                break;
            }
            if let Some(long) = arg.strip_prefix("--") {
                args.next();
                options.push(Self::long(specs, long, &mut args)?);
            } else if arg.len() > 1 && arg.starts_with('-') {
                args.next();
                Self::bundle(specs, &arg[1..], &mut args, &mut options)?;
            } else {
                break;
            }
        }
        Ok(Line {
            options,
            rest: args.as_slice().to_vec(),
        })
    }

    fn long(
        specs: &[Self],
        text: &str,
        args: &mut std::slice::Iter<'_, String>,
    ) -> Result<Found<K>, UsageError> {
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let candidates: Vec<(&Self, &str)> = specs
            .iter()
            .flat_map(|spec| spec.long.iter().map(move |long| (spec, *long)))
            .filter(|(_, long)| long.starts_with(name))
            .collect();
        let exact = candidates.iter().find(|(_, long)| *long == name);
        let (spec, long) = match (exact, candidates.as_slice()) {
            (Some(exact), _) | (None, [exact]) => *exact,
            (None, []) => {
                return Err(UsageError(format!("option --{name} not recognized")));
            }
            // Two spellings of one option are no two answers.
            (None, [first, rest @ ..]) if rest.iter().all(|(spec, _)| spec.id == first.0.id) => {
                *first
            }
            (None, _) => {
                return Err(UsageError(format!("option --{name} not a unique prefix")));
            }
        };
        let value = match (spec.value, attached) {
            (None, None) => String::new(),
            (None, Some(_)) => {
                return Err(UsageError(format!(
                    "option --{long} must not have an argument"
                )));
            }
            (Some(_), Some(value)) => value.to_owned(),
            (Some(_), None) => args
                .next()
                .cloned()
                .ok_or_else(|| UsageError(format!("option --{long} requires argument")))?,
        };
        Ok(Found {
            id: spec.id,
            spelling: format!("--{long}"),
            value,
        })
    }

    fn bundle(
        specs: &[Self],
        letters: &str,
        args: &mut std::slice::Iter<'_, String>,
        options: &mut Vec<Found<K>>,
    ) -> Result<(), UsageError> {
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            let spec = specs
                .iter()
                .find(|spec| spec.short.contains(&letter))
                .ok_or_else(|| UsageError(format!("option -{letter} not recognized")))?;
            let spelling = format!("-{letter}");
            if spec.value.is_none() {
                options.push(Found {
                    id: spec.id,
                    spelling,
                    value: String::new(),
                });
                continue;
            }
            let attached = letters.as_str();
            let value = if attached.is_empty() {
                args.next()
                    .cloned()
                    .ok_or_else(|| UsageError(format!("option -{letter} requires argument")))?
            } else {
                attached.to_owned()
            };
            options.push(Found {
                id: spec.id,
                spelling,
                value,
            });
            break;
        }
        Ok(())
    }

    /// The options as a table for the help.
    pub fn help(specs: &[Self]) -> String {
        let mut rows = Vec::new();
        for spec in specs {
            let mut names: Vec<String> = spec
                .short
                .iter()
                .map(|letter| format!("-{letter}"))
                .collect();
            names.extend(spec.long.iter().take(1).map(|long| format!("--{long}")));
            let value = spec
                .value
                .map(|value| format!(" {value}"))
                .unwrap_or_default();
            rows.push((format!("{}{value}", names.join(", ")), spec.help));
        }
        let width = rows.iter().map(|(names, _)| names.len()).max().unwrap_or(0);
        rows.iter()
            .map(|(names, help)| format!("  {names:<width$}  {help}\n"))
            .collect()
    }
}
