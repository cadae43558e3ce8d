//! Processor time per request above a handler without any layer, side by side with the peers, in
//! interleaved rounds. `cargo bench -p mainstay-csrf --bench cost`
//!
//! Allocations are counted by the bench `allocations`, because counting costs as much as some of
//! what is measured here. gorilla/csrf is measured in Go, by Go, when there is a Go.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::{path::Path, process::Command, time::Duration};

use nix::time::ClockId;

mod stacks;

use stacks::SCENARIOS;

const ROUNDS: usize = 41;
const REQUESTS: usize = 2000;

fn main() {
    let mut stacks = stacks::all();
    // [stack][scenario][round]
    let mut times = vec![vec![Vec::new(); SCENARIOS.len()]; stacks.len()];
    for _ in 0..ROUNDS {
        for (at, scenario) in SCENARIOS.into_iter().enumerate() {
            for (stack, times) in stacks.iter_mut().zip(&mut times) {
                if let Some(requests) = stack.requests(scenario, REQUESTS) {
                    let start = now();
                    stack.run(requests);
                    times[at].push(now() - start);
                }
            }
        }
    }
    println!("nanoseconds of processor time per request, above a handler without a layer");
    println!("(median of {ROUNDS} interleaved rounds of {REQUESTS} requests)\n");
    print!("{:<24}", "");
    for scenario in SCENARIOS {
        print!("{:>12}", format!("{scenario:?}").to_lowercase());
    }
    println!();
    let floor: Vec<_> = times[0].iter_mut().map(|times| median(times)).collect();
    for (stack, times) in stacks.iter().zip(&mut times) {
        print!("{:<24}", stack.name);
        for (at, times) in times.iter_mut().enumerate() {
            let base = if stack.name == "nothing" {
                0.0
            } else {
                floor[at]
            };
            match times.is_empty() {
                true => print!("{:>12}", "-"),
                false => print!("{:>12.0}", median(times) - base),
            }
        }
        println!();
    }
    for (preset, budget) in [
        ("modern", [150, 600, 600, 1500]),
        ("gorilla", [150, 1000, 1000, 1500]),
    ] {
        print!("{:<24}", format!("budget {preset}"));
        budget.iter().for_each(|budget| print!("{budget:>12}"));
        println!();
    }
    go();
}

/// Time that this thread ran: other work on the machine does not count.
fn now() -> Duration {
    ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap().into()
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e9 / REQUESTS as f64
}

/// The same requests against the original, with Go's own tools.
fn go() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/go");
    let run = Command::new("go")
        .args([
            "test",
            "-bench",
            ".",
            "-benchmem",
            "-count",
            "3",
            "gorilla_test.go",
        ])
        .current_dir(here)
        // Debian's packages are laid out for the time before modules.
        .envs([
            ("GO111MODULE", "off"),
            ("GOPATH", "/usr/share/gocode"),
            ("GOFLAGS", ""),
        ])
        .output();
    println!(
        "\ngorilla/csrf in Go (golang-go, golang-github-gorilla-csrf-dev), with its test recorder:"
    );
    match run {
        Ok(run) if run.status.success() => {
            let text = String::from_utf8_lossy(&run.stdout).into_owned();
            text.lines()
                .filter(|line| line.contains("ns/op"))
                .for_each(|line| println!("{line}"));
        }
        Ok(run) => println!("skipped: {}", String::from_utf8_lossy(&run.stderr).trim()),
        Err(error) => println!("skipped: no go here: {error}"),
    }
}
