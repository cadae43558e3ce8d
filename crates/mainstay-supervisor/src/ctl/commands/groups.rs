//! `reread`, `add`, `remove`, `update`: from the configuration files to the active groups.

use std::collections::BTreeSet;

use super::Done;
use crate::ctl::error::Error;
use crate::ctl::info::{self, Info, Outcome};
use crate::ctl::print;
use crate::ctl::report;
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
        for (name, what) in print::differences(&diff.added, &diff.changed, &diff.removed) {
            session.say(format_args!("{name}: {what}"), || report::done(name, what));
        }
        if diff.is_empty() {
            session.remark(print::NO_DIFFERENCES);
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
            Ok(_) => done(session, group, "added"),
            Err(error) => match error.fault_code() {
                Some(print::ALREADY_ADDED) => {
                    let line = "ERROR: process group already active";
                    session.say(line, || report::failed(group, line, error.fault_code()));
                }
                Some(print::SHUTDOWN_STATE) => {
                    let complaint = "ERROR: shutting down";
                    session.fail_for(exit::FAILURE, complaint, error.fault_code());
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
            Ok(_) => done(session, group, "removed"),
            Err(error) => match error.fault_code() {
                Some(print::STILL_RUNNING) => session.fail_at(
                    exit::FAILURE,
                    format_args!("ERROR: process/group still running: {group}"),
                    (group, "process/group still running", error.fault_code()),
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
            session.fail_at(
                exit::FAILURE,
                format_args!("ERROR: no such group: {group}"),
                (group, "no such group", None),
            );
        }
    }
    let concerned = |group: &&String| everything || named.contains(&group.as_str());

    for group in diff.removed.iter().filter(concerned) {
        if !stop(session, group)? {
            session.fail_at(
                exit::FAILURE,
                format_args!("{group}: has problems; not removing"),
                (group, "has problems; not removing", None),
            );
            continue;
        }
        session
            .client
            .call("supervisor.removeProcessGroup", &[group.as_str().into()])?;
        done(session, group, "removed");
    }
    for group in diff.changed.iter().filter(concerned) {
        stop(session, group)?;
        session
            .client
            .call("supervisor.removeProcessGroup", &[group.as_str().into()])?;
        session
            .client
            .call("supervisor.addProcessGroup", &[group.as_str().into()])?;
        done(session, group, "updated");
    }
    for group in diff.added.iter().filter(concerned) {
        session
            .client
            .call("supervisor.addProcessGroup", &[group.as_str().into()])?;
        done(session, group, "added");
    }
    Ok(())
}

/// Stops a group, waits for it, and says whether it can be removed now.
fn stop(session: &mut Session, group: &str) -> Result<bool, Error> {
    let answer = session
        .client
        .call("supervisor.stopProcessGroup", &[group.into()])?;
    let outcomes: Vec<Outcome> = info::list(&answer)?;
    session.say(format_args!("{group}: stopped"), || {
        report::done(group, "stopped")
    });
    Ok(outcomes
        .iter()
        .all(|outcome| outcome.status != print::FAILED))
}

fn no_such_group(session: &mut Session, group: &str) {
    session.fail_at(
        exit::FAILURE,
        format_args!("ERROR: no such process/group: {group}"),
        (group, "no such process/group", Some(print::BAD_NAME)),
    );
}

fn done(session: &mut Session, group: &str, what: &str) {
    session.say(format_args!("{group}: {what} process group"), || {
        report::done(group, what)
    });
}

/// What a fresh reading of the configuration files changes.
struct Diff {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
}

impl Diff {
    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// Has the files read again; `None` after a complaint that was printed.
fn read_again(session: &mut Session, shutting_down: &str) -> Result<Option<Diff>, Error> {
    match session.client.call("supervisor.reloadConfig", &[]) {
        Ok(answer) => Diff::try_from(&answer).map(Some),
        Err(error) => match (error.fault_code(), error.fault_text()) {
            (Some(print::SHUTDOWN_STATE), _) => {
                session.fail_for(exit::FAILURE, shutting_down, error.fault_code());
                Ok(None)
            }
            (Some(print::CANT_REREAD), Some(text)) => {
                let complaint = format_args!("ERROR: {text}");
                session.fail_for(exit::FAILURE, complaint, error.fault_code());
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
