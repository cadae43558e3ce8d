//! `mainstayd`: arguments → run → exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    mainstay_supervisor::daemon::main(&arguments.collect::<Vec<_>>())
}
