//! How a process ended.

use std::fmt;

use crate::config;

/// How a process ended; `Display` is the wording of the log: `exit status 1`,
/// `terminated by SIGSEGV (core dumped)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this status, 0 to 255.
    Status(i32),
    /// A signal ended it.
    Signal {
        /// Its number.
        signal: i32,
        /// Whether it left a core.
        core: bool,
    },
}

impl Exit {
    /// The number that clients see: the status, or −1 for death by signal.
    pub const fn code(self) -> i32 {
        match self {
            Self::Status(status) => status,
            Self::Signal { .. } => -1,
        }
    }

    /// Whether it is one of the statuses that a program may exit with. Death by signal never is.
    pub fn is_among(self, expected: &[u8]) -> bool {
        match self {
            Self::Status(status) => expected.iter().any(|code| i32::from(*code) == status),
            Self::Signal { .. } => false,
        }
    }

    /// Whether somebody outside sent it away, as nobody's own crash looks.
    pub(crate) const fn by_request(self) -> bool {
        matches!(
            self,
            Self::Signal {
                signal: libc::SIGKILL | libc::SIGTERM | libc::SIGINT | libc::SIGHUP,
                ..
            }
        )
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Status(status) => write!(f, "exit status {status}"),
            Self::Signal { signal, core } => {
                let core = if core { " (core dumped)" } else { "" };
                write!(f, "terminated by {}{core}", signal_name(signal))
            }
        }
    }
}

/// `SIGTERM`, or `signal 40` for one without a name.
pub fn signal_name(signal: i32) -> String {
    config::signal::name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_reads_as_the_log_has_it() {
        for (exit, text, code) in [
            (Exit::Status(0), "exit status 0", 0),
            (Exit::Status(255), "exit status 255", 255),
            (
                Exit::Signal {
                    signal: 15,
                    core: false,
                },
                "terminated by SIGTERM",
                -1,
            ),
            (
                Exit::Signal {
                    signal: 11,
                    core: true,
                },
                "terminated by SIGSEGV (core dumped)",
                -1,
            ),
            (
                Exit::Signal {
                    signal: 40,
                    core: false,
                },
                "terminated by signal 40",
                -1,
            ),
        ] {
            assert_eq!((exit.to_string().as_str(), exit.code()), (text, code));
        }
    }

    #[test]
    fn death_by_signal_is_never_expected() {
        assert!(Exit::Status(2).is_among(&[0, 2]));
        assert!(!Exit::Status(1).is_among(&[0, 2]));
        assert!(!Exit::Status(0).is_among(&[]));
        assert!(
            !Exit::Signal {
                signal: 1,
                core: false
            }
            .is_among(&[0, 1, 255])
        );
    }
}
