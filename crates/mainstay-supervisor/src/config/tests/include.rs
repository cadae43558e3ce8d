//! Included files.

use super::Site;
use crate::config::{Level, MainLogFile};

#[test]
fn files_are_read_in_the_order_of_patterns_then_of_names() {
    let site = Site::running("[include]\nfiles=b/*.conf a/*.conf\n  nothing/*.conf\n")
        .and("a/2.conf", "[program:x]\ncommand=a2\n")
        .and("a/1.conf", "[program:x]\ncommand=a1\n")
        .and("b/9.conf", "[program:x]\ncommand=b9\nstartsecs=9\n")
        .and("a/.hidden.conf", "not read\n");
    let process = site.process();
    assert_eq!((process.command.as_str(), process.startsecs), ("a2", 9));
    let notes: Vec<_> = site
        .config()
        .notes
        .into_iter()
        .map(|note| (note.level, note.message.replace(site.here(), "HERE")))
        .collect();
    assert_eq!(
        notes,
        [
            (
                Level::Info,
                "Included extra file \"HERE/b/9.conf\" during parsing".into()
            ),
            (
                Level::Info,
                "Included extra file \"HERE/a/1.conf\" during parsing".into()
            ),
            (
                Level::Info,
                "Included extra file \"HERE/a/2.conf\" during parsing".into()
            ),
            (
                Level::Warn,
                "No file matches via include \"HERE/nothing/*.conf\"".into()
            ),
        ]
    );
}

#[test]
fn here_is_the_directory_of_each_file() {
    let site = Site::running("logfile=%(here)s/main.log\n[include]\nfiles=sub/*.conf\n").and(
        "sub/x.conf",
        "[program:x]\ncommand=%(here)s/x\n[supervisord]\nidentifier=%(here)s\n",
    );
    let config = site.config();
    let here = site.dir.path();
    assert_eq!(
        config.supervisord.logfile,
        MainLogFile::File(here.join("main.log"))
    );
    assert_eq!(
        config.supervisord.identifier,
        format!("{}/sub", site.here())
    );
    assert_eq!(
        config.groups[0].processes[0].command,
        format!("{}/sub/x", site.here())
    );
}

#[test]
fn an_include_in_an_included_file_is_not_followed() {
    let site = Site::running("[include]\nfiles=x.conf\n")
        .and("x.conf", "[include]\nfiles=y.conf\n")
        .and("y.conf", "broken\n");
    assert!(site.config().groups.is_empty());
}

#[test]
fn a_match_that_cannot_be_read_is_warned_of() {
    let site = Site::running("[include]\nfiles=sub*\n").and("sub/x.conf", "");
    let warnings = site.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].starts_with("Could not read extra file \"HERE/sub\": "),
        "{warnings:?}"
    );
}

#[test]
fn a_mistake_in_an_included_file_names_it() {
    let site = Site::running("[include]\nfiles=x.conf\n")
        .and("x.conf", "[program:x]\ncommand=a\n\nstartsecs=x\n");
    let error = site.error();
    let file = format!("{}/x.conf", site.here());
    assert!(
        error
            .text()
            .ends_with(&format!("in section 'program:x' (file: '{file}')")),
        "{error}"
    );
    assert_eq!(
        (&*error.origin().unwrap().file, error.origin().unwrap().line),
        (&*file, 4)
    );

    let site = Site::running("[include]\nfiles=x.conf\n").and("x.conf", "[program:x]\nfoo\nbar\n");
    assert_eq!(
        site.error().text(),
        format!(
            "Source contains parsing errors: '{}/x.conf'\n\t[line  2]: 'foo\\n'\n\t[line  3]: 'bar\\n'",
            site.here()
        )
    );
}

#[test]
fn the_client_ignores_includes() {
    let site =
        Site::with("[supervisorctl]\nserverurl=unix://%(here)s/./a.sock\n[include]\nfiles=x\n")
            .and("x", "[supervisorctl]\nserverurl=http://other\n");
    assert_eq!(
        site.ctl().unwrap().serverurl,
        format!("unix://{}/a.sock", site.here())
    );
}

#[test]
fn paths_stay_as_written_but_here_has_no_detours() {
    let site = Site::running(
        "[include]\nfiles=%(here)s/a/../b/*.conf ./b//x.conf ./b//*.conf ./[b]/./x.conf\n",
    )
    .and("a/none", "")
    .and("b/x.conf", "[program:x]\ncommand=%(here)s/x\n");
    assert_eq!(site.process().command, format!("{}/b/x", site.here()));
    let read: Vec<_> = site
        .config()
        .notes
        .into_iter()
        .map(|note| note.message.replace(site.here(), "HERE"))
        .collect();
    assert_eq!(
        read,
        ["a/../b/x.conf", "./b//x.conf", "./b/x.conf", "./b/./x.conf"]
            .map(|path| format!("Included extra file \"HERE/{path}\" during parsing"))
    );
}

#[test]
fn a_link_to_nowhere_is_warned_of() {
    let site = Site::running("[include]\nfiles=*.inc gone.inc\n");
    std::os::unix::fs::symlink("nowhere", site.dir.path().join("gone.inc")).unwrap();
    let warnings = site.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    for warning in warnings {
        assert!(
            warning.starts_with("Could not read extra file \"HERE/gone.inc\": "),
            "{warning}"
        );
    }
}
