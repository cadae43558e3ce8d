//! Values of programs.

use super::Site;
use crate::cli::DaemonOptions;
use crate::config::{Autorestart, LogFile, Stream, User};

#[test]
fn a_program_of_one_line_has_the_defaults_of_the_table() {
    let process = Site::running("[program:cat]\ncommand=/bin/cat\n").process();
    assert_eq!(
        (process.name.as_str(), process.group.as_str()),
        ("cat", "cat")
    );
    assert_eq!(process.command, "/bin/cat");
    assert_eq!(
        (process.directory, process.umask, process.user),
        (None, None, None)
    );
    assert_eq!(process.priority, 999);
    assert!(process.autostart);
    assert_eq!(process.autorestart, Autorestart::Unexpected);
    assert_eq!((process.startsecs, process.startretries), (1, 3));
    assert_eq!((process.stopsignal, process.stopwaitsecs), (15, 10));
    assert!(!process.stopasgroup && !process.killasgroup && !process.redirect_stderr);
    assert_eq!(process.exitcodes, [0]);
    let stream = Stream {
        logfile: LogFile::Auto,
        maxbytes: 50 << 20,
        backups: 10,
        capture_maxbytes: 0,
        events_enabled: false,
        syslog: false,
    };
    assert_eq!((&process.stdout, &process.stderr), (&stream, &stream));
    assert_eq!(
        (process.environment.len(), process.serverurl, process.socket),
        (0, None, None)
    );
}

#[test]
fn every_value_arrives() {
    let site = Site::running(
        "[program:x]\ncommand=a b\nprocess_name=n%(process_num)d\nnumprocs=1\nnumprocs_start=4\n\
         priority=-3\nautostart=off\nstartsecs=0\nstartretries=-1\nautorestart=TRUE\n\
         exitcodes=0, 2,255\nstopsignal=usr2\nstopwaitsecs=30\nstopasgroup=1\nuser=app\n\
         redirect_stderr=yes\nstdout_logfile=relative.log\nstdout_logfile_maxbytes=1kb\n\
         stdout_logfile_backups=0\nstdout_capture_maxbytes=2 MB\nstdout_events_enabled=on\n\
         stdout_syslog=true\nstderr_logfile=NONE\nstderr_logfile_maxbytes=3\n\
         stderr_logfile_backups=4\nstderr_capture_maxbytes=5\nstderr_events_enabled=1\n\
         stderr_syslog=1\nenvironment=A=\"b\"\ndirectory=/x/%(process_num)d\numask=027\n\
         serverurl=http://other\n",
    );
    let process = site.process();
    assert_eq!(process.name, "n4");
    assert_eq!(process.priority, -3);
    assert!(!process.autostart && process.stopasgroup && process.killasgroup);
    assert_eq!((process.startsecs, process.startretries), (0, 0));
    assert_eq!(process.autorestart, Autorestart::Always);
    assert_eq!(process.exitcodes, [0, 2, 255]);
    assert_eq!((process.stopsignal, process.stopwaitsecs), (12, 30));
    assert_eq!(
        process.user,
        Some(User {
            name: "app".into(),
            uid: 1000,
            gid: 1000
        })
    );
    assert_eq!(
        process.stdout,
        Stream {
            logfile: LogFile::File(site.dir.path().join("relative.log")),
            maxbytes: 1024,
            backups: 0,
            capture_maxbytes: 2 << 20,
            events_enabled: true,
            syslog: true,
        }
    );
    assert_eq!(
        process.stderr,
        Stream {
            logfile: LogFile::None,
            maxbytes: 3,
            backups: 4,
            capture_maxbytes: 5,
            events_enabled: true,
            syslog: true,
        }
    );
    assert_eq!(process.environment, [("A".to_owned(), "b".to_owned())]);
    assert_eq!(process.directory.unwrap().to_str(), Some("/x/4"));
    assert_eq!(process.umask, Some(0o27));
    assert_eq!(process.serverurl.as_deref(), Some("http://other"));
}

#[test]
fn numprocs_makes_that_many_and_none() {
    let site = Site::running(
        "[program:x]\ncommand=a %(process_num)d/%(numprocs)d\n\
         process_name=%(program_name)s_%(process_num)02d\nnumprocs=3\nnumprocs_start=9\n\
         [program:none]\ncommand=a\nnumprocs=-1\n",
    );
    let config = site.config();
    let commands: Vec<_> = config.groups[1]
        .processes
        .iter()
        .map(|process| (process.name.as_str(), process.command.as_str()))
        .collect();
    assert_eq!(
        commands,
        [("x_09", "a 9/3"), ("x_10", "a 10/3"), ("x_11", "a 11/3")]
    );
    assert_eq!(
        (
            config.groups[0].name.as_str(),
            config.groups[0].processes.len()
        ),
        ("none", 0)
    );
}

#[test]
fn relative_logs_follow_the_daemon_into_its_directory() {
    let text = "directory=/tmp\n[program:x]\ncommand=a\nstdout_logfile=x.log\n";
    let logfile = |text: &str| Site::running(text).process().stdout.logfile;
    assert_eq!(logfile(text), LogFile::File("/tmp/x.log".into()));
    let site = Site::running(&format!("nodaemon=true\n{text}"));
    assert_eq!(
        site.process().stdout.logfile,
        LogFile::File(site.dir.path().join("x.log"))
    );
}

#[test]
fn the_command_line_wins() {
    let site = Site::running("loglevel=debug\nidentifier=file\nnodaemon=false\numask=077\n");
    let line = DaemonOptions {
        loglevel: Some(crate::config::Level::Error),
        nodaemon: true,
        umask: Some(0o22),
        ..DaemonOptions::default()
    };
    let supervisord = super::load(&site.path(), &line, &site.context)
        .unwrap()
        .supervisord;
    assert_eq!(supervisord.loglevel, crate::config::Level::Error);
    assert!(supervisord.nodaemon);
    assert_eq!(
        (supervisord.umask, supervisord.identifier.as_str()),
        (0o22, "file")
    );
}

#[test]
fn the_main_log_can_go_elsewhere() {
    use crate::config::MainLogFile;
    for (text, expected) in [
        ("syslog", MainLogFile::Syslog),
        ("NONE", MainLogFile::File("/dev/null".into())),
        ("Off", MainLogFile::File("/dev/null".into())),
        ("/tmp/./x", MainLogFile::File("/tmp/x".into())),
    ] {
        let config = Site::running(&format!("logfile={text}\n")).config();
        assert_eq!(config.supervisord.logfile, expected, "{text}");
    }
}

#[test]
fn thousands_of_programs_are_read_in_a_moment() {
    use std::fmt::Write as _;
    let mut text = String::from("[group:all]\nprograms=p0");
    for number in 1..2000 {
        write!(text, ",p{number}").unwrap();
    }
    text.push('\n');
    for number in 0..2000 {
        writeln!(text, "[program:p{number}]\ncommand=/bin/app {number}").unwrap();
    }
    let mut site = Site::running(&text);
    for number in 0..100 {
        site = site.env(&format!("VARIABLE_{number}"), "a value of some length");
    }
    let before = std::time::Instant::now();
    assert_eq!(site.config().groups[0].processes.len(), 2000);
    // Unoptimized and on a busy machine; what must not be is seconds for what grows with the square.
    assert!(before.elapsed().as_secs() < 20, "{:?}", before.elapsed());
}
