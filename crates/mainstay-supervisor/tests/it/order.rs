//! The order in which groups are told about and acted upon, and how they are called.

use mainstay_supervisor::daemon::State;
use mainstay_supervisor::rpc::Value;

use crate::daemon::Daemon;

/// The lists of a reread.
#[track_caller]
fn reread(daemon: &mut Daemon) -> [Vec<String>; 3] {
    let answer = daemon.ask("reloadConfig", &[]);
    let lists = answer.as_array().unwrap()[0].as_array().unwrap();
    [0, 1, 2].map(|at| texts(&lists[at]))
}

#[track_caller]
fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// A member of each struct of a group operation's answer.
#[track_caller]
fn members(answer: &Value, name: &str) -> Vec<String> {
    let structs = answer.as_array().unwrap().iter();
    structs
        .map(|it| it.get(name).unwrap().as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_reread_names_groups_in_the_order_in_which_they_are_started() {
    let mut daemon = Daemon::with(
        "
        [program:a]
        command = sleep 1000
        [program:m]
        command = sleep 1000
        priority = 500
        [program:z]
        command = sleep 1000
        priority = 1
        ",
    )
    .start();
    daemon.rewrite(
        "
        [program:n1]
        command = sleep 1000
        priority = 9
        [program:n2]
        command = sleep 1000
        priority = 8
        [eventlistener:n3]
        command = sleep 1000
        events = TICK
        ",
    );
    let [added, changed, removed] = reread(&mut daemon);
    assert_eq!(added, ["n3", "n2", "n1"]);
    assert!(changed.is_empty(), "{changed:?}");
    assert_eq!(removed, ["z", "m", "a"]);
}

#[test]
fn a_group_that_is_added_again_comes_after_its_equals() {
    let mut daemon = Daemon::with(
        "
        [program:aa]
        command = sleep 1000
        autostart = false
        [program:bb]
        command = sleep 1000
        autostart = false
        [program:cc]
        command = sleep 1000
        autostart = false
        [program:zz]
        command = sleep 1000
        autostart = false
        priority = 1
        ",
    )
    .start();
    daemon.ask("removeProcessGroup", &["bb"]);
    daemon.ask("addProcessGroup", &["bb"]);
    let cleared = daemon.ask("clearAllProcessLogs", &[]);
    assert_eq!(members(&cleared, "name"), ["zz", "aa", "cc", "bb"]);

    // What goes is named in the order in which it came.
    daemon.ask("removeProcessGroup", &["zz"]);
    daemon.ask("addProcessGroup", &["zz"]);
    daemon.rewrite("");
    assert_eq!(reread(&mut daemon)[2], ["aa", "cc", "bb", "zz"]);
}

#[test]
fn a_signal_that_does_not_exist_is_refused_in_the_order_of_priorities() {
    let mut daemon = Daemon::with(
        "
        [program:a]
        command = sleep 1000
        startsecs = 0
        priority = 2
        [program:z]
        command = sleep 1000
        startsecs = 0
        priority = 1
        [program:off]
        command = sleep 1000
        autostart = false
        ",
    )
    .start();
    daemon.wait_for("a", State::Running);
    daemon.wait_for("z", State::Running);
    let refused = daemon.ask("signalAllProcesses", &["NOPE"]);
    assert_eq!(members(&refused, "name"), ["z", "a"]);
    for member in refused.as_array().unwrap() {
        assert_eq!(member.get("status"), Some(&Value::Int(11)), "{member:?}");
    }
    let texts = members(&refused, "description");
    assert_eq!(texts, ["BAD_SIGNAL: NOPE", "BAD_SIGNAL: NOPE"]);
    let refused = daemon.ask("signalProcess", &["a:*", "NOPE"]);
    assert_eq!(members(&refused, "description"), ["BAD_SIGNAL: NOPE"]);
    let bad = daemon.refuses("signalProcess", &["off", "NOPE"]);
    assert_eq!(bad, "BAD_SIGNAL: NOPE");
}

#[test]
fn a_group_is_called_by_its_name_alone_where_only_groups_are_meant() {
    let mut daemon = Daemon::with(
        "
        [program:cat]
        command = cat
        startsecs = 0
        ",
    )
    .start();
    let pid = daemon.wait_for("cat", State::Running);
    for name in ["cat:*", "cat:", "nope", "nope:*", ":", "*", ""] {
        let expected = format!("BAD_NAME: {name}");
        assert_eq!(daemon.refuses("startProcessGroup", &[name]), expected);
        assert_eq!(daemon.refuses("stopProcessGroup", &[name]), expected);
        for signal in ["0", "NOPE"] {
            let fault = daemon.refuses("signalProcessGroup", &[name, signal]);
            assert_eq!(fault, expected);
        }
    }
    // Where a process may be meant too, the fault has the name as it was given.
    for name in ["nope:*", "nope:", ":", ":*", "a:b:*"] {
        let expected = format!("BAD_NAME: {name}");
        assert_eq!(daemon.refuses("startProcess", &[name]), expected);
        assert_eq!(daemon.refuses("stopProcess", &[name]), expected);
        for signal in ["0", "NOPE"] {
            let fault = daemon.refuses("signalProcess", &[name, signal]);
            assert_eq!(fault, expected);
        }
    }
    assert_eq!(daemon.info("cat").pid, pid);
}
