//! Random texts through Python's own parsers and through ours: the dialects have no table that is
//! long enough.
//!
//! The texts come from a fixed seed, so a difference that is found once is found every time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use mainstay_supervisor::config::ini::Ini;
use mainstay_supervisor::config::percent::{self, Value as Filling};
use mainstay_supervisor::config::{environment, repr, words};
use serde_json::{Map, Value, json};

const ROUNDS: usize = 4000;

#[test]
fn ini_files_read_the_same() {
    let pieces = [
        "[a]",
        "[b]",
        "[ c ]",
        "[a]]",
        "[DEFAULT]",
        "[",
        "]",
        "key",
        "Other",
        "x y",
        "=",
        ":",
        " = ",
        "value",
        "\n",
        "\n",
        "\n",
        "\n",
        "\n ",
        "\n\t",
        "\n   ",
        "\r\n",
        " ",
        ";",
        "#",
        " ;",
        " #",
        "'",
        "\"",
        "%",
        "\u{a0}",
        "é",
    ];
    compare("ini", &texts(&pieces, "[a]\n"), |text| {
        let mut ini = Ini::default();
        if let Err(errors) = ini.read(text, "<string>") {
            let mut lines: Vec<&str> = errors.iter().map(|error| error.text()).collect();
            let first = lines.remove(0).to_owned();
            // One message for all bad lines, as the daemon gives it.
            return json!({ "error": lines.iter().fold(first, |all, line| {
                format!("{all}\n{}", line.split_once('\n').unwrap().1)
            })});
        }
        let sections = ini.sections().map(|section| {
            let entries = section.entries();
            let entries: Map<String, Value> = entries
                .map(|entry| (entry.key.clone(), json!(entry.value)))
                .collect();
            (section.name.clone(), Value::Object(entries))
        });
        Value::Object(sections.collect())
    });
}

#[test]
fn formats_are_filled_in_the_same() {
    let pieces = [
        "%", "%", "%(s)", "%(n)", "%(m)", "%(k)", "%(q)", "%(gone)", "(", ")", "s", "d", "x", "X",
        "o", "f", "e", "g", "G", "r", "a", "c", "i", "0", "1", "5", ".", "-", "+", " ", "#", "*",
        "l", "é", "%%",
    ];
    let lookup = |name: &str| match name {
        "s" => Some(Filling::Str("text".into())),
        "q" => Some(Filling::Str("it's".into())),
        "n" => Some(Filling::Int(7)),
        "m" => Some(Filling::Int(-42)),
        "k" => Some(Filling::Int(1_234_567)),
        _ => None,
    };
    compare_unless("percent", &texts(&pieces, ""), |text| {
        match percent::fill(text, lookup) {
            // A conversion without a name is filled with the whole mapping there, and left alone here.
            Ok(filled) if filled.nameless.is_some() => None,
            Ok(filled) => Some(json!(filled.text)),
            Err(percent::Error::Format(reason)) => Some(json!({ "error": reason })),
            Err(percent::Error::Name(name)) => Some(json!({ "name": repr(&name) })),
        }
    });
}

#[test]
fn commands_split_the_same() {
    let pieces = [
        "a", "b", " ", " ", "\t", "\n", "'", "\"", "\\", "#", ";", "=", "é", "\u{a0}", "$x",
    ];
    compare("words", &texts(&pieces, ""), |text| {
        match words::split(text) {
            Ok(words) => json!(words),
            Err(error) => json!({ "error": error.to_string() }),
        }
    });
}

#[test]
fn environments_read_the_same_or_are_refused_where_text_would_be_lost() {
    let pieces = [
        "A", "B", "c.d", "=", "=", "=", ",", ",", ";", " ", "\n", "'", "\"", "\\", "#", "@", "1",
        "x", "/p:q", "é",
    ];
    compare_unless(
        "environment",
        &texts(&pieces, "A="),
        |text| match environment::parse(text) {
            Ok(pairs) => {
                let pairs = pairs.into_iter().map(|(key, value)| (key, json!(value)));
                Some(Value::Object(pairs.collect()))
            }
            Err(environment::Error::Stray { .. }) => None,
            Err(error) => Some(json!({ "error": error.to_string() })),
        },
    );
}

#[test]
fn texts_print_the_same() {
    let pieces = [
        "a", "'", "\"", "\\", "\n", "\t", "\r", "\0", "\u{7f}", "é", "\u{a0}", "\u{ad}",
        "\u{200b}", "日", "𝄞",
    ];
    compare("repr", &texts(&pieces, ""), |text| json!(repr(text)));
}

/// Texts of up to a dozen pieces each.
fn texts(pieces: &[&str], start: &str) -> Vec<String> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    (0..ROUNDS)
        .map(|_| {
            let mut text = start.to_owned();
            for _ in 0..random.below(13) {
                text.push_str(pieces[random.below(pieces.len())]);
            }
            text
        })
        .collect()
}

/// Marsaglia's xorshift: enough to mix a few words.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

#[track_caller]
fn compare(kind: &str, texts: &[String], ours: impl Fn(&str) -> Value) {
    compare_unless(kind, texts, |text| Some(ours(text)));
}

/// Compares where `ours` has an answer.
#[track_caller]
fn compare_unless(kind: &str, texts: &[String], ours: impl Fn(&str) -> Option<Value>) {
    let Some(venv) = compat_tests::venv() else {
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialect.py");
    let mut python = Command::new(venv.join("bin/python"))
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = serde_json::to_vec(&json!({ kind: texts })).unwrap();
    // The script reads everything before it writes anything.
    python.stdin.take().unwrap().write_all(&asked).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
    let answers = answers[kind].as_array().unwrap();
    assert_eq!(answers.len(), texts.len());

    let mut compared = 0;
    let mut differences = Vec::new();
    for (text, theirs) in texts.iter().zip(answers) {
        let Some(ours) = ours(text) else { continue };
        compared += 1;
        if ours != *theirs {
            differences.push(format!("{text:?}: {theirs} != {ours}"));
        }
    }
    assert!(compared > ROUNDS / 3, "only {compared} could be compared");
    differences.truncate(20);
    assert!(
        differences.is_empty(),
        "theirs != ours\n{}",
        differences.join("\n")
    );
}
