//! `cargo xtask bench`: benchmarks, side by side with the peers.

use crate::{Result, cargo, run as execute, steps};

pub(crate) const HELP: &str = "\
Benchmarks, side by side with the peers. Compare ratios within one run, never times across runs.

Usage: cargo xtask bench [PART] [OPTIONS]

Parts (all, if none is named):
  bufpool      pooled buffers against fresh ones
  csrf         cost of a request above a layer that does nothing
  handler      cost of the error layer
  scrypt       hashing and verifying
  supervisor   mainstayd and mainstayctl against Supervisor itself (which is installed from PyPI
               below target/); options are passed on, `cargo xtask bench supervisor --help`
";

const LIBRARIES: &[&str] = &["bufpool", "csrf", "handler", "scrypt"];

pub(crate) fn run(args: &[&str]) -> Result<()> {
    match args {
        ["--help" | "-h", ..] => {
            print!("{HELP}");
            Ok(())
        }
        [] => {
            LIBRARIES.iter().try_for_each(|part| library(part, &[]))?;
            supervisor(&[])
        }
        ["supervisor", options @ ..] => supervisor(options),
        [part, options @ ..] if LIBRARIES.contains(part) => library(part, options),
        [part, ..] => Err(format!("there is no part `{part}`\n\n{HELP}")),
    }
}

fn library(part: &str, options: &[&str]) -> Result<()> {
    println!("\n== {part}");
    let package = format!("mainstay-{part}");
    execute(cargo(&["bench", "-p", &package, "--benches", "--"]).args(options))
}

fn supervisor(options: &[&str]) -> Result<()> {
    println!("\n== supervisor");
    steps::build_binaries(&["--release"])?;
    let mut command = cargo(&["run", "--quiet", "--release", "-p", "benchsuite", "--"]);
    execute(steps::with_binaries(
        command.arg("supervisor").args(options),
        "release",
    ))
}
