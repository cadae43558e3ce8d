//! The configurations that the README and the book show are read by `mainstayd --check`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Uid, User};
use tempfile::TempDir;

/// Every page that may show a configuration, from the root of the checkout.
const PAGES: &[&str] = &[
    "README.md",
    "docs/index.md",
    "docs/quickstart.md",
    "docs/guide/running.md",
    "docs/guide/coming-from-supervisor.md",
    "crates/mainstay-supervisor/README.md",
];

/// What `mainstay password hash` prints is too long for a page.
const HASH: &str = "$scrypt$ln=10,r=8,p=1$c29tZSBzYWx0IG9mIG91cnM$\
                    mFoMJeWSYGnkOKVvFwPq1Yd4Xl6w7ZbUCRdqMn1xXyE";

#[test]
fn every_configuration_that_is_shown_is_read_without_a_complaint() {
    let mut seen = 0;
    for page in PAGES {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for (line, sample) in samples(&text) {
            let complaint = check(&sample);
            assert!(
                complaint.is_empty(),
                "{page}:{line}: mainstayd --check says\n{complaint}"
            );
            seen += 1;
        }
    }
    assert!(seen >= 7, "only {seen} samples were found");
}

#[test]
fn a_sample_with_a_misspelt_key_would_be_noticed() {
    let complaint = check("[program:web]\ncommand = web\nautorestrat = true\n");
    assert!(complaint.contains("autorestart"), "{complaint}");
}

#[test]
fn our_own_sample_is_read_with_everything_in_it_switched_on() {
    let mainstayd = || Command::new(env!("CARGO_BIN_EXE_mainstayd"));
    let sample = mainstayd().arg("--sample-config").output().unwrap();
    let sample = String::from_utf8(sample.stdout).unwrap();
    let mut on = 0;
    let lines = sample.lines().map(|line| match line.strip_prefix(';') {
        Some(rest) if rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => {
            on += 1;
            format!("{rest}\n")
        }
        _ => format!("{line}\n"),
    });
    let text: String = lines.collect();
    assert!(on > 50, "only {on} lines were switched on");

    let dir = TempDir::new().unwrap();
    let file = dir.path().join("supervisord.conf");
    fs::write(&file, &text).unwrap();
    let done = mainstayd().arg("--check").arg("-c").arg(&file).output();
    let done = done.unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{said}{text}");
}

#[test]
fn an_ordinary_users_daemon_answers_its_client() {
    let home = TempDir::new().unwrap();
    let page = fs::read_to_string(root().join("docs/guide/running.md")).unwrap();
    let (_, section) = page.split_once("\n## As an ordinary user\n").unwrap();
    let (_, main) = samples(section).swap_remove(0);
    fs::create_dir_all(home.path().join(".local/state")).unwrap();
    let programs = "\n[program:cat]\ncommand = cat\nstartsecs = 0\n";
    fs::write(home.path().join("main.conf"), main + programs).unwrap();
    let run = |program: &str, words: &[&str]| {
        let mut command = Command::new(program);
        command.args(["-c", "main.conf"]).args(words);
        command.env("HOME", home.path()).current_dir(home.path());
        command.output().unwrap()
    };

    let started = run(env!("CARGO_BIN_EXE_mainstayd"), &[]);
    assert!(started.status.success(), "{started:?}");
    // It has its socket before it leaves its starter, and answers as soon as it can.
    let status = run(env!("CARGO_BIN_EXE_mainstayctl"), &["status"]);
    let stopped = run(env!("CARGO_BIN_EXE_mainstayctl"), &["shutdown"]);

    let text = String::from_utf8(status.stdout).unwrap();
    assert!(text.starts_with("cat   "), "{text}");
    assert!(stopped.status.success(), "{stopped:?}");
}

/// The fenced blocks of INI with the lines where they begin.
fn samples(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if line.trim() == "```ini" {
            let block = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| line.trim() != "```");
            found.push((at + 1, block.collect::<Vec<_>>().join("\n") + "\n"));
        }
    }
    found
}

/// What `--check` has to say of a sample, moved into a folder where its paths exist.
fn check(sample: &str) -> String {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    for name in ["var/log/supervisor", "run", "home/.local/state", "conf.d"] {
        fs::create_dir_all(here.join(name)).unwrap();
    }
    fs::write(
        here.join("conf.d/one.conf"),
        "[program:one]\ncommand = one\n",
    )
    .unwrap();
    let me = User::from_uid(Uid::effective()).unwrap().unwrap().name;
    let mut text = sample
        .replace("$scrypt$ln=17,r=8,p=1$…", HASH)
        .replace("user = www-data", &format!("user = {me}"));
    for path in ["/var/log/", "/run/", "/srv/"] {
        text = text.replace(&format!(" {path}"), &format!(" {}{path}", here.display()));
    }
    if !text.contains("[supervisord]") {
        text.push_str("\n[supervisord]\n");
    }
    let file = here.join("supervisord.conf");
    fs::write(&file, &text).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_mainstayd"))
        .args(["--check", "-c"])
        .arg(&file)
        .env("HOME", here.join("home"))
        .current_dir(here)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    let complaints: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("error") || line.contains("warning") || line.contains("hint"))
        .collect();
    match (done.status.code(), complaints.is_empty()) {
        (Some(0), true) => String::new(),
        (code, _) => format!("{said}(exit status {code:?})\n{text}"),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
