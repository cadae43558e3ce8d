//! `start`, `stop`, `restart`, `signal`, `clear`: one result per process.

use super::Done;
use crate::ctl::error::Error;
use crate::ctl::info::{self, Outcome};
use crate::ctl::print::{self, Verb};
use crate::ctl::report;
use crate::ctl::session::{Session, exit};
use crate::rpc::Value;

pub(super) fn start(session: &mut Session, argument: &str) -> Done {
    if !session.is_up()? {
        return Ok(());
    }
    if argument.is_empty() {
        let complaint = "Error: start requires a process name";
        session.misused("start", exit::INVALID_ARGUMENTS, complaint);
        return Ok(());
    }
    each(session, Verb::Start, argument, None)
}

pub(super) fn stop(session: &mut Session, argument: &str) -> Done {
    if !session.is_up()? {
        return Ok(());
    }
    if argument.is_empty() {
        session.misused("stop", exit::FAILURE, "Error: stop requires a process name");
        return Ok(());
    }
    each(session, Verb::Stop, argument, None)
}

pub(super) fn restart(session: &mut Session, argument: &str) -> Done {
    if !session.is_up()? {
        return Ok(());
    }
    if argument.is_empty() {
        session.misused(
            "restart",
            exit::FAILURE,
            "Error: restart requires a process name",
        );
        return Ok(());
    }
    each(session, Verb::Stop, argument, None)?;
    each(session, Verb::Start, argument, None)
}

pub(super) fn signal(session: &mut Session, argument: &str) -> Done {
    if !session.is_up()? {
        return Ok(());
    }
    let Some((signal, names)) = argument.split_once(char::is_whitespace) else {
        let complaint = "Error: signal requires a signal name and a process name";
        session.misused("signal", exit::FAILURE, complaint);
        return Ok(());
    };
    each(session, Verb::Signal, names, Some(signal))
}

pub(super) fn clear(session: &mut Session, argument: &str) -> Done {
    if !session.is_up()? {
        return Ok(());
    }
    if argument.is_empty() {
        session.misused(
            "clear",
            exit::FAILURE,
            "Error: clear requires a process name",
        );
        return Ok(());
    }
    each(session, Verb::Clear, argument, None)
}

/// Does it to every name, one request after another; `all` stands for all, whatever else is named.
fn each(session: &mut Session, verb: Verb, names: &str, signal: Option<&str>) -> Done {
    let methods = Methods::of(verb);
    let extra = || signal.map(Value::from);

    if names.split_whitespace().any(|name| name == "all") {
        let params: Vec<Value> = extra().into_iter().collect();
        let outcomes = info::list(&session.client.call(methods.all, &params)?)?;
        return report(session, verb, &outcomes);
    }
    for name in names.split_whitespace() {
        let (group, process) = print::split_namespec(name);
        match (process, methods.group) {
            (None, Some(method)) => {
                let params: Vec<Value> = [group.into()].into_iter().chain(extra()).collect();
                match session.client.call(method, &params) {
                    Ok(answer) => report(session, verb, &info::list(&answer)?)?,
                    Err(error) if error.fault_code() == Some(print::BAD_NAME) => {
                        let status = match verb {
                            Verb::Start => exit::INVALID_ARGUMENTS,
                            _ => exit::FAILURE,
                        };
                        session.fail_at(
                            status,
                            format_args!("{group}: ERROR (no such group)"),
                            (group, "no such group", error.fault_code()),
                        );
                    }
                    Err(error) => return Err(error),
                }
            }
            (process, _) => {
                // Logs cannot be cleared by the group; this name is what the original asks for.
                let name = print::namespec(group, process.unwrap_or("None"));
                let params: Vec<Value> =
                    [name.as_str().into()].into_iter().chain(extra()).collect();
                let answer = session.client.call(methods.one, &params);
                report(session, verb, &[outcome(name, answer)?])?;
            }
        }
    }
    Ok(())
}

fn outcome(namespec: String, answer: Result<Value, Error>) -> Result<Outcome, Error> {
    match answer {
        Ok(_) => Ok(Outcome {
            namespec,
            status: print::SUCCESS,
            description: "OK".to_owned(),
        }),
        Err(error) => match (error.fault_code(), error.fault_text()) {
            (Some(status), Some(text)) => Ok(Outcome {
                namespec,
                status,
                description: text.to_owned(),
            }),
            _ => Err(error),
        },
    }
}

fn report(session: &mut Session, verb: Verb, outcomes: &[Outcome]) -> Done {
    for outcome in outcomes {
        session.say(verb.line(outcome)?, || report::outcome(verb, outcome));
        if let Some(status) = verb.exit(outcome.status) {
            session.status = status;
        }
    }
    Ok(())
}

/// The methods behind a verb.
struct Methods {
    one: &'static str,
    group: Option<&'static str>,
    all: &'static str,
}

impl Methods {
    fn of(verb: Verb) -> Self {
        match verb {
            Verb::Start => Self {
                one: "supervisor.startProcess",
                group: Some("supervisor.startProcessGroup"),
                all: "supervisor.startAllProcesses",
            },
            Verb::Stop => Self {
                one: "supervisor.stopProcess",
                group: Some("supervisor.stopProcessGroup"),
                all: "supervisor.stopAllProcesses",
            },
            Verb::Signal => Self {
                one: "supervisor.signalProcess",
                group: Some("supervisor.signalProcessGroup"),
                all: "supervisor.signalAllProcesses",
            },
            Verb::Clear => Self {
                one: "supervisor.clearProcessLogs",
                group: None,
                all: "supervisor.clearAllProcessLogs",
            },
        }
    }
}
