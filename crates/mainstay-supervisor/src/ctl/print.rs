//! The texts: pure functions, because scripts parse every one of them.

use super::error::Error;
use super::info::{Info, Outcome};
use crate::rpc::Code;

/// The name of a process as people and scripts write it.
pub fn namespec(group: &str, name: &str) -> String {
    if group == name {
        name.to_owned()
    } else {
        format!("{group}:{name}")
    }
}

/// What a name means: a group and a process of it, or (`None`) all of them.
pub fn split_namespec(namespec: &str) -> (&str, Option<&str>) {
    match namespec.split_once(':') {
        None => (namespec, Some(namespec)),
        Some((group, "" | "*")) => (group, None),
        Some((group, name)) => (group, Some(name)),
    }
}

/// The lines of `status`, in columns that fit the longest name.
pub fn status(processes: &[Info], colour: bool) -> Vec<String> {
    const SHORTEST: usize = 30;
    let names: Vec<String> = processes.iter().map(Info::namespec).collect();
    let longest = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0);
    let width = longest.max(SHORTEST) + 3;

    processes
        .iter()
        .zip(names)
        .map(|(process, name)| {
            let state = format!("{:<10}", process.statename);
            let state = if colour {
                paint(process, &state)
            } else {
                state
            };
            format!("{name:<width$}{state}{}", process.description)
        })
        .collect()
}

/// The line of `avail` for one process.
pub fn avail(namespec: &str, in_use: bool, autostart: bool, priorities: (i32, i32)) -> String {
    let in_use = if in_use { "in use" } else { "avail" };
    let autostart = if autostart { "auto" } else { "manual" };
    let (group, process) = priorities;
    format!("{namespec:<32} {in_use:<9} {autostart:<9} {group}:{process}")
}

/// What `reread` says of each group that differs, sorted by name.
pub fn differences<'a>(
    added: &'a [String],
    changed: &'a [String],
    removed: &'a [String],
) -> Vec<(&'a str, &'static str)> {
    let mut differences: Vec<(&str, &str)> = [
        (added, "available"),
        (changed, "changed"),
        (removed, "disappeared"),
    ]
    .into_iter()
    .flat_map(|(names, what)| names.iter().map(move |name| (name.as_str(), what)))
    .collect();
    differences.sort_unstable();
    differences
}

/// What `reread` says when nothing differs.
pub const NO_DIFFERENCES: &str = "No config updates to processes";

/// An operation that has one result per process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `start`
    Start,
    /// `stop`
    Stop,
    /// `signal`
    Signal,
    /// `clear`
    Clear,
}

impl Verb {
    /// The line that says how it went.
    ///
    /// # Errors
    ///
    /// For a result that the operation is not known to have, which ends the command.
    pub fn line(self, outcome: &Outcome) -> Result<String, Error> {
        let who = &outcome.namespec;
        if outcome.status == SUCCESS {
            return Ok(format!("{who}: {}", self.done()));
        }
        if self.describes_itself(outcome) {
            return Ok(outcome.description.clone());
        }
        match self.complaint(outcome.status) {
            Some(complaint) => Ok(format!("{who}: ERROR ({complaint})")),
            None => Err(Error::result_code(outcome.status, who)),
        }
    }

    /// Why it failed, if it did.
    pub fn reason(self, outcome: &Outcome) -> Option<&str> {
        match self.complaint(outcome.status) {
            _ if outcome.status == SUCCESS => None,
            Some(complaint) if !self.describes_itself(outcome) => Some(complaint),
            _ => Some(&outcome.description),
        }
    }

    /// The exit status that a result leads to, if it changes it.
    pub fn exit(self, status: i32) -> Option<u8> {
        const FAILURE: u8 = 1;
        const DOWN: u8 = 7;
        match (self, status) {
            (_, SUCCESS) | (Self::Start, ALREADY_STARTED) | (Self::Stop, NOT_RUNNING) => None,
            (_, SPAWN_ERROR | ABNORMAL_TERMINATION | NOT_RUNNING) => Some(DOWN),
            _ => Some(FAILURE),
        }
    }

