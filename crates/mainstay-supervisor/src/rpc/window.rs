//! Reading parts of logs: which bytes a client asks for, and those bytes as text.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// A range of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

impl Window {
    const EMPTY: Self = Self {
        start: 0,
        length: 0,
    };

    /// What `read…Log(offset, length)` means for a file of this size; `None`: it means nothing.
    pub(crate) fn of_read(size: u64, offset: i64, length: i64) -> Option<Self> {
        let wanted = u64::try_from(length).ok()?;
        let Ok(start) = u64::try_from(offset) else {
            return (wanted == 0).then(|| Self::last(size, offset.unsigned_abs()));
        };
        let rest = size.saturating_sub(start);
        let length = if wanted == 0 { rest } else { wanted.min(rest) };
        Some(Self { start, length })
    }

    /// What `tail…Log(offset, length)` means for a file of this size, and whether there was more
    /// after `offset` than fits.
    pub(crate) fn of_tail(size: u64, offset: i64, length: i64) -> (Self, bool) {
        // `Offset + length` must not overflow, and no file is larger than that.
        let end = i128::from(offset) + i128::from(length);
        let overflow = i128::from(size) > end;
        let Ok(wanted) = u64::try_from(length) else {
            return (Self::EMPTY, overflow);
        };
        let beyond = end > i128::from(size);
        let window = if overflow {
            Self::last(size, wanted)
        } else if beyond && i128::from(offset) >= i128::from(size) {
            Self::EMPTY
        } else if beyond {
            Self::last(size, wanted)
        } else {
            Self::last(size, wanted.min(size))
        };
        (window, overflow)
    }

    /// The last `length` bytes of a file of this size, or all of them.
    pub(crate) fn last(size: u64, length: u64) -> Self {
        let length = length.min(size);
        Self {
            start: size - length,
            length,
        }
    }
}

/// The bytes of a window, with what stands around it as far as a character can reach.
#[derive(Debug, Default)]
pub(crate) struct Excerpt {
    bytes: Vec<u8>,
    /// Where the window begins in `bytes`, and where it ends.
    start: usize,
    end: usize,
}

