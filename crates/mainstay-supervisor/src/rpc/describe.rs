//! What the API tells of processes: structs in their documented order, and their descriptions.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Value;
use super::decimal::Decimal;
use super::value::cut;
use super::xml::{Member, member};
use crate::config::{Autorestart, LogFile, Stream};
use crate::daemon::{ConfigInfo, Outcome, ProcessInfo, State};

/// The struct of `getProcessInfo`.
pub(crate) fn process(info: &ProcessInfo<'_>, zone: &TimeZone) -> Value {
    let mut members = Vec::with_capacity(14);
    tell(info, zone, &mut members);
    Value::Struct(members)
}

/// Where the members of a struct go: into a value, or straight into a document.
pub(crate) trait Members {
    fn text(&mut self, member: Member, content: &str);
    fn int(&mut self, member: Member, number: i32);
}

impl Members for Vec<(String, Value)> {
    fn text(&mut self, member: Member, content: &str) {
        self.push((member.name.to_owned(), Value::from(content)));
    }

    fn int(&mut self, member: Member, number: i32) {
        self.push((member.name.to_owned(), Value::Int(number)));
    }
}

/// The members of `getProcessInfo`, in their documented order.
pub(crate) fn tell(info: &ProcessInfo<'_>, zone: &TimeZone, to: &mut impl Members) {
    let stdout = lossy(info.stdout_logfile.as_deref());
    to.text(member!("name"), &info.name);
    to.text(member!("group"), &info.group);
    to.int(member!("start"), cut(info.start));
    to.int(member!("stop"), cut(info.stop));
    to.int(member!("now"), cut(info.now));
    to.int(member!("state"), info.state.code());
    to.text(member!("statename"), info.state.name());
    to.text(member!("spawnerr"), &info.spawnerr);
    to.int(member!("exitstatus"), info.exitstatus);
    to.text(member!("logfile"), &stdout);
    to.text(member!("stdout_logfile"), &stdout);
    to.text(
        member!("stderr_logfile"),
        &lossy(info.stderr_logfile.as_deref()),
    );
    to.int(member!("pid"), info.pid);
    to.text(member!("description"), &description(info, zone));
}

/// The struct of one process in the result of a group operation.
pub(crate) fn outcome(outcome: &Outcome) -> Value {
    let (status, description) = match &outcome.result {
        Ok(()) => (super::Code::Success.number(), "OK".to_owned()),
        Err(fault) => (fault.code().number(), fault.to_string()),
    };
    Value::record([
        ("name", Value::from(outcome.name.as_str())),
        ("group", Value::from(outcome.group.as_str())),
        ("status", Value::Int(status)),
        ("description", Value::String(description)),
    ])
}

