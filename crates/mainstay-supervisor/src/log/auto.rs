//! AUTO log files: made when a group is created, removed at the next start.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::MainLog;
use crate::daemon::Channel;

/// Creates an empty file `<process>-<channel>---<identifier>-<8 random characters>.log`, readable by
/// its owner alone.
///
/// # Errors
///
/// Whatever creating it reports.
pub fn create(
    directory: &Path,
    process: &str,
    channel: Channel,
    identifier: &str,
) -> io::Result<PathBuf> {
    loop {
        let random: String = std::iter::repeat_with(letter).take(8).collect();
        // A name may hold a slash that an expansion smuggled in.
        let name = format!("{process}-{}---{identifier}-{random}.log", channel.name());
        let path = directory.join(name.replace('/', "_"));
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
        {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Removes the AUTO logs that an earlier daemon of this identifier has left, with their backups.
pub fn clean_up(directory: &Path, identifier: &str, log: &MainLog) {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            log.warn(format_args!("Could not clear childlog dir: {error}"));
            return;
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if !entry
            .file_name()
            .to_str()
            .is_some_and(|name| is_auto(name, identifier))
        {
            continue;
        }
        if let Err(error) = fs::remove_file(&path) {
            log.warn(format_args!(
                "Failed to clean up '{}': {error}",
                path.display()
            ));
        }
    }
}

/// Whether a file's name is that of an AUTO log or one of its backups.
fn is_auto(name: &str, identifier: &str) -> bool {
    let mark = format!("---{identifier}-");
    name.match_indices(&mark).any(|(start, _)| {
        let rest = &name[start + mark.len()..];
        let word = rest.split(char::is_whitespace).next().unwrap_or_default();
        start > 0 && word.match_indices(".log").any(|(end, _)| end > 0)
    })
}

fn letter() -> char {
    const LETTERS: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz0123456789_";
    char::from(LETTERS[rand::random_range(0..LETTERS.len())])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn names_are_recognised() {
        for (name, expected) in [
            ("cat-stdout---supervisor-a1b2c3d4.log", true),
            ("cat-stdout---supervisor-a1b2c3d4.log.1", true),
            ("cat-stdout---supervisor-a1b2c3d4.log.10", true),
            ("---supervisor-a1b2c3d4.log", false),
            ("cat-stdout---supervisor-.log", false),
            ("cat-stdout---other-a1b2c3d4.log", false),
            ("cat-stdout---supervisor-a b.log", false),
            ("cat.log", false),
        ] {
            assert_eq!(is_auto(name, "supervisor"), expected, "{name}");
        }
        assert!(
            !is_auto("cat-stdout---abc-x.log", "a.c"),
            "an identifier is not a pattern"
        );
    }

    #[test]
    fn what_was_made_is_cleaned_up_and_nothing_else() {
        let dir = TempDir::new().unwrap();
        let path = create(dir.path(), "cat", Channel::Stderr, "me").unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let other = create(dir.path(), "cat", Channel::Stdout, "you").unwrap();
        clean_up(dir.path(), "me", &MainLog::new(crate::config::Level::Info));
        assert!(!path.exists() && other.exists());
    }
}
