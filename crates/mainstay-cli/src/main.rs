//! The `mainstay` tool: make keys, hash and verify passwords.
#![forbid(unsafe_code)]

mod args;
mod failure;
mod key;
mod output;
mod password;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command, PasswordCommand};
use crate::failure::Failure;

/// As for `grep`: 0 is yes, 1 is no, and everything that is neither is 2.
const NO: u8 = 1;
const TROUBLE: u8 = 2;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(message) => {
            // Help, version or a complaint. Nobody may be reading it.
            let _ = message.print();
            return if message.use_stderr() {
                TROUBLE.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    run(args).unwrap_or_else(|failure| {
        failure.report();
        TROUBLE.into()
    })
}

fn run(args: Args) -> Result<ExitCode, Failure> {
    match args.command {
        Command::Key => key::print()?,
        Command::Password(PasswordCommand::Hash(args)) => password::hash(&args)?,
        Command::Password(PasswordCommand::Verify(args)) => {
            if !password::verify(&args)? {
                return Ok(NO.into());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