    /// What is said of a process when it went well.
    pub fn done(self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Stop => "stopped",
            Self::Signal => "signalled",
            Self::Clear => "cleared",
        }
    }

    /// Whether the daemon's own words are the whole line.
    fn describes_itself(self, outcome: &Outcome) -> bool {
        outcome.status == FAILED && matches!(self, Self::Stop | Self::Signal)
    }

    fn complaint(self, status: i32) -> Option<&'static str> {
        Some(match (self, status) {
            (_, BAD_NAME) => "no such process",
            (Self::Start, NO_FILE) => "no such file",
            (Self::Start, NOT_EXECUTABLE) => "file is not executable",
            (Self::Start, ALREADY_STARTED) => "already started",
            (Self::Start, SPAWN_ERROR) => "spawn error",
            (Self::Start, ABNORMAL_TERMINATION) => "abnormal termination",
            (Self::Stop | Self::Signal, BAD_SIGNAL) => "bad signal name",
            (Self::Stop | Self::Signal, NOT_RUNNING) => "not running",
            (Self::Clear, FAILED) => "failed",
            _ => return None,
        })
    }
}

// The codes of faults as patterns.
pub(super) const UNKNOWN_METHOD: i32 = Code::UnknownMethod.number();
pub(super) const SHUTDOWN_STATE: i32 = Code::ShutdownState.number();
pub(super) const BAD_NAME: i32 = Code::BadName.number();
pub(super) const BAD_SIGNAL: i32 = Code::BadSignal.number();
pub(super) const NO_FILE: i32 = Code::NoFile.number();
pub(super) const NOT_EXECUTABLE: i32 = Code::NotExecutable.number();
pub(super) const FAILED: i32 = Code::Failed.number();
pub(super) const ABNORMAL_TERMINATION: i32 = Code::AbnormalTermination.number();
pub(super) const SPAWN_ERROR: i32 = Code::SpawnError.number();
pub(super) const ALREADY_STARTED: i32 = Code::AlreadyStarted.number();
pub(super) const NOT_RUNNING: i32 = Code::NotRunning.number();
pub(super) const SUCCESS: i32 = Code::Success.number();
pub(super) const ALREADY_ADDED: i32 = Code::AlreadyAdded.number();
pub(super) const STILL_RUNNING: i32 = Code::StillRunning.number();
pub(super) const CANT_REREAD: i32 = Code::CantReread.number();

