//! Following a file that grows, is truncated, or gives way to another one of its name.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;
use tokio::sync::{mpsc, watch};

use super::connection::closed;
use super::watched::Watched;
use crate::rpc::window;

/// A file that is being followed.
#[derive(Debug)]
pub(super) struct Followed {
    /// The last bytes of the file, then what is added, without end.
    pub(super) body: Body,
    /// When the file was last written to.
    pub(super) modified: Option<SystemTime>,
}

/// Follows the file of a name; `None` if there is none.
///
/// Nothing happens while nothing is written: the kernel tells about changes. The stream ends when
/// `closing` says so, with what the file holds by then; it stops reading when the client does not
/// take what was read.
pub(super) async fn follow(
    path: PathBuf,
    closing: watch::Receiver<bool>,
) -> io::Result<Option<Followed>> {
    // Watched first, so that nothing is missed between reading and waiting.
    let watched = Watched::new(&path);
    let opened = blocking(move || Ok(Reading::open(&path)?.map(|it| (it, path)))).await?;
    let Some((reading, path)) = opened else {
        return Ok(None);
    };
    let modified = reading.modified;
    let (sender, receiver) = mpsc::channel(1);
    let follower = Follower {
        path,
        reading,
        watched,
        sender,
    };
    tokio::spawn(follower.run(closing));
    Ok(Some(Followed {
        body: Body::new(Stream(receiver)),
        modified,
    }))
}

struct Follower {
    path: PathBuf,
    reading: Reading,
    watched: Watched,
    sender: mpsc::Sender<Bytes>,
}

impl Follower {
    async fn run(mut self, closing: watch::Receiver<bool>) {
        let sender = self.sender.clone();
        let result = tokio::select! {
            result = self.pump_until(closing) => result,
            () = sender.closed() => Ok(()),
        };
        if let Err(error) = result {
            let path = self.path.display();
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot follow {path}"
            );
        }
    }

    async fn pump_until(&mut self, closing: watch::Receiver<bool>) -> io::Result<()> {
        tokio::select! {
            result = self.pump() => return result,
            () = closed(closing) => {}
        }
        // What was written last matters most. Whoever is far behind is cut off, at a clean end.
        tokio::time::timeout(LAST_BYTES, self.pump_to_the_end())
            .await
            .unwrap_or(Ok(()))
    }

    /// Sends what there is by now, through the rotations that nobody has told of yet. Somebody may go
    /// on writing, so not for ever.
    async fn pump_to_the_end(&mut self) -> io::Result<()> {
        for _ in 0..LAST_STEPS {
            let end = self.reading.file.metadata()?.len();
            while self.reading.position < end && self.send_chunk().await? {}
            match self.next_step().await? {
                Step::Wait => return Ok(()),
                Step::Truncated => self.begin_again().await,
                Step::Replaced(next) => self.reading = next,
            }
        }
        Ok(())
    }

    async fn begin_again(&mut self) {
        self.send(Bytes::from_static(TRUNCATED)).await;
        self.reading.position = 0;
    }

    async fn pump(&mut self) -> io::Result<()> {
        loop {
            self.send_news().await?;
            match self.next_step().await? {
                Step::Wait => self.watched.changed().await,
                Step::Truncated => self.begin_again().await,
                Step::Replaced(next) => {
                    // What was written to the old file before it went away.
                    self.send_news().await?;
                    self.reading = next;
                    self.watched.file(&self.path);
                }
            }
        }
    }

    /// Sends what the file holds beyond what was sent.
    async fn send_news(&mut self) -> io::Result<()> {
        while self.send_chunk().await? {}
        Ok(())
    }

    /// Sends the next bytes; whether there were any. Cancel safety: they are sent, or come again.
    async fn send_chunk(&mut self) -> io::Result<bool> {
        let chunk = self.reading.chunk().await?;
        let length = chunk.len() as u64;
        if length > 0 {
            self.send(chunk).await;
            self.reading.position += length;
        }
        Ok(length > 0)
    }

    async fn next_step(&self) -> io::Result<Step> {
        let path = self.path.clone();
        let (identity, position) = (self.reading.identity, self.reading.position);
        blocking(move || {
            Ok(match Reading::open(&path) {
                // Gone for the moment, as in the middle of a rotation.
                Ok(None) | Err(_) => Step::Wait,
                Ok(Some(next)) if next.identity != identity => {
                    Step::Replaced(successor(&path, identity).unwrap_or(next).rewound())
                }
                Ok(Some(same)) if same.size < position => Step::Truncated,
                Ok(Some(_)) => Step::Wait,
            })
        })
        .await
    }

    async fn send(&self, bytes: Bytes) {
        // When nobody takes it any more, `run` ends.
        let _ = self.sender.send(bytes).await;
    }
}

