//! Commands without a terminal.

use std::io::Write as _;
use std::process::{Command, Stdio};

use mainstay_scrypt::{Format, Params, cost};

use crate::run::{BINARY, mainstay, with_stdin};

/// Cheap, so that the tests are quick.
const CHEAP: &[&str] = &[
    "password",
    "hash",
    "--stdin",
    "--log-n",
    "4",
    "--allow-weak",
];
/// Made by Go's simple-scrypt.
const STORED: &str = "16384$8$1$70c49c95ff3901ee998629e3e2287a66\
                      $1f2371347a68d2da1f743d31ccb21f86b15ab7261fb53bb796282ac5f48f4bd9";
const PASSWORD: &[u8] = b"correct horse battery staple";

fn cheap<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [CHEAP, more].concat()
}

#[test]
fn key_prints_a_key_and_nothing_else() {
    let ran = mainstay(&["key"]);
    let key = ran.code(0).says("").line();
    assert!(key.parse::<mainstay_csrf::Key>().is_ok(), "{key}");
    assert_eq!(key, key.trim());
    assert_ne!(mainstay(&["key"]).line(), key);
}

#[test]
fn a_hash_is_verified_and_no_other_password_is() {
    let hash = with_stdin(&cheap(&[]), b"secret").code(0).says("").line();
    assert!(hash.starts_with("$scrypt$ln=4,r=8,p=1$"), "{hash}");
    let verify = ["password", "verify", "--stdin", &hash];
    with_stdin(&verify, b"secret")
        .code(0)
        .prints("match")
        .says("note: this hash uses less memory than new hashes\n");
    with_stdin(&verify, b"Secret")
        .code(1)
        .prints("mismatch")
        .says("");
    with_stdin(&verify, b"").code(1).prints("mismatch").says("");
}

#[test]
fn a_hash_of_simple_scrypt_is_verified() {
    let verify = ["password", "verify", "--stdin", STORED];
    with_stdin(&verify, PASSWORD).code(0).prints("match");
    with_stdin(&verify, b"letmein").code(1).prints("mismatch");
}

#[test]
fn every_byte_of_standard_input_counts() {
    let note = "note: the newline at the end is part of the password; `printf %s` prints none\n";
    let hash = with_stdin(&cheap(&[]), b"\xff secret \n")
        .code(0)
        .says(note)
        .line();
    let verify = ["password", "verify", "--stdin", &hash];
    assert!(
        with_stdin(&verify, b"\xff secret \n")
            .code(0)
            .stderr()
            .starts_with(note)
    );
    with_stdin(&verify, b"\xff secret ").code(1);
    with_stdin(&verify, b"\xff secret").code(1);
    with_stdin(&verify, b"\xfe secret \n").code(1);
}

#[test]
fn cost_and_form_are_as_said() {
    for (args, params, format) in [
        (&[][..], Params::OWASP, Format::Phc),
        (
            &["--preset", "owasp-16-mib"],
            Params::OWASP_16_MIB,
            Format::Phc,
        ),
        (
            &["--preset", "simple-scrypt", "--allow-weak"],
            Params::SIMPLE_SCRYPT,
            Format::Phc,
        ),
        (
            &[
                "--log-n",
                "5",
                "-r",
                "4",
                "-p",
                "3",
                "--allow-weak",
                "--format",
                "simple-scrypt",
            ],
            Params::new(5, 4, 3).unwrap(),
            Format::SimpleScrypt,
        ),
    ] {
        let args = [&["password", "hash", "--stdin"], args].concat();
        let hash = with_stdin(&args, b"secret").code(0).says("").line();
        let cost = cost(&hash).unwrap();
        assert_eq!((cost.params, cost.format), (params, format), "{hash}");
    }
}

#[test]
fn what_cannot_be_hashed_is_refused_with_a_reason() {
    let rejected = "hint: a password has from 1 to 1024 bytes, and no NUL byte\n";
    for (password, why) in [
        (&b""[..], "it is empty"),
        (b"before\0after", "it contains a NUL byte"),
        (&[b'x'; 1025], "it is too long"),
        (&[b'x'; 100_000], "it is too long"),
    ] {
        with_stdin(&cheap(&[]), password)
            .code(2)
            .prints_nothing()
            .says(&format!("error: password rejected: {why}\n{rejected}"));
    }
    with_stdin(&cheap(&[]), &[b'x'; 1024]).code(0);
}

