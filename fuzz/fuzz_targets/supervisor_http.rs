#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/mainstay-supervisor/tests/it/fuzzed.rs"]
#[allow(dead_code)]
mod fuzzed;

fuzz_target!(|data: &[u8]| fuzzed::http(data));
