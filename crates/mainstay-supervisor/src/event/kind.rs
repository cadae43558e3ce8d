//! The types of events, as a tree of names.

use std::fmt;

use crate::daemon::State;

/// A type of event that occurs: a leaf of the tree.
///
/// [`Subscription`] names leaves and inner nodes alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(u8);

/// A node of the tree: its name and its parent's. Leaves come first, in the order of [`Kind`].
const LEAVES: &[(&str, &str)] = &[
    ("PROCESS_STATE_STOPPED", "PROCESS_STATE"),
    ("PROCESS_STATE_STARTING", "PROCESS_STATE"),
    ("PROCESS_STATE_RUNNING", "PROCESS_STATE"),
    ("PROCESS_STATE_BACKOFF", "PROCESS_STATE"),
    ("PROCESS_STATE_STOPPING", "PROCESS_STATE"),
    ("PROCESS_STATE_EXITED", "PROCESS_STATE"),
    ("PROCESS_STATE_FATAL", "PROCESS_STATE"),
    ("PROCESS_STATE_UNKNOWN", "PROCESS_STATE"),
    ("PROCESS_COMMUNICATION_STDOUT", "PROCESS_COMMUNICATION"),
    ("PROCESS_COMMUNICATION_STDERR", "PROCESS_COMMUNICATION"),
    ("PROCESS_LOG_STDOUT", "PROCESS_LOG"),
    ("PROCESS_LOG_STDERR", "PROCESS_LOG"),
    ("REMOTE_COMMUNICATION", "EVENT"),
    ("SUPERVISOR_STATE_CHANGE_RUNNING", "SUPERVISOR_STATE_CHANGE"),
    (
        "SUPERVISOR_STATE_CHANGE_STOPPING",
        "SUPERVISOR_STATE_CHANGE",
    ),
    ("TICK_5", "TICK"),
    ("TICK_60", "TICK"),
    ("TICK_3600", "TICK"),
    ("PROCESS_GROUP_ADDED", "PROCESS_GROUP"),
    ("PROCESS_GROUP_REMOVED", "PROCESS_GROUP"),
];

/// Every inner node is directly below this one.
const ROOT: &str = "EVENT";

impl Kind {
    /// `PROCESS_COMMUNICATION_STDOUT`
    pub const COMMUNICATION_STDOUT: Self = Self(8);
    /// `PROCESS_COMMUNICATION_STDERR`
    pub const COMMUNICATION_STDERR: Self = Self(9);
    /// `PROCESS_LOG_STDOUT`
    pub const LOG_STDOUT: Self = Self(10);
    /// `PROCESS_LOG_STDERR`
    pub const LOG_STDERR: Self = Self(11);
    /// `REMOTE_COMMUNICATION`
    pub const REMOTE_COMMUNICATION: Self = Self(12);
    /// `SUPERVISOR_STATE_CHANGE_RUNNING`
    pub const SUPERVISOR_RUNNING: Self = Self(13);
    /// `SUPERVISOR_STATE_CHANGE_STOPPING`
    pub const SUPERVISOR_STOPPING: Self = Self(14);
    /// `TICK_5`
    pub const TICK_5: Self = Self(15);
    /// `TICK_60`
    pub const TICK_60: Self = Self(16);
    /// `TICK_3600`
    pub const TICK_3600: Self = Self(17);
    /// `PROCESS_GROUP_ADDED`
    pub const GROUP_ADDED: Self = Self(18);
    /// `PROCESS_GROUP_REMOVED`
    pub const GROUP_REMOVED: Self = Self(19);

    /// `PROCESS_STATE_…`
    pub const fn process_state(state: State) -> Self {
        Self(match state {
            State::Stopped => 0,
            State::Starting => 1,
            State::Running => 2,
            State::Backoff => 3,
            State::Stopping => 4,
            State::Exited => 5,
            State::Fatal => 6,
            State::Unknown => 7,
        })
    }

    /// Its name, as in the header's `eventname`.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    fn row(self) -> &'static (&'static str, &'static str) {
        // In range: the number is private, and every constructor above names a row (tested).
        &LEAVES[usize::from(self.0)]
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of event types. A name that has others below it stands for all of them.
///
/// An event is delivered once, however many of the names it falls under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subscription(u32);

impl Subscription {
    /// The types under these names, in any letter case; else the first name that is none.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        names.into_iter().try_fold(Self::default(), |set, name| {
            let upper = name.to_ascii_uppercase();
            let below = LEAVES
                .iter()
                .enumerate()
                .filter(|(_, (leaf, parent))| *leaf == upper || *parent == upper || upper == ROOT);
            match below.fold(0, |bits, (n, _)| bits | 1 << n) {
                0 => Err(name),
                bits => Ok(Self(set.0 | bits)),
            }
        })
    }

    /// Whether events of this type are wanted.
    pub const fn includes(self, kind: Kind) -> bool {
        self.0 & (1 << kind.0) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_names_its_row() {
        for (kind, name) in [
            (Kind::COMMUNICATION_STDOUT, "PROCESS_COMMUNICATION_STDOUT"),
            (Kind::COMMUNICATION_STDERR, "PROCESS_COMMUNICATION_STDERR"),
            (Kind::LOG_STDOUT, "PROCESS_LOG_STDOUT"),
            (Kind::LOG_STDERR, "PROCESS_LOG_STDERR"),
            (Kind::REMOTE_COMMUNICATION, "REMOTE_COMMUNICATION"),
            (Kind::SUPERVISOR_RUNNING, "SUPERVISOR_STATE_CHANGE_RUNNING"),
            (
                Kind::SUPERVISOR_STOPPING,
                "SUPERVISOR_STATE_CHANGE_STOPPING",
            ),
            (Kind::TICK_5, "TICK_5"),
            (Kind::TICK_60, "TICK_60"),
            (Kind::TICK_3600, "TICK_3600"),
            (Kind::GROUP_ADDED, "PROCESS_GROUP_ADDED"),
            (Kind::GROUP_REMOVED, "PROCESS_GROUP_REMOVED"),
        ] {
            assert_eq!(kind.name(), name);
        }
        for state in [
            State::Stopped,
            State::Starting,
            State::Running,
            State::Backoff,
            State::Stopping,
            State::Exited,
            State::Fatal,
            State::Unknown,
        ] {
            let name = format!("PROCESS_STATE_{}", state.name());
            assert_eq!(Kind::process_state(state).name(), name);
        }
    }

    #[test]
    fn a_name_stands_for_all_below_it() {
        let all = |names: &[&str]| {
            let set = Subscription::parse(names.iter().copied()).unwrap();
            (0..LEAVES.len())
                .filter(|n| set.includes(Kind(u8::try_from(*n).unwrap())))
                .count()
        };
        for (names, count) in [
            (&["EVENT"][..], LEAVES.len()),
            (&["PROCESS_STATE"], 8),
            (&["PROCESS_COMMUNICATION"], 2),
            (&["PROCESS_LOG"], 2),
            (&["REMOTE_COMMUNICATION"], 1),
            (&["SUPERVISOR_STATE_CHANGE"], 2),
            (&["TICK"], 3),
            (&["PROCESS_GROUP"], 2),
            (&["tick_5", "TICK_60"], 2),
            (&["TICK", "TICK_5"], 3),
            (&["EVENT", "TICK_5"], LEAVES.len()),
        ] {
            assert_eq!(all(names), count, "{names:?}");
        }
        assert_eq!(Subscription::parse(["TICK", "FOO"]), Err("FOO"));
        assert_eq!(Subscription::parse([""]), Err(""));
    }
}
