//! `reload`, `shutdown`, `version`, `open`: the daemon as a whole.

use serde_json::json;

use super::{Done, status};
use crate::ctl::print;
use crate::ctl::report;
use crate::ctl::session::{Session, exit};

pub(super) fn reload(session: &mut Session, argument: &str) -> Done {
    if !argument.is_empty() {
        session.misused(
            "reload",
            exit::FAILURE,
            "Error: reload accepts no arguments",
        );
        return Ok(());
    }
    if !session.confirms("Really restart the remote supervisord process y/N? ")? {
        return Ok(());
    }
    match session.client.call("supervisor.restart", &[]) {
        Ok(_) => session.say("Restarted supervisord", || json!({ "result": "restarted" })),
        Err(error) if error.fault_code() == Some(print::SHUTDOWN_STATE) => {
            let complaint = "ERROR: already shutting down";
            session.fail_for(exit::FAILURE, complaint, error.fault_code());
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

pub(super) fn shutdown(session: &mut Session, argument: &str) -> Done {
    if !argument.is_empty() {
        session.misused(
            "shutdown",
            exit::FAILURE,
            "Error: shutdown accepts no arguments",
        );
        return Ok(());
    }
    if !session.confirms("Really shut the remote supervisord process down y/N? ")? {
        return Ok(());
    }
    let url = session.client.url().to_owned();
    match session.client.call("supervisor.shutdown", &[]) {
        Ok(_) => session.say("Shut down", || json!({ "result": "shut down" })),
        // What was asked for happens anyway, so this one is not a failure.
        Err(error) if error.fault_code() == Some(print::SHUTDOWN_STATE) => {
            let line = "ERROR: already shutting down";
            session.say(
                line,
                || json!({ "error": report::error(line, error.fault_code()) }),
            );
        }
        Err(error) if error.is_refused() => session.fail(
            exit::FAILURE,
            format_args!("ERROR: {url} refused connection (already shut down?)"),
        ),
        Err(error) if error.is_missing_socket() => session.fail(
            exit::FAILURE,
            format_args!("ERROR: {url} no such file (already shut down?)"),
        ),
        Err(error) => return Err(error),
    }
    Ok(())
}

pub(super) fn version(session: &mut Session, argument: &str) -> Done {
    if !argument.is_empty() {
        session.misused(
            "version",
            exit::FAILURE,
            "Error: version accepts no arguments",
        );
        return Ok(());
    }
    if !session.is_up()? {
        return Ok(());
    }
    let answer = session
        .client
        .call("supervisor.getSupervisorVersion", &[])?;
    let version = answer.as_str().unwrap_or_default();
    session.say(version, || json!({ "version": version }));
    Ok(())
}

pub(super) fn open(session: &mut Session, argument: &str) -> Done {
    let url = argument.trim();
    if !(url.starts_with("http://") || url.starts_with("unix://")) {
        session.fail(exit::FAILURE, "ERROR: url must be http:// or unix://");
        return Ok(());
    }
    session.client.set_url(url);

    let before = session.status;
    let done = status::status(session, "");
    session.status = before;
    done
}
