use std::collections::BTreeMap;

use tempfile::TempDir;

use super::*;

/// Names and sizes of everything below a directory.
fn sizes(dir: &TempDir) -> BTreeMap<String, u64> {
    fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|e| {
            (
                e.file_name().into_string().unwrap(),
                e.metadata().unwrap().len(),
            )
        })
        .collect()
}

fn written(chunks: &[usize], maxbytes: u64, backups: u32) -> BTreeMap<String, u64> {
    let dir = TempDir::new().unwrap();
    let rotation = Rotation { maxbytes, backups };
    let mut log = LogFile::open(&dir.path().join("log"), rotation).unwrap();
    for &length in chunks {
        assert_eq!(log.write(&vec![b'x'; length]).unwrap(), length);
    }
    assert_eq!(log.trouble(), None);
    sizes(&dir)
}

#[test]
fn sizes_and_names_after_rotation() {
    for (chunks, maxbytes, backups, expected) in [
        (&[1][..], 10, 3, &[("log", 1)][..]),
        (&[9], 10, 3, &[("log", 9)]),
        (&[10], 10, 3, &[("log", 0), ("log.1", 10)]),
        (&[9, 9], 10, 3, &[("log", 0), ("log.1", 18)]),
        (&[30], 10, 3, &[("log", 0), ("log.1", 30)]),
        (
            &[10, 11, 12, 13, 5],
            10,
            3,
            &[("log", 5), ("log.1", 13), ("log.2", 12), ("log.3", 11)],
        ),
        (&[10, 11, 3], 10, 1, &[("log", 3), ("log.1", 11)]),
        (&[10, 3], 10, 0, &[("log", 3)]),
        (&[10], 10, 0, &[("log", 0)]),
        (&[100, 100], 0, 3, &[("log", 200)]),
    ] {
        let expected = expected
            .iter()
            .map(|(name, size)| ((*name).to_owned(), *size))
            .collect();
        assert_eq!(
            written(chunks, maxbytes, backups),
            expected,
            "{chunks:?} {maxbytes} {backups}"
        );
    }
}

#[test]
fn a_file_too_large_at_open_is_rotated_after_the_first_write() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log");
    fs::write(&path, "0123456789").unwrap();
    let mut log = LogFile::open(
        &path,
        Rotation {
            maxbytes: 5,
            backups: 1,
        },
    )
    .unwrap();
    assert_eq!(sizes(&dir).len(), 1);
    log.write(b"a").unwrap();
    assert_eq!(fs::read(dir.path().join("log.1")).unwrap(), b"0123456789a");
}

#[test]
fn it_goes_on_where_the_file_ends_now() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log");
    let mut log = LogFile::open(&path, Rotation::default()).unwrap();
    log.write(b"before").unwrap();
    fs::write(&path, "").unwrap();
    log.write(b"after").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"after");
    fs::remove_file(&path).unwrap();
    log.write(b"removed").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"removed");
}

#[test]
fn a_rotation_that_fails_is_said_once_and_loses_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log");
    fs::create_dir(dir.path().join("log.1")).unwrap();
    let mut log = LogFile::open(
        &path,
        Rotation {
            maxbytes: 4,
            backups: 1,
        },
    )
    .unwrap();
    log.write(b"0123").unwrap();
    assert!(log.trouble().unwrap().1.starts_with("could not rotate"));
    log.write(b"456").unwrap();
    assert_eq!(log.trouble(), None);
    assert_eq!(fs::read(&path).unwrap(), b"0123456");
}

#[test]
fn bytes_move_from_a_pipe_without_a_copy() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log");
    let mut log = LogFile::open(
        &path,
        Rotation {
            maxbytes: 8,
            backups: 2,
        },
    )
    .unwrap();
    let (read, write) = io::pipe().unwrap();
    for text in ["01234", "56789", "abc"] {
        (&write).write_all(text.as_bytes()).unwrap();
        assert_eq!(log.splice(read.as_fd(), 1 << 17).unwrap(), text.len());
    }
    let empty = log.splice(read.as_fd(), 1 << 17).unwrap_err();
    assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
    drop(write);
    assert_eq!(log.splice(read.as_fd(), 1 << 17).unwrap(), 0);
    assert_eq!(fs::read(dir.path().join("log.1")).unwrap(), b"0123456789");
    assert_eq!(fs::read(&path).unwrap(), b"abc");
}

#[test]
fn devices_are_neither_rotated_nor_removed() {
    let mut log = LogFile::open(
        Path::new("/dev/null"),
        Rotation {
            maxbytes: 1,
            backups: 1,
        },
    )
    .unwrap();
    assert_eq!(log.write(b"gone").unwrap(), 4);
    log.clear().unwrap();
    assert!(
        fs::metadata("/dev/null")
            .unwrap()
            .file_type()
            .is_char_device()
    );
}

