//! Memory, measured on a process of its own: this binary again, running one test.

use std::process::Command;

use mainstay_scrypt::Verdict;

use crate::quick;

const CHILD: &str = "MAINSTAY_SCRYPT_CHILD";
const SALT_AND_KEY: &str = "6l2rlbKW0tpb67239j5HaA$0gIUvTYfKmqR+XP/JECBAP9MkrvzAtffie9MOzKTKn0";

/// In the child, true. In the parent, runs `test` again behind `prelude` and is false.
#[track_caller]
pub(crate) fn is_child(test: &str, prelude: &str) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let output = Command::new("sh")
        .args(["-c", &format!(r#"{prelude} exec "$0" "$@""#)])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1"])
        .env(CHILD, "1")
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && stdout.contains("1 passed");
    assert!(
        passed,
        "{}\n{stdout}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

#[test]
fn memory_that_cannot_be_had_is_an_error_and_not_an_abort() {
    let name = "memory::memory_that_cannot_be_had_is_an_error_and_not_an_abort";
    if !is_child(name, "ulimit -v 200000 &&") {
        return;
    }
    let hasher = quick().build().unwrap();
    let verify = |numbers| hasher.verify("a", &format!("$scrypt${numbers}${SALT_AND_KEY}"));
    assert!(
        verify("ln=18,r=8,p=1").unwrap_err().is_out_of_memory(),
        "256 MiB of 200"
    );
    assert_eq!(
        verify("ln=14,r=8,p=1"),
        Ok(Verdict::Mismatch),
        "and life goes on"
    );
}

#[test]
fn no_hash_string_takes_memory_before_the_limits_are_checked() {
    let name = "memory::no_hash_string_takes_memory_before_the_limits_are_checked";
    if !is_child(name, "") {
        return;
    }
    let hasher = quick().build().unwrap();
    let before = peak_kib();
    for numbers in [
        "ln=19,r=8,p=1",
        "ln=40,r=8,p=1",
        "ln=63,r=8,p=1",
        "ln=1,r=1048576,p=1",
        "ln=1,r=1,p=4194304",
        "ln=1,r=536870911,p=2",
        "ln=1,r=1,p=1073741823",
    ] {
        let error = hasher
            .verify("a", &format!("$scrypt${numbers}${SALT_AND_KEY}"))
            .unwrap_err();
        assert!(error.is_over_limit(), "{numbers}: {error}");
    }
    let grown = peak_kib() - before;
    assert!(grown < 1024, "{grown} KiB");
}

/// The most memory that this process ever had.
#[track_caller]
pub(crate) fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
