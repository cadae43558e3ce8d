//! `reread`, `add`, `remove`, `update`: from the configuration files to the active groups.

use std::collections::BTreeSet;

use super::Done;
use crate::ctl::error::Error;
use crate::ctl::info::{self, Info, Outcome};
use crate::ctl::print;
use crate::ctl::session::{Session, exit};
use crate::rpc::Value;

pub(super) fn reread(session: &mut Session, argument: &str) -> Done {
    if !argument.is_empty() {
        session.misused(
            "reread",
            exit::FAILURE,
            "Error: reread accepts no arguments",
        );
        return Ok(());
    }
    if let Some(diff) = read_again(session, "ERROR: supervisor shutting down")? {
        for line in print::reread(&diff.added, &diff.changed, &diff.removed) {
            session.out.line(line);
        }
    }
    Ok(())
}

pub(super) fn add(session: &mut Session, argument: &str) -> Done {
    for group in argument.split_whitespace() {
        match session
            .client
            .call("supervisor.addProcessGroup", &[group.into()])
        {
            Ok(_) => session
                .out
                .line(format_args!("{group}: added process group")),
            Err(error) => match error.fault_code() {
                Some(print::ALREADY_ADDED) => {
                    session.out.line("ERROR: process group already active");
                }
                Some(print::SHUTDOWN_STATE) => {
                    session.fail(exit::FAILURE, "ERROR: shutting down");
                }
                Some(print::BAD_NAME) => no_such_group(session, group),
                _ => return Err(error),
            },
        }
    }
    Ok(())
}

pub(super) fn remove(session: &mut Session, argument: &str) -> Done {
    for group in argument.split_whitespace() {
        match session
            .client
            .call("supervisor.removeProcessGroup", &[group.into()])
        {
            Ok(_) => session
                .out
                .line(format_args!("{group}: removed process group")),
            Err(error) => match error.fault_code() {
                Some(print::STILL_RUNNING) => session.fail(
                    exit::FAILURE,
                    format_args!("ERROR: process/group still running: {group}"),
                ),
                Some(print::BAD_NAME) => no_such_group(session, group),
                _ => return Err(error),
            },
        }
    }
    Ok(())
}

pub(super) fn update(session: &mut Session, argument: &str) -> Done {
    let Some(diff) = read_again(session, "ERROR: already shutting down")? else {
        return Ok(());
    };
    let named: Vec<&str> = argument.split_whitespace().collect();
    let everything = named.is_empty() || named.contains(&"all");
    if !everything {
        let active: Vec<Info> =
            info::list(&session.client.call("supervisor.getAllProcessInfo", &[])?)?;
        let known: BTreeSet<&str> = active
            .iter()
            .map(|info| info.group.as_str())
            .chain(diff.added.iter().map(String::as_str))
            .collect();
        for group in named.iter().filter(|group| !known.contains(*group)) {
            session.fail(exit::FAILURE, format_args!("ERROR: no such group: {group}"));
        }
    }
    let concerned = |group: &&String| everything || named.contains(&group.as_str());

    for group in diff.removed.iter().filter(concerned) {
        if !stop(session, group)? {
            session.fail(
                exit::FAILURE,
                format_args!("{group}: has problems; not removing"),
            );
            continue;
        }
        session
            .client
            .call("supervisor.removeProcessGroup", &[group.as_str().into()])?;
        session
            .out
            .line(format_args!("{group}: removed process group"));
    }
    for group in diff.changed.iter().filter(concerned) {
        stop(session, group)?;
        session
            .client
            .call("supervisor.removeProcessGroup", &[group.as_str().into()])?;
        session
            .client
            .call("supervisor.addProcessGroup", &[group.as_str().into()])?;
        session
            .out
            .line(format_args!("{group}: updated process group"));
    }
    for group in diff.added.iter().filter(concerned) {
        session
            .client
            .call("supervisor.addProcessGroup", &[group.as_str().into()])?;
        session
            .out
            .line(format_args!("{group}: added process group"));
    }
    Ok(())
}

/// Stops a group, waits for it, and says whether it can be removed now.
fn stop(session: &mut Session, group: &str) -> Result<bool, Error> {
    let answer = session
        .client
        .call("supervisor.stopProcessGroup", &[group.into()])?;
    let outcomes: Vec<Outcome> = info::list(&answer)?;
    session.out.line(format_args!("{group}: stopped"));
    Ok(outcomes
        .iter()
        .all(|outcome| outcome.status != print::FAILED))
}

fn no_such_group(session: &mut Session, group: &str) {
    session.fail(
        exit::FAILURE,
        format_args!("ERROR: no such process/group: {group}"),
    );
}

/// What a fresh reading of the configuration files changes.
struct Diff {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
}

/// Has the files read again; `None` after a complaint that was printed.
fn read_again(session: &mut Session, shutting_down: &str) -> Result<Option<Diff>, Error> {
    match session.client.call("supervisor.reloadConfig", &[]) {
        Ok(answer) => Diff::try_from(&answer).map(Some),
        Err(error) => match (error.fault_code(), error.fault_text()) {
            (Some(print::SHUTDOWN_STATE), _) => {
                session.fail(exit::FAILURE, shutting_down);
                Ok(None)
            }
            (Some(print::CANT_REREAD), Some(text)) => {
                session.fail(exit::FAILURE, format_args!("ERROR: {text}"));
                Ok(None)
            }
            _ => Err(error),
        },
    }
}

impl TryFrom<&Value> for Diff {
    type Error = Error;

    fn try_from(answer: &Value) -> Result<Self, Error> {
        let unreadable = || Error::unexpected("the answer is not three lists of groups");
        let [lists] = info::elements(answer)? else {
            return Err(unreadable());
        };
        let [added, changed, removed] = info::elements(lists)? else {
            return Err(unreadable());
        };
        let names = |list| {
            info::elements(list)?
                .iter()
                .map(|name| name.as_str().map(str::to_owned).ok_or_else(unreadable))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            added: names(added)?,
            changed: names(changed)?,
            removed: names(removed)?,
        })
    }
}
