//! Reports: every problem at once, and warnings.

use super::Site;

#[test]
fn a_report_has_every_problem_of_every_file() {
    let site = Site::with(
        "[supervisord]\nloglevel=verbose\nminfds=x\nnonsense\n\n\
         [include]\nfiles=more.conf\n\n\
         [program:a]\nstartsecs=x\nautorestart=perhaps\nnumprocs=3\n\n\
         [group:g]\nprograms=a,b,c\n\n\
         [inet_http_server]\nusername=a\n",
    )
    .and(
        "more.conf",
        "[program:c]\ncommand=%(nope)s\nuser=stranger\nstdout_logfile=/nope/x\n",
    );
    let report = site.check();
    assert!(!report.is_ok());
    let found: Vec<(String, usize, Option<&str>)> = report
        .problems
        .iter()
        .map(|problem| {
            let origin = problem.origin().unwrap();
            let file = origin.file.rsplit('/').next().unwrap().to_owned();
            (file, origin.line, problem.key_name())
        })
        .collect();
    let mut expected = vec![
        ("main.conf", 4, None),
        ("main.conf", 2, Some("loglevel")),
        ("main.conf", 3, Some("minfds")),
        ("main.conf", 10, Some("startsecs")),
        ("main.conf", 11, Some("autorestart")),
        ("main.conf", 9, Some("process_name")),
        ("main.conf", 9, Some("command")),
        ("main.conf", 15, Some("programs")),
        ("more.conf", 2, Some("command")),
        ("more.conf", 3, Some("user")),
        ("more.conf", 4, Some("stdout_logfile")),
        ("main.conf", 17, Some("port")),
        ("main.conf", 18, Some("username")),
    ];
    expected.sort_unstable();
    let mut found: Vec<_> = found
        .iter()
        .map(|(file, line, key)| (file.as_str(), *line, *key))
        .collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(
        report
            .to_string()
            .lines()
            .filter(|line| line.starts_with("error: "))
            .count(),
        13
    );
}

#[test]
fn a_good_file_has_an_empty_report() {
    let site = Site::running("[program:x]\ncommand=a\n");
    assert!(site.check().is_ok());
    assert_eq!(site.check().to_string(), "");
}

#[test]
fn what_nobody_reads_is_warned_of_with_a_suggestion() {
    let site = Site::running(
        "log_level=info\n\
         [program:x]\ncommand=a\nstartsec=5\nnice=5\n\
         [progam:y]\ncommand=b\n\
         [ program:z ]\ncommand=b\n\
         [program]\n\
         [Supervisord]\n\
         [elsewhere]\nx=y\n\
         [eventlistener:e]\ncommand=a\nevents=TICK\nbufer_size=3\nstartsecs=1\n\
         [group:g]\nprograms=x\nautostart=true\n\
         [supervisorctl]\nserver_url=x\n\
         [ctlplugin:p]\nanything=goes\nsupervisor.ctl_factory=a:b\n\
         [DEFAULT]\nstartsecs=2\nshared=1\n",
    );
    assert_eq!(
        site.warnings(),
        [
            "HERE/main.conf:2: [supervisord] has no option `log_level`: ignored; did you mean \
             `loglevel`?",
            "HERE/main.conf:5: [program:x] has no option `startsec`: ignored; did you mean \
             `startsecs`?",
            "HERE/main.conf:6: [program:x] has no option `nice`: ignored",
            "HERE/main.conf:7: [progam:y] is not a known section: ignored; did you mean \
             `[program:y]`?",
            "HERE/main.conf:9: [ program:z ] is not a known section: ignored; did you mean \
             `[program:z]`?",
            "HERE/main.conf:11: [program] is not a known section: ignored; did you mean \
             `[program:name]`?",
            "HERE/main.conf:12: [Supervisord] is not a known section: ignored; did you mean \
             `[supervisord]`?",
            "HERE/main.conf:13: [elsewhere] is not a known section: ignored",
            "HERE/main.conf:18: [eventlistener:e] has no option `bufer_size`: ignored; did you \
             mean `buffer_size`?",
            "HERE/main.conf:22: [group:g] has no option `autostart`: ignored",
            "HERE/main.conf:24: [supervisorctl] has no option `server_url`: ignored; did you mean \
             `serverurl`?",
            "HERE/main.conf:30: [DEFAULT] has no option `shared`: ignored",
        ]
    );
}

