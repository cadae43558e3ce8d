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
    for times in times.iter_mut().flatten() {
        times.sort_unstable();
    }
    println!("nanoseconds of processor time per request, above a handler without a layer");
    println!("({ROUNDS} interleaved bursts of {REQUESTS} requests)\n");
    // With neighbours on the machine the processor is shared in all but a few bursts.
    table("fastest burst", &stacks, &times, 0);
    table("median burst", &stacks, &times, ROUNDS / 2);
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

/// The times of the burst that is the `place`th fastest of its kind.
fn table(what: &str, stacks: &[Stack], times: &[Vec<Vec<Duration>>], place: usize) {
    let time = |burst: Duration| burst.as_secs_f64() * 1e9 / REQUESTS as f64;
    print!("{what:<24}");
    for scenario in SCENARIOS {
        print!("{:>12}", format!("{scenario:?}").to_lowercase());
    }
    println!();
    for (stack, scenarios) in stacks.iter().zip(times) {
        print!("{:<24}", stack.name);
        for (bursts, nothing) in scenarios.iter().zip(&times[0]) {
            let floor = match stack.name {
                "nothing" => 0.0,
                _ => time(nothing[place]),
            };
            match bursts.get(place) {
                Some(burst) => print!("{:>12.0}", time(*burst) - floor),
                None => print!("{:>12}", "-"),
            }
        }
        println!();
    }
    println!();
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
