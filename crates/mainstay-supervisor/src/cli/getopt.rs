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
    /// Whether Supervisor has it too. Ours must be spelt out, so that what was a unique beginning
    /// of one of Supervisor's options still is.
    pub original: bool,
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

    pub(super) fn plain(message: String) -> Self {
        Self(message)
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
            .filter(|(spec, long)| *long == name || spec.original && long.starts_with(name))
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

    /// The same options, whatever the program calls them.
    pub(super) fn nameless(specs: &[Self]) -> Vec<Spec<()>> {
        let nameless = |spec: &Self| Spec {
            id: (),
            short: spec.short,
            long: spec.long,
            value: spec.value,
            original: spec.original,
            help: spec.help,
        };
        specs.iter().map(nameless).collect()
    }

    /// All its spellings, with their dashes.
    pub(super) fn spellings(&self) -> Vec<String> {
        let short = self.short.iter().map(|letter| format!("-{letter}"));
        let long = self.long.iter().map(|long| format!("--{long}"));
        short.chain(long).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    const fn spec(
        id: char,
        short: &'static [char],
        long: &'static [&'static str],
        value: Option<&'static str>,
    ) -> Spec<char> {
        Spec {
            id,
            short,
            long,
            value,
            original: id != 'k',
            help: "",
        }
    }

    const SPECS: &[Spec<char>] = &[
        spec('c', &['c'], &["configuration"], Some("FILE")),
        spec('n', &['n'], &["nodaemon"], None),
        spec('l', &['l'], &["logfile"], Some("FILE")),
        spec('y', &['y'], &["logfile_maxbytes"], Some("BYTES")),
        spec('r', &['r'], &["history-file", "history_file"], Some("FILE")),
        spec('k', &[], &["check"], None),
        spec('h', &['h', '?'], &["help"], None),
    ];

    #[track_caller]
    fn split(line: &str) -> Result<String, String> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let line = Spec::split(SPECS, &args).map_err(|error| error.to_string())?;
        let options = line.options.iter().map(|found| match found.value.as_str() {
            "" => found.spelling.clone(),
            value => format!("{}={value}", found.spelling),
        });
        let mut words: Vec<String> = options.collect();
        words.push("|".to_owned());
        words.extend(line.rest);
        Ok(words.join(" "))
    }

    #[test]
    fn options_come_bundled_attached_and_cut_short() {
        for (line, expected) in [
            ("", "|"),
            ("-n -c x", "-n -c=x |"),
            ("-nc x", "-n -c=x |"),
            ("-ncx -n", "-n -c=x -n |"),
            ("-cn", "-c=n |"),
            ("-?", "-? |"),
            ("--configuration x", "--configuration=x |"),
            ("--configuration=x=y", "--configuration=x=y |"),
            ("--conf x", "--configuration=x |"),
            ("--c x", "--configuration=x |"),
            ("--logfile x", "--logfile=x |"),
            ("--logfile_ 1", "--logfile_maxbytes=1 |"),
            (
                "--history-file x --history_file y",
                "--history-file=x --history_file=y |",
            ),
            ("--his x", "--history-file=x |"),
            ("--check", "--check |"),
            ("-- -n x", "| -n x"),
            ("-n x -c y", "-n | x -c y"),
            ("- -n", "| - -n"),
            ("-c -n", "-c=-n |"),
        ] {
            assert_eq!(split(line).as_deref(), Ok(expected), "{line}");
        }
    }

    #[test]
    fn mistakes_have_the_words_of_supervisor() {
        for (line, expected) in [
            ("-x", "option -x not recognized"),
            ("-nx", "option -x not recognized"),
            ("-n-", "option -- not recognized"),
            ("--foo", "option --foo not recognized"),
            ("--foo=1", "option --foo not recognized"),
            ("--chec", "option --chec not recognized"),
            ("-c", "option -c requires argument"),
            ("-nc", "option -c requires argument"),
            ("--conf", "option --configuration requires argument"),
            ("--log x", "option --log not a unique prefix"),
            ("--h", "option --h not a unique prefix"),
            ("--=x", "option -- not a unique prefix"),
            (
                "--nodaemon=1",
                "option --nodaemon must not have an argument",
            ),
        ] {
            assert_eq!(split(line), Err(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn the_help_lists_every_option() {
        let help = Spec::help(SPECS);
        for name in [
            "-c, --configuration FILE",
            "-h, -?, --help",
            "--check",
            "--history-file FILE",
        ] {
            assert!(help.contains(name), "{help}");
        }
        assert_eq!(help.lines().count(), SPECS.len());
    }
}
