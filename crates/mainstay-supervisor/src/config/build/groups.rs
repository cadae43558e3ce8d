//! All groups: those of `[group:x]`, and one for every program that is in none.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::process::{Target, processes};
use super::{fcgi, listener};
use crate::config::ini::Section;
use crate::config::model::{Group, GroupKind, Process};
use crate::config::options::{Kind, Scope, eventlistener, group as option, program};
use crate::config::read::{Names, Reader, Shared};
use crate::config::{suggest, types};

/// Reads all groups, sorted as they are started.
pub(in crate::config) fn groups(
    shared: Shared<'_>,
    names: &Names,
    sections: &[(Kind, Section)],
    environment: &[(String, String)],
    logs: PathBuf,
) -> Vec<Group> {
    let builder = Builder {
        shared,
        names,
        sections,
        index: sections
            .iter()
            .map(|(_, section)| (section.name.as_str(), section))
            .collect(),
        environment,
        logs,
    };
    let mut claimed = HashSet::new();
    let mut groups = Vec::new();
    for section in builder.of(Kind::Group) {
        groups.extend(builder.group(section, &mut claimed));
    }
    for kind in [Kind::Program, Kind::EventListener, Kind::FcgiProgram] {
        for section in builder.of(kind) {
            if !claimed.contains(&section.name) {
                groups.extend(builder.alone(kind, section));
            }
        }
    }
    groups.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    let mut seen = HashSet::new();
    groups.retain(|group| {
        let first = seen.insert(group.name.clone());
        if !first {
            shared.sink.warn(format!(
                "There is more than one group named '{}'; only the one with the lowest priority \
                 is used",
                group.name
            ));
        }
        first
    });
    groups
}

struct Builder<'a> {
    shared: Shared<'a>,
    names: &'a Names,
    sections: &'a [(Kind, Section)],
    /// By header.
    index: HashMap<&'a str, &'a Section>,
    environment: &'a [(String, String)],
    logs: PathBuf,
}

