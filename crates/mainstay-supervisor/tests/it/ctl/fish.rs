//! The completions for fish, by fish.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use mainstay_supervisor::cli::{CtlOptions, Shell};
use mainstay_supervisor::rpc::Value;
use tempfile::TempDir;

use super::text;
use crate::ctl_server::{Reply, Server};

fn answers(method: &str, _: &[Value]) -> Reply {
    let process = |group: &str, name: &str| {
        Value::record([
            ("name", name.into()),
            ("group", group.into()),
            ("inuse", true.into()),
            ("autostart", true.into()),
            ("group_prio", 1.into()),
            ("process_prio", 1.into()),
        ])
    };
    Reply::Value(match method {
        "supervisor.getAllConfigInfo" => {
            vec![process("cat", "cat"), process("web", "web_00")].into()
        }
        _ => true.into(),
    })
}

#[test]
fn the_script_looks_at_the_line_itself() {
    let script = CtlOptions::completions("mainstayctl", Shell::Fish);
    // fish's own idea of a subcommand is the first word that is no option: the value of one, that is.
    assert!(!script.contains("__fish_use_subcommand"), "{script}");
    assert!(script.contains("-a tail -d 'Show the end of a process\\' log'\n"));
}

#[test]
fn fish_completes_options_commands_and_names() {
    if !there_is_fish() {
        return;
    }
    let server = Server::start(answers, b"");
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("script");
    std::fs::write(&script, CtlOptions::completions("mainstayctl", Shell::Fish)).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_mainstayctl"));
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    for (line, expected) in [
        ("sta", "start status"),
        ("-i sta", "start status"),
        ("-c file.conf sta", "start status"),
        ("-cfile.conf sta", "start status"),
        ("--configuration=file.conf sta", "start status"),
        ("-c stop sta", "start status"),
        ("--serveru", "--serverurl"),
        ("-c file.conf --serveru", "--serverurl"),
        ("-s URL stop c", "cat"),
        ("-sURL stop c", "cat"),
        ("-i --serverurl=URL -unobody stop c", "cat"),
        ("-s URL stop web:", "web:* web:web_00"),
        ("-s URL update w", "web"),
        ("help rere", "reread"),
        ("-s unix:///no/socket stop ", "all"),
    ] {
        let line = format!("mainstayctl {}", line.replace("URL", &server.url()));
        let output = Command::new("fish")
            .args(["--no-config", "-c", "source $argv[1]; complete -C $argv[2]"])
            .arg(&script)
            .arg(&line)
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("HOME", folder.path())
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        let stdout = text(&output.stdout);
        let mut found: Vec<&str> = stdout
            .lines()
            .filter_map(|line| line.split('\t').next())
            .collect();
        found.sort_unstable();
        let stderr = text(&output.stderr);
        assert_eq!(found.join(" "), expected, "{line}: {stderr}");
        assert_eq!(stderr, "", "{line}");
    }
}

/// Installs it as root on Debian. Elsewhere its absence is said, and with `CI=true` it is a failure.
fn there_is_fish() -> bool {
    let runs = |program: &str, arguments: &[&str]| {
        Command::new(program)
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let there = || runs("fish", &["--version"]);
    if !there() && nix::unistd::geteuid().is_root() && Path::new("/etc/debian_version").exists() {
        let install = ["install", "--yes", "--no-install-recommends", "fish"];
        let _ = runs("apt-get", &["update"]) && runs("apt-get", &install);
    }
    let found = there();
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(
        found || !ci,
        "with CI=true nothing is skipped: there is no fish"
    );
    if !found {
        // Not eprintln!, which the test harness hides.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: completions in fish, which is not here"
        );
    }
    found
}
