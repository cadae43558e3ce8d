//! Mainstay against its peers: `cargo xtask bench supervisor`.
//!
//! Every figure is taken from all peers in turn, round by round, and printed as a median with its
//! spread and as a ratio: the machine is noisy, so times of different runs say little.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool speaks on standard output"
)]

mod child;
mod figures;
mod machine;
mod supervisor;

use std::env;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

const HELP: &str = "\
Mainstay against its peers, side by side in one interleaved run.

Usage: benchsuite supervisor [OPTIONS]

Options:
  --rounds N        rounds (5); a figure is the median of its rounds
  --only NAME       one scenario (repeatable); `--list` names them
  --list            the scenarios
  --save            also write the report below benchsuite/runs/
  -h, --help        this text

The programs are taken from MAINSTAYD and MAINSTAYCTL (a release build, please).
";

/// What to measure, and how often.
struct Options {
    rounds: usize,
    only: Vec<String>,
    save: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["child", rest @ ..] => child::run(rest),
        ["supervisor", rest @ ..] if rest.contains(&"--list") => {
            for scenario in supervisor::SCENARIOS {
                println!("{:<12}{}", scenario.name, scenario.what);
            }
            Ok(())
        }
        ["supervisor", rest @ ..] if !rest.iter().any(|word| matches!(*word, "-h" | "--help")) => {
            supervisor::run(&Options::parse(rest)?)
        }
        _ => {
            print!("{HELP}");
            Ok(())
        }
    }
}

impl Options {
    fn parse(args: &[&str]) -> Result<Self> {
        let mut options = Self {
            rounds: 5,
            only: Vec::new(),
            save: false,
        };
        let mut words = args.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("`{word}` needs a value"))
            };
            match *word {
                "--rounds" => {
                    let text = value()?;
                    options.rounds = match text.parse() {
                        Ok(rounds) if rounds > 0 => rounds,
                        _ => bail!("`--rounds {text}`: expected a number from 1"),
                    };
                }
                "--only" => options.only.push((*value()?).to_owned()),
                "--save" => options.save = true,
                _ => bail!("unknown option `{word}`\n\n{HELP}"),
            }
        }
        Ok(options)
    }
}