impl<'a> Builder<'a> {
    fn of(&self, kind: Kind) -> impl Iterator<Item = &'a Section> {
        let sections = self.sections;
        sections
            .iter()
            .filter(move |(known, _)| *known == kind)
            .map(|(_, section)| section)
    }

    fn find(&self, kind: Kind, name: &str) -> Option<&'a Section> {
        let header = format!("{}:{name}", kind.word());
        self.index.get(header.as_str()).copied()
    }

    fn reader(&self, section: &'a Section) -> Reader<'a> {
        Reader::new(self.shared, section, self.names)
    }

    /// A `[group:x]` and the programs it names.
    fn group(&self, section: &'a Section, claimed: &mut HashSet<String>) -> Option<Group> {
        let reader = self.reader(section);
        let priority = reader.get(&option::PRIORITY);
        let name = section_name(&reader);
        let mut members = Vec::new();
        for member in reader.get(&option::PROGRAMS) {
            match self.member(&reader, &member) {
                Some((kind, program)) => {
                    claimed.insert(program.name.clone());
                    members.extend(self.processes(kind, program, name.as_deref().unwrap_or("")));
                }
                None => claimed.extend([format!("program:{member}")]),
            }
        }
        let processes = self.sorted(section, members);
        Some(Group {
            name: name?,
            priority,
            kind: GroupKind::Programs,
            processes,
        })
    }

    fn member(&self, reader: &Reader<'_>, name: &str) -> Option<(Kind, &'a Section)> {
        let program = self.find(Kind::Program, name);
        let fcgi = self.find(Kind::FcgiProgram, name);
        let section = &reader.section.name;
        match (program, fcgi) {
            (Some(program), None) => Some((Kind::Program, program)),
            (None, Some(fcgi)) => Some((Kind::FcgiProgram, fcgi)),
            (Some(_), Some(_)) => {
                let text = format!(
                    "[{section}] name {name} is ambiguous (exists as program and fcgi-program)"
                );
                reader.problem(reader.error(text, "programs"));
                None
            }
            (None, None) => {
                let text = format!("[{section}] names unknown program or fcgi-program {name}");
                let error = reader.error(text, "programs");
                reader.problem(error.hint(self.meant(name)));
                None
            }
        }
    }

    fn meant(&self, name: &str) -> Option<String> {
        if name.is_empty() {
            return Some("remove the comma without a name".to_owned());
        }
        if self.find(Kind::EventListener, name).is_some() {
            return Some("event listeners cannot be in groups".to_owned());
        }
        if !self.shared.sink.may_suggest() {
            return None;
        }
        let known = self.of(Kind::Program).chain(self.of(Kind::FcgiProgram));
        let known = known.filter_map(|section| Some(section.name.split_once(':')?.1));
        suggest::nearest(name, known).map(|meant| format!("did you mean `{meant}`?"))
    }

    /// A program, listener or fcgi-program as a group of its own.
    fn alone(&self, kind: Kind, section: &'a Section) -> Option<Group> {
        let reader = self.reader(section);
        let priority = match kind {
            Kind::EventListener => reader
                .find_in(&program::PRIORITY, Scope::Here)
                .unwrap_or(eventlistener::GROUP_PRIORITY),
            _ => reader.get_in(&program::PRIORITY, Scope::Here),
        };
        let group_kind = match kind {
            Kind::EventListener => listener::pool(&reader),
            _ => Some(GroupKind::Programs),
        };
        let name = section_name(&reader)?;
        let processes = self.sorted(section, self.processes(kind, section, &name));
        let group_kind = match kind {
            Kind::FcgiProgram => {
                // A program without processes has no socket to open either.
                let socket = processes.first().and_then(|process| process.socket.clone());
                socket.map_or(GroupKind::Programs, |socket| {
                    GroupKind::Fcgi((*socket).clone())
                })
            }
            _ => group_kind?,
        };
        Some(Group {
            name,
            priority,
            kind: group_kind,
            processes,
        })
    }

    fn processes(&self, kind: Kind, section: &'a Section, group: &str) -> Vec<Arc<Process>> {
        let reader = self.reader(section);
        let program = section
            .name
            .split_once(':')
            .map_or("", |(_, name)| name)
            .trim();
        let socket = match kind {
            Kind::FcgiProgram => fcgi::socket(&reader, program),
            _ => None,
        };
        let target = Target {
            group,
            environment: self.environment,
            logs: self.logs.clone(),
            socket,
        };
        processes(&reader, program, &target)
    }

    /// In the order in which they are started; of several with the same name, the last remains.
    fn sorted(&self, section: &Section, mut processes: Vec<Arc<Process>>) -> Vec<Arc<Process>> {
        processes.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        let last: HashMap<String, usize> = processes
            .iter()
            .enumerate()
            .map(|(at, process)| (process.name.clone(), at))
            .collect();
        if last.len() == processes.len() {
            return processes;
        }
        let mut at = 0;
        processes.retain(|process| {
            let keep = last.get(&process.name) == Some(&at);
            if !keep {
                self.shared.sink.warn(format!(
                    "There is more than one process named '{}' in [{}]; only the last one is used",
                    process.name, section.name
                ));
            }
            at += 1;
            keep
        });
        processes
    }
}

/// The name after the colon; `None` after a mistake.
fn section_name(reader: &Reader<'_>) -> Option<String> {
    let section = &reader.section.name;
    let (word, name) = section.split_once(':')?;
    let error = |text: String| {
        crate::config::Error::new(text)
            .at(&reader.section.origin)
            .section(section)
    };
    match types::name(name) {
        Ok(name) if name.is_empty() => {
            let error = error(format!("section [{section}] has no name after the colon"));
            reader.problem(error.expected(format!("[{word}:name]")));
            None
        }
        Ok(name) => Some(name),
        Err(invalid) => {
            reader.problem(error(invalid.reason).expected(types::NAME.expected));
            None
        }
    }
}
