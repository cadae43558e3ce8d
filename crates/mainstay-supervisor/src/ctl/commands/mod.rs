//! The commands: functions of a session and an argument.

mod control;
mod groups;
mod logs;
mod server;
mod status;

use serde_json::json;

use super::error::Error;
use super::report;
use super::session::{Session, overview};

/// How a command ends: complaints that have a text of their own are printed where they arise,
/// the others come out as the error.
type Done = Result<(), Error>;

/// A command of the shell and of the command line.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// One line per form: the form, tabs, what it does.
    pub(crate) help: &'static str,
    pub(crate) completes: Completes,
    pub(super) run: fn(&mut Session, &str) -> Done,
}

impl Command {
    /// What it does, in half a line: what its help says of the first form without an option.
    pub(crate) fn summary(&self) -> &'static str {
        if self.name == "tail" {
            // Its help has examples.
            return "Show the end of a process' log";
        }
        let forms = || {
            let lines = self.help.lines();
            lines.filter_map(|line| line.split_once('\t').filter(|(form, _)| !form.is_empty()))
        };
        let plain = forms().find(|(form, _)| !form.contains(['[', '-']));
        let (_, text) = plain.or_else(|| forms().next()).unwrap_or(("", self.help));
        text.trim_start()
    }
}

/// What the arguments of a command are names of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completes {
    Nothing,
    Commands,
    Groups,
    Processes,
}

