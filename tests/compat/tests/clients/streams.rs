//! Endless output: `tail -f`, `maintail -f`, `fg`.

use std::path::Path;

use compat_tests::{Ctl, Daemon, PROGRAMS, venv};

const BANNER: &str = "==> Press Ctrl-C to exit <==\n";

/// Our client and both daemons.
fn our_client(venv: &Path) -> Vec<(Daemon, Ctl)> {
    [
        Daemon::python(venv, PROGRAMS).unwrap(),
        Daemon::ours(PROGRAMS).unwrap(),
    ]
    .into_iter()
    .map(|daemon| {
        let ctl = Ctl::ours(daemon.config()).unwrap();
        (daemon, ctl)
    })
    .collect()
}

/// Every pair but the original one.
fn pairs(venv: &Path) -> Vec<(Daemon, Ctl)> {
    let daemon = Daemon::ours(PROGRAMS).unwrap();
    let ctl = Ctl::python(venv, daemon.config());
    our_client(venv)
        .into_iter()
        .chain([(daemon, ctl)])
        .collect()
}

#[test]
fn tail_f_begins_with_what_is_there_and_ends_with_ctrl_c() {
    let Some(venv) = venv() else { return };
    for (_daemon, ctl) in pairs(&venv) {
        let said = ctl.until("tail -f web:web_01", "hello from 01\n").unwrap();
        assert_eq!(said.stdout, format!("{BANNER}hello from 01\n\n"), "{ctl:?}");
        assert_eq!(said.status, Some(0), "{ctl:?}");
    }
}

#[test]
fn tail_f_shows_what_is_written_later() {
    let Some(venv) = venv() else { return };
    for (daemon, ctl) in pairs(&venv) {
        let signal = Ctl::python(&venv, daemon.config());
        daemon
            .include(
                "ticker.conf",
                "[program:ticker]\n\
                 command = sh -c 'trap \"echo signalled\" USR1; while :; do sleep 0.05; done'\n\
                 startsecs = 0\n",
            )
            .unwrap();
        signal.run("update").unwrap();

        let ticking = std::thread::scope(|scope| {
            let (stop, stopped) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || {
                let pause = std::time::Duration::from_millis(200);
                while stopped.recv_timeout(pause).is_err_and(|e| e == TIMEOUT) {
                    signal.run("signal USR1 ticker").unwrap();
                }
            });
            let said = ctl.until("tail -f ticker", "signalled\nsignalled\nsignalled\n");
            drop(stop);
            said
        });
        assert!(
            ticking
                .unwrap()
                .stdout
                .starts_with(&format!("{BANNER}signalled\n"))
        );
    }
}

const TIMEOUT: std::sync::mpsc::RecvTimeoutError = std::sync::mpsc::RecvTimeoutError::Timeout;

#[test]
fn tail_f_of_nothing_is_a_failure_with_its_reason() {
    let Some(venv) = venv() else { return };
    for (daemon, ctl) in our_client(&venv) {
        let url = daemon.socket_url();

        for (line, path, reason) in [
            (
                "tail -f nope",
                "/logtail/nope/stdout",
                "nope: ERROR (no such process name)\n",
            ),
            (
                "tail -f nolog",
                "/logtail/nolog/stdout",
                "nolog: ERROR (no log file)\n",
            ),
        ] {
            let said = ctl.run(line).unwrap();
            assert_eq!(said.stdout, format!("{BANNER}{reason}"), "{line}");
            assert_eq!(
                said.stderr,
                format!("{url}{path} Cannot read, status code 404\n"),
                "{line}"
            );
            assert_eq!(said.status, Some(1), "{line}");
        }
    }
}

#[test]
fn maintail_shows_the_main_log() {
    let Some(venv) = venv() else { return };
    for (_daemon, ctl) in pairs(&venv) {
        let said = ctl.until("maintail -f", "entered RUNNING state").unwrap();
        assert!(said.stdout.starts_with(BANNER), "{said:?}");

        let said = ctl.run("maintail -100").unwrap();
        assert_eq!(said.stdout.len(), 101, "{said:?}");
    }
}

#[test]
fn the_shown_number_of_bytes_is_sane() {
    let Some(venv) = venv() else { return };
    for (_daemon, ctl) in our_client(&venv) {
        assert_eq!(ctl.run("tail -0 web:web_00").unwrap().stdout, "\n");
        let said = ctl.run("tail --5 web:web_00").unwrap();
        assert_eq!(
            (said.stdout.as_str(), said.status),
            ("Error: bad argument --5\n", Some(1))
        );
        assert_eq!(
            ctl.run("tail -0 nolog").unwrap().stdout,
            "nolog: ERROR (no log file)\n"
        );
    }
}

#[test]
fn fg_talks_to_a_process_and_leaves_it_running() {
    let Some(venv) = venv() else { return };
    for (_daemon, ctl) in our_client(&venv) {
        let said = ctl
            .type_until(&["fg", "cat"], "parrot\n", "parrot")
            .unwrap();
        assert!(
            said.stdout.starts_with(&format!("{BANNER}parrot\n")),
            "{said:?}"
        );
        assert!(said.stdout.ends_with("Exiting foreground\n"), "{said:?}");
        assert_eq!(said.status, Some(0));
        assert!(ctl.run("status cat").unwrap().stdout.contains("RUNNING"));
    }
}

#[test]
fn fg_ends_with_its_process() {
    let Some(venv) = venv() else { return };
    let daemon = Daemon::python(&venv, PROGRAMS).unwrap();
    let ctl = Ctl::ours(daemon.config()).unwrap();

    let said = ctl
        .while_running(&["fg", "cat"], || ctl.run("stop cat").map(drop))
        .unwrap();
    assert_eq!(
        said.stdout,
        format!("{BANNER}Process got killed\nExiting foreground\n")
    );
}
