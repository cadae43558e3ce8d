//! The types of values: how each is read, and what to call it.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::model::{Autorestart, Level, MainLogFile, User};
use super::python::{int, octal as base8, repr, strip};
use super::{environment, signal, suggest};

/// A type of value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Type<T: 'static> {
    /// What to write, after "expected".
    pub(crate) expected: &'static str,
    /// Reads it.
    pub(crate) parse: fn(&str, &Context) -> Result<T, Invalid>,
}

/// Why a text is not a value of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    /// Supervisor's words.
    pub(crate) reason: String,
    /// What was probably meant.
    pub(crate) hint: Option<String>,
}

impl From<String> for Invalid {
    fn from(reason: String) -> Self {
        Self { reason, hint: None }
    }
}

/// A child's log as written; what it means depends on the section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Child {
    None,
    Auto,
    Syslog,
    File(String),
}

/// uid and, if a group was named, gid.
pub(crate) type Owner = (u32, Option<u32>);

macro_rules! types {
    ($($(#[$doc:meta])* $name:ident: $t:ty = $expected:literal, $parse:expr;)*) => {
        $($(#[$doc])* pub(crate) const $name: Type<$t> =
            Type { expected: $expected, parse: $parse };)*
    };
}

types! {
    STRING: String = "text", |text, _| Ok(text.to_owned());
    BOOLEAN: bool = "`true` or `false` (or `yes`, `no`, `on`, `off`, `1`, `0`)", boolean;
    INTEGER: i64 = "a whole number", |text, _| integer(text);
    BYTES: u64 = "a number of bytes, or one with KB, MB or GB, such as `50MB`", bytes;
    OCTAL: u32 = "an octal number such as `022`", |text, _| octal(text);
    LEVEL: Level = "one of `critical`, `error`, `warn`, `info`, `debug`, `trace`, `blather`", level;
    EXIT_CODES: Vec<u8> = "numbers from 0 to 255 with commas between them", exit_codes;
    SIGNAL: i32 = "a signal's name such as `TERM`, or its number", stop_signal;
    AUTORESTART: Autorestart = "`true`, `false` or `unexpected`", autorestart;
    USER: User = "the name or the uid of a user of this machine", user;
    OWNER: Owner = "`user` or `user:group`, by names or numbers", owner;
    NAME: String = "a name without blanks, `:` and `/`", |text, _| name(text);
    DIRECTORY: PathBuf = "a directory that exists", directory;
    PATH: PathBuf = "a path whose directory exists", path;
    PLAIN_PATH: PathBuf = "a path", |text, context| {
        Ok(context.absolute(context.expand_user(text)))
    };
    WORKING_DIRECTORY: PathBuf = "a directory", |text, _| Ok(PathBuf::from(text));
    CHILD_LOG: Child = "`AUTO`, `NONE`, or a path whose directory exists", child_log;
    MAIN_LOG: MainLogFile = "a path whose directory exists, `syslog`, or `NONE`", main_log;
    INET: (String, u16) = "`port`, `host:port` or `*:port`", inet;
    LIST: Vec<String> = "names with commas between them", |text, _| Ok(list(text));
    ENVIRONMENT: Vec<(String, String)> = "`KEY=\"value\",OTHER=\"value\"`",
        variables;
}

fn boolean(text: &str, _: &Context) -> Result<bool, Invalid> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => Ok(true),
        "no" | "false" | "off" | "0" => Ok(false),
        _ => Err(format!("not a valid boolean value: {}", repr(text)).into()),
    }
}

pub(crate) fn integer(text: &str) -> Result<i64, Invalid> {
    int(text)
        .ok_or_else(|| format!("invalid literal for int() with base 10: {}", repr(text)).into())
}

/// A negative size is accepted as in Supervisor, where it means what 0 does.
fn bytes(text: &str, _: &Context) -> Result<u64, Invalid> {
    let lower = text.to_lowercase();
    let (number, factor) = [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)]
        .into_iter()
        .find_map(|(suffix, factor)| Some((lower.strip_suffix(suffix)?, factor)))
        .unwrap_or((lower.as_str(), 1));
    match integer(number) {
        Ok(number) => Ok(u64::try_from(number).unwrap_or(0).saturating_mul(factor)),
        Err(invalid) => {
            let unit = strip(text).trim_start_matches(|c: char| c.is_ascii_digit());
            let hint = match unit.to_uppercase().as_str() {
                "K" | "M" | "G" => Some(format!("the unit is written {}B", unit.to_uppercase())),
                _ => None,
            };
            Err(Invalid { hint, ..invalid })
        }
    }
}

