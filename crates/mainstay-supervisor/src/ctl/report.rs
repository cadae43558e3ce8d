//! What `--json` prints: one document, when all is done.
//!
//! ```json
//! {"results": [{"name": "web", "result": "started"}, {"error": {"fault": 10, "message": "no such process"}, "name": "x"}]}
//! ```
//!
//! `results` has one object for every line that the command prints otherwise. A command that could
//! not be carried out has `error` beside it, or instead of it where there are no results at all.

use serde_json::{Map, Value as Json, json};

use super::info::{Info, Outcome};
use super::print::{self, Verb};
use crate::rpc::Value;

/// The document as it grows.
#[derive(Debug, Default)]
pub(super) struct Report {
    results: Vec<Json>,
    error: Option<Json>,
}

impl Report {
    pub(super) fn push(&mut self, row: Json) {
        self.results.push(row);
    }

    /// Says why the command could not be carried out. The first reason is the cause of the others.
    pub(super) fn fail(&mut self, complaint: &str, fault: Option<i32>) {
        self.error.get_or_insert_with(|| error(complaint, fault));
    }

    pub(super) fn document(self) -> Json {
        let mut document = Map::new();
        if !self.results.is_empty() || self.error.is_none() {
            document.insert("results".to_owned(), self.results.into());
        }
        if let Some(error) = self.error {
            document.insert("error".to_owned(), error);
        }
        document.into()
    }
}

/// The document for a mistake that was found before there was a session.
pub fn refusal(message: &str) -> String {
    json!({ "error": error(message, None) }).to_string()
}

/// An error as a member: what the line says, without the word that says that it is one.
pub(super) fn error(complaint: &str, fault: Option<i32>) -> Json {
    let complaint = complaint.trim();
    let message = match complaint.split_at_checked("error: ".len()) {
        Some((word, rest)) if word.eq_ignore_ascii_case("error: ") => rest,
        _ => complaint.trim_start_matches("*** "),
    };
    match fault {
        None => json!({ "message": message }),
        Some(code) => json!({ "message": message, "fault": code }),
    }
}

/// A row about something that failed.
pub(super) fn failed(name: &str, reason: &str, fault: Option<i32>) -> Json {
    json!({ "name": name, "error": error(reason, fault) })
}

/// A row about something that was done.
pub(super) fn done(name: &str, result: &str) -> Json {
    json!({ "name": name, "result": result })
}

/// A row for what an operation did to a process.
pub(super) fn outcome(verb: Verb, outcome: &Outcome) -> Json {
    match verb.reason(outcome) {
        None => done(&outcome.namespec, verb.done()),
        Some(reason) => failed(&outcome.namespec, reason, Some(outcome.status)),
    }
}

/// The row of `status` for one process; `answer` is what the daemon said about it.
pub(super) fn process(info: &Info, answer: &Value) -> Json {
    let member = |name| answer.get(name).map_or(Json::Null, plain);
    // 0 is how the API says that there was none yet.
    let time = |name| match answer.get(name).and_then(Value::as_int) {
        None | Some(0) => Json::Null,
        Some(seconds) => seconds.into(),
    };
    json!({
        "name": info.namespec(),
        "group": info.group,
        "process": info.name,
        "state": info.statename,
        "statecode": info.state,
        "pid": pid(info.pid),
        "description": info.description,
        "started_at": time("start"),
        "stopped_at": time("stop"),
        "exitstatus": member("exitstatus"),
        "spawnerr": member("spawnerr"),
        "stdout_logfile": member("stdout_logfile"),
        "stderr_logfile": member("stderr_logfile"),
    })
}

/// A pid; null for a process that does not run.
pub(super) fn pid(pid: i32) -> Json {
    if pid == 0 { Json::Null } else { pid.into() }
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Int(number) => (*number).into(),
        Value::Bool(truth) => (*truth).into(),
        Value::String(text) => text.as_str().into(),
        _ => Json::Null,
    }
}

/// The row of `avail` for one process.
pub(super) fn avail(
    (group, process): (&str, &str),
    in_use: bool,
    autostart: bool,
    priorities: (i32, i32),
) -> Json {
    json!({
        "name": print::namespec(group, process),
        "group": group,
        "process": process,
        "in_use": in_use,
        "autostart": autostart,
        "group_priority": priorities.0,
        "priority": priorities.1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_does_not_say_twice_that_it_is_an_error() {
        for (complaint, expected) in [
            ("ERROR: no such group: x", "no such group: x"),
            (
                "Error: start requires a process name",
                "start requires a process name",
            ),
            ("error: <Fault 6: 'X'>", "<Fault 6: 'X'>"),
            ("*** Unknown syntax: foo", "Unknown syntax: foo"),
            ("unix:///x no such file", "unix:///x no such file"),
            (
                "web: ERROR (no such process)",
                "web: ERROR (no such process)",
            ),
            ("\u{fc}", "\u{fc}"),
        ] {
            assert_eq!(error(complaint, None), json!({ "message": expected }));
        }
    }

    #[test]
    fn a_document_has_results_or_an_error_or_both() {
        let row = || done("web", "started");
        assert_eq!(Report::default().document(), json!({ "results": [] }));

        let mut report = Report::default();
        report.fail("Error: cause", Some(6));
        report.fail("Error: effect", None);
        let cause = json!({ "message": "cause", "fault": 6 });
        assert_eq!(report.document(), json!({ "error": cause }));

        let mut report = Report::default();
        report.push(row());
        report.fail("Error: cause", Some(6));
        assert_eq!(
            report.document(),
            json!({ "results": [row()], "error": cause })
        );
    }
}
