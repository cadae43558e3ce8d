//! THE table of methods: names, signatures and help come from here, and what is dispatched too.

use super::args::Args;
use crate::rpc::{Fault, Value};

/// A method of the API.
#[derive(Debug)]
pub struct Method {
    name: &'static str,
    aliases: &'static [&'static str],
    returns: Type,
    params: &'static [Param],
    help: &'static str,
    operation: Operation,
}

/// A parameter of a method.
#[derive(Debug)]
pub struct Param {
    /// What it is called in messages and in the reference.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// Whether it may be left out.
    pub optional: bool,
}

/// A type as `system.methodSignature` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `int`
    Int,
    /// `string`
    String,
    /// `boolean`
    Boolean,
    /// `array`
    Array,
    /// `struct`
    Struct,
}

/// What a method does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    ApiVersion,
    SupervisorVersion,
    Identification,
    State,
    Pid,
    ReadMainLog,
    ClearMainLog,
    Shutdown,
    Restart,
    Reload,
    AddGroup,
    RemoveGroup,
    Start,
    StartGroup,
    StartAll,
    Stop,
    StopGroup,
    StopAll,
    Signal,
    SignalGroup,
    SignalAll,
    Info,
    InfoAll,
    ConfigAll,
    ReadStdout,
    ReadStderr,
    TailStdout,
    TailStderr,
    ClearLogs,
    ClearAllLogs,
    SendStdin,
    RemoteEvent,
    ListMethods,
    MethodHelp,
    MethodSignature,
    Multicall,
}

impl Method {
    /// `namespace.method`
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its name and its other names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// What it returns.
    pub const fn returns(&self) -> Type {
        self.returns
    }

    /// What it takes.
    pub const fn params(&self) -> &'static [Param] {
        self.params
    }

    /// What it does, in words.
    pub const fn help(&self) -> &'static str {
        self.help
    }

    /// Whether it is refused while the daemon stops.
    pub(super) fn needs_running(&self) -> bool {
        self.name.starts_with("supervisor.") && self.operation != Operation::RemoteEvent
    }

    pub(super) const fn operation(&self) -> Operation {
        self.operation
    }

    /// The type of the result, then the types of the parameters.
    pub(super) fn signature(&self) -> Value {
        let types = std::iter::once(self.returns).chain(self.params.iter().map(|param| param.kind));
        Value::Array(types.map(|kind| Value::from(kind.name())).collect())
    }

    /// The arguments of a call, as many as there are parameters.
    pub(super) fn bind(&self, values: Vec<Value>) -> Result<Args, Fault> {
        Args::new(self.params, values)
    }
}

impl Type {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Struct => "struct",
        }
    }
}

const fn method(
    name: &'static str,
    aliases: &'static [&'static str],
    returns: Type,
    params: &'static [Param],
    operation: Operation,
    help: &'static str,
) -> Method {
    Method {
        name,
        aliases,
        returns,
        params,
        help,
        operation,
    }
}

const fn param(name: &'static str, kind: Type) -> Param {
    Param {
        name,
        kind,
        optional: false,
    }
}

const NAME: Param = param("name", Type::String);
const SIGNAL: Param = param("signal", Type::String);
const OFFSET: Param = param("offset", Type::Int);
const LENGTH: Param = param("length", Type::Int);
const WAIT: Param = Param {
    name: "wait",
    kind: Type::Boolean,
    optional: true,
};

