//! Events as they are sent, and the buffer of a pool.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use super::{Kind, Subscription};
use crate::daemon::{Channel, State};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What kind of thing.
    pub kind: Kind,
    /// What there is to know, as listeners get it. Bytes: what a process wrote is passed on as it is.
    pub payload: Vec<u8>,
}

impl Event {
    /// A process changed its state. `tries` for STARTING and BACKOFF, `pid` for RUNNING, STOPPING and
    /// STOPPED, `expected` and `pid` for EXITED; the others ignore them.
    pub fn process_state(
        (process, group): (&str, &str),
        from: State,
        to: State,
        (pid, tries, expected): (i32, u32, bool),
    ) -> Self {
        let mut payload = format!(
            "processname:{process} groupname:{group} from_state:{}",
            from.name()
        );
        match to {
            State::Starting | State::Backoff => {
                let _ = write!(payload, " tries:{tries}");
            }
            State::Running | State::Stopping | State::Stopped => {
                let _ = write!(payload, " pid:{pid}");
            }
            State::Exited => {
                let _ = write!(payload, " expected:{} pid:{pid}", i32::from(expected));
            }
            State::Fatal | State::Unknown => {}
        }
        Self {
            kind: Kind::process_state(to),
            payload: payload.into_bytes(),
        }
    }

    /// A process said something between the tokens of capture mode.
    pub fn communication(
        (process, group): (&str, &str),
        pid: i32,
        channel: Channel,
        data: &[u8],
    ) -> Self {
        let kind = match channel {
            Channel::Stdout => Kind::COMMUNICATION_STDOUT,
            Channel::Stderr => Kind::COMMUNICATION_STDERR,
        };
        let head = format!("processname:{process} groupname:{group} pid:{pid}\n");
        Self {
            kind,
            payload: [head.as_bytes(), data].concat(),
        }
    }

    /// A process wrote to a stream whose events are enabled.
    pub fn log((process, group): (&str, &str), pid: i32, channel: Channel, data: &[u8]) -> Self {
        let (kind, name) = match channel {
            Channel::Stdout => (Kind::LOG_STDOUT, "stdout"),
            Channel::Stderr => (Kind::LOG_STDERR, "stderr"),
        };
        let head = format!("processname:{process} groupname:{group} pid:{pid} channel:{name}\n");
        Self {
            kind,
            payload: [head.as_bytes(), data].concat(),
        }
    }

    /// A client called `sendRemoteCommEvent`.
    pub fn remote(kind: &str, data: &[u8]) -> Self {
        let head = format!("type:{kind}\n");
        Self {
            kind: Kind::REMOTE_COMMUNICATION,
            payload: [head.as_bytes(), data].concat(),
        }
    }

    /// A new slice of time began. `when` is its start, a multiple of the period.
    pub fn tick(kind: Kind, when: i64) -> Self {
        Self {
            kind,
            payload: format!("when:{when}").into_bytes(),
        }
    }

    /// A group was added or removed.
    pub fn group(kind: Kind, group: &str) -> Self {
        Self {
            kind,
            payload: format!("groupname:{group}\n").into_bytes(),
        }
    }

    /// An event with nothing more to say.
    pub const fn bare(kind: Kind) -> Self {
        Self {
            kind,
            payload: Vec::new(),
        }
    }
}

/// An event in a pool's buffer, with the numbers that it keeps when it is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffered {
    /// Shared by all pools that took it.
    pub event: Arc<Event>,
    /// Counts the events that any pool took.
    pub serial: u64,
    /// Counts the events of this pool.
    pub pool_serial: u64,
}

impl Buffered {
    /// Header line and payload, as written to a listener.
    pub fn envelope(&self, identifier: &str, pool: &str) -> Vec<u8> {
        let payload = &self.event.payload;
        let mut bytes = format!(
            "ver:3.0 server:{identifier} serial:{} pool:{pool} poolserial:{} eventname:{} len:{}\n",
            self.serial,
            self.pool_serial,
            self.event.kind,
            payload.len(),
        )
        .into_bytes();
        bytes.extend_from_slice(payload);
        bytes
    }
}

/// What became of the buffer when an event was put into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// The event that had to go because the buffer was full.
    pub discarded: Option<Buffered>,
}

/// The buffer of one listener pool: bounded, oldest first.
#[derive(Debug)]
pub struct Pool {
    subscription: Subscription,
    capacity: usize,
    buffer: VecDeque<Buffered>,
    next_serial: u64,
}

impl Pool {
    /// An empty buffer for at most `capacity` events (at least 1).
    pub fn new(subscription: Subscription, capacity: usize) -> Self {
        Self {
            subscription,
            capacity: capacity.max(1),
            buffer: VecDeque::new(),
            next_serial: 0,
        }
    }

    /// Takes an event if it is wanted. The oldest one goes if there is no room.
    pub fn push(&mut self, event: &Arc<Event>, serial: u64) -> Option<Pushed> {
        if !self.wants(event.kind) {
            return None;
        }
        let pool_serial = self.next_serial;
        self.next_serial += 1;
        let discarded = if self.buffer.len() < self.capacity {
            None
        } else {
            self.buffer.pop_front()
        };
        self.buffer.push_back(Buffered {
            event: Arc::clone(event),
            serial,
            pool_serial,
        });
        Some(Pushed { discarded })
    }

