//! Names and numbers of signals, on Linux.

/// The number that a text stands for: a number that the platform knows, or a name in any case,
/// with or without `SIG`.
///
/// The message is Supervisor's.
pub fn parse(text: &str) -> Result<i32, String> {
    if let Some(number) = super::python::int(text) {
        return match i32::try_from(number) {
            Ok(number) if number == 0 || name(number).is_some() => Ok(number),
            _ => Err(format!(
                "value {} is not a valid signal number",
                super::repr(text)
            )),
        };
    }
    let wanted = super::python::strip(text).to_uppercase();
    let wanted = wanted.strip_prefix("SIG").unwrap_or(&wanted);
    match NAMES.iter().find(|(name, _)| &name[3..] == wanted) {
        Some((_, number)) => Ok(*number),
        None => Err(format!(
            "value {} is not a valid signal name",
            super::repr(text)
        )),
    }
}

/// The name of a signal: `SIGTERM` for 15.
pub fn name(number: i32) -> Option<&'static str> {
    NAMES
        .iter()
        .find(|(_, known)| *known == number)
        .map(|(name, _)| *name)
}

/// All names without `SIG`, the usual name of each number first.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| &name[3..])
}

const NAMES: &[(&str, i32)] = &[
    ("SIGHUP", libc::SIGHUP),
    ("SIGINT", libc::SIGINT),
    ("SIGQUIT", libc::SIGQUIT),
    ("SIGILL", libc::SIGILL),
    ("SIGTRAP", libc::SIGTRAP),
    ("SIGABRT", libc::SIGABRT),
    ("SIGBUS", libc::SIGBUS),
    ("SIGFPE", libc::SIGFPE),
    ("SIGKILL", libc::SIGKILL),
    ("SIGUSR1", libc::SIGUSR1),
    ("SIGSEGV", libc::SIGSEGV),
    ("SIGUSR2", libc::SIGUSR2),
    ("SIGPIPE", libc::SIGPIPE),
    ("SIGALRM", libc::SIGALRM),
    ("SIGTERM", libc::SIGTERM),
    ("SIGSTKFLT", libc::SIGSTKFLT),
    ("SIGCHLD", libc::SIGCHLD),
    ("SIGCONT", libc::SIGCONT),
    ("SIGSTOP", libc::SIGSTOP),
    ("SIGTSTP", libc::SIGTSTP),
    ("SIGTTIN", libc::SIGTTIN),
    ("SIGTTOU", libc::SIGTTOU),
    ("SIGURG", libc::SIGURG),
    ("SIGXCPU", libc::SIGXCPU),
    ("SIGXFSZ", libc::SIGXFSZ),
    ("SIGVTALRM", libc::SIGVTALRM),
    ("SIGPROF", libc::SIGPROF),
    ("SIGWINCH", libc::SIGWINCH),
    ("SIGIO", libc::SIGIO),
    ("SIGPWR", libc::SIGPWR),
    ("SIGSYS", libc::SIGSYS),
    // The C library keeps 32 and 33 for itself and begins the real-time signals at 34. Those between
    // the ends have no name in Python, so `stopsignal` never took them.
    ("SIGRTMIN", 34),
    ("SIGRTMAX", 64),
    ("SIGIOT", libc::SIGIOT),
    ("SIGCLD", libc::SIGCHLD),
    ("SIGPOLL", libc::SIGPOLL),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for (text, expected) in [
            ("TERM", Ok(15)),
            ("SIGTERM", Ok(15)),
            ("sigterm", Ok(15)),
            (" usr1 ", Ok(10)),
            ("9", Ok(9)),
            ("0", Ok(0)),
            ("34", Ok(34)),
            ("64", Ok(64)),
            ("RTMIN", Ok(34)),
            ("CLD", Ok(17)),
            ("35", Err("value '35' is not a valid signal number")),
            ("99", Err("value '99' is not a valid signal number")),
            ("-1", Err("value '-1' is not a valid signal number")),
            ("FOO", Err("value 'FOO' is not a valid signal name")),
            ("", Err("value '' is not a valid signal name")),
            ("SIG", Err("value 'SIG' is not a valid signal name")),
        ] {
            assert_eq!(parse(text), expected.map_err(str::to_owned), "{text:?}");
        }
        assert_eq!(name(15), Some("SIGTERM"));
        assert_eq!(name(17), Some("SIGCHLD"));
        assert_eq!(name(40), None);
    }

    #[test]
    fn every_name_is_read_back() {
        for &(name, number) in NAMES {
            assert_eq!(parse(name), Ok(number));
        }
    }
}
