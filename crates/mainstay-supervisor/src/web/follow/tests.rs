//! Files that grow, are cut, and give way.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use http_body_util::BodyExt as _;

use super::*;

struct Tail {
    body: Body,
    read: Vec<u8>,
    closing: watch::Sender<bool>,
}

impl Tail {
    async fn of(path: &Path) -> Self {
        let closing = watch::Sender::new(false);
        let followed = follow(path.to_owned(), closing.subscribe())
            .await
            .unwrap()
            .unwrap();
        Self {
            body: followed.body,
            read: Vec::new(),
            closing,
        }
    }

    /// Waits until exactly this has come since the last call.
    async fn expect(&mut self, expected: &[u8]) {
        let more = async {
            while self.read.len() < expected.len() {
                let frame = self.body.frame().await.unwrap().unwrap();
                self.read.extend_from_slice(&frame.into_data().unwrap());
            }
        };
        let result = tokio::time::timeout(Duration::from_secs(10), more).await;
        let read = String::from_utf8_lossy(&self.read).into_owned();
        assert!(result.is_ok(), "no more came than {read:?}");
        assert_eq!(read, String::from_utf8_lossy(expected));
        self.read.clear();
    }
}

/// Moves a file and its backups on, and begins another one.
fn rotate(path: &Path, text: &str) {
    let backup = |number: u32| path.with_extension(format!("log.{number}"));
    for number in (1..5).rev().filter(|number| backup(*number).exists()) {
        fs::rename(backup(number), backup(number + 1)).unwrap();
    }
    fs::rename(path, backup(1)).unwrap();
    append(path, text);
}

fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn it_begins_with_the_last_1024_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.log");
    for (length, expected) in [(0, 0), (1, 1), (1023, 1023), (1024, 1024), (5000, 1024)] {
        fs::write(&path, "x".repeat(length)).unwrap();
        let mut tail = Tail::of(&path).await;
        append(&path, "end");
        tail.expect(format!("{}end", "x".repeat(expected)).as_bytes())
            .await;
    }
}

#[tokio::test]
async fn it_goes_on_with_what_is_added() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.log");
    fs::write(&path, "one\n").unwrap();
    let mut tail = Tail::of(&path).await;
    tail.expect(b"one\n").await;
    append(&path, "two\n");
    tail.expect(b"two\n").await;
    let large = "y".repeat(3 * LARGEST_CHUNK);
    append(&path, &large);
    tail.expect(large.as_bytes()).await;
}

#[tokio::test]
async fn a_rotation_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.log");
    fs::write(&path, "one\n").unwrap();
    let mut tail = Tail::of(&path).await;
    tail.expect(b"one\n").await;

    append(&path, "last of the old\n");
    fs::rename(&path, path.with_extension("log.1")).unwrap();
    fs::write(&path, "first of the new\n").unwrap();

    tail.expect(b"last of the old\nfirst of the new\n").await;
    append(&path, "more\n");
    tail.expect(b"more\n").await;
}

#[tokio::test]
async fn rotations_between_two_looks_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.log");
    append(&path, "old\n");
    rotate(&path, "one\n");
    let mut tail = Tail::of(&path).await;
    tail.expect(b"one\n").await;

    // This runs on the follower's own thread, so it sees all of it at once.
    append(&path, "end of one\n");
    for text in ["two\n", "three\n", "four\n"] {
        rotate(&path, text);
    }

    tail.expect(b"end of one\ntwo\nthree\nfour\n").await;
    append(&path, "more\n");
    tail.expect(b"more\n").await;

    // One that was moved elsewhere tells nothing about the backups that are there.
    fs::rename(&path, directory.path().join("elsewhere")).unwrap();
    append(&path, "five\n");
    tail.expect(b"five\n").await;
}

#[tokio::test]
async fn the_end_of_a_stream_has_what_was_written_by_then() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.log");
    append(&path, "one\n");
    let mut tail = Tail::of(&path).await;
    tail.expect(b"one\n").await;

    // All of it before the follower has its turn.
    append(&path, "end of one\n");
    rotate(&path, "two\n");
    rotate(&path, "a third one that is cut\n");
    tail.closing.send_replace(true);

    tail.expect(b"end of one\ntwo\na third one that is cut\n")
        .await;
    assert!(tail.body.frame().await.is_none());

    let mut tail = Tail::of(&path).await;
    tail.expect(b"a third one that is cut\n").await;
    fs::write(&path, "new\n").unwrap();
    tail.closing.send_replace(true);
    tail.expect(b"==> File truncated <==\nnew\n").await;
    assert!(tail.body.frame().await.is_none());
}

#[tokio::test]
async fn a_truncation_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.log");
    fs::write(&path, "something long\n").unwrap();
    let mut tail = Tail::of(&path).await;
    tail.expect(b"something long\n").await;

    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(0)
        .unwrap();

    tail.expect(b"==> File truncated <==\n").await;
    append(&path, "short\n");
    tail.expect(b"short\n").await;
}

#[tokio::test]
async fn without_watches_it_looks_again_and_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.log");
    fs::write(&path, "one\n").unwrap();
    let reading = Reading::open(&path).unwrap().unwrap();
    let watched = Watched::by_the_clock();
    let (sender, receiver) = mpsc::channel(1);
    let follower = Follower {
        path: path.clone(),
        reading,
        watched,
        sender,
    };
    let closing = watch::Sender::new(false);
    tokio::spawn(follower.run(closing.subscribe()));
    let body = Body::new(Stream(receiver));
    let mut tail = Tail {
        body,
        read: Vec::new(),
        closing,
    };

    tail.expect(b"one\n").await;
    append(&path, "two\n");
    tail.expect(b"two\n").await;
}

#[tokio::test]
async fn it_ends_when_the_server_closes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.log");
    fs::write(&path, "one\n").unwrap();
    let closing = watch::Sender::new(false);
    let followed = follow(path, closing.subscribe()).await.unwrap().unwrap();

    closing.send_replace(true);

    let body = tokio::time::timeout(Duration::from_secs(10), followed.body.collect());
    body.await.expect("the stream goes on").unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_not_followed() {
    let closing = watch::Sender::new(false);
    let missing = follow("/nowhere/x.log".into(), closing.subscribe())
        .await
        .unwrap();
    assert!(missing.is_none());
    assert!(
        follow("/dev/null".into(), closing.subscribe())
            .await
            .is_err()
    );
}