    /// Puts a rejected event back at the head, to be sent again. Of a full buffer the oldest goes.
    pub fn push_back(&mut self, rejected: Buffered) -> Pushed {
        let discarded = if self.buffer.len() < self.capacity {
            None
        } else {
            self.buffer.pop_front()
        };
        self.buffer.push_front(rejected);
        Pushed { discarded }
    }

    /// The oldest event, for a listener that is ready.
    pub fn pop(&mut self) -> Option<Buffered> {
        self.buffer.pop_front()
    }

    /// Whether events of this kind are wanted.
    pub const fn wants(&self, kind: Kind) -> bool {
        self.subscription.includes(kind)
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// How many can wait.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(event: &Event) -> (&'static str, &str) {
        (
            event.kind.name(),
            std::str::from_utf8(&event.payload).unwrap(),
        )
    }

    #[test]
    fn payloads_are_as_specified() {
        let cat = ("cat", "pets");
        let state = |from, to, numbers| Event::process_state(cat, from, to, numbers);
        for (event, name, payload) in [
            (
                state(State::Stopped, State::Starting, (0, 0, false)),
                "PROCESS_STATE_STARTING",
                "processname:cat groupname:pets from_state:STOPPED tries:0",
            ),
            (
                state(State::Starting, State::Backoff, (7, 2, false)),
                "PROCESS_STATE_BACKOFF",
                "processname:cat groupname:pets from_state:STARTING tries:2",
            ),
            (
                state(State::Starting, State::Running, (2766, 0, false)),
                "PROCESS_STATE_RUNNING",
                "processname:cat groupname:pets from_state:STARTING pid:2766",
            ),
            (
                state(State::Running, State::Stopping, (2766, 0, false)),
                "PROCESS_STATE_STOPPING",
                "processname:cat groupname:pets from_state:RUNNING pid:2766",
            ),
            (
                state(State::Stopping, State::Stopped, (2766, 0, false)),
                "PROCESS_STATE_STOPPED",
                "processname:cat groupname:pets from_state:STOPPING pid:2766",
            ),
            (
                state(State::Running, State::Exited, (2766, 0, true)),
                "PROCESS_STATE_EXITED",
                "processname:cat groupname:pets from_state:RUNNING expected:1 pid:2766",
            ),
            (
                state(State::Backoff, State::Fatal, (0, 4, false)),
                "PROCESS_STATE_FATAL",
                "processname:cat groupname:pets from_state:BACKOFF",
            ),
            (
                Event::communication(cat, 42, Channel::Stdout, b"hello"),
                "PROCESS_COMMUNICATION_STDOUT",
                "processname:cat groupname:pets pid:42\nhello",
            ),
            (
                Event::log(cat, 42, Channel::Stderr, b"oops\n"),
                "PROCESS_LOG_STDERR",
                "processname:cat groupname:pets pid:42 channel:stderr\noops\n",
            ),
            (
                Event::remote("mytype", b"data"),
                "REMOTE_COMMUNICATION",
                "type:mytype\ndata",
            ),
            (
                Event::tick(Kind::TICK_5, 1_201_063_880),
                "TICK_5",
                "when:1201063880",
            ),
            (
                Event::group(Kind::GROUP_ADDED, "pets"),
                "PROCESS_GROUP_ADDED",
                "groupname:pets\n",
            ),
            (
                Event::bare(Kind::SUPERVISOR_STOPPING),
                "SUPERVISOR_STATE_CHANGE_STOPPING",
                "",
            ),
        ] {
            assert_eq!(text(&event), (name, payload));
        }
    }

    #[test]
    fn the_length_counts_bytes_and_the_data_is_untouched() {
        let data = [b'\xff', b'\xc3', b'\xa9'];
        let event = Event::communication(("c", "c"), 1, Channel::Stdout, &data);
        let sent = Buffered {
            event: Arc::new(event),
            serial: 21,
            pool_serial: 10,
        };
        let bytes = sent.envelope("supervisor", "listener");
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        let payload = &bytes[end + 1..];
        assert_eq!(
            std::str::from_utf8(&bytes[..end]).unwrap(),
            format!(
                "ver:3.0 server:supervisor serial:21 pool:listener poolserial:10 \
                 eventname:PROCESS_COMMUNICATION_STDOUT len:{}",
                payload.len()
            )
        );
        assert!(payload.ends_with(&data));
    }

    #[test]
    fn a_full_buffer_loses_its_oldest_event() {
        let mut pool = Pool::new(Subscription::parse(["TICK"]).unwrap(), 2);
        let tick = |when| Arc::new(Event::tick(Kind::TICK_5, when));
        assert_eq!(pool.push(&Arc::new(Event::remote("x", b"")), 0), None);
        assert_eq!(pool.push(&tick(5), 0), Some(Pushed::default()));
        assert_eq!(pool.push(&tick(10), 1), Some(Pushed::default()));
        let discarded = pool.push(&tick(15), 2).unwrap().discarded.unwrap();
        assert_eq!((discarded.serial, discarded.pool_serial), (0, 0));

        // A rejected event comes first again, with its numbers, under the same rule.
        let rejected = pool.pop().unwrap();
        assert_eq!((rejected.serial, rejected.pool_serial), (1, 1));
        pool.push(&tick(20), 3);
        let discarded = pool.push_back(rejected.clone()).discarded.unwrap();
        assert_eq!(discarded.pool_serial, 2);
        assert_eq!(pool.pop(), Some(rejected));
        assert_eq!(pool.pop().map(|event| event.pool_serial), Some(3));
        assert!(pool.is_empty());
    }
}
