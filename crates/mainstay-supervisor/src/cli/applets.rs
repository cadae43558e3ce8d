//! The small programs that come with Supervisor: ours by the name that we are called by.
//!
//! A link named `pidproxy` or `echo_supervisord_conf` to `mainstayd` or `mainstayctl` is that program.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use super::pidproxy;
use crate::config::options;

/// Runs the small program that the first of the arguments names; `None` if it names none.
pub fn run(arguments: &[OsString]) -> Option<ExitCode> {
    let name = Path::new(arguments.first()?).file_name()?;
    let result = match name.to_str()? {
        "pidproxy" => pidproxy::run(arguments.get(1..).unwrap_or_default()),
        "echo_supervisord_conf" => io::stdout()
            .write_all(options::sample().as_bytes())
            .map(|()| ExitCode::SUCCESS),
        _ => return None,
    };
    Some(result.unwrap_or_else(|error| {
        // If nobody listens, the status has to say it all.
        let _ = writeln!(io::stderr(), "Error: {error}");
        ExitCode::FAILURE
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_are_other_programs() {
        for name in [
            "mainstayd",
            "/usr/bin/supervisord",
            "pidproxy.py",
            "/pidproxy/x",
            "",
        ] {
            assert!(run(&[name.into()]).is_none(), "{name}");
        }
        assert!(run(&[]).is_none());
    }
}
