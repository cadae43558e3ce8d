//! Names that are not ours to rename or remove, whatever they lead to at the moment.
//!
//! `/dev/stdout` leads to a regular file when the daemon's output goes to one. It is still the whole
//! machine's.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Whether a log of this name may be renamed at a rotation and removed when it is cleared.
///
/// Files may, and so may links to files, as in the original. What leads into `/proc` may not, nor
/// may a link in `/dev`.
pub(super) fn is_ours(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_symlink() => !is_borrowed(path),
        Ok(about) => about.is_file(),
        // It has vanished, or cannot be renamed either.
        Err(_) => true,
    }
}

/// Goes the way that the kernel goes, link by link: the last one, in `/proc`, hides where it led.
fn is_borrowed(path: &Path) -> bool {
    let Ok(absolute) = std::path::absolute(path) else {
        return true;
    };
    let mut at = PathBuf::from("/");
    let mut ahead = reversed(&absolute);
    let mut links = 0;
    while let Some(step) = ahead.pop() {
        if step == ".." {
            at.pop();
            continue;
        }
        at.push(step);
        if at.starts_with("/proc") {
            return true;
        }
        let Ok(target) = fs::read_link(&at) else {
            continue;
        };
        at.pop();
        links += 1;
        if links > MOST_LINKS || (ahead.is_empty() && at == Path::new("/dev")) {
            return true;
        }
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        ahead.extend(reversed(&target));
    }
    false
}

/// The steps of a path, the first one last.
fn reversed(path: &Path) -> Vec<OsString> {
    let steps = path.components().rev().filter_map(|component| {
        let step = matches!(component, Component::Normal(_) | Component::ParentDir);
        step.then(|| component.as_os_str().to_owned())
    });
    steps.collect()
}

/// The kernel follows no more.
const MOST_LINKS: u32 = 40;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn files_and_links_to_files_are_ours_and_ways_into_proc_are_not() {
        let dir = TempDir::new().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("file"), "").unwrap();
        fs::create_dir(path("sub")).unwrap();
        for (target, name) in [
            ("file", "link"),
            ("../link", "sub/second"),
            ("/proc/self/fd", "fd"),
            ("fd/1", "stdout"),
            ("../stdout", "sub/stdout"),
            ("loop", "loop"),
        ] {
            symlink(target, path(name)).unwrap();
        }
        for (name, expected) in [
            ("file", true),
            ("link", true),
            ("sub/second", true),
            ("missing", true),
            ("stdout", false),
            ("sub/stdout", false),
            ("loop", false),
            ("sub", false),
        ] {
            assert_eq!(is_ours(&path(name)), expected, "{name}");
        }
        for name in ["/dev/stdout", "/dev/stderr", "/proc/self/fd/1", "/dev/null"] {
            assert!(!is_ours(Path::new(name)), "{name}");
        }
    }
}
