//! The time zone that people see times in.
//!
//! As in the C library: what `TZ` says, else `/etc/localtime`, else UTC. One file is read, once;
//! jiff's own search lists every zone there is, which takes longer than all else at a start, and keeps
//! the list.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// The zone of this process.
pub(crate) fn local() -> TimeZone {
    LOCAL.clone()
}

/// The time in that zone.
pub(crate) fn now() -> Zoned {
    Timestamp::now().to_zoned(local())
}

static LOCAL: LazyLock<TimeZone> = LazyLock::new(|| {
    let zone = Source::of(
        env::var_os("TZ").as_deref(),
        env::var_os("TZDIR").as_deref(),
    );
    zone.read().unwrap_or(TimeZone::UTC)
});

/// Where a zone is described.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    Utc,
    File(PathBuf),
    /// A file with the zone's name in one of these directories, or else a rule, such as
    /// `CET-1CEST,M3.5.0,M10.5.0/3`.
    Named(String, Vec<PathBuf>),
}

impl Source {
    /// `TZ` and `TZDIR` as they are in the environment.
    fn of(zone: Option<&OsStr>, directory: Option<&OsStr>) -> Self {
        let Some(zone) = zone else {
            return Self::File("/etc/localtime".into());
        };
        let zone = zone.to_string_lossy();
        let zone = zone.strip_prefix(':').unwrap_or(&zone);
        if zone.is_empty() {
            return Self::Utc;
        }
        if Path::new(zone).is_absolute() {
            return Self::File(zone.into());
        }
        let directories = match directory.filter(|directory| !directory.is_empty()) {
            Some(directory) => vec![PathBuf::from(directory)],
            None => DIRECTORIES.iter().map(PathBuf::from).collect(),
        };
        Self::Named(zone.to_owned(), directories)
    }

    fn read(&self) -> Option<TimeZone> {
        match self {
            Self::Utc => None,
            Self::File(path) => read(path),
            Self::Named(zone, directories) => directories
                .iter()
                .find_map(|directory| read(&directory.join(zone)))
                .or_else(|| TimeZone::posix(zone).ok())
                // Without dates they are those of the United States, as in the C library.
                .or_else(|| TimeZone::posix(&format!("{zone},M3.2.0,M11.1.0")).ok()),
        }
    }
}

fn read(path: &Path) -> Option<TimeZone> {
    // A pipe in its place would keep us waiting, and a device could have no end.
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    TimeZone::tzif("Local", &fs::read(path).ok()?).ok()
}

/// Where systems keep their zones.
const DIRECTORIES: [&str; 3] = [
    "/usr/share/zoneinfo",
    "/usr/share/lib/zoneinfo",
    "/etc/zoneinfo",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_looked_for_where_the_c_library_looks() {
        let file = |path: &str| Source::File(path.into());
        let named = |zone: &str, directories: &[&str]| {
            let directories = directories.iter().map(PathBuf::from).collect();
            Source::Named(zone.to_owned(), directories)
        };
        for (zone, directory, expected) in [
            (None, None, file("/etc/localtime")),
            (None, Some("/zones"), file("/etc/localtime")),
            (Some(""), None, Source::Utc),
            (Some(":"), None, Source::Utc),
            (Some("/zones/x"), None, file("/zones/x")),
            (Some(":/zones/x"), None, file("/zones/x")),
            (
                Some("Made/Up"),
                Some("/zones"),
                named("Made/Up", &["/zones"]),
            ),
            (Some(":CET"), None, named("CET", &DIRECTORIES)),
            (Some("CET"), Some(""), named("CET", &DIRECTORIES)),
        ] {
            let found = Source::of(zone.map(OsStr::new), directory.map(OsStr::new));
            assert_eq!(found, expected, "{zone:?} {directory:?}");
        }
    }

    #[test]
    fn a_rule_is_a_zone_too_and_nonsense_is_none() {
        let read =
            |zone: &str| Source::of(Some(OsStr::new(zone)), Some(OsStr::new("/none"))).read();
        let summer = Timestamp::from_second(1_720_000_000).unwrap();
        let there = read("CET-1CEST,M3.5.0,M10.5.0/3").map(|zone| zone.to_offset(summer));
        assert_eq!(there, Some(jiff::tz::offset(2)));
        let there = read("CET-1CEST").map(|zone| zone.to_offset(summer));
        assert_eq!(there, Some(jiff::tz::offset(2)));
        for nonsense in ["nonsense", "../../etc/passwd", "/etc/passwd", ":", "/"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