/// All methods.
pub static METHODS: &[Method] = {
    use Operation as Op;
    use Type::{Array, Boolean, Int, String, Struct};

    &[
        method(
            "supervisor.getAPIVersion",
            &["supervisor.getVersion"],
            String,
            &[],
            Op::ApiVersion,
            "The version of the API that is spoken here: 3.0.",
        ),
        method(
            "supervisor.getSupervisorVersion",
            &[],
            String,
            &[],
            Op::SupervisorVersion,
            "The version of the daemon's package.",
        ),
        method(
            "supervisor.getIdentification",
            &[],
            String,
            &[],
            Op::Identification,
            "The identifier that the configuration gives to the daemon.",
        ),
        method(
            "supervisor.getState",
            &[],
            Struct,
            &[],
            Op::State,
            "The daemon's state: statecode and statename.",
        ),
        method(
            "supervisor.getPID",
            &[],
            Int,
            &[],
            Op::Pid,
            "The daemon's process id.",
        ),
        method(
            "supervisor.readLog",
            &["supervisor.readMainLog"],
            String,
            &[OFFSET, LENGTH],
            Op::ReadMainLog,
            "length bytes of the main log from offset; length 0: to the end; a negative offset with length 0: the last bytes.",
        ),
        method(
            "supervisor.clearLog",
            &[],
            Boolean,
            &[],
            Op::ClearMainLog,
            "Empties the main log.",
        ),
        method(
            "supervisor.shutdown",
            &[],
            Boolean,
            &[],
            Op::Shutdown,
            "Stops all processes and ends the daemon.",
        ),
        method(
            "supervisor.restart",
            &[],
            Boolean,
            &[],
            Op::Restart,
            "Stops all processes, reads the configuration and starts again.",
        ),
        method(
            "supervisor.reloadConfig",
            &[],
            Array,
            &[],
            Op::Reload,
            "Reads the configuration again: [[added, changed, removed]], names of groups. Nothing is started or stopped.",
        ),
        method(
            "supervisor.addProcessGroup",
            &[],
            Boolean,
            &[NAME],
            Op::AddGroup,
            "Activates a group of the configuration and starts what starts by itself.",
        ),
        method(
            "supervisor.removeProcessGroup",
            &[],
            Boolean,
            &[NAME],
            Op::RemoveGroup,
            "Removes a group whose processes are all stopped.",
        ),
        method(
            "supervisor.startProcess",
            &[],
            Boolean,
            &[NAME, WAIT],
            Op::Start,
            "Starts a process (group:name), or a group's (group:*). With wait, answers once it runs or has failed.",
        ),
        method(
            "supervisor.startProcessGroup",
            &[],
            Array,
            &[NAME, WAIT],
            Op::StartGroup,
            "Starts the processes of a group that do not run: one struct of name, group, status and description each.",
        ),
        method(
            "supervisor.startAllProcesses",
            &[],
            Array,
            &[WAIT],
            Op::StartAll,
            "Starts all processes that do not run: one struct of name, group, status and description each.",
        ),
        method(
            "supervisor.stopProcess",
            &[],
            Boolean,
            &[NAME, WAIT],
            Op::Stop,
            "Stops a process (group:name), or a group's (group:*). With wait, answers once it is gone.",
        ),
        method(
            "supervisor.stopProcessGroup",
            &[],
            Array,
            &[NAME, WAIT],
            Op::StopGroup,
            "Stops the processes of a group that run: one struct of name, group, status and description each.",
        ),
        method(
            "supervisor.stopAllProcesses",
            &[],
            Array,
            &[WAIT],
            Op::StopAll,
            "Stops all processes that run: one struct of name, group, status and description each.",
        ),
        method(
            "supervisor.signalProcess",
            &[],
            Boolean,
            &[NAME, SIGNAL],
            Op::Signal,
            "Sends a signal, by name or number, to a process (group:name) or a group's (group:*).",
        ),
        method(
            "supervisor.signalProcessGroup",
            &[],
            Array,
            &[NAME, SIGNAL],
            Op::SignalGroup,
            "Sends a signal to the processes of a group that run: one struct of name, group, status and description each.",
        ),
        method(
            "supervisor.signalAllProcesses",
            &[],
            Array,
            &[SIGNAL],
            Op::SignalAll,
            "Sends a signal to all processes that run: one struct of name, group, status and description each.",
        ),
        method(
            "supervisor.getProcessInfo",
            &[],
            Struct,
            &[NAME],
            Op::Info,
            "What is known of a process.",
        ),
        method(
            "supervisor.getAllProcessInfo",
            &[],
            Array,
            &[],
            Op::InfoAll,
            "What is known of all processes, by group and name.",
        ),
        method(
            "supervisor.getAllConfigInfo",
            &[],
            Array,
            &[],
            Op::ConfigAll,
            "The settings of all processes of the configuration as last read, by name.",
        ),
        method(
            "supervisor.readProcessStdoutLog",
            &["supervisor.readProcessLog"],
            String,
            &[NAME, OFFSET, LENGTH],
            Op::ReadStdout,
            "length bytes of a process's stdout log from offset; length 0: to the end; a negative offset with length 0: the last bytes.",
        ),
        method(
            "supervisor.readProcessStderrLog",
            &[],
            String,
            &[NAME, OFFSET, LENGTH],
            Op::ReadStderr,
            "As readProcessStdoutLog, of the stderr log.",
        ),
        method(
            "supervisor.tailProcessStdoutLog",
            &["supervisor.tailProcessLog"],
            Array,
            &[NAME, OFFSET, LENGTH],
            Op::TailStdout,
            "What is new in a process's stdout log after offset, at most length bytes: [text, new offset, whether there was more].",
        ),
        method(
            "supervisor.tailProcessStderrLog",
            &[],
            Array,
            &[NAME, OFFSET, LENGTH],
            Op::TailStderr,
            "As tailProcessStdoutLog, of the stderr log.",
        ),
        method(
            "supervisor.clearProcessLogs",
            &["supervisor.clearProcessLog"],
            Boolean,
            &[NAME],
            Op::ClearLogs,
            "Empties the logs of a process.",
        ),
        method(
            "supervisor.clearAllProcessLogs",
            &[],
            Array,
            &[],
            Op::ClearAllLogs,
            "Empties the logs of all processes: one struct of name, group, status and description each.",
        ),
        method(
            "supervisor.sendProcessStdin",
            &[],
            Boolean,
            &[NAME, param("chars", String)],
            Op::SendStdin,
            "Writes text (or base64) to the standard input of a process.",
        ),
        method(
            "supervisor.sendRemoteCommEvent",
            &[],
            Boolean,
            &[param("type", String), param("data", String)],
            Op::RemoteEvent,
            "Tells event listeners something: a REMOTE_COMMUNICATION event. Works while the daemon stops, too.",
        ),
        method(
            "system.listMethods",
            &[],
            Array,
            &[],
            Op::ListMethods,
            "The names of all methods, sorted.",
        ),
        method(
            "system.methodHelp",
            &[],
            String,
            &[NAME],
            Op::MethodHelp,
            "What a method does.",
        ),
        method(
            "system.methodSignature",
            &[],
            Array,
            &[NAME],
            Op::MethodSignature,
            "The type of a method's result, then the types of its parameters.",
        ),
        method(
            "system.multicall",
            &[],
            Array,
            &[param("calls", Array)],
            Op::Multicall,
            "Makes several calls ({methodName, params}), one after the other: their results, or {faultCode, faultString}.",
        ),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_of_the_allowed_form() {
        let mut names: Vec<_> = METHODS.iter().flat_map(Method::names).collect();
        for name in &names {
            let (namespace, method) = name.split_once('.').unwrap();
            assert!(matches!(namespace, "supervisor" | "system"), "{name}");
            assert!(!method.starts_with('_') && !method.contains('.'), "{name}");
        }
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn only_the_last_parameters_are_optional() {
        for method in METHODS {
            let mut optional = false;
            for param in method.params() {
                assert!(param.optional || !optional, "{}", method.name());
                optional = param.optional;
            }
        }
    }

    #[test]
    fn every_operation_has_one_method() {
        for (index, method) in METHODS.iter().enumerate() {
            let others = &METHODS[index + 1..];
            assert!(
                others
                    .iter()
                    .all(|other| other.operation != method.operation)
            );
        }
        // The last one of the enumeration tells how many there are.
        assert_eq!(METHODS.len(), Operation::Multicall as usize + 1);
    }
}
