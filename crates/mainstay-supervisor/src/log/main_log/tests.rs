use std::fs;

use tempfile::TempDir;

use super::*;

fn file(path: &Path) -> Target {
    Target::File(path.to_owned(), Rotation::default())
}

#[test]
fn a_line_has_time_level_and_message() {
    let time = "2024-01-02T03:04:05.678999".parse().unwrap();
    assert_eq!(Timestamp(time).to_string(), "2024-01-02 03:04:05,678");
}

#[test]
fn lines_from_before_the_opening_come_first_and_the_level_holds() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("main.log");
    let log = MainLog::new(Level::Info);
    log.critical("first");
    log.info("too fine as well");
    log.warn("after the worst");
    log.critical("before it");
    log.debug("too fine");
    log.open(file(&path), Level::Warn, false).unwrap();
    log.info("too fine now");
    log.warn("second\nline");
    log.error(format_args!("{}", "third"));

    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.get(24..).unwrap_or(line))
        .collect();
    assert_eq!(
        lines,
        [
            "CRIT first",
            "CRIT before it",
            "WARN after the worst",
            "WARN second",
            "line",
            "ERRO third"
        ]
    );
}

#[test]
fn clearing_begins_a_new_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("main.log");
    let log = MainLog::new(Level::Info);
    log.open(file(&path), Level::Info, false).unwrap();
    log.info("old");
    log.clear().unwrap();
    log.info("new");
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.ends_with("INFO new\n") && !text.contains("old"),
        "{text}"
    );
}
