//! `status`, `pid`, `avail`: what there is.

use serde_json::json;

use super::Done;
use crate::ctl::info::{self, Info};
use crate::ctl::print;
use crate::ctl::report;
use crate::ctl::session::{Session, exit};
use crate::rpc::Value;

pub(super) fn status(session: &mut Session, argument: &str) -> Done {
    if !session.is_up()? {
        // Whatever the reason: monitoring wants one number for "cannot tell".
        session.status = exit::REFUSED;
        return Ok(());
    }
    let answer = session.client.call("supervisor.getAllProcessInfo", &[])?;
    let answers = info::elements(&answer)?;
    let all: Vec<(Info, &Value)> = info::list(&answer)?.into_iter().zip(answers).collect();

    let listed = if wants_all(argument) {
        all
    } else {
        let mut listed = Vec::new();
        for name in argument.split_whitespace() {
            let (group, process) = print::split_namespec(name);
            let found: Vec<(Info, &Value)> = all
                .iter()
                .filter(|(info, _)| info.group == group)
                .filter(|(info, _)| process.is_none_or(|process| info.name == process))
                .cloned()
                .collect();
            if found.is_empty() {
                let (name, reason) = match process {
                    None => (group, "no such group"),
                    Some(_) => (name, "no such process"),
                };
                let complaint = format!("{name}: ERROR ({reason})");
                session.fail_at(exit::REFUSED, complaint, (name, reason, None));
            }
            listed.extend(found);
        }
        listed
    };

    let (infos, answers): (Vec<Info>, Vec<&Value>) = listed.into_iter().unzip();
    let lines = print::status(&infos, session.out.is_coloured());
    for ((line, info), answer) in lines.iter().zip(&infos).zip(answers) {
        session.say(line, || report::process(info, answer));
    }
    if infos.iter().any(Info::is_down) {
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
        let pid = answer.as_int().unwrap_or_default();
        session.say(pid, || json!({ "pid": pid }));
        return Ok(());
    }
    if wants_all(argument) {
        let all = session.client.call("supervisor.getAllProcessInfo", &[])?;
        for info in info::list::<Info>(&all)? {
            say_pid(session, &info);
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
                say_pid(session, &info);
                if info.pid == 0 {
                    session.status = exit::NOT_RUNNING;
                }
            }
            Err(error) if error.fault_code() == Some(print::BAD_NAME) => {
                session.fail_at(
                    exit::FAILURE,
                    format_args!("No such process {name}"),
                    (name, "no such process", error.fault_code()),
                );
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
            let complaint = "ERROR: supervisor shutting down";
            session.fail_for(exit::FAILURE, complaint, error.fault_code());
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for process in info::elements(&answer)? {
        let (group, name) = (info::text(process, "group")?, info::text(process, "name")?);
        let priorities = (
            info::int(process, "group_prio")?,
            info::int(process, "process_prio")?,
        );
        let in_use = info::truth(process, "inuse")?;
        let autostart = info::truth(process, "autostart")?;
        let namespec = print::namespec(&group, &name);
        session.say(
            print::avail(&namespec, in_use, autostart, priorities),
            || report::avail((&group, &name), in_use, autostart, priorities),
        );
    }
    Ok(())
}

fn say_pid(session: &mut Session, info: &Info) {
    session.say(
        info.pid,
        || json!({ "name": info.namespec(), "pid": report::pid(info.pid) }),
    );
}

fn wants_all(argument: &str) -> bool {
    argument.is_empty() || argument.split_whitespace().any(|name| name == "all")
}