#[test]
fn a_fifo_without_a_reader_keeps_what_it_can_hold() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut log = LogFile::open(
        &path,
        Rotation {
            maxbytes: 1,
            backups: 1,
        },
    )
    .unwrap();
    let mut held = 0;
    let full = loop {
        match log.write(&[b'x'; 4096]) {
            Ok(written) => held += written,
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    assert!(held >= 4096);
    assert_eq!(sizes(&dir).len(), 1);
}

#[test]
fn a_link_to_an_open_file_is_neither_renamed_nor_removed() {
    use std::os::fd::AsRawFd as _;
    let dir = TempDir::new().unwrap();
    let (path, link) = (dir.path().join("file"), dir.path().join("stdout"));
    let output = File::create(&path).unwrap();
    // As `/dev/stdout` is one, with a regular file behind it.
    let target = PathBuf::from(format!("/proc/self/fd/{}", output.as_raw_fd()));
    std::os::unix::fs::symlink(&target, &link).unwrap();
    for backups in [0, 2] {
        let maxbytes = 4;
        let mut log = LogFile::open(&link, Rotation { maxbytes, backups }).unwrap();
        log.write(b"01234").unwrap();
        log.clear().unwrap();
        log.write(b"56789").unwrap();
        assert_eq!(log.trouble(), None);
    }
    assert_eq!(fs::read_link(&link).unwrap(), target);
    assert_eq!(fs::read(&path).unwrap(), b"01234567890123456789");
    assert_eq!(sizes(&dir).len(), 2);
}

#[test]
fn a_link_to_a_file_is_rotated_and_removed_itself() {
    let dir = TempDir::new().unwrap();
    let (path, link) = (dir.path().join("file"), dir.path().join("link"));
    std::os::unix::fs::symlink("file", &link).unwrap();
    let rotation = Rotation {
        maxbytes: 4,
        backups: 1,
    };
    let mut log = LogFile::open(&link, rotation).unwrap();
    log.write(b"01234").unwrap();
    log.write(b"5").unwrap();
    assert_eq!(
        fs::read_link(dir.path().join("link.1")).unwrap(),
        Path::new("file")
    );
    assert_eq!(fs::read(&path).unwrap(), b"01234");
    assert_eq!(fs::read(&link).unwrap(), b"5");
}

#[test]
fn what_is_written_while_the_directory_is_gone_is_there_when_it_is_back() {
    let dir = TempDir::new().unwrap();
    let logs = dir.path().join("logs");
    let path = logs.join("log");
    fs::create_dir(&logs).unwrap();
    let mut log = LogFile::open(&path, Rotation::default()).unwrap();
    log.write(b"removed on purpose\n").unwrap();
    fs::remove_dir_all(&logs).unwrap();
    let (read, write) = io::pipe().unwrap();
    for number in 0..3 {
        log.write(format!("written {number}\n").as_bytes()).unwrap();
        (&write)
            .write_all(format!("moved {number}\n").as_bytes())
            .unwrap();
        log.splice(read.as_fd(), 1 << 17).unwrap();
        let said = log.trouble().map(|(level, _)| level);
        assert_eq!(said, (number == 0).then_some(Level::Error));
    }
    fs::create_dir(&logs).unwrap();
    log.write(b"back\n").unwrap();
    assert_eq!(log.trouble().unwrap().0, Level::Info);
    log.write(b"again\n").unwrap();
    assert_eq!(log.trouble(), None);
    assert_eq!(log.give_up(), 0);
    let expected = "written 0\nmoved 0\nwritten 1\nmoved 1\nwritten 2\nmoved 2\nback\nagain\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn a_file_without_a_name_holds_no_more_than_its_backups_would() {
    let dir = TempDir::new().unwrap();
    let logs = dir.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let rotation = Rotation {
        maxbytes: 10,
        backups: 1,
    };
    let mut log = LogFile::open(&logs.join("log"), rotation).unwrap();
    fs::remove_dir_all(&logs).unwrap();
    log.write(b"0123456789abcde").unwrap();
    assert!(log.trouble().unwrap().1.starts_with("could not open"));
    log.write(b"fghij").unwrap();
    assert!(log.trouble().unwrap().1.starts_with("20 bytes for"));
    log.write(b"klm").unwrap();
    assert_eq!(log.give_up(), 3);
    fs::create_dir(&logs).unwrap();
    assert_eq!(log.give_up(), 0);
    assert_eq!(fs::read(logs.join("log")).unwrap(), b"klm");
}
