//! Reading one section by the options table: look up, expand, convert, and note what is wrong.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::context::Context;
use super::error::{Error, Origin};
use super::ini::{Entry, Section};
use super::model::{Level, Note};
use super::options::{Default, Opt, Scope};
use super::percent::{self, Value};
use super::python::repr;
use super::suggest;
use super::types::Invalid;

/// Where mistakes and remarks are collected, in the order in which Supervisor would find them.
#[derive(Debug)]
pub(super) struct Sink {
    problems: RefCell<Vec<Error>>,
    notes: RefCell<Vec<Note>>,
    /// The places of the problems, and of the remarks that are made once.
    problem_places: RefCell<HashSet<Place>>,
    note_places: RefCell<HashSet<Place>>,
    /// How many more suggestions may be looked for.
    suggestions: Cell<usize>,
}

/// File, line, section and option.
type Place = (Arc<str>, usize, Option<String>, Option<String>);

impl std::default::Default for Sink {
    fn default() -> Self {
        Self {
            problems: RefCell::default(),
            notes: RefCell::default(),
            problem_places: RefCell::default(),
            note_places: RefCell::default(),
            suggestions: Cell::new(SUGGESTIONS),
        }
    }
}

impl Sink {
    pub(super) fn problem(&self, error: Error) {
        // What is read twice, for a program and for its group, is wrong once.
        if is_first(&self.problem_places, &error) {
            self.problems.borrow_mut().push(error);
        }
    }

    /// A warning about a place, unless it had one already.
    pub(super) fn warn_once(&self, remark: &Error) {
        if is_first(&self.note_places, remark) {
            let place = remark.place();
            self.warn(format!("{place}: {}", remark.text()));
        }
    }

    /// Whether to look for what somebody may have meant among all the names of a configuration. Where
    /// hundreds are unknown that is no help any more, but takes its time.
    pub(super) fn may_suggest(&self) -> bool {
        let left = self.suggestions.get();
        self.suggestions.set(left.saturating_sub(1));
        left > 0
    }

    pub(super) fn note(&self, level: Level, message: impl Into<String>) {
        self.notes.borrow_mut().push(Note {
            level,
            message: message.into(),
        });
    }

    pub(super) fn warn(&self, message: impl Into<String>) {
        self.note(Level::Warn, message);
    }

    pub(super) fn problems(&self) -> usize {
        self.problems.borrow().len()
    }

    pub(super) fn into_parts(self) -> (Vec<Error>, Vec<Note>) {
        (self.problems.into_inner(), self.notes.into_inner())
    }
}

/// Whether nothing was said of this place before. What has no place is always new.
fn is_first(places: &RefCell<HashSet<Place>>, error: &Error) -> bool {
    error.origin().is_none_or(|origin| {
        places.borrow_mut().insert((
            Arc::clone(&origin.file),
            origin.line,
            error.section_name().map(str::to_owned),
            error.key_name().map(str::to_owned),
        ))
    })
}

const SUGGESTIONS: usize = 100;

/// What can be expanded.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) here: String,
    pub(super) host: String,
    pub(super) program: String,
    pub(super) group: String,
    pub(super) process_num: i64,
    pub(super) numprocs: i64,
    /// Without `ENV_`. Shared by the readers of all sections.
    pub(super) environment: Arc<BTreeMap<String, String>>,
    /// What a program adds to it for itself.
    pub(super) own: BTreeMap<String, String>,
}

impl Names {
    fn get(&self, scope: Scope, here: &str, name: &str) -> Option<Value> {
        if let Some(variable) = name.strip_prefix("ENV_") {
            let value = self.own.get(variable);
            let value = value.or_else(|| self.environment.get(variable));
            return value.cloned().map(Value::Str);
        }
        if !scope.names().contains(&name) {
            return None;
        }
        Some(match name {
            "here" => Value::Str(here.to_owned()),
            "host_node_name" => Value::Str(self.host.clone()),
            "program_name" => Value::Str(self.program.clone()),
            "group_name" => Value::Str(self.group.clone()),
            "process_num" => Value::Int(self.process_num),
            "numprocs" => Value::Int(self.numprocs),
            _ => return None,
        })
    }

    fn available(&self, scope: Scope) -> String {
        let variables = self.environment.keys().chain(self.own.keys());
        let mut names: Vec<String> = variables.map(|name| format!("ENV_{name}")).collect();
        names.extend(scope.names().iter().map(ToString::to_string));
        names.sort();
        names.dedup();
        names.join(", ")
    }
}

/// What the reading of every section has in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared<'a> {
    pub(super) context: &'a Context,
    pub(super) sink: &'a Sink,
    /// Directory of each file, by the name it has in messages.
    pub(super) directories: &'a BTreeMap<String, String>,
}

/// Reads one section.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    pub(super) shared: Shared<'a>,
    pub(super) section: &'a Section,
    pub(super) names: Names,
    /// What Supervisor adds to messages about processes.
    pub(super) suffix: String,
}

impl<'a> Reader<'a> {
    pub(super) fn new(shared: Shared<'a>, section: &'a Section, names: &Names) -> Self {
        Self {
            shared,
            section,
            names: names.clone(),
            suffix: String::new(),
        }
    }

