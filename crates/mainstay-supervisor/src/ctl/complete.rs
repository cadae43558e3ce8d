//! What the Tab key offers.

use std::cell::RefCell;
use std::collections::BTreeSet;

use rustyline::Context;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;

use super::client::Client;
use super::commands::{self, COMMANDS, Completes};
use super::info::{self, Info};

/// Completes commands, and names that the daemon knows at that moment.
///
/// It asks on a connection of its own, because the line editor holds it apart from the session.
#[derive(Debug)]
pub(super) struct Names(RefCell<Client>);

impl Names {
    pub(super) fn new(client: Client) -> Self {
        Self(RefCell::new(client))
    }

    /// Follows the session to another server (`open`).
    pub(super) fn set_url(&mut self, url: &str) {
        self.0.get_mut().set_url(url);
    }

    /// What the daemon runs. A server that does not answer has no names to offer, and the next
    /// command will say why.
    fn processes(&self) -> Vec<Info> {
        self.0
            .borrow_mut()
            .call("supervisor.getAllProcessInfo", &[])
            .and_then(|answer| info::list(&answer))
            .unwrap_or_default()
    }
}

impl Completer for Names {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let before = &line[..position];
        // `:`, `*` and `-` are part of a word: only blanks part them.
        let start = before
            .rfind(char::is_whitespace)
            .map_or(0, |blank| blank + 1);
        let candidates = candidates(before, || self.processes());
        Ok((start, candidates))
    }
}

impl Hinter for Names {
    type Hint = String;
}

impl Highlighter for Names {}
impl Validator for Names {}
impl rustyline::Helper for Names {}

/// The words that can stand where the line ends, each with the blank that follows it.
fn candidates(line: &str, processes: impl FnOnce() -> Vec<Info>) -> Vec<String> {
    let (earlier, word) = match line.rfind(char::is_whitespace) {
        None => ("", line),
        Some(blank) => (line[..blank].trim(), line[blank..].trim_start()),
    };
    let names: BTreeSet<String> = match earlier.split_whitespace().next() {
        None => COMMANDS
            .iter()
            .map(|command| command.name.to_owned())
            .collect(),
        Some(command) => match commands::find(command).map(|found| found.completes) {
            None | Some(Completes::Nothing) => BTreeSet::new(),
            Some(Completes::Commands) => COMMANDS
                .iter()
                .map(|command| command.name.to_owned())
                .collect(),
            Some(Completes::Groups) => processes().into_iter().map(|info| info.group).collect(),
            Some(Completes::Processes) => process_names(&processes(), word),
        },
    };
    names
        .into_iter()
        .filter(|name| name.starts_with(word))
        .map(|name| name + " ")
        .collect()
}

/// Processes by their printed names, and groups of more than one as `group:*`.
fn process_names(processes: &[Info], word: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for info in processes {
        names.insert(info.namespec());
        if info.group != info.name || word.starts_with(&format!("{}:", info.group)) {
            names.insert(format!("{}:*", info.group));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn processes() -> Vec<Info> {
        ["cat:cat", "web:web_00", "web:web_01"]
            .into_iter()
            .map(|namespec| {
                let (group, name) = namespec.split_once(':').unwrap();
                Info {
                    name: name.to_owned(),
                    group: group.to_owned(),
                    state: 20,
                    statename: "RUNNING".to_owned(),
                    description: String::new(),
                    pid: 1,
                }
            })
            .collect()
    }

    #[test]
    fn tab_offers_what_fits_the_place() {
        let table: &[(&str, &[&str])] = &[
            ("sta", &["start ", "status "]),
            ("  sta", &["start ", "status "]),
            ("help st", &["start ", "status ", "stop "]),
            ("stop ", &["cat ", "web:* ", "web:web_00 ", "web:web_01 "]),
            ("stop web:", &["web:* ", "web:web_00 ", "web:web_01 "]),
            ("stop cat:", &["cat:* "]),
            ("stop cat web:web_01", &["web:web_01 "]),
            ("tail -f c", &["cat "]),
            ("update ", &["cat ", "web "]),
            ("reload ", &[]),
            ("nonsense ", &[]),
        ];
        for (line, expected) in table {
            assert_eq!(&candidates(line, processes), expected, "{line:?}");
        }
    }
}
