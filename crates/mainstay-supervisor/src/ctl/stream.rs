//! Logs as they grow, and a process in the foreground.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::mpsc;
use tokio::time::interval;

use super::client::{Client, Link};
use super::error::Error;
use super::info::Info;
use super::input;
use super::output::Output;
use super::print;

/// How a stay in the foreground ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The user left.
    Left,
    /// The process went away.
    Gone,
}

impl Ending {
    pub(super) fn is_gone(self) -> bool {
        self == Self::Gone
    }
}

impl Client {
    /// Copies an endless log to the output until the server ends it, nobody reads any more, or the
    /// user presses Ctrl-C, which prints a newline.
    ///
    /// # Errors
    ///
    /// When the log cannot be had.
    pub(super) fn follow(&mut self, path: &str, out: &mut Output) -> Result<(), Error> {
        self.catch_interrupts()?;
        let Self {
            runtime,
            interrupts,
            link,
        } = self;
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = interrupts.next() => {
                    out.line("");
                    Ok(())
                }
                result = copy(link, path, out) => result,
            }
        })
    }

    /// Connects the user's input and both log channels to a process.
    ///
    /// # Errors
    ///
    /// When the server cannot be talked to any more.
    pub(super) fn foreground(&mut self, name: &str, out: &mut Output) -> Result<Ending, Error> {
        self.catch_interrupts()?;
        let Self {
            runtime,
            interrupts,
            link,
        } = self;
        let mut typed = Typed::start()?;
        runtime.block_on(async {
            let (sender, mut chunks) = mpsc::channel(16);
            for channel in ["stdout", "stderr"] {
                // A channel that has no log (`redirect_stderr`, most often) has nothing to show.
                if let Some(body) = open(link, &format!("/logtail/{name}/{channel}")).await? {
                    tokio::spawn(pump(body, sender.clone()));
                }
            }

            let mut ticks = interval(LOOK_EVERY);
            loop {
                tokio::select! {
                    biased;
                    () = interrupts.next() => return Ok(Ending::Left),
                    // Never `None`: the sender above lives as long as this loop.
                    Some(chunk) = chunks.recv() => out.bytes(&chunk),
                    line = typed.lines.recv() => {
                        let Some(line) = line else { return Ok(Ending::Left) };
                        if !send(link, name, &line).await? {
                            return Ok(Ending::Gone);
                        }
                    }
                    _ = ticks.tick() => {
                        if !runs(link, name).await? {
                            return Ok(Ending::Gone);
                        }
                    }
                }
            }
        })
    }
}

/// How often to look whether the process in the foreground is still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

async fn copy(link: &Link, path: &str, out: &mut Output) -> Result<(), Error> {
    let response = link.get(&quote(path)).await?;
    if response.status() != StatusCode::OK {
        return Err(Error::status(&response));
    }
    let mut body = response.into_body();
    // A server that is killed cuts the stream off; that is an end like any other.
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(bytes) = frame.into_data() {
            out.bytes(&bytes);
        }
        if out.is_gone() {
            break;
        }
    }
    Ok(())
}

async fn open(link: &Link, path: &str) -> Result<Option<Incoming>, Error> {
    let response = link.get(&quote(path)).await?;
    match response.status() {
        StatusCode::OK => Ok(Some(response.into_body())),
        StatusCode::NOT_FOUND => Ok(None),
        _ => Err(Error::status(&response)),
    }
}

async fn pump(mut body: Incoming, chunks: mpsc::Sender<Bytes>) {
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(bytes) = frame.into_data()
            && chunks.send(bytes).await.is_err()
        {
            return;
        }
    }
}

/// Sends a line to the process; false when it is gone.
async fn send(link: &mut Link, name: &str, line: &str) -> Result<bool, Error> {
    let params = [name.into(), format!("{line}\n").into()];
    match link.call("supervisor.sendProcessStdin", &params).await {
        Ok(_) => Ok(true),
        Err(error) => match error.fault_code() {
            Some(print::NOT_RUNNING | print::NO_FILE | print::BAD_NAME) => Ok(false),
            _ => Err(error),
        },
    }
}

async fn runs(link: &mut Link, name: &str) -> Result<bool, Error> {
    match link.call("supervisor.getProcessInfo", &[name.into()]).await {
        Ok(answer) => Ok(Info::try_from(&answer)?.is_running()),
        Err(error) if error.fault_code() == Some(print::BAD_NAME) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A path as it travels: slashes stay.
fn quote(path: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'_')
        .remove(b'.')
        .remove(b'-')
        .remove(b'~');
    utf8_percent_encode(path, KEPT).to_string()
}

/// Lines from standard input, read on a thread of their own.
///
/// The thread takes no more from standard input once this is dropped, so that the shell finds the
/// next line there.
struct Typed {
    lines: mpsc::UnboundedReceiver<String>,
    stop: Option<io::PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Typed {
    fn start() -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let (sender, lines) = mpsc::unbounded_channel();
        let thread = thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || forward(&OwnedFd::from(stopped), &sender))?;
        Ok(Self {
            lines,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        // Closing the pipe wakes the thread; only then is there an end to wait for.
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Until the input ends or `stopped` hangs up. An unreadable input is one that has ended.
fn forward(stopped: &OwnedFd, lines: &mpsc::UnboundedSender<String>) {
    let stdin = io::stdin();
    loop {
        let mut waiting = [
            PollFd::new(stopped.as_fd(), PollFlags::POLLIN),
            PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut waiting, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(_) => return,
        }
        if waiting[0].any().unwrap_or(true) {
            return;
        }
        let Ok(Some(line)) = input::line() else {
            return;
        };
        if lines.send(line).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_keep_their_slashes_and_nothing_else_that_is_special() {
        for (path, expected) in [
            ("/logtail/web/stdout", "/logtail/web/stdout"),
            ("/logtail/web:web_00/stderr", "/logtail/web%3Aweb_00/stderr"),
            ("/logtail/a b?#%/stdout", "/logtail/a%20b%3F%23%25/stdout"),
            ("/logtail/\u{fc}/stdout", "/logtail/%C3%BC/stdout"),
        ] {
            assert_eq!(quote(path), expected);
        }
    }
}