/// The state in green, yellow or red; the word itself still says it all.
fn paint(process: &Info, state: &str) -> String {
    const GREEN: u8 = 32;
    const RED: u8 = 31;
    const YELLOW: u8 = 33;
    let colour = match process.statename.as_str() {
        "RUNNING" => GREEN,
        "FATAL" | "UNKNOWN" | "BACKOFF" => RED,
        "STARTING" | "STOPPING" => YELLOW,
        _ => return state.to_owned(),
    };
    format!("\x1b[{colour}m{state}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(group: &str, name: &str, state: (i32, &str), description: &str) -> Info {
        Info {
            name: name.to_owned(),
            group: group.to_owned(),
            state: state.0,
            statename: state.1.to_owned(),
            description: description.to_owned(),
            pid: 0,
        }
    }

    #[test]
    fn names_mean_a_process_or_a_whole_group() {
        for (text, expected) in [
            ("cat", ("cat", Some("cat"))),
            ("web:web_00", ("web", Some("web_00"))),
            ("web:*", ("web", None)),
            ("web:", ("web", None)),
            (":", ("", None)),
            (":x", ("", Some("x"))),
            ("a:b:c", ("a", Some("b:c"))),
            ("*", ("*", Some("*"))),
        ] {
            assert_eq!(split_namespec(text), expected, "{text}");
        }
    }

    #[test]
    fn status_is_in_columns_and_keeps_trailing_blanks() {
        let lines = status(
            &[
                process("cat", "cat", (20, "RUNNING"), "pid 10099, uptime 0:00:21"),
                process("web", "web_00", (10, "STARTING"), ""),
                process("web", "web_01", (200, "FATAL"), "can't find command '/x'"),
            ],
            false,
        );
        assert_eq!(
            lines,
            [
                "cat                              RUNNING   pid 10099, uptime 0:00:21",
                "web:web_00                       STARTING  ",
                "web:web_01                       FATAL     can't find command '/x'",
            ]
        );
    }

    #[test]
    fn a_long_name_widens_its_column() {
        let lines = status(
            &[process(
                &"g".repeat(20),
                &"p".repeat(20),
                (20, "RUNNING"),
                "d",
            )],
            false,
        );

        assert_eq!(
            lines,
            [format!(
                "{}:{}   RUNNING   d",
                "g".repeat(20),
                "p".repeat(20)
            )]
        );
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let processes = [
            process("cat", "cat", (20, "RUNNING"), "x"),
            process("dog", "dog", (0, "STOPPED"), ""),
        ];
        let [plain, coloured] = [false, true].map(|colour| status(&processes, colour).join("\n"));

        assert_ne!(plain, coloured);
        assert_eq!(
            plain,
            coloured.replace("\x1b[32m", "").replace("\x1b[0m", "")
        );
    }

    #[test]
    fn avail_is_in_columns() {
        assert_eq!(
            avail("cat", true, true, (999, 999)),
            "cat                              in use    auto      999:999"
        );
        assert_eq!(
            avail("lis", false, false, (-1, 999)),
            "lis                              avail     manual    -1:999"
        );
    }

    #[test]
    fn reread_sorts_its_differences_by_name() {
        let names = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();

        assert_eq!(
            differences(&names("new2 new1"), &names("g a"), &names("gone")),
            [
                ("a", "changed"),
                ("g", "changed"),
                ("gone", "disappeared"),
                ("new1", "available"),
                ("new2", "available"),
            ]
        );
    }

    #[test]
    fn results_print_and_exit_as_the_original_does() {
        use Verb::*;
        #[rustfmt::skip]
        let table: &[(Verb, i32, Option<&str>, Option<u8>)] = &[
            (Start, 80, Some("x: started"), None),
            (Start, 10, Some("x: ERROR (no such process)"), Some(1)),
            (Start, 20, Some("x: ERROR (no such file)"), Some(1)),
            (Start, 21, Some("x: ERROR (file is not executable)"), Some(1)),
            (Start, 60, Some("x: ERROR (already started)"), None),
            (Start, 50, Some("x: ERROR (spawn error)"), Some(7)),
            (Start, 40, Some("x: ERROR (abnormal termination)"), Some(7)),
            (Start, 30, None, Some(1)),
            (Start, 6, None, Some(1)),
            (Stop, 80, Some("x: stopped"), None),
            (Stop, 10, Some("x: ERROR (no such process)"), Some(1)),
            (Stop, 70, Some("x: ERROR (not running)"), None),
            (Stop, 30, Some("FAILED: why"), Some(1)),
            (Stop, 6, None, Some(1)),
            (Signal, 80, Some("x: signalled"), None),
            (Signal, 10, Some("x: ERROR (no such process)"), Some(1)),
            (Signal, 11, Some("x: ERROR (bad signal name)"), Some(1)),
            (Signal, 70, Some("x: ERROR (not running)"), Some(7)),
            (Signal, 30, Some("FAILED: why"), Some(1)),
            (Signal, 50, None, Some(7)),
            (Clear, 80, Some("x: cleared"), None),
            (Clear, 10, Some("x: ERROR (no such process)"), Some(1)),
            (Clear, 30, Some("x: ERROR (failed)"), Some(1)),
            (Clear, 70, None, Some(7)),
        ];
        for &(verb, status, line, exit) in table {
            let outcome = Outcome {
                namespec: "x".to_owned(),
                status,
                description: "FAILED: why".to_owned(),
            };
            assert_eq!(
                verb.line(&outcome).ok().as_deref(),
                line,
                "{verb:?} {status}"
            );
            assert_eq!(verb.exit(status), exit, "{verb:?} {status}");
        }
    }
}