/// The struct of one process of `getAllConfigInfo`; `live` is the same process of the active
/// groups, which knows where its automatic logs are.
pub(crate) fn config(config: &ConfigInfo, live: Option<&ProcessInfo<'static>>) -> Value {
    let process = &config.process;
    let automatic = |log: fn(&ProcessInfo<'static>) -> Option<PathBuf>| live.and_then(log);
    let [
        so_capture,
        so_events,
        so_file,
        so_backups,
        so_max,
        so_syslog,
    ] = stream(
        &process.stdout,
        automatic(|info| info.stdout_logfile.as_deref().map(Path::to_path_buf)),
    );
    let [
        se_capture,
        se_events,
        se_file,
        se_backups,
        se_max,
        se_syslog,
    ] = stream(
        &process.stderr,
        automatic(|info| info.stderr_logfile.as_deref().map(Path::to_path_buf)),
    );
    Value::record([
        ("autostart", Value::Bool(process.autostart)),
        (
            "autorestart",
            match process.autorestart {
                Autorestart::Never => Value::Bool(false),
                Autorestart::Unexpected => Value::from("unexpected"),
                Autorestart::Always => Value::Bool(true),
            },
        ),
        (
            "directory",
            process
                .directory
                .as_deref()
                .map_or(none(), |it| path(Some(it))),
        ),
        (
            "uid",
            process
                .user
                .as_ref()
                .map_or(none(), |user| Value::capped(user.uid.into())),
        ),
        ("command", Value::from(process.command.as_str())),
        (
            "exitcodes",
            process
                .exitcodes
                .iter()
                .map(|&code| Value::Int(code.into()))
                .collect::<Vec<_>>()
                .into(),
        ),
        ("group", Value::from(process.group.as_str())),
        ("group_prio", Value::capped(config.group_priority)),
        ("inuse", Value::Bool(config.in_use)),
        ("killasgroup", Value::Bool(process.killasgroup)),
        ("name", Value::from(process.name.as_str())),
        ("process_prio", Value::capped(process.priority)),
        ("redirect_stderr", Value::Bool(process.redirect_stderr)),
        ("startretries", Value::capped(process.startretries.into())),
        ("startsecs", capped(process.startsecs)),
        ("stdout_capture_maxbytes", so_capture),
        ("stdout_events_enabled", so_events),
        ("stdout_logfile", so_file),
        ("stdout_logfile_backups", so_backups),
        ("stdout_logfile_maxbytes", so_max),
        ("stdout_syslog", so_syslog),
        ("stopsignal", Value::Int(process.stopsignal)),
        ("stopwaitsecs", capped(process.stopwaitsecs)),
        ("stderr_capture_maxbytes", se_capture),
        ("stderr_events_enabled", se_events),
        ("stderr_logfile", se_file),
        ("stderr_logfile_backups", se_backups),
        ("stderr_logfile_maxbytes", se_max),
        ("stderr_syslog", se_syslog),
        (
            "serverurl",
            process.serverurl.as_deref().map_or(none(), Value::from),
        ),
    ])
}

/// The text that clients print after the state.
pub(crate) fn description(info: &ProcessInfo<'_>, zone: &TimeZone) -> String {
    match info.state {
        State::Running => {
            let mut text = String::with_capacity(LINE);
            text.push_str("pid ");
            // A process that runs has one, and it is positive.
            text.push_str(Decimal::of(info.pid.unsigned_abs().into()).as_str());
            text.push_str(", uptime ");
            push_uptime(&mut text, info.uptime);
            text
        }
        State::Fatal | State::Backoff if info.spawnerr.is_empty() => {
            format!("unknown error (try \"tail {}\")", info.name)
        }
        State::Fatal | State::Backoff => info.spawnerr.clone().into_owned(),
        State::Stopped | State::Exited if info.start == 0 => "Not started".to_owned(),
        State::Stopped | State::Exited => stop_time(info.stop, zone),
        State::Starting | State::Stopping | State::Unknown => String::new(),
    }
}

/// `0:01:02`, `1 day, 6:00:05`, `10 days, 0:00:00`.
pub(crate) fn uptime(uptime: Duration) -> String {
    let mut text = String::with_capacity(LINE);
    push_uptime(&mut text, uptime);
    text
}

fn push_uptime(text: &mut String, uptime: Duration) {
    let seconds = uptime.as_secs();
    let (minutes, second) = (seconds / 60, seconds % 60);
    let (hours, minute) = (minutes / 60, minutes % 60);
    let (days, hour) = (hours / 24, hours % 24);
    if days > 0 {
        text.push_str(Decimal::of(days).as_str());
        text.push_str(if days == 1 { " day, " } else { " days, " });
    }
    text.push_str(Decimal::of(hour).as_str());
    for part in [minute, second] {
        text.push(':');
        text.push_str(Decimal::of_two(part).as_str());
    }
}

/// `Nov 22 09:42 AM`: English whatever the locale, because clients parse it.
fn stop_time(seconds: i64, zone: &TimeZone) -> String {
    Timestamp::from_second(seconds)
        .map(|time| {
            time.to_zoned(zone.clone())
                .strftime("%b %d %I:%M %p")
                .to_string()
        })
        .unwrap_or_default()
}

fn stream(stream: &Stream, automatic: Option<PathBuf>) -> [Value; 6] {
    let file = match &stream.logfile {
        LogFile::None => none(),
        LogFile::Auto => automatic.map_or(Value::from("auto"), |it| path(Some(&it))),
        LogFile::File(file) => path(Some(file)),
    };
    [
        capped(stream.capture_maxbytes),
        Value::Bool(stream.events_enabled),
        file,
        Value::capped(stream.backups.into()),
        capped(stream.maxbytes),
        Value::Bool(stream.syslog),
    ]
}

fn path(path: Option<&Path>) -> Value {
    Value::String(lossy(path).into_owned())
}

fn lossy(path: Option<&Path>) -> Cow<'_, str> {
    path.map(Path::to_string_lossy).unwrap_or_default()
}

