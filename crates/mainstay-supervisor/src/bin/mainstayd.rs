//! `mainstayd`: arguments → run → exit status.

use std::process::ExitCode;

use mainstay_supervisor::cli::applets;
use mainstay_supervisor::daemon;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some(status) = applets::run(&arguments) {
        return status;
    }
    let words = arguments
        .iter()
        .map(|word| word.to_string_lossy().into_owned());
    daemon::main(&words.collect::<Vec<_>>())
}
