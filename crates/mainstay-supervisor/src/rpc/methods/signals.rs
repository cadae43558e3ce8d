//! Signals as clients name them.

use std::str::FromStr as _;

use nix::sys::signal::Signal;

/// The number of a signal: a number that the system knows, or a name in any case, with or without
/// `SIG`.
pub(super) fn number(text: &str) -> Option<i32> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i32>() {
        let real_time = number == libc::SIGRTMIN() || number == libc::SIGRTMAX();
        let known = number == 0 || real_time || Signal::try_from(number).is_ok();
        return known.then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = if upper.starts_with("SIG") {
        upper
    } else {
        format!("SIG{upper}")
    };
    match name.as_str() {
        "SIGCLD" => Some(libc::SIGCHLD),
        "SIGPOLL" => Some(libc::SIGIO),
        "SIGIOT" => Some(libc::SIGABRT),
        "SIGRTMIN" => Some(libc::SIGRTMIN()),
        "SIGRTMAX" => Some(libc::SIGRTMAX()),
        name => Signal::from_str(name).ok().map(|signal| signal as i32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_numbers() {
        for (text, expected) in [
            ("HUP", Some(libc::SIGHUP)),
            ("hup", Some(libc::SIGHUP)),
            ("SIGHUP", Some(libc::SIGHUP)),
            (" usr1 ", Some(libc::SIGUSR1)),
            ("9", Some(9)),
            ("0", Some(0)),
            ("34", Some(34)),
            ("64", Some(64)),
            ("35", None),
            ("65", None),
            ("-9", None),
            ("CLD", Some(libc::SIGCHLD)),
            ("RTMIN", Some(34)),
            ("FOO", None),
            ("", None),
            ("SIG", None),
        ] {
            assert_eq!(number(text), expected, "{text:?}");
        }
    }
}
