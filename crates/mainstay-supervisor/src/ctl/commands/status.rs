//! `status`, `pid`, `avail`: what there is.

use super::Done;
use crate::ctl::info::{self, Info};
use crate::ctl::print;
use crate::ctl::session::{Session, exit};

pub(super) fn status(session: &mut Session, argument: &str) -> Done {
    if !session.is_up()? {
        // Whatever the reason: monitoring wants one number for "cannot tell".
        session.status = exit::REFUSED;
        return Ok(());
    }
    let all: Vec<Info> = info::list(&session.client.call("supervisor.getAllProcessInfo", &[])?)?;

    let listed = if wants_all(argument) {
        all
    } else {
        let mut listed = Vec::new();
        for name in argument.split_whitespace() {
            let (group, process) = print::split_namespec(name);
            let found: Vec<Info> = all
                .iter()
                .filter(|info| info.group == group)
                .filter(|info| process.is_none_or(|process| info.name == process))
                .cloned()
                .collect();
            if found.is_empty() {
                let complaint = match process {
                    None => format!("{group}: ERROR (no such group)"),
                    Some(_) => format!("{name}: ERROR (no such process)"),
                };
                session.fail(exit::REFUSED, complaint);
            }
            listed.extend(found);
        }
        listed
    };

    for line in print::status(&listed, session.out.is_coloured()) {
        session.out.line(line);
    }
    if listed.iter().any(Info::is_down) {
        session.status = exit::UNIMPLEMENTED;
    }
    Ok(())
}

pub(super) fn pid(session: &mut Session, argument: &str) -> Done {
    if !session.is_up()? {
        return Ok(());
    }
    if argument.is_empty() {
        let answer = session.client.call("supervisor.getPID", &[])?;
        session.out.line(answer.as_int().unwrap_or_default());
        return Ok(());
    }
    if wants_all(argument) {
        let all = session.client.call("supervisor.getAllProcessInfo", &[])?;
        for info in info::list::<Info>(&all)? {
            session.out.line(info.pid);
        }
        return Ok(());
    }
    for name in argument.split_whitespace() {
        match session
            .client
            .call("supervisor.getProcessInfo", &[name.into()])
        {
            Ok(answer) => {
                let info = Info::try_from(&answer)?;
                session.out.line(info.pid);
                if info.pid == 0 {
                    session.status = exit::NOT_RUNNING;
                }
            }
            Err(error) if error.fault_code() == Some(print::BAD_NAME) => {
                session.fail(exit::FAILURE, format_args!("No such process {name}"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(super) fn avail(session: &mut Session, argument: &str) -> Done {
    if !argument.is_empty() {
        session.misused("avail", exit::FAILURE, "Error: avail accepts no arguments");
        return Ok(());
    }
    let answer = match session.client.call("supervisor.getAllConfigInfo", &[]) {
        Ok(answer) => answer,
        Err(error) if error.fault_code() == Some(print::SHUTDOWN_STATE) => {
            session.fail(exit::FAILURE, "ERROR: supervisor shutting down");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for process in info::elements(&answer)? {
        let namespec = print::namespec(
            &info::text(process, "group")?,
            &info::text(process, "name")?,
        );
        let priorities = (
            info::int(process, "group_prio")?,
            info::int(process, "process_prio")?,
        );
        session.out.line(print::avail(
            &namespec,
            info::truth(process, "inuse")?,
            info::truth(process, "autostart")?,
            priorities,
        ));
    }
    Ok(())
}

fn wants_all(argument: &str) -> bool {
    argument.is_empty() || argument.split_whitespace().any(|name| name == "all")
}
