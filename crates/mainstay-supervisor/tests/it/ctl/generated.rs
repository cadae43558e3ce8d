//! Completions and manual pages: made from the tables, and complete.

use std::fs;
use std::path::Path;
use std::process::Command;

use mainstay_supervisor::cli::{CtlOptions, DaemonOptions, Shell};
use nix::unistd::Pid;

use super::{bare, info, run, text};
use crate::ctl_server::{Reply, Server};

/// The words after the dashes of every option, from the help.
fn long_options(help: &str) -> Vec<String> {
    let words = help.split_whitespace();
    words
        .filter_map(|word| word.strip_prefix("--"))
        .filter(|word| !word.is_empty())
        .map(|word| word.trim_end_matches(',').to_owned())
        .collect()
}

fn short_options(help: &str) -> Vec<String> {
    let words = help.lines().filter_map(|line| line.strip_prefix("  -"));
    let letters = words.filter_map(|line| line.chars().next());
    letters
        .filter(char::is_ascii_alphanumeric)
        .map(String::from)
        .collect()
}

/// The names in the table of commands, from the overview.
fn commands() -> Vec<String> {
    let overview = run(bare().arg("help")).0;
    let names = overview.lines().skip(3).flat_map(str::split_whitespace);
    names
        .map(str::to_owned)
        .chain(["help".to_owned()])
        .collect()
}

#[test]
fn every_option_and_command_is_in_every_text() {
    let ctl = CtlOptions::help("mainstayctl");
    let daemon = DaemonOptions::help("mainstayd");
    let commands = commands();
    assert!(
        commands.len() == 22 && long_options(&ctl).len() == 10,
        "{commands:?}"
    );
    assert!(
        long_options(&daemon).len() == 24,
        "{:?}",
        long_options(&daemon)
    );

    for (shell, long, short) in [
        (Shell::Bash, "--", "-"),
        (Shell::Zsh, "--", "-"),
        (Shell::Fish, "-l ", "-s "),
    ] {
        for (help, script, commands) in [
            (
                &ctl,
                CtlOptions::completions("mainstayctl", shell),
                commands.as_slice(),
            ),
            (&daemon, DaemonOptions::completions("mainstayd", shell), &[]),
        ] {
            for option in long_options(help) {
                assert!(
                    script.contains(&format!("{long}{option}")),
                    "{shell:?}: {option}"
                );
            }
            for letter in short_options(help) {
                assert!(
                    script.contains(&format!("{short}{letter}")),
                    "{shell:?}: {letter}"
                );
            }
            for command in commands {
                assert!(script.contains(command.as_str()), "{shell:?}: {command}");
            }
        }
    }
    let page = CtlOptions::manual();
    for command in &commands {
        assert!(page.contains(&format!(".SS {command}\n")), "{command}");
    }
    for (help, page) in [(&ctl, page), (&daemon, DaemonOptions::manual())] {
        for option in long_options(help) {
            let option = format!("\\fB\\-\\-{}\\fR", option.replace('-', "\\-"));
            assert!(page.contains(&option), "{option}");
        }
        for letter in short_options(help) {
            assert!(page.contains(&format!("\\fB\\-{letter}\\fR")), "{letter}");
        }
    }
}

#[test]
fn the_manual_pages_in_the_repository_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/man");
    for (file, expected, command) in [
        ("mainstayctl.1", CtlOptions::manual(), "mainstayctl"),
        ("mainstayd.8", DaemonOptions::manual(), "mainstayd"),
    ] {
        let actual = fs::read_to_string(folder.join(file)).unwrap_or_default();
        assert!(
            actual == expected,
            "hint: {command} --man > docs/man/{file}"
        );
    }
}

