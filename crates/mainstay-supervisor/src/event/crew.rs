//! The listeners of one pool: who is ready, who has which event, who gets the next one.
//!
//! Nothing here waits or writes to a log: what is to be said is left in a list, and bytes go through
//! an [`Outlet`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Buffered, Event, Kind, ListenerState, Pool, Protocol, Pushed, Step, Subscription, Verdict,
};
use crate::config::{self, GroupKind, Level, Note};

/// Writes to a listener's standard input without waiting; `false` when the listener has closed it.
pub type Outlet = Box<dyn Fn(&[u8]) -> bool>;

/// One pool and its listeners.
#[derive(Debug)]
pub(super) struct Crew {
    name: String,
    /// The processes of the pool in the order in which they are asked.
    order: Vec<String>,
    pool: Pool,
    members: Vec<Member>,
    /// Rejections since something was last processed.
    rejections: u32,
    held: bool,
    pub(super) notes: Vec<Note>,
}

/// One listener, for as long as its process lives.
struct Member {
    id: u64,
    process: String,
    rank: usize,
    running: bool,
    protocol: Protocol,
    event: Option<Buffered>,
    outlet: Outlet,
}

impl Crew {
    /// The pool that a group is, if it is one.
    pub(super) fn new(group: &config::Group) -> Option<Self> {
        let GroupKind::Listeners {
            buffer_size,
            events,
            ..
        } = &group.kind
        else {
            return None;
        };
        // What is none has been refused as a mistake of the configuration.
        let names = events.iter().map(String::as_str);
        let known = names.filter(|name| Subscription::parse([*name]).is_ok());
        let subscription = Subscription::parse(known).unwrap_or_default();
        Some(Self {
            name: group.name.clone(),
            order: group
                .processes
                .iter()
                .map(|process| process.name.clone())
                .collect(),
            pool: Pool::new(subscription, *buffer_size),
            members: Vec::new(),
            rejections: 0,
            held: false,
            notes: Vec::new(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn wants(&self, kind: Kind) -> bool {
        self.pool.wants(kind)
    }

    /// Buffers an event, if it is wanted.
    pub(super) fn take(&mut self, event: &Arc<Event>, serial: u64) {
        let pushed = self.pool.push(event, serial);
        if let Some(pushed) = pushed {
            self.overflowed(&pushed);
        }
    }

    /// A process of the pool has been started.
    pub(super) fn join(&mut self, id: u64, process: &str, outlet: Outlet) {
        let rank = self.order.iter().position(|name| name == process);
        let rank = rank.unwrap_or(self.order.len());
        let place = self.members.partition_point(|member| member.rank <= rank);
        self.members.insert(
            place,
            Member {
                id,
                process: process.to_owned(),
                rank,
                running: false,
                protocol: Protocol::default(),
                event: None,
                outlet,
            },
        );
    }

    /// A listener is gone. The event that it had is there for others again.
    pub(super) fn leave(&mut self, id: u64) {
        let Some(place) = self.members.iter().position(|member| member.id == id) else {
            return;
        };
        if let Some(event) = self.members.remove(place).event {
            self.rebuffer(event);
        }
    }

    /// Only listeners whose process is RUNNING get events.
    pub(super) fn set_running(&mut self, id: u64, running: bool) {
        if let Some(member) = self.members.iter_mut().find(|member| member.id == id) {
            member.running = running;
        }
    }

    /// A listener has written something. Returns how long to leave the pool alone before
    /// [`release`](Self::release), if it rejects everything.
    pub(super) fn hear(&mut self, id: u64, bytes: &[u8]) -> Option<Duration> {
        let place = self.members.iter().position(|member| member.id == id)?;
        let name = self.members[place].process.clone();
        let (mut broken, mut moved, mut rejected, mut pause) = (false, false, false, None);
        for step in self.members[place].protocol.feed(bytes) {
            match step {
                Step::Moved { from, to } => {
                    moved = true;
                    self.say(
                        Level::Debug,
                        format!("{name}: {} -> {}", from.name(), to.name()),
                    );
                    if to == ListenerState::Unknown {
                        self.say(Level::Warn, format!("{name}: {UNKNOWN}"));
                    }
                }
                Step::BadResult(line) => {
                    broken = true;
                    self.say(Level::Warn, format!("{name}: bad result line: '{line}'"));
                }
                Step::Decided(Verdict::Processed) => {
                    self.say(Level::Debug, format!("{name}: event was processed"));
                    self.members[place].event = None;
                    self.rejections = 0;
                }
                Step::Decided(Verdict::Rejected) => {
                    if !broken {
                        self.say(Level::Warn, format!("{name}: event was rejected"));
                    }
                    rejected = true;
                }
            }
            // Only when the listener has another state, as in the original.
            if moved && std::mem::take(&mut rejected) {
                if let Some(event) = self.members[place].event.take() {
                    self.rebuffer(event);
                }
                pause = self.brake();
            }
        }
        pause
    }

    /// Gives the oldest events to the listeners that are ready.
    pub(super) fn dispatch(&mut self, identifier: &str) {
        while !self.held && !self.pool.is_empty() && self.members.iter().any(Member::is_ready) {
            let Some(event) = self.pool.pop() else { return };
            if let Some(event) = self.send(event, identifier) {
                // It has just come from there, so there is room.
                self.pool.push_back(event);
                return;
            }
        }
    }

    /// Sends an event to the first who takes it, or returns it.
    fn send(&mut self, event: Buffered, identifier: &str) -> Option<Buffered> {
        let envelope = event.envelope(identifier, &self.name);
        for member in self.members.iter_mut().filter(|member| member.is_ready()) {
            let (serial, name) = (event.serial, &member.process);
            let taken = (member.outlet)(&envelope);
            let message = if taken {
                format!("event {serial} sent to listener {name}")
            } else {
                format!(
                    "epipe occurred while sending event {serial} to listener {name}, listener \
                     state unchanged"
                )
            };
            self.notes.push(Note {
                level: Level::Debug,
                message,
            });
            if taken {
                member.protocol.sent();
                member.event = Some(event);
                return None;
            }
        }
        Some(event)
    }

    /// The pause after too many rejections is over.
    pub(super) fn release(&mut self) {
        self.held = false;
    }

    /// Whether events are on their way that some listener may still answer.
    pub(super) fn is_busy(&self) -> bool {
        let working =
            |member: &Member| member.running && member.protocol.state() != ListenerState::Unknown;
        let answering = |member: &Member| working(member) && member.event.is_some();
        let waiting = !self.pool.is_empty() && self.members.iter().any(working);
        waiting || self.members.iter().any(answering)
    }

    fn rebuffer(&mut self, event: Buffered) {
        self.say(
            Level::Debug,
            format!(
                "rebuffering event {} for pool {} (buf size={}, max={})",
                event.serial,
                self.name,
                self.pool.len(),
                self.pool.capacity()
            ),
        );
        let pushed = self.pool.push_back(event);
        self.overflowed(&pushed);
    }

    fn overflowed(&mut self, pushed: &Pushed) {
        if let Some(Buffered { serial, .. }) = pushed.discarded {
            let name = &self.name;
            let message = format!("pool {name} event buffer overflowed, discarding event {serial}");
            self.say(Level::Error, message);
        }
    }

    /// The original sends a rejected event again at once, for ever. A listener that rejects
    /// everything would burn a core with it.
    fn brake(&mut self) -> Option<Duration> {
        self.rejections = self.rejections.saturating_add(1);
        let over = self.rejections.saturating_sub(AT_ONCE);
        self.held |= over > 0;
        (over > 0).then(|| (BRAKE_STEP * over).min(BRAKE_MOST))
    }

    fn say(&mut self, level: Level, message: String) {
        self.notes.push(Note { level, message });
    }
}

impl Member {
    fn is_ready(&self) -> bool {
        self.running && self.protocol.state() == ListenerState::Ready
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("process", &self.process)
            .field("running", &self.running)
            .field("protocol", &self.protocol)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

const UNKNOWN: &str = "has entered the UNKNOWN state and will no longer receive events, this usually \
                       indicates the process violated the eventlistener protocol";
const AT_ONCE: u32 = 5;
const BRAKE_STEP: Duration = Duration::from_millis(10);
const BRAKE_MOST: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
