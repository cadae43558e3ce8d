//! What the daemon says about processes, read from XML-RPC structs.

use super::error::Error;
use super::print;
use crate::rpc::Value;

/// A process, as `getProcessInfo` describes it (what `mainstayctl` needs of it).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The process's own name.
    pub name: String,
    /// Its group's name.
    pub group: String,
    /// The state's number.
    pub state: i32,
    /// The state's name.
    pub statename: String,
    /// What there is to say, such as pid and uptime.
    pub description: String,
    /// 0 when it does not run.
    pub pid: i32,
}

impl Info {
    /// The name to print.
    pub fn namespec(&self) -> String {
        print::namespec(&self.group, &self.name)
    }

    /// Whether it is stopped, exited, fatal or unknown, and not about to change by itself.
    pub fn is_down(&self) -> bool {
        const STOPPED: i32 = 0;
        const EXITED: i32 = 100;
        const FATAL: i32 = 200;
        const UNKNOWN: i32 = 1000;
        matches!(self.state, STOPPED | EXITED | FATAL | UNKNOWN)
    }

    /// Whether it is in the state RUNNING.
    pub fn is_running(&self) -> bool {
        const RUNNING: i32 = 20;
        self.state == RUNNING
    }
}

impl TryFrom<&Value> for Info {
    type Error = Error;

    fn try_from(value: &Value) -> Result<Self, Error> {
        Ok(Self {
            name: text(value, "name")?,
            group: text(value, "group")?,
            state: int(value, "state")?,
            statename: text(value, "statename")?,
            description: text(value, "description")?,
            pid: int(value, "pid")?,
        })
    }
}

/// What an operation on many processes did to one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The name to print.
    pub namespec: String,
    /// 80 for success, or a fault's code.
    pub status: i32,
    /// `OK`, or the fault's text.
    pub description: String,
}

impl TryFrom<&Value> for Outcome {
    type Error = Error;

    fn try_from(value: &Value) -> Result<Self, Error> {
        Ok(Self {
            namespec: print::namespec(&text(value, "group")?, &text(value, "name")?),
            status: int(value, "status")?,
            description: text(value, "description")?,
        })
    }
}

/// Reads every element of an array.
pub(super) fn list<T>(value: &Value) -> Result<Vec<T>, Error>
where
    T: for<'a> TryFrom<&'a Value, Error = Error>,
{
    elements(value)?.iter().map(T::try_from).collect()
}

pub(super) fn elements(value: &Value) -> Result<&[Value], Error> {
    value
        .as_array()
        .ok_or_else(|| Error::unexpected("the answer is not an array"))
}

pub(super) fn text(value: &Value, member: &str) -> Result<String, Error> {
    value
        .get(member)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| missing(member, "string"))
}

pub(super) fn int(value: &Value, member: &str) -> Result<i32, Error> {
    value
        .get(member)
        .and_then(Value::as_int)
        .ok_or_else(|| missing(member, "integer"))
}

/// A truth, which old servers send as a number.
pub(super) fn truth(value: &Value, member: &str) -> Result<bool, Error> {
    match value.get(member) {
        Some(Value::Bool(truth)) => Ok(*truth),
        Some(Value::Int(number)) => Ok(*number != 0),
        _ => Err(missing(member, "boolean")),
    }
}

fn missing(member: &str, kind: &str) -> Error {
    Error::unexpected(format!("the answer has no {kind} `{member}`"))
}
