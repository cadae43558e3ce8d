//! The inputs that fuzzing found worth keeping, in `fuzz/corpus`.

use std::fs;
use std::path::Path;

/// Runs every input of a fuzz target's corpus, and what is almost it: one bit wrong, or cut off.
///
/// # Panics
///
/// When `run` does, and when there is no corpus to speak of.
pub fn replay(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let entries = fs::read_dir(&corpus);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
    let mut count = 0;
    for entry in entries {
        let data = entry.and_then(|entry| fs::read(entry.path()));
        let data = data.unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
        run(&data);
        for at in 0..data.len() {
            let mut near = data.clone();
            near[at] ^= 1 << (at % 7);
            run(&near);
            run(&data[..at]);
        }
        count += 1;
    }
    assert!(count >= 5, "only {count} in {}", corpus.display());
}
