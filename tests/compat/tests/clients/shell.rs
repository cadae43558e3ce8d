//! The interactive shell, fed through a pipe.

use compat_tests::{Ctl, Daemon, PROGRAMS, normalise, venv};

#[test]
fn a_piped_shell_looks_the_same() {
    let Some(venv) = venv() else { return };
    let daemon = Daemon::python(&venv, PROGRAMS).unwrap();
    let clients = [
        Ctl::python(&venv, daemon.config()),
        Ctl::ours(daemon.config()).unwrap(),
    ];

    for script in [
        "",
        "status cat\n\npid cat\nfoo\nhelp pid\nexit\nstatus\n",
        "pid\nreload\nn\npid",
        "shutdown\nno\nquit now\n",
        "start nope\ntail -x cat\nopen foo\n",
        "open http://127.0.0.1:1\nstatus\n",
    ] {
        let [expected, actual] = clients
            .each_ref()
            .map(|ctl| normalise(&ctl.shell(script).unwrap(), daemon.folder()));
        assert_eq!(actual, expected, "{script:?}");
    }
}

#[test]
fn a_login_can_be_given_in_options() {
    let Some(venv) = venv() else { return };
    let daemon = Daemon::python(&venv, PROGRAMS).unwrap();
    let (name, password) = Daemon::LOGIN;
    let anonymous = Ctl::at(
        compat_tests::program("mainstayctl").unwrap(),
        &daemon.tcp_url(),
    );

    let said = anonymous.run("status cat").unwrap();
    assert!(
        said.stdout.starts_with("Server requires authentication\n"),
        "{said:?}"
    );
    assert_eq!(said.status, Some(1));

    let known = anonymous.option("-u", name).option("-p", password);
    let said = known.run("status cat").unwrap();
    assert!(said.stdout.contains("RUNNING"), "{said:?}");
    assert_eq!(said.status, Some(0));
}

#[test]
fn the_words_of_an_action_are_one_line() {
    let Some(venv) = venv() else { return };
    let daemon = Daemon::python(&venv, PROGRAMS).unwrap();
    let ctl = Ctl::ours(daemon.config()).unwrap();

    for words in [
        &["signal CONT", "cat"][..],
        &["signal", "CONT", "cat"],
        &["signal CONT cat"],
    ] {
        assert_eq!(
            ctl.args(words).unwrap().stdout,
            "cat: signalled\n",
            "{words:?}"
        );
    }
}
