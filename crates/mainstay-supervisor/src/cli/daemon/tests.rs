use super::*;

fn parse(line: &str) -> Result<Command, String> {
    let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    Options::parse(&args, &Context::bare("/")).map_err(|error| error.to_string())
}

#[track_caller]
fn options(line: &str) -> Options {
    match parse(line) {
        Ok(Command::Run(options)) => options,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn every_option_arrives() {
    let all = "-c /a.conf -n -s -u app -m 077 -d /tmp -l /tmp/x.log -y 1MB -z 3 -e debug -j x.pid \
               -i name -q /tmp -k -a 7 --minprocs 8 -t --profile_options a,b";
    let expected = Options {
        configuration: Some("/a.conf".into()),
        nodaemon: true,
        silent: true,
        user: Some(User {
            name: "app".into(),
            uid: 1000,
            gid: 1000,
        }),
        umask: Some(0o77),
        directory: Some("/tmp".into()),
        logfile: Some(MainLogFile::File("/tmp/x.log".into())),
        logfile_maxbytes: Some(1 << 20),
        logfile_backups: Some(3),
        loglevel: Some(Level::Debug),
        pidfile: Some("/x.pid".into()),
        identifier: Some("name".into()),
        childlogdir: Some("/tmp".into()),
        nocleanup: true,
        minfds: Some(7),
        minprocs: Some(8),
        strip_ansi: true,
    };
    assert_eq!(options(all), expected);
    let long = "--configuration /a.conf --nodaemon --silent --user 1000 --umask 077 \
                --directory /tmp --logfile /tmp/x.log --logfile_maxbytes 1MB \
                --logfile_backups 3 --loglevel DEBUG --pidfile x.pid --identifier name \
                --childlogdir /tmp --nocleanup --minfds 7 --minprocs 8 --strip_ansi";
    let user = User {
        name: "1000".into(),
        uid: 1000,
        gid: 1000,
    };
    assert_eq!(
        options(long),
        Options {
            user: Some(user),
            ..expected
        }
    );
    assert_eq!(options(""), Options::default());
}

#[test]
fn options_act_from_left_to_right() {
    assert_eq!(parse("-h"), Ok(Command::Help));
    assert_eq!(parse("-?"), Ok(Command::Help));
    assert_eq!(parse("-n -v -e nonsense"), Ok(Command::Version));
    assert_eq!(parse("--sample-config"), Ok(Command::SampleConfig));
    assert!(parse("-e nonsense -v").is_err());
    assert!(parse("-v -x").is_err());
    assert!(matches!(parse("--check -c x"), Ok(Command::Check(_))));
}

#[test]
fn mistakes_have_the_words_of_supervisor() {
    for (line, expected) in [
        ("-n -n", "conflicting command line option '-n'"),
        (
            "-n --nodaemon",
            "conflicting command line option '--nodaemon'",
        ),
        (
            "-e foo",
            "invalid value for -e 'foo': bad logging level name 'foo'",
        ),
        (
            "-efoo",
            "invalid value for -e 'foo': bad logging level name 'foo'",
        ),
        (
            "--loglev=foo",
            "invalid value for --loglevel 'foo': bad logging level name 'foo'",
        ),
        (
            "-m 9",
            "invalid value for -m '9': 9 can not be converted to an octal type",
        ),
        (
            "-d /none",
            "invalid value for -d '/none': /none is not an existing directory",
        ),
        (
            "-l /none/x",
            "invalid value for -l '/none/x': The directory named as part of the path /none/x \
             does not exist",
        ),
        (
            "-z x",
            "invalid value for -z 'x': invalid literal for int() with base 10: 'x'",
        ),
        ("-u stranger", "Invalid user name stranger"),
        (
            "foo bar",
            "positional arguments are not supported: ['foo', 'bar']",
        ),
    ] {
        assert_eq!(parse(line), Err(expected.to_owned()), "{line}");
    }
}

#[test]
fn the_help_names_every_option_of_the_table() {
    let help = Options::help("mainstayd");
    for row in config::options::Kind::Supervisord.rows() {
        // What has no option is set in the file only.
        let expected = row.key != "environment";
        assert_eq!(
            help.contains(&format!("--{}", row.key)),
            expected,
            "{}",
            row.key
        );
    }
}

#[test]
fn the_user_is_looked_for_last() {
    for (line, expected) in [
        (
            "-u stranger -e nope",
            "invalid value for -e 'nope': bad logging level name 'nope'",
        ),
        (
            "-u stranger word",
            "positional arguments are not supported: ['word']",
        ),
        ("-u stranger", "Invalid user name stranger"),
    ] {
        assert_eq!(parse(line).unwrap_err(), expected);
    }
    assert!(matches!(parse("-u stranger -h"), Ok(Command::Help)));
}