enum Step {
    Wait,
    Truncated,
    Replaced(Reading),
}

/// The file that followed the one of an identity, if that is among the backups: several rotations may
/// lie between two looks, and each has moved every file one number on.
fn successor(path: &Path, identity: (u64, u64)) -> Option<Reading> {
    let backup = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    let identity_of = |number| std::fs::metadata(backup(number)).map(|it| (it.dev(), it.ino()));
    for _ in 0..TRIES {
        // A rotation under way leaves a gap for a moment.
        let mut gaps = 0;
        let number = (1..)
            .map_while(|number| {
                let found = identity_of(number).ok();
                gaps += u32::from(found.is_none());
                (gaps < 2).then_some((number, found))
            })
            .find(|(_, found)| *found == Some(identity));
        let Some((number, _)) = number else { continue };
        let next = match number {
            1 => Reading::open(path),
            _ => Reading::open(&backup(number - 1)),
        };
        // Another rotation in the meantime has moved both.
        if let Ok(Some(next)) = next
            && identity_of(number).is_ok_and(|found| found == identity)
        {
            return Some(next);
        }
    }
    None
}

/// An open file, and how far it was read.
#[derive(Debug)]
struct Reading {
    file: std::sync::Arc<File>,
    identity: (u64, u64),
    size: u64,
    position: u64,
    modified: Option<SystemTime>,
}

impl Reading {
    /// Opens a file, to be read from shortly before its end.
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let Some((file, size)) = window::open(path)? else {
            return Ok(None);
        };
        let metadata = file.metadata()?;
        Ok(Some(Self {
            identity: (metadata.dev(), metadata.ino()),
            size,
            position: size.saturating_sub(FIRST_BYTES),
            modified: metadata.modified().ok(),
            file: std::sync::Arc::new(file),
        }))
    }

    fn rewound(self) -> Self {
        Self {
            position: 0,
            ..self
        }
    }

    async fn chunk(&self) -> io::Result<Bytes> {
        let (file, position) = (std::sync::Arc::clone(&self.file), self.position);
        blocking(move || {
            let mut chunk = vec![0; LARGEST_CHUNK];
            let count = file.read_at(&mut chunk, position)?;
            chunk.truncate(count);
            // Not to hold 64 KiB for a line.
            chunk.shrink_to_fit();
            Ok(Bytes::from(chunk))
        })
        .await
    }
}

/// The bytes as they come from the follower.
struct Stream(mpsc::Receiver<Bytes>);

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0
            .poll_recv(cx)
            .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// What the original begins with.
const FIRST_BYTES: u64 = 1024;
/// How long the end of a stream may take, and through how many rotations it goes.
const LAST_BYTES: Duration = Duration::from_secs(1);
const LAST_STEPS: usize = 100;
const TRUNCATED: &[u8] = b"==> File truncated <==\n";
const LARGEST_CHUNK: usize = 64 * 1024;
/// Each is for a rotation that came in between, and these take the time to fill a file.
const TRIES: usize = 10;

#[cfg(test)]
mod tests;
