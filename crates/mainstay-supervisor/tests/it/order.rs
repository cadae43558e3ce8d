//! The order in which groups are told about and acted upon.

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
