//! Which names can be expanded where.

use super::Site;

#[test]
fn every_place_has_its_names() {
    let program = "[program:x]\ncommand=a\n";
    let fcgi = "[fcgi-program:x]\ncommand=a\nsocket=unix:///x\n";
    let listener = "[eventlistener:x]\ncommand=a\nevents=TICK\n";
    let all = [
        "here",
        "host_node_name",
        "program_name",
        "group_name",
        "process_num",
        "numprocs",
    ];
    let cases: &[(&str, &str, &[&str])] = &[
        ("", "identifier", &all[..1]),
        ("", "environment", &all[..2]),
        ("[include]\n", "files", &all[..2]),
        ("[unix_http_server]\n", "file", &all[..1]),
        ("[unix_http_server]\nfile=x\npassword=x\n", "username", &[]),
        ("[inet_http_server]\nport=1\npassword=x\n", "username", &[]),
        ("[group:g]\n", "priority", &all[..1]),
        ("[group:g]\n", "programs", &all[..1]),
        (program, "priority", &all[..1]),
        (program, "serverurl", &all[..4]),
        (program, "startsecs", &all[..4]),
        (program, "umask", &all[..4]),
        (program, "command", &all),
        (program, "process_name", &all),
        (program, "environment", &all),
        (program, "directory", &all),
        (program, "stdout_logfile", &all),
        (program, "stderr_logfile", &all),
        (program, "stdout_syslog", &all),
        (program, "stderr_logfile_maxbytes", &all),
        (program, "stdout_logfile_backups", &all),
        (fcgi, "user", &all[..1]),
        (fcgi, "socket_backlog", &all[..1]),
        (fcgi, "socket_owner", &all[..1]),
        (listener, "events", &all[..1]),
        (listener, "buffer_size", &all[..1]),
        (listener, "result_handler", &all[..1]),
    ];
    for (before, key, names) in cases {
        for name in all {
            // Not what a value of the option looks like; only whether the name is known counts.
            let site = Site::running(&format!("{before}{key}=%({name})s\n"));
            let unknown = site
                .check()
                .problems
                .iter()
                .any(|problem| problem.text().contains("which cannot be expanded"));
            assert_eq!(unknown, !names.contains(&name), "{name} in {before}{key}");
        }
        let site = Site::running(&format!("{before}{key}=%(ENV_X)s\n")).env("X", "1");
        let problems = site.check().problems;
        assert!(
            !problems
                .iter()
                .any(|problem| problem.text().contains("cannot be expanded")),
            "{problems:?}"
        );
    }
}

#[test]
fn the_fcgi_socket_knows_its_program() {
    let site =
        Site::running("[fcgi-program:x]\ncommand=a\nsocket=unix://%(here)s/%(program_name)s\n");
    let socket = site.process().socket.unwrap();
    assert_eq!(socket.url, format!("unix://{}/x", site.here()));
}

#[test]
fn environments_pass_on_to_what_is_read_after_them() {
    let site = Site::running(
        "environment=A=\"%(ENV_HOME)s\",B=\"%(host_node_name)s\"\n\
         [program:x]\n\
         environment=A=\"own %(ENV_A)s\",C=\"%(ENV_B)s %(process_num)d\"\n\
         command=%(ENV_A)s %(ENV_C)s\n\
         directory=/%(ENV_C)s\n\
         process_name=%(ENV_B)s\n\
         serverurl=%(ENV_A)s\n",
    )
    .env("HOME", "/root");
    let process = site.process();
    assert_eq!(process.command, "own /root localhost 0");
    assert_eq!(process.directory.unwrap().to_str(), Some("/localhost 0"));
    assert_eq!(process.name, "localhost");
    // Read once, before the program's own environment is known.
    assert_eq!(process.serverurl.as_deref(), Some("/root"));
    let environment: Vec<_> = process
        .environment
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        environment,
        [("A", "own /root"), ("B", "localhost"), ("C", "localhost 0")]
    );
}

#[test]
fn an_environment_does_not_know_itself() {
    let site = Site::running("[program:x]\ncommand=a\nenvironment=A=1,B=%(ENV_A)s\n");
    assert!(site.error().text().contains("('ENV_A')"));
}

#[test]
fn percent_signs_are_doubled_once() {
    let site = Site::running(
        "environment=E=\"100%%\"\n[program:x]\ncommand=a 5%%\nstdout_logfile=/tmp/a%%b.log\n\
         environment=F=\"%%d\"\n",
    );
    let process = site.process();
    assert_eq!(process.command, "a 5%");
    assert_eq!(
        process.stdout.logfile,
        super::super::LogFile::File("/tmp/a%b.log".into())
    );
    assert_eq!(process.environment[0].1, "100%");
    assert_eq!(process.environment[1].1, "%d");
    assert_eq!(site.warnings(), Vec::<String>::new());
}

#[test]
fn who_doubled_the_signs_of_a_log_twice_gets_what_he_had_and_a_warning() {
    let site = Site::running("[program:x]\ncommand=a\nstdout_logfile=/tmp/a%%%%b.log\n");
    let process = site.process();
    assert_eq!(
        process.stdout.logfile,
        super::super::LogFile::File("/tmp/a%b.log".into())
    );
    assert_eq!(
        site.warnings(),
        [
            "For [program:x], stdout_logfile is expanded twice, to '/tmp/a%b.log'; write \
          '/tmp/a%%b.log' to have that"
        ]
    );
}

#[test]
fn a_format_without_a_name_is_taken_literally_with_a_warning() {
    let site = Site::running(
        "[program:x]\ncommand=date +%s\nnumprocs=3\nprocess_name=%(process_num)d\n\
         stdout_logfile=/tmp/%s.log\n",
    );
    let config = site.config();
    let process = &config.groups[0].processes[0];
    assert_eq!(process.command, "date +%s");
    assert_eq!(
        process.stdout.logfile,
        super::super::LogFile::File("/tmp/%s.log".into())
    );
    assert_eq!(
        site.warnings(),
        [
            "HERE/main.conf:6: [program:x] stdout_logfile: %s has no name and is taken as it is; \
             write %%s",
            "HERE/main.conf:3: [program:x] command: %s has no name and is taken as it is; write %%s",
        ]
    );
}