#[test]
fn a_cost_that_does_not_fit_is_refused_before_the_password_is_read() {
    for (args, message) in [
        (
            &["--log-n", "14"][..],
            "error: parameters are too weak for new password hashes\n\
             hint: choose a `--preset` that begins with `owasp`, or insist with `--allow-weak`\n",
        ),
        (
            &["--preset", "simple-scrypt"],
            "error: parameters are too weak for new password hashes\n\
             hint: choose a `--preset` that begins with `owasp`, or insist with `--allow-weak`\n",
        ),
        (
            &["--log-n", "0"],
            "error: invalid scrypt parameters: log2 N must be from 1 to 63\n",
        ),
        (
            &["--log-n", "30"],
            "error: parameters exceed the limits: 1099511627776 bytes of memory, \
             8589934592 units of work\n\
             hint: at most 256 MiB (128 · N · r bytes) and N · r · p = 2^23 are computed\n",
        ),
    ] {
        // No `--stdin`, and no terminal that could be asked.
        let args = [&["password", "hash"], args].concat();
        mainstay(&args).code(2).prints_nothing().says(message);
    }
}

#[test]
fn a_hash_that_cannot_be_read_is_2_and_says_what_is_wrong() {
    for (hash, message) in [
        (
            "hunter2",
            "error: malformed password hash: not in any known form\n\
             hint: put the hash in single quotes: otherwise the shell replaces its dollar signs\n",
        ),
        (
            // What a shell makes of a hash in double quotes.
            "=17,r=8,p=1",
            "error: malformed password hash: not in any known form\n\
             hint: put the hash in single quotes: otherwise the shell replaces its dollar signs\n",
        ),
        (
            "scrypt:2048:8:1$s38etTWuEkO6F8vj$143bbccc",
            "error: Werkzeug scrypt hashes are not supported\n",
        ),
        (
            "1000$8$1$70c49c95ff3901ee$1f2371347a68d2da1f743d31ccb21f86",
            "error: invalid scrypt parameters: N must be a power of two above 1\n",
        ),
        (
            "1073741824$8$1$70c49c95ff3901ee$1f2371347a68d2da1f743d31ccb21f86",
            "error: parameters exceed the limits: 1099511627776 bytes of memory, \
             8589934592 units of work\n\
             hint: at most 256 MiB (128 · N · r bytes) and N · r · p = 2^23 are computed\n",
        ),
    ] {
        let args = ["password", "verify", "--stdin", hash];
        with_stdin(&args, b"secret")
            .code(2)
            .prints_nothing()
            .says(message);
    }
}

#[test]
fn arguments_that_contradict_each_other_are_2() {
    for args in [
        &["password", "hash", "-r", "8"][..],
        &["password", "hash", "--log-n", "14", "--preset", "owasp"],
        &["password", "hash", "--preset", "strong"],
        &["password", "hash", "secret"],
        &["password", "verify"],
        &["keys"],
    ] {
        let ran = mainstay(args);
        ran.code(2).prints_nothing();
        assert!(
            ran.stderr().starts_with("error: "),
            "{args:?}: {}",
            ran.stderr()
        );
    }
    for args in [&[][..], &["password"]] {
        let ran = mainstay(args);
        ran.code(2).prints_nothing();
        assert!(
            ran.stderr().contains("Usage: mainstay"),
            "{args:?}: {}",
            ran.stderr()
        );
    }
}

#[test]
fn help_is_on_standard_output_and_has_examples() {
    for args in [
        &["--help"][..],
        &["key", "--help"],
        &["password", "hash", "--help"],
        &["password", "verify", "--help"],
    ] {
        let ran = mainstay(args);
        let help = ran.code(0).says("").stdout();
        assert!(help.contains("\nExamples:\n  "), "{args:?}: {help}");
        let widest = help.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{args:?}: {help}");
    }
    assert!(
        mainstay(&["--version"])
            .code(0)
            .line()
            .starts_with("mainstay ")
    );
}

#[test]
fn a_reader_that_goes_away_is_not_an_error() {
    let hash = with_stdin(&cheap(&[]), b"secret").line();
    for (args, code) in [
        (vec!["password", "verify", "--stdin", &hash], 0),
        (vec!["password", "verify", "--stdin", STORED], 1),
        (cheap(&[]), 0),
    ] {
        let mut child = Command::new(BINARY)
            .args(&args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        // Nothing has been written yet: it is still waiting for the password.
        child.stdin.take().unwrap().write_all(b"secret").unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(!stderr.contains("error"), "{args:?}: {stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = Command::new(BINARY)
        .arg("key")
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("error: writing to standard output: No space left"),
        "{stderr}"
    );
}
