//! The INI dialect: that of Python's `RawConfigParser` as Supervisor sets it up.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::{Error, Origin};
use super::python::{is_space, repr, rstrip, strip};
use super::words;

/// The sections of one or more files, merged: later values win.
#[derive(Clone, Debug, Default)]
pub struct Ini {
    sections: Vec<Section>,
    index: HashMap<String, usize>,
    defaults: Arc<Section>,
    cuts: Vec<Cut>,
}

/// One section.
#[derive(Clone, Debug)]
pub struct Section {
    /// The text between the brackets.
    pub name: String,
    /// Its first header.
    pub origin: Origin,
    entries: Vec<Entry>,
    index: HashMap<String, usize>,
    /// `[DEFAULT]`, of all sections together.
    defaults: Option<Arc<Self>>,
}

/// One option.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Lower case.
    pub key: String,
    /// Lines are separated by `\n`.
    pub value: String,
    /// The line with its key.
    pub origin: Origin,
}

/// A value that lost the end of a quotation to the comment rule.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The line.
    pub origin: Origin,
    /// The section.
    pub section: String,
    /// The option.
    pub key: String,
    /// `;` or `#`
    pub mark: char,
}

impl Default for Section {
    fn default() -> Self {
        Self::new(
            "DEFAULT",
            Origin {
                file: Arc::from(""),
                line: 0,
            },
        )
    }
}

impl Section {
    fn new(name: &str, origin: Origin) -> Self {
        Self {
            name: name.to_owned(),
            origin,
            entries: Vec::new(),
            index: HashMap::new(),
            defaults: None,
        }
    }

    /// The option of that (lower-case) name, its own or `[DEFAULT]`'s.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        let own = self.index.get(key).map(|at| &self.entries[*at]);
        own.or_else(|| self.defaults.as_deref()?.get(key))
    }

    /// All options, in the order of first appearance, those that it has from `[DEFAULT]` last.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        let defaults = self.defaults.iter().flat_map(|section| section.own());
        let missing = defaults.filter(|entry| !self.index.contains_key(&entry.key));
        self.own().iter().chain(missing)
    }

    /// Those that stand in the section itself.
    pub fn own(&self) -> &[Entry] {
        &self.entries
    }

    fn set(&mut self, entry: Entry) -> usize {
        match self.index.get(&entry.key) {
            Some(&at) => {
                self.entries[at] = entry;
                at
            }
            None => {
                self.index.insert(entry.key.clone(), self.entries.len());
                self.entries.push(entry);
                self.entries.len() - 1
            }
        }
    }
}

impl Ini {
    /// Reads `text` over what is there already. `file` is the name for messages.
    ///
    /// All bad lines are found at once: one error each, for whoever wants to fix them. Supervisor
    /// tells them in one message.
    pub fn read(&mut self, text: &str, file: &str) -> Result<(), Vec<Error>> {
        let mut reader = Reader {
            ini: self,
            file: Arc::from(file),
            place: Place::Nowhere,
            option: None,
            indent: 0,
            bad: Vec::new(),
        };
        // Files from Windows editors begin with a byte order mark; it is not part of the first line.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in lines(text).enumerate() {
            if let Err(fatal) = reader.line(number + 1, line) {
                reader.finish_value();
                return Err(vec![fatal]);
            }
        }
        reader.finish_value();
        if reader.bad.is_empty() {
            Ok(())
        } else {
            Err(reader.bad)
        }
    }

    /// The section of that name, with the options of `[DEFAULT]` that it lacks.
    pub fn section(&self, name: &str) -> Option<Section> {
        let at = *self.index.get(name)?;
        Some(self.with_defaults(&self.sections[at]))
    }

    /// All sections in the order of first appearance, with the options of `[DEFAULT]`.
    pub fn sections(&self) -> impl Iterator<Item = Section> + '_ {
        self.sections
            .iter()
            .map(|section| self.with_defaults(section))
    }

    /// The options of `[DEFAULT]`.
    pub fn defaults(&self) -> &Section {
        &self.defaults
    }

    /// Values that lost the end of a quotation to the comment rule.
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    fn with_defaults(&self, section: &Section) -> Section {
        Section {
            defaults: Some(Arc::clone(&self.defaults)),
            ..section.clone()
        }
    }
}

/// The one error that Supervisor makes of all bad lines of a file.
pub(crate) fn join(errors: Vec<Error>) -> Option<Error> {
    let mut errors = errors.into_iter();
    let first = errors.next()?;
    let more: Vec<String> = errors
        .filter_map(|error| Some(error.text().split_once('\n')?.1.to_owned()))
        .collect();
    if more.is_empty() {
        return Some(first);
    }
    let text = format!("{}\n{}", first.text(), more.join("\n"));
    Some(Error::new(text))
}

struct Reader<'a> {
    ini: &'a mut Ini,
    file: Arc<str>,
    place: Place,
    /// Index of the option that continuation lines belong to.
    option: Option<usize>,
    indent: usize,
    bad: Vec<Error>,
}

#[derive(Clone, Copy)]
enum Place {
    Nowhere,
    Defaults,
    Section(usize),
}

