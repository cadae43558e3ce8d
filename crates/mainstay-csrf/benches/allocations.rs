//! Allocations per request above a handler without any layer, side by side with the peers.
//! `cargo bench -p mainstay-csrf --bench allocations`
//!
//! It fails when one of ours takes more than six.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

mod stacks;

use stacks::{SCENARIOS, Scenario, Stack};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const REQUESTS: usize = 1000;
const MOST: usize = 6;

fn main() {
    let mut stacks = stacks::all();
    println!("allocations per request, above a handler without a layer\n");
    print!("{:<24}", "");
    for scenario in SCENARIOS {
        print!("{:>12}", format!("{scenario:?}").to_lowercase());
    }
    println!();
    let floor = SCENARIOS.map(|scenario| count(&mut stacks[0], scenario).unwrap());
    let mut over = Vec::new();
    for stack in &mut stacks {
        print!("{:<24}", stack.name);
        for (scenario, floor) in SCENARIOS.into_iter().zip(floor) {
            let base = if stack.name == "nothing" { 0 } else { floor };
            match count(stack, scenario) {
                None => print!("{:>12}", "-"),
                Some(count) => {
                    print!("{:>12}", count - base);
                    if stack.name.starts_with("mainstay") && count - base > MOST {
                        over.push(format!("{} {scenario:?}", stack.name));
                    }
                }
            }
        }
        println!();
    }
    assert!(over.is_empty(), "more than {MOST} allocations: {over:?}");
}

fn count(stack: &mut Stack, scenario: Scenario) -> Option<usize> {
    if !stack.has(scenario) {
        return None;
    }
    // The first one fills what is made once.
    stack.run(stack.request(scenario));
    let mut count = 0;
    for _ in 0..REQUESTS {
        let request = stack.request(scenario);
        let region = Region::new(ALLOCATOR);
        stack.run(request);
        let change = region.change();
        count += change.allocations + change.reallocations;
    }
    Some(count / REQUESTS)
}
