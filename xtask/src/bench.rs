//! `cargo xtask bench`: benchmarks, side by side with the peers.

use crate::{Result, cargo, run as execute};

pub(crate) const HELP: &str = "\
Benchmarks, side by side with the peers. Compare ratios within one run, never times across runs.

Usage: cargo xtask bench [PART]

Parts (all, if none is named):
  bufpool    pooled buffers against fresh ones
  csrf       cost of a request above a layer that does nothing
  handler    cost of the error layer
  scrypt     hashing and verifying
";

const PARTS: &[&str] = &["bufpool", "csrf", "handler", "scrypt"];

pub(crate) fn run(args: &[&str]) -> Result<()> {
    if args.iter().any(|arg| matches!(*arg, "--help" | "-h")) {
        print!("{HELP}");
        return Ok(());
    }
    if let Some(unknown) = args.iter().find(|arg| !PARTS.contains(arg)) {
        return Err(format!("there is no part `{unknown}`\n\n{HELP}"));
    }
    for part in PARTS
        .iter()
        .filter(|part| args.is_empty() || args.contains(part))
    {
        println!("\n== {part}");
        execute(&mut cargo(&[
            "bench",
            "-p",
            &format!("mainstay-{part}"),
            "--benches",
        ]))?;
    }
    Ok(())
}
