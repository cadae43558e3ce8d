//! The tasks of this repository: `cargo xtask --help`.
//!
//! Standard library only: this is compiled before anything else, on every machine.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool speaks on standard output"
)]

mod bench;
mod demo;
mod steps;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const HELP: &str = "\
The tasks of this repository.

Usage: cargo xtask <TASK> [OPTIONS]

Tasks:
  demo     build in release mode and run the signup site under mainstayd, in the foreground
  test     everything that CI runs: fmt, clippy, docs, tests, browser and compatibility tests
  bench    benchmarks, side by side with the peers
  help     this text, or with a task's name that task's

Run `cargo xtask <TASK> --help` for a task's options.
";

type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["demo", rest @ ..] => demo::run(rest),
        ["test" | "ci", rest @ ..] => steps::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["help", task @ ("demo" | "test" | "bench")] => {
            print!("{}", help_of(task));
            Ok(())
        }
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        [] => Err(format!("which task?\n\n{HELP}")),
        [task, ..] => Err(format!("there is no task `{task}`\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn help_of(task: &str) -> &'static str {
    match task {
        "demo" => demo::HELP,
        "test" => steps::HELP,
        _ => bench::HELP,
    }
}

/// The root of the checkout.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo puts what it builds.
fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs us, working in the root.
fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// Runs a command to its end; anything but success is an error that repeats the command.
fn run(command: &mut Command) -> Result<()> {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let line = words.join(" ");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` failed: {status}")),
        Err(error) => Err(format!("`{line}` could not be run: {error}")),
    }
}
