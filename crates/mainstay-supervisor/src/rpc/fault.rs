//! Faults: the errors that travel over XML-RPC.

use std::fmt;

use super::Value;

/// The kind of a [`Fault`]; the number is what clients see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum Code {
    /// The method does not exist.
    UnknownMethod = 1,
    /// Wrong number or types of parameters.
    IncorrectParameters = 2,
    /// A parameter has a value that makes no sense.
    BadArguments = 3,
    /// No signature is known for the method that was asked about.
    SignatureUnsupported = 4,
    /// The daemon is stopping or restarting.
    ShutdownState = 6,
    /// No process or group has this name.
    BadName = 10,
    /// No such signal.
    BadSignal = 11,
    /// A file (command or log) is missing.
    NoFile = 20,
    /// The command cannot be executed.
    NotExecutable = 21,
    /// Anything else went wrong.
    Failed = 30,
    /// The process ended up in another state than the caller waited for.
    AbnormalTermination = 40,
    /// The process could not be spawned, or exited too quickly.
    SpawnError = 50,
    /// The process runs already.
    AlreadyStarted = 60,
    /// The process does not run.
    NotRunning = 70,
    /// Not a fault: the status of a successful member in a group operation's result.
    Success = 80,
    /// The group is active already.
    AlreadyAdded = 90,
    /// The group has processes that still run.
    StillRunning = 91,
    /// The configuration file could not be read again.
    CantReread = 92,
}

impl Code {
    /// The name as it appears in `faultString`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownMethod => "UNKNOWN_METHOD",
            Self::IncorrectParameters => "INCORRECT_PARAMETERS",
            Self::BadArguments => "BAD_ARGUMENTS",
            Self::SignatureUnsupported => "SIGNATURE_UNSUPPORTED",
            Self::ShutdownState => "SHUTDOWN_STATE",
            Self::BadName => "BAD_NAME",
            Self::BadSignal => "BAD_SIGNAL",
            Self::NoFile => "NO_FILE",
            Self::NotExecutable => "NOT_EXECUTABLE",
            Self::Failed => "FAILED",
            Self::AbnormalTermination => "ABNORMAL_TERMINATION",
            Self::SpawnError => "SPAWN_ERROR",
            Self::AlreadyStarted => "ALREADY_STARTED",
            Self::NotRunning => "NOT_RUNNING",
            Self::Success => "SUCCESS",
            Self::AlreadyAdded => "ALREADY_ADDED",
            Self::StillRunning => "STILL_RUNNING",
            Self::CantReread => "CANT_REREAD",
        }
    }

    /// The number as it appears in `faultCode`.
    pub const fn number(self) -> i32 {
        self as i32
    }
}

/// An error that travels to the client as `faultCode` and `faultString`.
///
/// `Display` is the `faultString`: the name alone, or `NAME: detail`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    code: Code,
    detail: Option<String>,
}

impl Fault {
    /// A fault with the name alone as its text.
    pub const fn new(code: Code) -> Self {
        Self { code, detail: None }
    }

    /// A fault whose text is `NAME: detail`.
    pub fn with(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: Some(detail.into()),
        }
    }

    /// The kind.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The text after `NAME: `, if any.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The struct of `faultCode` and `faultString` that clients are given.
    pub fn to_value(&self) -> Value {
        Value::record([
            ("faultCode", Value::Int(self.code.number())),
            ("faultString", Value::String(self.to_string())),
        ])
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.name())?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}