impl Reader<'_> {
    fn line(&mut self, number: usize, line: &str) -> Result<(), Error> {
        let cut = comment(line);
        let text = strip(&line[..cut.unwrap_or(line.len())]);
        if text.is_empty() {
            if cut.is_none() {
                self.append("");
            }
            return Ok(());
        }
        let indent = line.chars().take_while(|c| is_space(*c)).count();
        if self.option.is_some() && indent > self.indent {
            self.append(text);
        } else {
            self.indent = indent;
            if let Some(name) = header(text) {
                self.enter(name, number);
            } else if matches!(self.place, Place::Nowhere) {
                return Err(self.without_header(number, line));
            } else {
                self.option(text, number, line);
            }
        }
        self.note_cut(number, line, cut);
        Ok(())
    }

    fn origin(&self, line: usize) -> Origin {
        Origin {
            file: Arc::clone(&self.file),
            line,
        }
    }

    fn section(&mut self) -> Option<&mut Section> {
        match self.place {
            Place::Nowhere => None,
            Place::Defaults => Some(Arc::make_mut(&mut self.ini.defaults)),
            Place::Section(at) => Some(&mut self.ini.sections[at]),
        }
    }

    fn current(&mut self) -> Option<&mut Entry> {
        let option = self.option?;
        self.section().map(|section| &mut section.entries[option])
    }

    fn append(&mut self, line: &str) {
        if let Some(entry) = self.current() {
            entry.value.push('\n');
            entry.value.push_str(line);
        }
    }

    fn finish_value(&mut self) {
        if let Some(entry) = self.current() {
            entry.value.truncate(rstrip(&entry.value).len());
        }
        self.option = None;
    }

    fn enter(&mut self, name: &str, number: usize) {
        self.finish_value();
        if name == "DEFAULT" {
            self.place = Place::Defaults;
            return;
        }
        let origin = self.origin(number);
        let at = match self.ini.index.get(name) {
            Some(&at) => at,
            None => {
                let at = self.ini.sections.len();
                self.ini.index.insert(name.to_owned(), at);
                self.ini.sections.push(Section::new(name, origin));
                at
            }
        };
        self.place = Place::Section(at);
    }

    fn option(&mut self, text: &str, number: usize, line: &str) {
        let Some(at) = text.find(['=', ':']) else {
            // The option before goes on after it, so that what is indented below is no second mistake.
            self.bad_line(number, line);
            return;
        };
        self.finish_value();
        let (key, value) = (
            rstrip(&text[..at]).to_lowercase(),
            strip(&text[at + 1..]).to_owned(),
        );
        if key.is_empty() {
            self.bad_line(number, line);
            return;
        }
        let entry = Entry {
            key,
            value,
            origin: self.origin(number),
        };
        self.option = self.section().map(|section| section.set(entry));
    }

    fn bad_line(&mut self, number: usize, line: &str) {
        let text = format!(
            "Source contains parsing errors: {}\n\t[line {number:2}]: {}",
            repr(&self.file),
            repr(&with_newline(line))
        );
        self.bad.push(Error::new(text).at(&self.origin(number)));
    }

    fn without_header(&self, number: usize, line: &str) -> Error {
        let text = format!(
            "File contains no section headers.\nfile: {}, line: {number}\n{}",
            repr(&self.file),
            repr(&with_newline(line))
        );
        Error::new(text).at(&self.origin(number))
    }

    /// Quotes do not protect from the comment rule. Keep the rule, but notice where it hurt.
    fn note_cut(&mut self, number: usize, line: &str, cut: Option<usize>) {
        let Some(mark) = cut.and_then(|cut| line[cut..].chars().next()) else {
            return;
        };
        let kept = &line[..cut.unwrap_or(line.len())];
        if words::is_balanced(kept) || !words::is_balanced(line) {
            return;
        }
        let origin = self.origin(number);
        let section = self.section().map(|section| section.name.clone());
        let key = self.current().map(|entry| entry.key.clone());
        if let (Some(section), Some(key)) = (section, key) {
            self.ini.cuts.push(Cut {
                origin,
                section,
                key,
                mark,
            });
        }
    }
}

/// Where a comment begins, if the line has one.
///
/// In round *n*, the *n*-th of each mark is looked at; the leftmost that counts in the first round
/// with any cuts the line. A mark counts at the beginning and after a blank.
fn comment(line: &str) -> Option<usize> {
    if strip(line).starts_with(['#', ';']) {
        return Some(0);
    }
    let mut semicolons = line.match_indices(';');
    let mut hashes = line.match_indices('#');
    let counts = |at: usize| line[..at].chars().next_back().is_none_or(is_space);
    loop {
        let round = (semicolons.next(), hashes.next());
        if round == (None, None) {
            return None;
        }
        let hits = [round.0, round.1].into_iter().flatten().map(|(at, _)| at);
        if let Some(at) = hits.filter(|at| counts(*at)).min() {
            return Some(at);
        }
    }
}

/// The name in a section header: everything up to the last `]`.
fn header(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('[')?;
    rest.rfind(']')
        .filter(|end| *end > 0)
        .map(|end| &rest[..end])
}

/// The line as messages show it, with its end as `\n`.
fn with_newline(line: &str) -> String {
    let text = line.trim_end_matches(['\r', '\n']);
    if text.len() == line.len() {
        line.to_owned()
    } else {
        format!("{text}\n")
    }
}

/// The lines of a text with their ends, which become `\n` whatever they were.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['\r', '\n']).map_or(rest.len(), |at| {
            if rest[at..].starts_with("\r\n") {
                at + 2
            } else {
                at + 1
            }
        });
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line)
    })
}
