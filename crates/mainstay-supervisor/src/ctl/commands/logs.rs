//! `tail`, `maintail`, `fg`: logs, at rest and as they grow.

use serde_json::json;

use super::Done;
use crate::config::repr;
use crate::ctl::error::Error;
use crate::ctl::info::Info;
use crate::ctl::print;
use crate::ctl::session::{Session, exit};
use crate::rpc::Value;

/// How many bytes are shown when nobody says.
const DEFAULT: i32 = 1600;

/// What comes before an endless log.
const BANNER: &str = "==> Press Ctrl-C to exit <==";

pub(super) fn tail(session: &mut Session, argument: &str) -> Done {
    if !session.is_up()? {
        return Ok(());
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    if words.is_empty() {
        session.misused("tail", exit::FAILURE, "Error: too few arguments");
        return Ok(());
    }
    if words.len() > 3 {
        session.misused("tail", exit::FAILURE, "Error: too many arguments");
        return Ok(());
    }
    let (modifier, words) = match words.split_first() {
        Some((first, rest)) if first.starts_with('-') => (Some(*first), rest),
        _ => (None, words.as_slice()),
    };
    let Some((name, channels)) = words.split_first() else {
        session.fail(exit::FAILURE, "Error: tail requires process name");
        return Ok(());
    };
    let channel = channels
        .last()
        .map_or_else(|| "stdout".to_owned(), |word| word.to_lowercase());
    let method = match channel.as_str() {
        "stdout" => "supervisor.readProcessStdoutLog",
        "stderr" => "supervisor.readProcessStderrLog",
        _ => {
            let complaint = format!("Error: bad channel {}", repr(&channel));
            session.fail(exit::FAILURE, complaint);
            return Ok(());
        }
    };
    let log = Log {
        method,
        params: vec![(*name).into()],
        owner: name,
    };
    match Extent::parse(modifier) {
        Some(Extent::Endless) => follow(session, &format!("/logtail/{name}/{channel}"), &log),
        Some(Extent::Bytes(count)) => show(session, &log, count),
        None => {
            let modifier = modifier.unwrap_or_default();
            session.fail(
                exit::FAILURE,
                format_args!("Error: bad argument {modifier}"),
            );
            Ok(())
        }
    }
}

pub(super) fn maintail(session: &mut Session, argument: &str) -> Done {
    if !session.is_up()? {
        return Ok(());
    }
    let mut words = argument.split_whitespace();
    let modifier = words.next();
    if words.next().is_some() {
        session.misused("maintail", exit::FAILURE, "Error: too many arguments");
        return Ok(());
    }
    let log = Log {
        method: "supervisor.readLog",
        params: Vec::new(),
        owner: "supervisord",
    };
    match Extent::parse(modifier) {
        Some(Extent::Endless) => follow(session, "/mainlogtail", &log),
        Some(Extent::Bytes(count)) => show(session, &log, count),
        None => {
            let modifier = modifier.unwrap_or_default();
            session.fail(
                exit::FAILURE,
                format_args!("Error: bad argument {modifier}"),
            );
            Ok(())
        }
    }
}

pub(super) fn fg(session: &mut Session, argument: &str) -> Done {
    if !session.is_up()? {
        return Ok(());
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    let name = match words.as_slice() {
        [] => {
            session.misused("fg", exit::FAILURE, "ERROR: no process name supplied");
            return Ok(());
        }
        [name] => *name,
        _ => {
            session.fail(exit::FAILURE, "ERROR: too many process names supplied");
            return Ok(());
        }
    };
    match session
        .client
        .call("supervisor.getProcessInfo", &[name.into()])
    {
        Ok(answer) if Info::try_from(&answer)?.is_running() => {}
        Ok(_) => {
            session.fail(exit::FAILURE, "ERROR: process not running");
            return Ok(());
        }
        Err(error) if error.fault_code() == Some(print::BAD_NAME) => {
            let complaint = "ERROR: bad process name supplied";
            session.fail_for(exit::FAILURE, complaint, error.fault_code());
            return Ok(());
        }
        Err(error) => return Err(error),
    }

    if refuses_endless(session) {
        return Ok(());
    }
    session.out.line(BANNER);
    if session.client.foreground(name, &mut session.out)?.is_gone() {
        session.out.line("Process got killed");
    }
    session.out.line("Exiting foreground");
    Ok(())
}

/// A log that can be read.
struct Log<'a> {
    method: &'static str,
    params: Vec<Value>,
    /// Who complaints are about.
    owner: &'a str,
}

impl Log<'_> {
    fn read(&self, session: &mut Session, window: (i32, i32)) -> Result<Value, Error> {
        let (offset, length) = window;
        let mut params = self.params.clone();
        params.extend([Value::from(offset), Value::from(length)]);
        session.client.call(self.method, &params)
    }

    /// What a fault means; `None` for errors that have nothing to do with the log.
    fn reason(&self, error: &Error) -> Option<&'static str> {
        let reason = match error.fault_code()? {
            print::NO_FILE => "no log file",
            print::FAILED => "unknown error reading log",
            // The main log has no name that could be wrong.
            print::BAD_NAME if !self.params.is_empty() => "no such process name",
            _ => return None,
        };
        Some(reason)
    }

    fn complaint(&self, reason: &str) -> String {
        format!("{}: ERROR ({reason})", self.owner)
    }
}