#[test]
fn both_programs_print_their_texts() {
    let daemon = || Command::new(env!("CARGO_BIN_EXE_mainstayd"));
    for (mut command, option, expected) in [
        (
            bare(),
            "--completions=bash",
            "complete -F _mainstayctl mainstayctl\n",
        ),
        (bare(), "--completions=zsh", "#compdef mainstayctl\n"),
        (bare(), "--completions=fish", "complete -c mainstayctl "),
        (bare(), "--man", ".TH MAINSTAYCTL 1 "),
        (
            daemon(),
            "--completions=bash",
            "complete -F _mainstayd mainstayd\n",
        ),
        (daemon(), "--completions=fish", "complete -c mainstayd "),
        (daemon(), "--man", ".TH MAINSTAYD 8 "),
    ] {
        let (stdout, status) = run(command.arg(option));
        assert!(stdout.contains(expected), "{option}: {stdout}");
        assert_eq!(status, Some(0), "{option}");
    }
}

/// Where there is no bash, there is nobody to complete for.
#[test]
fn bash_completes_options_commands_and_names() {
    let server = Server::start(
        |method, _| {
            let processes = ["cat:cat", "web:web_00", "web:web_01", "x:$(touch trap)"];
            let config = processes.map(|name| {
                let (group, name) = name.split_once(':').unwrap();
                let mut config = info(name, 20);
                if let mainstay_supervisor::rpc::Value::Struct(members) = &mut config {
                    members.retain(|(key, _)| key != "group");
                    for (key, value) in [
                        ("group", group.into()),
                        ("inuse", true.into()),
                        ("autostart", true.into()),
                        ("group_prio", 1.into()),
                        ("process_prio", 1.into()),
                    ] {
                        members.push((key.to_owned(), value));
                    }
                }
                config
            });
            Reply::Value(match method {
                "supervisor.getAllConfigInfo" => config.to_vec().into(),
                _ => true.into(),
            })
        },
        b"",
    );
    let program = env!("CARGO_BIN_EXE_mainstayctl");
    let folder = std::env::temp_dir().join(format!("completions-{}", Pid::this()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("file.conf"), "").unwrap();
    fs::write(
        folder.join("script"),
        CtlOptions::completions(program, Shell::Bash),
    )
    .unwrap();
    let complete = |line: &str| {
        let line = line.replace("URL", &server.url());
        let output = Command::new("bash")
            .args(["--norc", "-c"])
            .arg(
                "source ./script; COMP_LINE=$1 COMP_POINT=${#1}; compopt() { :; }; _mainstayctl; \
                 printf '%s\\n' \"${COMPREPLY[@]}\" | sort -u",
            )
            .args(["bash", &format!("{program} {line}")])
            .current_dir(&folder)
            .env("LC_ALL", "C")
            .output();
        output.map(|output| (text(&output.stdout), text(&output.stderr)))
    };

    for (line, expected) in [
        ("--se", "--serverurl"),
        ("--completions ", "bash fish zsh"),
        ("sta", "start status"),
        ("-i sta", "start status"),
        ("-c fi", "file.conf"),
        ("-s URL stop c", "cat"),
        ("-sURL stop c", "cat"),
        ("--serverurl=URL stop c", "cat"),
        ("-i -sURL -unobody stop c", "cat"),
        ("-s URL stop web:", "* web_00 web_01"),
        ("-s URL stop web:web_01 ca", "cat"),
        ("-s URL tail -f w", "web:* web:web_00 web:web_01"),
        ("-s URL update ", "cat web x"),
        ("-s URL stop x:", "$(touch *"),
        ("help reread re", "reload remove reread restart"),
        ("reload ", ""),
        ("-s unix:///no/socket stop ", "all"),
    ] {
        let Ok((stdout, stderr)) = complete(line) else {
            return;
        };
        assert_eq!(
            stdout.split_whitespace().collect::<Vec<_>>().join(" "),
            expected,
            "{line}: {stderr}"
        );
        assert_eq!(stderr, "", "{line}");
    }
    assert!(!folder.join("trap").exists());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn descriptions_are_whole() {
    for shell in [Shell::Zsh, Shell::Fish] {
        let script = CtlOptions::completions("mainstayctl", shell);
        for description in [
            "with an action: print one JSON document",
            "(default http://localhost:9001)",
            "last 1600 *bytes* of supervisor main log file",
            "Get the PID of supervisord.",
        ] {
            assert!(script.contains(description), "{shell:?}: {description}");
        }
        assert!(!script.contains("Ex:") && !script.contains("'tail:Ex"));
    }
}
