//! What a child writes: from its pipe into its log.
//!
//! One task per pipe waits until there is something and moves it. It goes on after the child has
//! exited for as long as somebody holds the other end: a grandchild's words are kept as well, and
//! delay nobody. When the log takes nothing, the bytes stay in the pipe, where they are safe, and the
//! child waits as it would for any slow reader.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::unistd::read;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

use crate::config::Level;
use crate::daemon::Channel;
use crate::event::Audience;
use crate::log::{AnsiStripper, ChildLog, Held, MainLog, Poured, Syslog, Wait};
use crate::sys;

pub use streams::{Lost, Settling, Streams};

mod streams;

/// What happens to the bytes of one stream.
#[derive(Debug)]
pub struct Tap {
    /// The process, for messages.
    pub process: String,
    /// Which stream.
    pub channel: Channel,
    /// Where the bytes go.
    pub log: Rc<RefCell<ChildLog>>,
    /// Takes terminal escapes out before.
    pub strip: Option<AnsiStripper>,
    /// Hears everything, and takes out what is not for the log.
    pub audience: Option<Audience>,
    /// Gets a copy by lines.
    pub syslog: Option<Syslog>,
    /// Gets a copy at level debug, and complaints.
    pub main: MainLog,
}

/// One stream of one child.
#[derive(Debug)]
pub struct Output {
    flow: Rc<RefCell<Flow>>,
    source: Option<AsyncFd<Rc<OwnedFd>>>,
}

#[derive(Debug)]
struct Flow {
    pipe: Option<Rc<OwnedFd>>,
    tap: Tap,
    copies: bool,
    /// Read but not yet in the log: `bytes[written..]`.
    bytes: Vec<u8>,
    written: usize,
    /// How many bytes have come out of the pipe, and how many of them are dealt with.
    taken: u64,
    settled: u64,
    /// Our turn at a device or pipe, while a piece is there in part.
    turn: Option<Held>,
    /// How much of a line that goes on in the next piece.
    unfinished: usize,
    /// Tells the end of the daemon, which may wait for this.
    moved: Option<Rc<Notify>>,
    syslog_failed: bool,
    wide: bool,
}

impl Output {
    /// Takes the reading end, which must not block. Nothing moves before [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// When the pipe cannot be waited for: out of memory or of watches.
    pub fn open(pipe: OwnedFd, tap: Tap) -> io::Result<Self> {
        let pipe = Rc::new(pipe);
        let source = sys::watch(Rc::clone(&pipe), Interest::READABLE)?;
        let copies = tap.strip.is_some()
            || tap.audience.is_some()
            || tap.syslog.is_some()
            || tap.main.enabled(Level::Debug);
        let flow = Flow {
            pipe: Some(pipe),
            tap,
            copies,
            bytes: Vec::new(),
            written: 0,
            taken: 0,
            settled: 0,
            turn: None,
            unfinished: 0,
            moved: None,
            syslog_failed: false,
            wide: false,
        };
        Ok(Self {
            flow: Rc::new(RefCell::new(flow)),
            source: Some(source),
        })
    }

    /// Moves what comes from now on, until everybody has closed the other end.
    pub fn start(&mut self) {
        if let Some(source) = self.source.take() {
            tokio::task::spawn_local(run(Rc::clone(&self.flow), source));
        }
    }

    /// Forgets what was captured of a message that goes on.
    pub fn clear_capture(&self) {
        if let Some(audience) = &mut self.flow.borrow_mut().tap.audience {
            audience.clear();
        }
    }

    /// Moves what is in the pipe now. Never waits, neither for the log nor for a grandchild that
    /// goes on writing.
    pub fn drain(&self) {
        self.flow.borrow_mut().drain();
    }
}

async fn run(flow: Rc<RefCell<Flow>>, source: AsyncFd<Rc<OwnedFd>>) {
    // An error here means that the runtime is going down.
    while let Ok(mut ready) = source.readable().await {
        let progress = {
            let mut flow = flow.borrow_mut();
            let progress = flow.pump();
            if let Some(moved) = &flow.moved {
                moved.notify_waiters();
            }
            progress
        };
        match progress {
            Poured::Bytes(_) | Poured::NeedsCopy => {
                drop(ready);
                tokio::task::yield_now().await;
            }
            Poured::Empty => ready.clear_ready(),
            Poured::End => break,
            Poured::Busy(wait) => {
                drop(ready);
                // On the heap, as in the arm below: hundreds of tasks that never wait for this would
                // each have the room for it.
                Box::pin(wait.over()).await;
            }
            Poured::Stuck => {
                drop(ready);
                Box::pin(Wait::Later.over()).await;
            }
        }
    }
    flow.borrow_mut().finish();
}

impl Flow {
    fn drain(&mut self) {
        let mut left = self.left();
        for _ in 0..DRAIN_MOST {
            match self.step() {
                Poured::Bytes(count) if count < left => left -= count,
                Poured::NeedsCopy => {}
                _ => break,
            }
        }
    }

    /// What has been written to the pipe and is not in the log.
    fn left(&self) -> usize {
        self.pipe.as_ref().map_or(0, sys::pending) + self.held()
    }

    /// Moves a good deal, then lets others have their turn.
    fn pump(&mut self) -> Poured {
        let mut moved = 0;
        for _ in 0..STEPS {
            match self.step() {
                Poured::Bytes(count) => moved += count,
                Poured::NeedsCopy => {}
                other => return other,
            }
            if moved >= FULL {
                self.widen();
            }
            if self.turn.is_none() && self.tap.log.borrow().takes_turns() {
                break;
            }
        }
        Poured::Bytes(0)
    }