pub(crate) fn octal(text: &str) -> Result<u32, Invalid> {
    match base8(text) {
        // A mask is taken modulo its bits by the kernel, negative ones too.
        Some(number) => Ok(u32::try_from(number & 0o7777).unwrap_or(0)),
        None => Err(format!("{text} can not be converted to an octal type").into()),
    }
}

const LEVELS: [(&str, Level); 7] = [
    ("critical", Level::Critical),
    ("error", Level::Error),
    ("warn", Level::Warn),
    ("info", Level::Info),
    ("debug", Level::Debug),
    ("trace", Level::Trace),
    ("blather", Level::Blather),
];

fn level(text: &str, _: &Context) -> Result<Level, Invalid> {
    let lower = text.to_lowercase();
    if let Some((_, level)) = LEVELS.iter().find(|(name, _)| *name == lower) {
        return Ok(*level);
    }
    let meant = match lower.as_str() {
        "warning" => Some("warn"),
        "crit" | "fatal" => Some("critical"),
        _ => suggest::nearest(&lower, LEVELS.iter().map(|(name, _)| *name)),
    };
    let reason = format!("bad logging level name {}", repr(text));
    Err(Invalid {
        reason,
        hint: did_you_mean(meant),
    })
}

fn exit_codes(text: &str, _: &Context) -> Result<Vec<u8>, Invalid> {
    let invalid = || Invalid::from(format!("not a valid list of exit codes: {}", repr(text)));
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(|code| {
            int(code)
                .and_then(|code| u8::try_from(code).ok())
                .ok_or_else(invalid)
        })
        .collect()
}

fn stop_signal(text: &str, _: &Context) -> Result<i32, Invalid> {
    signal::parse(text).map_err(|reason| {
        let upper = text.to_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        let hint = did_you_mean(suggest::nearest(bare, signal::names()));
        Invalid { reason, hint }
    })
}

fn autorestart(text: &str, context: &Context) -> Result<Autorestart, Invalid> {
    match boolean(text, context) {
        Ok(true) => Ok(Autorestart::Always),
        Ok(false) => Ok(Autorestart::Never),
        Err(_) if text.eq_ignore_ascii_case("unexpected") => Ok(Autorestart::Unexpected),
        Err(_) => {
            let lower = text.to_lowercase();
            let reason = format!("invalid 'autorestart' value {}", repr(&lower));
            let hint = did_you_mean(suggest::nearest(text, ["unexpected", "true", "false"]));
            Err(Invalid { reason, hint })
        }
    }
}

fn user(text: &str, context: &Context) -> Result<User, Invalid> {
    let account = match int(text) {
        Some(id) => u32::try_from(id)
            .ok()
            .and_then(|uid| context.accounts.by_uid(uid))
            .ok_or_else(|| format!("Invalid user id {}", strip(text))),
        None => context
            .accounts
            .by_name(text)
            .ok_or_else(|| format!("Invalid user name {text}")),
    }?;
    Ok(User {
        name: text.to_owned(),
        uid: account.uid,
        gid: account.gid,
    })
}