/// The command of that name.
pub(super) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "add",
        help: "add <name> [...]\tActivates any updates in config for process/group",
        completes: Completes::Groups,
        run: groups::add,
    },
    Command {
        name: "avail",
        help: "avail\t\t\tDisplay all configured processes",
        completes: Completes::Nothing,
        run: status::avail,
    },
    Command {
        name: "clear",
        help: "clear <name>\t\tClear a process' log files.\n\
               clear <name> <name>\tClear multiple process' log files\n\
               clear all\t\tClear all process' log files",
        completes: Completes::Processes,
        run: control::clear,
    },
    Command {
        name: "exit",
        help: "exit\tExit the supervisor shell.",
        completes: Completes::Nothing,
        run: nothing,
    },
    Command {
        name: "fg",
        help: "fg <process>\tConnect to a process in foreground mode\n\
               \t\tCtrl-C to exit",
        completes: Completes::Processes,
        run: logs::fg,
    },
    Command {
        name: "help",
        help: "help\t\tPrint a list of available actions\n\
               help <action>\tPrint help for <action>",
        completes: Completes::Commands,
        run: help,
    },
    Command {
        name: "maintail",
        help: "maintail -f \tContinuous tail of supervisor main log file (Ctrl-C to exit)\n\
               maintail -100\tlast 100 *bytes* of supervisord main log file\n\
               maintail\tlast 1600 *bytes* of supervisor main log file\n\n",
        completes: Completes::Nothing,
        run: logs::maintail,
    },
    Command {
        name: "open",
        help: "open <url>\tConnect to a remote supervisord process.\n\
               \t\t(for UNIX domain socket, use unix:///socket/path)",
        completes: Completes::Nothing,
        run: server::open,
    },
    Command {
        name: "pid",
        help: "pid\t\t\tGet the PID of supervisord.\n\
               pid <name>\t\tGet the PID of a single child process by name.\n\
               pid all\t\t\tGet the PID of every child process, one per line.",
        completes: Completes::Processes,
        run: status::pid,
    },
    Command {
        name: "quit",
        help: "quit\tExit the supervisor shell.",
        completes: Completes::Nothing,
        run: nothing,
    },
    Command {
        name: "reload",
        help: "reload \t\tRestart the remote supervisord.",
        completes: Completes::Nothing,
        run: server::reload,
    },
    Command {
        name: "remove",
        help: "remove <name> [...]\tRemoves process/group from active config",
        completes: Completes::Groups,
        run: groups::remove,
    },
    Command {
        name: "reread",
        help: "reread \t\t\tReload the daemon's configuration files without add/remove",
        completes: Completes::Nothing,
        run: groups::reread,
    },
    Command {
        name: "restart",
        help: "restart <name>\t\tRestart a process\n\
               restart <gname>:*\tRestart all processes in a group\n\
               restart <name> <name>\tRestart multiple processes or groups\n\
               restart all\t\tRestart all processes\n\
               Note: restart does not reread config files. For that, see reread and update.",
        completes: Completes::Processes,
        run: control::restart,
    },
    Command {
        name: "shutdown",
        help: "shutdown \tShut the remote supervisord down.",
        completes: Completes::Nothing,
        run: server::shutdown,
    },
    Command {
        name: "signal",
        help: "signal <signal name> <name>\t\tSignal a process\n\
               signal <signal name> <gname>:*\t\tSignal all processes in a group\n\
               signal <signal name> <name> <name>\tSignal multiple processes or groups\n\
               signal <signal name> all\t\tSignal all processes",
        completes: Completes::Processes,
        run: control::signal,
    },
    Command {
        name: "start",
        help: "start <name>\t\tStart a process\n\
               start <gname>:*\t\tStart all processes in a group\n\
               start <name> <name>\tStart multiple processes or groups\n\
               start all\t\tStart all processes",
        completes: Completes::Processes,
        run: control::start,
    },
    Command {
        name: "status",
        help: "status <name>\t\tGet status for a single process\n\
               status <gname>:*\tGet status for all processes in a group\n\
               status <name> <name>\tGet status for multiple named processes\n\
               status\t\t\tGet all process status info",
        completes: Completes::Processes,
        run: status::status,
    },
    Command {
        name: "stop",
        help: "stop <name>\t\tStop a process\n\
               stop <gname>:*\t\tStop all processes in a group\n\
               stop <name> <name>\tStop multiple processes or groups\n\
               stop all\t\tStop all processes",
        completes: Completes::Processes,
        run: control::stop,
    },
    Command {
        name: "tail",
        help: "tail [-f] <name> [stdout|stderr] (default stdout)\n\
               Ex:\n\
               tail -f <name>\t\tContinuous tail of named process stdout\n\
               \t\t\tCtrl-C to exit.\n\
               tail -100 <name>\tlast 100 *bytes* of process stdout\n\
               tail <name> stderr\tlast 1600 *bytes* of process stderr",
        completes: Completes::Processes,
        run: logs::tail,
    },
    Command {
        name: "update",
        help: "update\t\t\tReload config and add/remove as necessary, and will restart affected \
               programs\n\
               update all\t\tReload config and add/remove as necessary, and will restart affected \
               programs\n\
               update <gname> [...]\tUpdate specific groups",
        completes: Completes::Groups,
        run: groups::update,
    },
    Command {
        name: "version",
        help: "version\t\t\tShow the version of the remote supervisord process",
        completes: Completes::Nothing,
        run: server::version,
    },
];

fn help(session: &mut Session, topic: &str) -> Done {
    if topic.is_empty() && session.is_textual() {
        session.out.line(overview());
        return Ok(());
    }
    let wanted = COMMANDS
        .iter()
        .filter(|command| topic.is_empty() || command.name == topic);
    for command in wanted.clone() {
        let row = || json!({ "name": command.name, "help": command.help });
        session.say(command.help.strip_suffix('\n').unwrap_or(command.help), row);
    }
    if wanted.count() == 0 {
        let line = format!("*** No help on {topic}");
        session.say(&line, || report::failed(topic, &line, None));
    }
    Ok(())
}

/// `quit` and `exit` are in the table for their help; the session acts on them itself.
fn nothing(_: &mut Session, _: &str) -> Done {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_help_begins_with_the_command() {
        assert!(COMMANDS.is_sorted_by_key(|command| command.name));
        for command in COMMANDS {
            assert!(command.help.starts_with(command.name), "{}", command.name);
        }
    }
}
