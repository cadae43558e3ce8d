//! `cargo xtask test`: the steps that CI runs, in order, with a summary.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::{Result, cargo, run as execute, target_dir};

pub(crate) const HELP: &str = "\
Everything that CI runs.

Usage: cargo xtask test [STEP…]

Steps, in this order (all, if none is named):
  fmt        rustfmt, as a check
  clippy     all targets, all features, warnings denied
  features   each library without its default features, and with each feature alone
  doc        rustdoc, warnings denied
  unit       unit, integration and documentation tests of all crates
  demo       `cargo xtask demo` as a newcomer would run it, and the README's commands
  browser    the site and the dashboard in headless Chromium
  compat     Supervisor's own clients against mainstayd, and the other way round

What `browser` and `compat` need from Debian or PyPI they install themselves when they run as
root on Debian. Elsewhere they name what is missing and skip that part; with CI=true a skip fails.
";

type Step = (&'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    ("fmt", fmt),
    ("clippy", clippy),
    ("features", features),
    ("doc", doc),
    ("unit", unit),
    ("demo", demo),
    ("browser", browser),
    ("compat", compat),
];

/// What needs more than a Rust toolchain, and so has steps of its own.
const OUTSIDE: &[&str] = &["browser-tests", "compat-tests", "xtask"];

/// The libraries and their features, each of which has to stand alone.
const FEATURES: &[(&str, &[&str])] = &[
    (
        "mainstay-csrf",
        &[
            "axum",
            "askama",
            "maud",
            "minijinja",
            "tower-sessions",
            "handler",
        ],
    ),
    ("mainstay-handler", &["axum", "tower", "anyhow"]),
    ("mainstay-scrypt", &["tokio"]),
];

pub(crate) fn run(args: &[&str]) -> Result<()> {
    if args.iter().any(|arg| matches!(*arg, "--help" | "-h")) {
        print!("{HELP}");
        return Ok(());
    }
    if let Some(unknown) = args
        .iter()
        .find(|arg| STEPS.iter().all(|(name, _)| name != *arg))
    {
        return Err(format!("there is no step `{unknown}`\n\n{HELP}"));
    }
    let mut rows = Vec::new();
    for (name, step) in STEPS
        .iter()
        .filter(|(name, _)| args.is_empty() || args.contains(name))
    {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = step();
        rows.push((*name, start.elapsed(), outcome.is_ok()));
        if let Err(message) = outcome {
            print_summary(&rows);
            return Err(format!("step `{name}`: {message}"));
        }
    }
    print_summary(&rows);
    Ok(())
}

fn print_summary(rows: &[(&str, Duration, bool)]) {
    println!("\n== summary");
    for (name, took, good) in rows {
        let verdict = if *good { "ok" } else { "FAILED" };
        println!("{name:<10}{verdict:<8}{:>6.1} s", took.as_secs_f64());
    }
}

fn fmt() -> Result<()> {
    execute(&mut cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    let mut command = cargo(&["clippy", "--workspace", "--all-targets", "--all-features"]);
    execute(command.args(["--", "-D", "warnings"]))
}

fn features() -> Result<()> {
    for (library, features) in FEATURES {
        let bare = ["check", "--quiet", "-p", library, "--no-default-features"];
        execute(&mut cargo(&bare))?;
        for feature in *features {
            execute(cargo(&bare).args(["--features", feature]))?;
        }
    }
    Ok(())
}

fn doc() -> Result<()> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
    execute(command.env("RUSTDOCFLAGS", "-D warnings"))
}

fn unit() -> Result<()> {
    let mut command = cargo(&["test", "--workspace", "--all-features"]);
    for package in OUTSIDE {
        command.args(["--exclude", package]);
    }
    execute(&mut command)
}

fn demo() -> Result<()> {
    outside("xtask")
}

fn browser() -> Result<()> {
    outside("browser-tests")
}

fn compat() -> Result<()> {
    outside("compat-tests")
}

/// Runs the tests of a package that drives our binaries from outside.
fn outside(package: &str) -> Result<()> {
    build_binaries(&[])?;
    let mut command = cargo(&["test", "-p", package]);
    execute(with_binaries(&mut command, "debug"))
}

/// Builds every program that a person would run.
pub(crate) fn build_binaries(options: &[&str]) -> Result<()> {
    let packages = [
        "-p",
        "signup",
        "-p",
        "mainstay-supervisor",
        "-p",
        "mainstay-cli",
    ];
    execute(cargo(&["build", "--bins"]).args(packages).args(options))
}

/// Tells a test where the programs are that it is to drive.
pub(crate) fn with_binaries<'a>(command: &'a mut Command, profile: &str) -> &'a mut Command {
    let folder = target_dir().join(profile);
    command
        .env("MAINSTAY_BIN", &folder)
        .env("MAINSTAY_SIGNUP_BIN", folder.join("signup"))
        .env("MAINSTAYD", folder.join("mainstayd"))
        .env("MAINSTAYCTL", folder.join("mainstayctl"))
}
