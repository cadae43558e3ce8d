use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::Body;

use super::{Media, Replay, multipart, replay::Frames, urlencoded};

/// Pulls frames until a scanner has seen the field, and keeps them all.
///
/// Frames are kept as they came, by reference; what is scanned is copied nowhere, except for a name
/// or a value that is cut in two.
pub(crate) struct Finder<E> {
    frames: Frames,
    error: Option<E>,
    ended: bool,
    read: usize,
    limit: usize,
    scanner: Scanner,
}

/// How a search ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Value(Value),
    /// The body ended, or does not have the shape that its media type promises.
    Nothing,
    BeyondLimit,
    /// The client has had its time.
    TooSlow,
    /// The body ended in an error, which [`Finder::error`] holds.
    Error,
}

/// What a scanner has to say after each piece.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    More,
    Value(Value),
    /// The field is there, and its value is longer than a token can be.
    TooLong,
    /// There will be no field, however much follows.
    Never,
}

enum Scanner {
    Urlencoded(urlencoded::Scanner),
    Multipart(Box<multipart::Scanner>),
}

impl<E> Finder<E> {
    pub(crate) fn new(media: Media, field: Arc<str>, limit: usize) -> Self {
        let scanner = match media {
            Media::Urlencoded => Scanner::Urlencoded(urlencoded::Scanner::new(field)),
            Media::Multipart(boundary) => {
                Scanner::Multipart(Box::new(multipart::Scanner::new(&boundary, field)))
            }
        };
        Self {
            frames: Frames::default(),
            error: None,
            ended: false,
            read: 0,
            limit,
            scanner,
        }
    }

    /// Cancel safe: what was pulled stays in the finder.
    pub(crate) fn poll<B>(&mut self, body: &mut B, cx: &mut Context<'_>) -> Poll<Found>
    where
        B: Body<Data = Bytes, Error = E> + Unpin,
    {
        loop {
            let frame = match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    self.error = Some(error);
                    self.ended = true;
                    return Poll::Ready(Found::Error);
                }
                None => {
                    self.ended = true;
                    return Poll::Ready(self.end());
                }
            };
            let Some(data) = frame.data_ref() else {
                self.frames.push(frame);
                continue;
            };
            if data.is_empty() {
                // Nobody can tell it from no frame, and a stream of them must not fill the queue.
                continue;
            }
            // Cut to the limit, so that the verdict does not depend on how the body is framed.
            let scan = self
                .scanner
                .feed(&data[..data.len().min(self.limit - self.read)]);
            let beyond = data.len() > self.limit - self.read;
            self.read = self.limit.min(self.read + data.len());
            self.frames.push(frame);
            match scan {
                Scan::Value(value) => return Poll::Ready(Found::Value(value)),
                Scan::TooLong => return Poll::Ready(Found::Value(Value::too_long())),
                Scan::Never => return Poll::Ready(Found::Nothing),
                Scan::More if beyond => return Poll::Ready(Found::BeyondLimit),
                Scan::More => {}
            }
        }
    }

    pub(crate) fn error(&mut self) -> Option<E> {
        self.error.take()
    }

    /// The body as it was before the search.
    pub(crate) fn replay<B>(self, rest: B) -> Replay<B>
    where
        B: Body<Data = Bytes, Error = E>,
    {
        Replay::new(self.frames, self.error, self.ended, rest)
    }

    fn end(&mut self) -> Found {
        match self.scanner.finish() {
            Scan::Value(value) => Found::Value(value),
            Scan::TooLong => Found::Value(Value::too_long()),
            Scan::More | Scan::Never => Found::Nothing,
        }
    }
}

impl Scanner {
    fn feed(&mut self, data: &[u8]) -> Scan {
        match self {
            Self::Urlencoded(scanner) => scanner.feed(data),
            Self::Multipart(scanner) => scanner.feed(data),
        }
    }

    fn finish(&mut self) -> Scan {
        match self {
            Self::Urlencoded(scanner) => scanner.finish(),
            Self::Multipart(scanner) => scanner.finish(),
        }
    }
}

/// What may be a token: a value on the stack, since tokens are short and there are many of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value {
    bytes: [u8; VALUE_LIMIT],
    length: usize,
}

impl Value {
    pub(super) const EMPTY: Self = Self {
        bytes: [0; VALUE_LIMIT],
        length: 0,
    };

    /// `None` if there are more than any token has.
    pub(super) fn copy(bytes: &[u8]) -> Option<Self> {
        let mut value = Self::EMPTY;
        value.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        value.length = bytes.len();
        Some(value)
    }

    /// The same, byte by byte.
    pub(super) fn collect(bytes: impl Iterator<Item = u8>) -> Option<Self> {
        let mut value = Self::EMPTY;
        for byte in bytes {
            *value.bytes.get_mut(value.length)? = byte;
            value.length += 1;
        }
        Some(value)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Stands for a value beyond the limit: not empty, and no token.
    fn too_long() -> Self {
        Self {
            length: 1,
            ..Self::EMPTY
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.length)
    }
}

/// The longest value that is looked at: gorilla's tokens have 88 bytes, ours 72.
pub(super) const VALUE_LIMIT: usize = 128;