#[test]
fn a_comment_that_cuts_a_quotation_is_warned_of() {
    let site = Site::running(
        "[program:x]\ncommand=sh -c 'a ; b'\n\
         [program:y]\ncommand=a\n  'b #c'\n\
         [program:z]\ncommand=it's fine ; a comment\nenvironment=A=\"1\" ; \"quoted\"\n",
    );
    assert_eq!(
        site.warnings(),
        [
            "HERE/main.conf:3: [program:x] command: the value ends before ';', in the middle of a \
             quotation: what follows a blank and ';' is a comment, even in quotes",
            "HERE/main.conf:6: [program:y] command: the value ends before '#', in the middle of a \
             quotation: what follows a blank and '#' is a comment, even in quotes",
        ]
    );
    assert_eq!(site.config().groups[0].processes[0].command, "sh -c 'a");
}

#[test]
fn the_warnings_of_supervisor_are_there_in_its_words() {
    let site = Site::running(
        "[program:a]\ncommand=a\nstdout_logfile_maxbytes=0\nstderr_logfile_maxbytes=0\n\
         [program:b]\ncommand=a\nredirect_stderr=true\nstderr_logfile=/tmp/x\n\
         [program:c]\ncommand=a\nstdout_logfile=SysLog\n",
    );
    assert_eq!(
        site.warnings(),
        [
            "For [program:a], AUTO logging used for stdout_logfile without rollover, set maxbytes \
             > 0 to avoid filling up filesystem unintentionally",
            "For [program:a], AUTO logging used for stderr_logfile without rollover, set maxbytes \
             > 0 to avoid filling up filesystem unintentionally",
            "For [program:b], redirect_stderr=true but stderr_logfile has also been set to a \
             filename, the filename has been ignored",
            "For [program:c], stdout_logfile=syslog but this is deprecated and will be removed.  \
             Use stdout_syslog=true to enable syslog instead.",
        ]
    );
}

#[test]
fn names_that_are_taken_twice_are_warned_of() {
    let site = Site::running(
        "[program:x]\ncommand=a\n[group:x]\npriority=1\nprograms=y\n[program:y]\ncommand=b\n\
         [group:both]\nprograms=p,q\n[program:p]\ncommand=p\nprocess_name=same\n\
         [program:q]\ncommand=q\nprocess_name=same\n",
    );
    assert_eq!(
        site.warnings(),
        [
            "There is more than one process named 'same' in [group:both]; only the last one is used",
            "There is more than one group named 'x'; only the one with the lowest priority is used",
        ]
    );
    let config = site.config();
    let names: Vec<_> = config
        .groups
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(names, ["x", "both"]);
    assert_eq!(config.groups[0].processes[0].command, "b");
    assert_eq!(config.groups[1].processes.len(), 1);
    assert_eq!(config.groups[1].processes[0].command, "q");
}

#[test]
fn servers_that_let_strangers_in_are_warned_of() {
    let login = "username=u\npassword=p\n";
    let open = "[inet_http_server] is open to other machines without a login";
    let links = "[inet_http_server] allow_actions_by_get: links act";
    for (section, expected) in [
        ("port=127.0.0.1:9001\n".to_owned(), vec![]),
        ("port=127.3.2.1:9001\n".to_owned(), vec![]),
        ("port=localhost:9001\n".to_owned(), vec![]),
        ("port=[::1]:9001\n".to_owned(), vec![]),
        ("port=9001\n".to_owned(), vec![open]),
        ("port=*:9001\n".to_owned(), vec![open]),
        ("port=0.0.0.0:9001\n".to_owned(), vec![open]),
        ("port=[::]:9001\n".to_owned(), vec![open]),
        ("port=web.example:9001\n".to_owned(), vec![open]),
        (format!("port=9001\n{login}"), vec![]),
        ("port=9001\nusername=\npassword=p\n".to_owned(), vec![open]),
        (
            "port=127.0.0.1:9001\nallow_actions_by_get=true\n".to_owned(),
            vec![links],
        ),
        (
            format!("port=9001\nallow_actions_by_get=false\n{login}"),
            vec![],
        ),
        (
            "port=9001\nallow_actions_by_get=yes\n".to_owned(),
            vec![open, links],
        ),
    ] {
        let site = Site::running(&format!("[inet_http_server]\n{section}"));
        let report = site.check();
        assert!(report.is_ok(), "{section}");
        let warnings: Vec<_> = report.notes.iter().map(|note| &note.message).collect();
        assert_eq!(warnings.len(), expected.len(), "{section}: {warnings:?}");
        for (warning, expected) in warnings.iter().zip(expected) {
            assert!(warning.starts_with(expected), "{section}: {warning}");
        }
        // The daemon has a line of its own for this.
        assert_eq!(site.warnings(), [""; 0]);
    }
}
