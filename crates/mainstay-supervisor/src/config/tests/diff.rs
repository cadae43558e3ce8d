//! What counts as a change.

use super::Site;
use crate::config::{Diff, diff};

const PROGRAM: &str = "[program:x]\ncommand=a\n";

#[track_caller]
fn compare(old: &str, new: &str) -> Diff {
    let groups = |text| Site::running(text).config().groups;
    diff(&groups(old), &groups(new))
}

#[test]
fn groups_come_and_go() {
    let diff = compare(
        "[program:a]\ncommand=a\n[program:b]\ncommand=b\n[program:z]\ncommand=z\n",
        "[program:c]\ncommand=c\n[program:b]\ncommand=other\n[program:0]\ncommand=0\n\
         [program:z]\ncommand=z\n",
    );
    assert_eq!(diff.added, ["0", "c"]);
    assert_eq!(diff.changed, ["b"]);
    assert_eq!(diff.removed, ["a",]);
    assert!(!diff.is_empty());
}

#[test]
fn groups_are_in_the_order_in_which_they_are_started() {
    let programs = |names: &[(&str, i32)]| -> String {
        names
            .iter()
            .map(|(name, priority)| format!("[program:{name}]\ncommand=a\npriority={priority}\n"))
            .collect()
    };
    let diff = compare(
        &programs(&[("z", 1), ("y", 2), ("b", 3), ("a", 4)]),
        &programs(&[("n1", 9), ("n2", 8), ("n3", 7), ("a", 5), ("b", 6)]),
    );
    assert_eq!(diff.added, ["n3", "n2", "n1"]);
    assert_eq!(diff.changed, ["a", "b"]);
    assert_eq!(diff.removed, ["z", "y"]);
}

#[test]
fn every_option_of_a_program_counts() {
    for setting in [
        "command=b",
        "directory=/tmp",
        "umask=022",
        "priority=1",
        "autostart=false",
        "autorestart=true",
        "startsecs=2",
        "startretries=2",
        "stopsignal=INT",
        "stopwaitsecs=2",
        "killasgroup=true",
        "exitcodes=1",
        "user=nobody",
        "redirect_stderr=true",
        "stdout_logfile=NONE",
        // Supervisor does not notice this one.
        "stdout_logfile=/tmp/x",
        "stdout_logfile_maxbytes=1",
        "stdout_logfile_backups=1",
        "stdout_capture_maxbytes=1",
        "stdout_events_enabled=1",
        "stdout_syslog=1",
        "stderr_logfile=/tmp/x",
        "stderr_logfile_maxbytes=1",
        "stderr_logfile_backups=1",
        "stderr_capture_maxbytes=1",
        "stderr_events_enabled=1",
        "stderr_syslog=1",
        "environment=A=1",
        "serverurl=http://x",
        "process_name=y",
        "numprocs=0",
    ] {
        let new = format!("{PROGRAM}{setting}\n");
        assert_eq!(compare(PROGRAM, &new).changed, ["x"], "{setting}");
        assert_eq!(compare(&new, PROGRAM).changed, ["x"], "{setting}");
        assert!(compare(&new, &new).is_empty(), "{setting}");
    }
}

#[test]
fn what_means_the_same_is_no_change() {
    for (old, new) in [
        ("environment=A=1,B=2", "environment=B=\"2\",A=\"1\""),
        ("user=nobody", "user=65534"),
        ("stopsignal=TERM", "stopsignal=15"),
        (
            "stdout_logfile_maxbytes=1MB",
            "stdout_logfile_maxbytes=1024KB",
        ),
    ] {
        let (old, new) = (format!("{PROGRAM}{old}\n"), format!("{PROGRAM}{new}\n"));
        assert!(compare(&old, &new).is_empty(), "{new}");
    }
    let listener = "[eventlistener:e]\ncommand=a\nevents=";
    let (old, new) = (
        format!("{listener}TICK,EVENT\n"),
        format!("{listener}event,tick,TICK\n"),
    );
    assert!(compare(&old, &new).is_empty());
}

#[test]
fn pools_and_sockets_count() {
    let listener = "[eventlistener:x]\ncommand=a\nevents=TICK\n";
    assert_eq!(
        compare(listener, &format!("{listener}buffer_size=3\n")).changed,
        ["x"]
    );
    assert_eq!(
        compare(listener, &format!("{listener}events=EVENT\n")).changed,
        ["x"]
    );
    assert_eq!(compare(listener, PROGRAM).changed, ["x"]);
    let fcgi = "[fcgi-program:x]\ncommand=a\nsocket=unix:///x\n";
    assert_eq!(
        compare(fcgi, &format!("{fcgi}socket=unix:///y\n")).changed,
        ["x"]
    );
    assert_eq!(
        compare(fcgi, &format!("{fcgi}socket_mode=0777\n")).changed,
        ["x"]
    );
    assert_eq!(
        compare(fcgi, &format!("{fcgi}socket_backlog=3\n")).changed,
        ["x"]
    );
    assert_eq!(compare(fcgi, PROGRAM).changed, ["x"]);
    let group = "[program:x]\ncommand=a\n[program:y]\ncommand=a\n[group:g]\nprograms=x\n";
    assert_eq!(
        compare(group, &format!("{group}priority=1\n")).changed,
        ["g"]
    );
    let both = compare(group, &format!("{group}programs=x,y\n"));
    assert_eq!(
        (both.changed, both.removed),
        (vec!["g".to_owned()], vec!["y".to_owned()])
    );
}
