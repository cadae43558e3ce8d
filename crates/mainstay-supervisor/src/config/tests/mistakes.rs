//! The catalogue of mistakes, as data.

use std::fs;

use super::{Site, data};

#[test]
fn every_mistake_has_the_words_of_the_catalogue() {
    let text = fs::read_to_string(data("mistakes.txt")).unwrap();
    let mut count = 0;
    for case in text.split("\n### ").skip(1) {
        let (title, case) = case.split_once('\n').unwrap();
        let (file, message) = case.split_once("\n---\n").unwrap();
        let message = message
            .split_once("\n--- Supervisor\n")
            .map_or(message, |(ours, _)| ours);
        let site = Site::with(&format!("{file}\n")).env("COLON", ":");
        let expected = message
            .trim_end_matches('\n')
            .replace("<file>", site.path().to_str().unwrap())
            .replace("Available names: <names>", "Available names: ENV_COLON, ")
            .replace("ENV_COLON, \n", "ENV_COLON\n");
        let expected = expected.trim_end_matches(", ");
        assert_eq!(site.error().text(), expected, "{title}");
        count += 1;
    }
    assert!(count > 80, "only {count} cases were read");
}

#[test]
fn a_message_names_file_line_option_and_what_was_expected() {
    for (text, expected) in [
        (
            "[program:x]\ncommand=a\nstartsecs=soon\n",
            "invalid literal for int() with base 10: 'soon' in section 'program:x' \
             (file: 'HERE/main.conf'); line 4: startsecs: expected a whole number",
        ),
        (
            "loglevel=warning\n",
            "bad logging level name 'warning'; HERE/main.conf:2: [supervisord] loglevel: expected \
             one of `critical`, `error`, `warn`, `info`, `debug`, `trace`, `blather`; hint: did you \
             mean `warn`?",
        ),
        (
            "[program:x]\n",
            "program section program:x does not specify a command in section 'program:x' \
             (file: 'HERE/main.conf'); line 2: command: expected the program's path and its \
             arguments",
        ),
        (
            "[program:x]\ncommand=a\n[group:g]\nprograms=\n x,y\n",
            "[group:g] names unknown program or fcgi-program y; HERE/main.conf:5: [group:g] programs",
        ),
        (
            "[program:x]\ncommand=a\nstopsignal=SIGTREM\n",
            "value 'SIGTREM' is not a valid signal name in section 'program:x' (file: \
             'HERE/main.conf'); line 4: stopsignal: expected a signal's name such as `TERM`, or its number; hint: did you mean `TERM`?",
        ),
        (
            "logfile_maxbytes=5M\n",
            "invalid literal for int() with base 10: '5m'; HERE/main.conf:2: [supervisord] \
             logfile_maxbytes: expected a number of bytes, or one with KB, MB or GB, such as `50MB`; \
             hint: the unit is written MB",
        ),
        (
            "[program:x]\ncommand=a %(ENV_GONE)s\n",
            "Format string 'a %(ENV_GONE)s' for 'program:x.command' contains names ('ENV_GONE') \
             which cannot be expanded. Available names: group_name, here, host_node_name, numprocs, \
             process_num, program_name in section 'program:x' (file: 'HERE/main.conf'); \
             line 3: command; hint: the environment has no variable GONE",
        ),
        (
            "[fcgi-program:x]\ncommand=a\n",
            "[fcgi-program:x] section requires a \"socket\" line; HERE/main.conf:2: \
             [fcgi-program:x] socket: expected `tcp://host:port` or `unix:///absolute/path`",
        ),
    ] {
        let site = Site::running(text);
        assert_eq!(
            site.error().to_string().replace(site.here(), "HERE"),
            expected
        );
    }
}

#[test]
fn files_that_are_not_there_or_not_text() {
    let site = Site::running("");
    let gone = site.dir.path().join("gone.conf");
    let error = super::load(&gone, &super::DaemonOptions::default(), &site.context).unwrap_err();
    assert!(error.is_missing_file());
    assert_eq!(
        error.text(),
        format!("could not find config file {}", gone.display())
    );

    let error = super::load(
        site.dir.path(),
        &super::DaemonOptions::default(),
        &site.context,
    );
    let error = error.unwrap_err();
    assert!(error.is_missing_file());
    assert_eq!(
        error.text(),
        format!("could not read config file {}", site.here())
    );

    fs::write(site.path(), b"[supervisord]\n\nlogfile=\xff\n").unwrap();
    let error = site.error();
    assert_eq!(
        error.text(),
        format!("{} is not UTF-8 text", site.path().display())
    );
    assert_eq!(error.origin().unwrap().line, 3);

    fs::write(site.path(), "\u{feff}[supervisord]\n").unwrap();
    site.config();
}

#[test]
fn without_a_file_the_places_that_were_searched_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut context = super::Context::bare(dir.path());
    context.program = dir.path().join("bin/mainstayd");
    let error = crate::config::locate(None, &context).unwrap_err();
    let here = dir.path().display();
    assert_eq!(
        error.text(),
        format!(
            "No config file found at default paths ({here}/etc/supervisord.conf, \
             {here}/supervisord.conf, supervisord.conf, etc/supervisord.conf, \
             /etc/supervisord.conf, /etc/supervisor/supervisord.conf); use the -c option to \
             specify a config file at a different path"
        )
    );
    fs::create_dir(dir.path().join("etc")).unwrap();
    fs::write(dir.path().join("etc/supervisord.conf"), "").unwrap();
    let found = crate::config::locate(None, &context).unwrap();
    assert_eq!(found, dir.path().join("etc/supervisord.conf"));
}