    /// From here on, messages end as those about processes do.
    pub(super) fn for_processes(&self) -> Self {
        let suffix = format!(
            " in section {} (file: {})",
            repr(&self.section.name),
            repr(&self.section.origin.file)
        );
        Self {
            suffix,
            ..self.clone()
        }
    }

    /// The option's value, or its default; after a mistake also the default, so that reading can go
    /// on and find the next.
    pub(super) fn get<T>(&self, option: &Opt<T>) -> T {
        self.get_in(option, option.row.scope)
    }

    pub(super) fn get_in<T>(&self, option: &Opt<T>, scope: Scope) -> T {
        self.find_in(option, scope).unwrap_or_else(|| {
            let text = match option.row.default {
                Default::Text(text) => text,
                Default::Required | Default::Other(_) => "",
            };
            let text = percent::format(text, |name| self.names.get(scope, &self.names.here, name))
                .unwrap_or_else(|_| text.to_owned());
            (option.kind.parse)(&text, self.shared.context)
                // Only options with a default in the table are read through here, and a test reads
                // every default of the table.
                .unwrap_or_else(|invalid| panic!("{}: {}", option.row.key, invalid.reason))
        })
    }

    /// The option's value if it is there and right.
    pub(super) fn find<T>(&self, option: &Opt<T>) -> Option<T> {
        self.find_in(option, option.row.scope)
    }

    pub(super) fn find_in<T>(&self, option: &Opt<T>, scope: Scope) -> Option<T> {
        let text = self.text(option.row.key, scope)?;
        match (option.kind.parse)(&text, self.shared.context) {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.invalid(option, invalid);
                None
            }
        }
    }

    /// The option's text, expanded.
    pub(super) fn text(&self, key: &str, scope: Scope) -> Option<String> {
        let entry = self.section.get(key)?;
        match self.expand(entry, &entry.value, scope) {
            Ok(text) => Some(text),
            Err(error) => {
                self.problem(error);
                None
            }
        }
    }

    pub(super) fn expand(&self, entry: &Entry, text: &str, scope: Scope) -> Result<String, Error> {
        let here = self.here(&entry.origin);
        let filled = percent::fill(text, |name| self.names.get(scope, here, name));
        let filled = filled.map_err(|error| {
            let in_program = !self.suffix.is_empty();
            let place = match entry.key.as_str() {
                key @ ("environment" | "process_name") if in_program => key.to_owned(),
                key => format!("{}.{key}", self.section.name),
            };
            let (text, place) = (repr(text), repr(&place));
            let (text, hint) = match &error {
                percent::Error::Name(name) => {
                    let names = self.names.available(scope);
                    let text = format!(
                        "Format string {text} for {place} contains names ({error}) which cannot \
                         be expanded. Available names: {names}"
                    );
                    (text, name_hint(name, scope))
                }
                percent::Error::Format(reason) => (
                    format!("Format string {text} for {place} is badly formatted: {reason}"),
                    Some("a percent sign is written %%".to_owned()),
                ),
            };
            self.error(text, &entry.key).hint(hint)
        })?;
        if let Some(nameless) = filled.nameless {
            let text = format!("{nameless} has no name and is taken as it is; write %{nameless}");
            let place = Error::new(text).at(&entry.origin);
            let place = place.section(&self.section.name).key(&entry.key);
            self.shared.sink.warn_once(&place);
        }
        Ok(filled.text)
    }

    pub(super) fn here(&self, origin: &Origin) -> &str {
        self.shared
            .directories
            .get(&*origin.file)
            .map_or(&self.names.here, String::as_str)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.section.get(key).is_some()
    }

    /// An error about one option of this section.
    pub(super) fn error(&self, text: impl Into<String>, key: &str) -> Error {
        let origin = self
            .section
            .get(key)
            .map_or(&self.section.origin, |entry| &entry.origin);
        let error = Error::new(text).suffix(&self.suffix).at(origin);
        error.section(&self.section.name).key(key)
    }

    pub(super) fn problem(&self, error: Error) {
        self.shared.sink.problem(error);
    }

    pub(super) fn invalid<T>(&self, option: &Opt<T>, invalid: Invalid) {
        self.problem(
            self.error(invalid.reason, option.row.key)
                .expected(option.row.expected)
                .hint(invalid.hint),
        );
    }

    /// An error about an option that is wrong for a reason of its own.
    pub(super) fn wrong<T>(&self, option: &Opt<T>, text: impl Into<String>) {
        self.problem(
            self.error(text, option.row.key)
                .expected(option.row.expected),
        );
    }
}

fn name_hint(name: &str, scope: Scope) -> Option<String> {
    if let Some(variable) = name.strip_prefix("ENV_") {
        return Some(format!("the environment has no variable {variable}"));
    }
    let meant = suggest::nearest(name, scope.names().iter().copied())?;
    Some(format!("did you mean %({meant})s?"))
}

/// The directory of a file, as `%(here)s` shows it.
pub(super) fn directory_of(path: &Path) -> String {
    path.parent()
        .unwrap_or(Path::new("/"))
        .to_string_lossy()
        .into_owned()
}