fn owner(text: &str, context: &Context) -> Result<Owner, Invalid> {
    let (name, group) = match text.split_once(':') {
        Some((name, group)) => (name, Some(group)),
        None => (text, None),
    };
    let uid = user(name, context)?.uid;
    let Some(group) = group else {
        return Ok((uid, None));
    };
    let gid = match int(group) {
        Some(id) => u32::try_from(id)
            .ok()
            .filter(|gid| context.accounts.has_group(*gid))
            .ok_or_else(|| format!("Invalid group id {}", strip(group))),
        None => context
            .accounts
            .group_by_name(group)
            .ok_or_else(|| format!("Invalid group name {group}")),
    }?;
    Ok((uid, Some(gid)))
}

pub(crate) fn name(text: &str) -> Result<String, Invalid> {
    let name = strip(text);
    match name.chars().find(|c| matches!(c, ' ' | ':' | '/')) {
        Some(c) => Err(format!(
            "Invalid name: {} because of character: {}",
            repr(name),
            repr(&c.to_string())
        )
        .into()),
        None => Ok(name.to_owned()),
    }
}

fn directory(text: &str, context: &Context) -> Result<PathBuf, Invalid> {
    let path = context.absolute(context.expand_user(text));
    if path.is_dir() {
        Ok(path)
    } else {
        Err(format!("{text} is not an existing directory").into())
    }
}

fn path(text: &str, context: &Context) -> Result<PathBuf, Invalid> {
    let expanded = context.expand_user(text);
    let path = Path::new(&expanded);
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && !context.cwd.join(parent).is_dir() => {
            let reason = format!("The directory named as part of the path {text} does not exist");
            let hint = Some(format!("create {}", context.absolute(parent).display()));
            Err(Invalid { reason, hint })
        }
        _ => Ok(context.absolute(path)),
    }
}

/// Keeps the path relative: what it is relative to is known later.
fn child_log(text: &str, context: &Context) -> Result<Child, Invalid> {
    Ok(match text.to_lowercase().as_str() {
        "" | "none" | "off" => Child::None,
        "auto" => Child::Auto,
        "syslog" => Child::Syslog,
        _ => {
            path(text, context)?;
            Child::File(context.expand_user(text))
        }
    })
}

fn main_log(text: &str, context: &Context) -> Result<MainLogFile, Invalid> {
    match text {
        "syslog" => Ok(MainLogFile::Syslog),
        // Supervisor makes a file of that name, which nobody has ever meant.
        _ if text.eq_ignore_ascii_case("none") || text.eq_ignore_ascii_case("off") => {
            Ok(MainLogFile::File("/dev/null".into()))
        }
        _ => path(text, context).map(MainLogFile::File),
    }
}

fn inet(text: &str, _: &Context) -> Result<(String, u16), Invalid> {
    let Some((host, port)) = text.rsplit_once(':') else {
        return port_number(text)
            .map(|port| (String::new(), port))
            .map_err(|_| format!("not a valid port number: {} ", repr(text)).into());
    };
    if port.is_empty() {
        return Err("no port number specified in ''".to_owned().into());
    }
    let port = port_number(port)?;
    let host = host.to_lowercase();
    Ok((if host == "*" { String::new() } else { host }, port))
}

pub(crate) fn port_number(text: &str) -> Result<u16, Invalid> {
    let number = integer(text)?;
    match u16::try_from(number) {
        Ok(0) => Err("0 is below lower bound (1)".to_owned().into()),
        Ok(port) => Ok(port),
        Err(_) if number < 0 => Err(format!("{number} is below lower bound (1)").into()),
        Err(_) => Err(format!("{number} is above upper bound (65535)").into()),
    }
}

fn list(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| strip(item).to_owned()).collect()
}

fn variables(text: &str, _: &Context) -> Result<Vec<(String, String)>, Invalid> {
    environment::parse(text).map_err(|error| Invalid {
        reason: error.to_string(),
        hint: error.hint(),
    })
}

fn did_you_mean(meant: Option<&str>) -> Option<String> {
    meant.map(|meant| format!("did you mean `{meant}`?"))
}
