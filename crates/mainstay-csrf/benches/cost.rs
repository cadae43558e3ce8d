//! Processor time per request above a handler without any layer, side by side with the peers, in
//! interleaved rounds. `cargo bench -p mainstay-csrf --bench cost`
//!
//! With the name of a stack and of a scenario it runs these alone, for a profiler to look at:
//! `perf record cargo bench -p mainstay-csrf --bench cost -- "mainstay modern" page`
//!
//! Allocations are counted by the bench `allocations`, because counting costs as much as some of
//! what is measured here. gorilla/csrf is measured in Go, by Go, when there is a Go.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::{
    env,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

mod stacks;

use stacks::{SCENARIOS, Scenario, Stack};

const ROUNDS: usize = 201;
const REQUESTS: usize = 100;

fn main() {
    let mut stacks = stacks::all();
    let arguments: Vec<_> = env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    if let [stack, scenario] = &arguments[..] {
        return alone(&mut stacks, stack, scenario);
    }
    // [stack][scenario][burst]
    let mut times = vec![vec![Vec::new(); SCENARIOS.len()]; stacks.len()];
    for _ in 0..ROUNDS {
        for (at, scenario) in SCENARIOS.into_iter().enumerate() {
            for (stack, times) in stacks.iter_mut().zip(&mut times) {
                if stack.has(scenario) {
                    times[at].push(burst(stack, scenario));
                }
            }
        }
    }
    println!("nanoseconds of processor time per request, above a handler without a layer");
    println!("(median of {ROUNDS} interleaved bursts of {REQUESTS} requests)\n");
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

/// The time that some requests took.
///
/// Each is made right before it is measured, as in a server: its bytes are in the cache, and what
/// it frees is what the next one takes. With thousands that are made beforehand, the time to fetch
/// them from memory and to sort what they free is measured too, and put down to whichever layer
/// looks at a header or allocates first.
///
/// The clock is the one that takes no system call, after which the processor has to learn its
/// branches again. What else the machine does hits some bursts of a few hundred microseconds, and
/// not the median one.
fn burst(stack: &mut Stack, scenario: Scenario) -> Duration {
    let mut time = Duration::ZERO;
    for _ in 0..REQUESTS {
        let request = stack.request(scenario);
        let start = Instant::now();
        stack.run(request);
        time += start.elapsed();
    }
    time
}

fn alone(stacks: &mut [Stack], name: &str, scenario: &str) {
    let stack = stacks.iter_mut().find(|stack| stack.name == name);
    let scenario = SCENARIOS
        .into_iter()
        .find(|known| format!("{known:?}").eq_ignore_ascii_case(scenario));
    let (stack, scenario) = stack
        .zip(scenario)
        .expect("a stack and a scenario of the table");
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        burst(stack, scenario);
    }
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
            // A fixed number: each round stops the clock, which takes Go far longer than the request.
            "-benchtime",
            "2000x",
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