fn capped(number: u64) -> Value {
    Value::capped(i64::try_from(number).unwrap_or(i64::MAX))
}

fn none() -> Value {
    Value::from("none")
}

/// Room for most descriptions.
const LINE: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    fn info(state: State) -> ProcessInfo<'static> {
        ProcessInfo {
            name: "web".into(),
            group: "site".into(),
            start: 1_700_000_000,
            stop: 1_700_646_123,
            now: 1_700_646_200,
            state,
            spawnerr: "".into(),
            exitstatus: 0,
            stdout_logfile: Some(Path::new("/var/log/web.log").into()),
            stderr_logfile: None,
            pid: 123,
            uptime: Duration::from_secs(62),
        }
    }

    #[test]
    fn descriptions_depend_on_the_state() {
        let with = |state, change: fn(&mut ProcessInfo<'static>)| {
            let mut info = info(state);
            change(&mut info);
            description(&info, &TimeZone::UTC)
        };
        for (actual, expected) in [
            (with(State::Running, |_| ()), "pid 123, uptime 0:01:02"),
            (with(State::Starting, |_| ()), ""),
            (with(State::Stopping, |_| ()), ""),
            (with(State::Unknown, |_| ()), ""),
            (with(State::Stopped, |_| ()), "Nov 22 09:42 AM"),
            (with(State::Exited, |_| ()), "Nov 22 09:42 AM"),
            (
                with(State::Exited, |info| info.stop += 12 * 3600),
                "Nov 22 09:42 PM",
            ),
            (
                with(State::Exited, |info| info.stop += 3 * 3600),
                "Nov 22 12:42 PM",
            ),
            (
                with(State::Exited, |info| info.stop += 18 * 3600),
                "Nov 23 03:42 AM",
            ),
            (
                with(State::Exited, |info| info.stop = 1_704_067_200),
                "Jan 01 12:00 AM",
            ),
            (with(State::Stopped, |info| info.start = 0), "Not started"),
            (
                with(State::Fatal, |_| ()),
                "unknown error (try \"tail web\")",
            ),
            (
                with(State::Backoff, |info| {
                    info.spawnerr = "Exited too quickly".into();
                }),
                "Exited too quickly",
            ),
        ] {
            assert_eq!(actual, expected);
        }
    }

    #[test]
    fn uptime_reads_as_pythons_timedelta() {
        for (seconds, expected) in [
            (0, "0:00:00"),
            (62, "0:01:02"),
            (36_000, "10:00:00"),
            (86_399, "23:59:59"),
            (86_400, "1 day, 0:00:00"),
            (108_005, "1 day, 6:00:05"),
            (864_000, "10 days, 0:00:00"),
        ] {
            assert_eq!(uptime(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_process_has_its_members_in_the_documented_order() {
        let Value::Struct(members) = process(&info(State::Running), &TimeZone::UTC) else {
            panic!("not a struct");
        };
        let names: Vec<_> = members.iter().map(|(name, _)| name.as_str()).collect();

        assert_eq!(
            names,
            "name group start stop now state statename spawnerr exitstatus logfile stdout_logfile \
             stderr_logfile pid description"
                .split_whitespace()
                .collect::<Vec<_>>()
        );
        let value = Value::Struct(members);
        assert_eq!(value.get("logfile"), Some(&Value::from("/var/log/web.log")));
        assert_eq!(value.get("stderr_logfile"), Some(&Value::from("")));
    }

    #[test]
    fn times_are_capped() {
        let mut late = info(State::Exited);
        late.stop = 1 << 40;

        let value = process(&late, &TimeZone::UTC);

        assert_eq!(value.get("stop"), Some(&Value::Int(i32::MAX)));
    }
}
