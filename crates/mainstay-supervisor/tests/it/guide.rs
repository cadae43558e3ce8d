//! The configurations of the guide's chapter "Running mainstayd", as a newcomer copies them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const CHAPTER: &str = include_str!("../../../../docs/guide/running.md");

/// The samples below a heading, in their order.
#[track_caller]
fn samples(heading: &str) -> Vec<&'static str> {
    let (_, section) = CHAPTER
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("no section `{heading}`"));
    let section = section.split("\n## ").next().unwrap();
    let parts = section.split("```ini\n").skip(1);
    parts
        .map(|part| part.split_once("```").expect("an end").0)
        .collect()
}

fn run(program: &str, home: &Path, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .env("HOME", home)
        .current_dir(home)
        .output()
        .unwrap()
}

#[test]
fn the_first_configuration_has_no_mistakes() {
    let home = TempDir::new().unwrap();
    let here = home.path().display();
    let [main, program] = samples("A first configuration")[..] else {
        panic!("two files");
    };
    // What would need root and these very directories.
    let local = |text: &str| {
        let text = text
            .replace("user = www-data\n", "")
            .replace("/var/log/supervisor", &format!("{here}/log"))
            .replace("/run/", &format!("{here}/"));
        if nix::unistd::geteuid().is_root() {
            text
        } else {
            text.replace("user = root\n", "")
        }
    };
    fs::create_dir_all(home.path().join("conf.d")).unwrap();
    fs::create_dir(home.path().join("log")).unwrap();
    fs::write(home.path().join("main.conf"), local(main)).unwrap();
    fs::write(home.path().join("conf.d/web.conf"), local(program)).unwrap();

    let mainstayd = env!("CARGO_BIN_EXE_mainstayd");
    let done = run(mainstayd, home.path(), &["--check", "-c", "main.conf"]);

    assert!(done.status.success(), "{done:?}");
    assert_eq!(String::from_utf8(done.stdout).unwrap(), "");
}

#[test]
fn an_ordinary_users_daemon_answers_its_client() {
    let home = TempDir::new().unwrap();
    fs::create_dir_all(home.path().join(".local/state")).unwrap();
    let [main] = samples("As an ordinary user")[..] else {
        panic!("one file");
    };
    let programs = "\n[program:cat]\ncommand = cat\nstartsecs = 0\n";
    fs::write(home.path().join("main.conf"), format!("{main}{programs}")).unwrap();
    let ctl = |words: &[&str]| {
        let arguments = [&["-c", "main.conf"], words].concat();
        run(env!("CARGO_BIN_EXE_mainstayctl"), home.path(), &arguments)
    };

    let started = run(
        env!("CARGO_BIN_EXE_mainstayd"),
        home.path(),
        &["-c", "main.conf"],
    );
    assert!(started.status.success(), "{started:?}");
    // It has its socket before it leaves its starter, and answers as soon as it can.
    let status = ctl(&["status"]);
    let stopped = ctl(&["shutdown"]);

    let text = String::from_utf8(status.stdout).unwrap();
    assert!(text.starts_with("cat   "), "{text}");
    assert!(stopped.status.success(), "{stopped:?}");
}