    /// More than a pipe holds came without a pause, so its writer waits for us. Those who write that
    /// much get a larger one, so that they and we take turns less often; the others cost no more than
    /// before.
    fn widen(&mut self) {
        if let Some(pipe) = &self.pipe
            && !std::mem::replace(&mut self.wide, true)
        {
            // Refused to users who have many already, which does no harm.
            let _ = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(WIDE));
        }
    }

    fn step(&mut self) -> Poured {
        let Some(pipe) = self.pipe.clone() else {
            return Poured::End;
        };
        if self.held() == 0 {
            if !self.copies {
                let poured = self.tap.log.borrow_mut().pour(pipe.as_fd(), CHUNK);
                self.copies = matches!(poured, Poured::NeedsCopy);
                if let Poured::Bytes(count) = poured {
                    self.taken += count as u64;
                    self.settled = self.taken;
                }
                return poured;
            }
            match self.fill(&pipe) {
                Ok(0) if self.held() == 0 => return Poured::End,
                Ok(_) => {}
                Err(Errno::EINTR) => return Poured::Bytes(0),
                Err(Errno::EAGAIN) => {
                    // Idle programs need no buffer.
                    self.bytes = Vec::new();
                    self.turn = None;
                    return Poured::Empty;
                }
                Err(_) => return Poured::End,
            }
        }
        let poured = self.empty();
        if self.held() == 0 {
            self.settled = self.taken;
        }
        // Whoever waits for his turn gets it after a whole piece. Where a line goes on in the next
        // piece, after that one. A log that fails is nobody's.
        let whole = self.held() == 0 && !(1..LONGEST).contains(&self.unfinished);
        if whole || matches!(poured, Poured::Stuck) {
            self.turn = None;
        }
        poured
    }

    fn held(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Reads one piece and shows it to everybody but the log.
    fn fill(&mut self, pipe: &OwnedFd) -> Result<usize, Errno> {
        self.written = 0;
        // Zeroing a large piece costs more than asking how little there is.
        self.bytes.resize(sys::pending(pipe).clamp(PIECE, CHUNK), 0);
        let result = read(pipe, &mut self.bytes);
        let (room, count) = (self.bytes.len(), result.unwrap_or(0));
        self.bytes.truncate(count);
        self.taken += count as u64;
        // As much as there was room for: the pipe may have the rest of the last line.
        self.unfinished = match self.bytes.last() {
            Some(last) if count == room && *last != b'\n' => self.unfinished + count,
            _ => 0,
        };
        if let Some(strip) = &mut self.tap.strip {
            strip.strip(&mut self.bytes);
        }
        if let Some(audience) = &mut self.tap.audience {
            match result {
                Ok(0) => self.bytes = audience.end(),
                Ok(_) => audience.hear(&mut self.bytes),
                Err(_) => {}
            }
        }
        if !self.bytes.is_empty() {
            self.show();
        }
        result
    }

    fn show(&mut self) {
        let tap = &mut self.tap;
        let (name, channel) = (&tap.process, tap.channel.name());
        if tap.main.enabled(Level::Debug) {
            let text = String::from_utf8_lossy(&self.bytes);
            tap.main
                .debug(format_args!("'{name}' {channel} output:\n{text}"));
        }
        if let Some(syslog) = &mut tap.syslog {
            let result = syslog.output(name, &self.bytes);
            self.report_syslog(result);
        }
    }

    /// Writes what was read, as far as the log takes it.
    fn empty(&mut self) -> Poured {
        if self.held() == 0 {
            return Poured::Bytes(0);
        }
        let mut log = self.tap.log.borrow_mut();
        if let Err(wait) = log.hold(&mut self.turn) {
            return Poured::Busy(wait);
        }
        let poured = log.write(&self.bytes[self.written..]);
        if let Poured::Bytes(count) = poured {
            self.written += count;
        }
        poured
    }

    /// Everybody has closed the other end.
    fn finish(&mut self) {
        self.pipe = None;
        self.turn = None;
        self.bytes = Vec::new();
        self.written = 0;
        if let Some(syslog) = &mut self.tap.syslog {
            let result = syslog.flush(&self.tap.process);
            self.report_syslog(result);
        }
    }

    /// Said once per run of the program: a machine without a system log has none for long.
    fn report_syslog(&mut self, result: io::Result<()>) {
        if let Err(error) = result
            && !std::mem::replace(&mut self.syslog_failed, true)
        {
            let name = &self.tap.process;
            self.tap.main.error(format_args!(
                "could not write output of {name} to syslog: {error}"
            ));
        }
    }
}

/// What is moved at once, as in the original: a piece is never split over two files.
const CHUNK: usize = 128 * 1024;
/// What a pipe holds unless it was asked to hold more.
const FULL: usize = 64 * 1024;
/// As much as stays in a processor's cache from the writer's copy to ours. With the largest pipe that
/// users may have, 1 MiB, a busy machine spends a third more on the same bytes.
const WIDE: i32 = 256 * 1024;
/// The least that there is room for, should the system not say how much comes.
const PIECE: usize = 4096;
const STEPS: usize = 16;
const DRAIN_MOST: usize = 256;
/// How long a line may be until others get their turn in the middle of it.
const LONGEST: usize = 1 << 20;

#[cfg(test)]
mod tests;