fn show(session: &mut Session, log: &Log<'_>, count: i32) -> Done {
    // An offset of -0 would be the beginning: ask for one byte there and show none of it, so that
    // a log that cannot be read is still told.
    let window = if count == 0 { (0, 1) } else { (-count, 0) };
    match log.read(session, window) {
        Ok(answer) => {
            let text = match &answer {
                _ if count == 0 => &[],
                Value::Base64(bytes) => bytes.as_slice(),
                answer => answer.as_str().unwrap_or_default().as_bytes(),
            };
            if session.is_textual() {
                session.out.bytes(&[text, b"\n"].concat());
            } else {
                let text = String::from_utf8_lossy(text);
                session.say("", || json!({ "name": log.owner, "log": text }));
            }
            Ok(())
        }
        Err(error) => match log.reason(&error) {
            Some(reason) => {
                session.fail_at(
                    exit::FAILURE,
                    log.complaint(reason),
                    (log.owner, reason, error.fault_code()),
                );
                Ok(())
            }
            None => Err(error),
        },
    }
}

fn follow(session: &mut Session, path: &str, log: &Log<'_>) -> Done {
    if refuses_endless(session) {
        return Ok(());
    }
    session.out.line(BANNER);
    let Err(error) = session.client.follow(path, &mut session.out) else {
        return Ok(());
    };

    session.status = exit::FAILURE;
    let url = session.client.url();
    match error.http_status() {
        Some(code) => eprintln!("{url}{path} Cannot read, status code {code}"),
        None => eprintln!("{url}{path} Cannot connect, error: {error}"),
    }
    // The stream only says 404; the API knows why.
    if error.http_status().is_some()
        && let Err(error) = log.read(session, (0, 1))
        && let Some(reason) = log.reason(&error)
    {
        session.out.line(log.complaint(reason));
    }
    Ok(())
}

/// Complains where one document is wanted of what has no end.
fn refuses_endless(session: &mut Session) -> bool {
    if !session.is_textual() {
        session.fail(
            exit::INVALID_ARGUMENTS,
            "Error: this has no end, and so no JSON document",
        );
    }
    !session.is_textual()
}

/// How much of a log to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Bytes(i32),
    Endless,
}

impl Extent {
    fn parse(modifier: Option<&str>) -> Option<Self> {
        let Some(modifier) = modifier else {
            return Some(Self::Bytes(DEFAULT));
        };
        match modifier.strip_prefix('-')? {
            "f" => Some(Self::Endless),
            digits if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                // More than can be asked for is all there is.
                Some(Self::Bytes(digits.parse().unwrap_or(i32::MAX)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_says_how_much() {
        for (modifier, expected) in [
            (None, Some(Extent::Bytes(1600))),
            (Some("-f"), Some(Extent::Endless)),
            (Some("-100"), Some(Extent::Bytes(100))),
            (Some("-0"), Some(Extent::Bytes(0))),
            (Some("-99999999999"), Some(Extent::Bytes(i32::MAX))),
            (Some("--5"), None),
            (Some("-x"), None),
            (Some("-"), None),
            (Some("foo"), None),
        ] {
            assert_eq!(Extent::parse(modifier), expected, "{modifier:?}");
        }
    }
}