impl Excerpt {
    /// Reads a window. Blocks.
    pub(crate) fn read(file: &File, window: Window) -> io::Result<Self> {
        let from = window.start.saturating_sub(REACH);
        let until = window
            .start
            .saturating_add(window.length)
            .saturating_add(REACH);
        let wanted = usize::try_from(until - from).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = vec![0; wanted];
        let mut filled = 0;
        while filled < wanted {
            match file.read_at(&mut bytes[filled..], from + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        // Both fit: they are not more than `wanted`.
        let start = (window.start - from) as usize;
        let end = start + window.length as usize;
        Ok(Self {
            start: start.min(filled),
            end: end.min(filled),
            bytes,
        })
    }

    /// The window as text.
    ///
    /// A character belongs to the window that holds its first byte, so neighbouring windows put
    /// together give the text of the whole, and none shows a broken half. Bytes that are not UTF-8
    /// become U+FFFD.
    pub(crate) fn text(&self) -> String {
        let mut text = String::with_capacity(self.end - self.start);
        let mut position = 0;
        for chunk in self.bytes.utf8_chunks() {
            let valid = chunk.valid();
            let from = boundary(valid, self.start.saturating_sub(position));
            let until = boundary(valid, self.end.saturating_sub(position));
            text.push_str(&valid[from..until]);
            position += valid.len();
            if !chunk.invalid().is_empty() && (self.start..self.end).contains(&position) {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            position += chunk.invalid().len();
        }
        text
    }
}

/// Opens a log for reading; `None` if there is no file that could be read.
///
/// A log that is a device or a pipe (`/dev/stdout`) has nothing to read: opening it could wait for
/// ever, and reading it would steal from its reader.
pub(crate) fn open(path: &Path) -> io::Result<Option<(File, u64)>> {
    let file = match OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(Some((file, metadata.len())))
}

/// The first character boundary at or after `at`.
fn boundary(text: &str, at: usize) -> usize {
    (at..text.len())
        .find(|&index| text.is_char_boundary(index))
        .unwrap_or(text.len())
}

/// How many bytes of a character can lie beyond its first.
const REACH: u64 = 3;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reading_takes_the_range_that_was_asked_for() {
        // (size, offset, length) → (start, length)
        for (size, offset, length, expected) in [
            (10, 0, 0, Some((0, 10))),
            (10, 4, 0, Some((4, 6))),
            (10, 10, 0, Some((10, 0))),
            (10, 11, 0, Some((11, 0))),
            (10, 0, 4, Some((0, 4))),
            (10, 8, 4, Some((8, 2))),
            (10, 20, 4, Some((20, 0))),
            (10, -4, 0, Some((6, 4))),
            (10, -10, 0, Some((0, 10))),
            (10, -11, 0, Some((0, 10))),
            (10, i64::MIN, 0, Some((0, 10))),
            (10, -4, 1, None),
            (10, -4, -1, None),
            (10, 0, -1, None),
            (10, 4, -1, None),
            (0, 0, 0, Some((0, 0))),
            (0, -5, 0, Some((0, 0))),
        ] {
            let window = Window::of_read(size, offset, length);
            let expected = expected.map(|(start, length)| Window { start, length });
            assert_eq!(
                window, expected,
                "size {size}, offset {offset}, length {length}"
            );
        }
    }

    #[test]
    fn a_tail_ends_with_the_file() {
        // (size, offset, length) → ((start, length), overflow)
        for (size, offset, length, expected, overflow) in [
            // More than fits: the last bytes.
            (10, 0, 4, (6, 4), true),
            (10, 2, 4, (6, 4), true),
            (10, -20, 4, (6, 4), true),
            (10, -20, 25, (0, 10), true),
            // Exactly the range.
            (10, 6, 4, (6, 4), false),
            (10, 0, 10, (0, 10), false),
            (0, 0, 0, (0, 0), false),
            // Less than fits: the last bytes again, which may repeat some.
            (10, 8, 4, (6, 4), false),
            (10, 0, 100, (0, 10), false),
            (10, 9, 100, (0, 10), false),
            // Nothing new.
            (10, 10, 4, (0, 0), false),
            (10, 11, 4, (0, 0), false),
            // Nothing asked for.
            (10, 0, 0, (10, 0), true),
            (10, 10, 0, (10, 0), false),
            (10, 0, -1, (0, 0), true),
            (10, 11, -1, (0, 0), false),
            (10, i64::MAX, i64::MAX, (0, 0), false),
            (10, i64::MIN, i64::MAX, (0, 10), true),
        ] {
            let (window, more) = Window::of_tail(size, offset, length);
            let case = format!("size {size}, offset {offset}, length {length}");
            assert_eq!((window.start, window.length), expected, "{case}");
            assert_eq!(more, overflow, "{case}");
        }
    }

    fn file_with(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn text(file: &File, start: u64, length: u64) -> String {
        Excerpt::read(file, Window { start, length })
            .unwrap()
            .text()
    }

    #[test]
    fn characters_are_never_split() {
        let file = file_with("aé€🦀z".as_bytes());
        for (start, length, expected) in [
            (0, 1, "a"),
            (0, 2, "aé"),
            (0, 3, "aé"),
            (2, 1, ""),
            (2, 2, "€"),
            (3, 1, "€"),
            (5, 1, ""),
            (6, 1, "🦀"),
            (9, 1, ""),
            (10, 1, "z"),
            (7, 100, "z"),
            (50, 100, ""),
        ] {
            assert_eq!(text(&file, start, length), expected, "{start}, {length}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_replaced() {
        let file = file_with(b"a\xffb\xe2\x82");
        assert_eq!(text(&file, 0, 100), "a\u{FFFD}b\u{FFFD}");
    }

    #[test]
    fn only_regular_files_are_read() {
        let directory = tempfile::tempdir().unwrap();

        assert!(open(&directory.path().join("none")).unwrap().is_none());
        assert!(open(directory.path()).is_err());
        assert!(open(Path::new("/dev/null")).is_err());
    }

    proptest! {
        #[test]
        fn neighbouring_windows_make_the_whole(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..60),
                any::<String>().prop_map(String::into_bytes),
            ],
            step in 1_u64..9,
        ) {
            let file = file_with(&bytes);
            let whole: String =
                (0..bytes.len() as u64).step_by(step as usize).map(|at| text(&file, at, step)).collect();
            prop_assert_eq!(whole, String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn windows_stay_inside_the_file(size in 0_u64..1000, offset: i64, length: i64) {
            let (tail, _) = Window::of_tail(size, offset, length);
            prop_assert!(tail.start + tail.length <= size);
            if let Some(read) = Window::of_read(size, offset, length) {
                prop_assert!(read.length == 0 || read.start + read.length <= size);
            }
        }
    }
}
