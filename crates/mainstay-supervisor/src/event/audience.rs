//! Who else hears what a child writes: its pool, or whoever wants events of its output.

use std::cell::Cell;
use std::rc::Rc;

use super::bus::{Bus, Ear};
use super::{Event, Kind};
use crate::config::{self, Stream};
use crate::daemon::Channel;
use crate::process::Capture;

/// The child whose output it is.
#[derive(Debug)]
pub struct Speaker {
    process: String,
    group: String,
    pid: Cell<i32>,
}

impl Speaker {
    /// A child that is yet to be spawned.
    pub fn new(process: &config::Process) -> Rc<Self> {
        Rc::new(Self {
            process: process.name.clone(),
            group: process.group.clone(),
            pid: Cell::new(0),
        })
    }

    /// It has been.
    pub fn spawned(&self, pid: i32) {
        self.pid.set(pid);
    }
}

/// Those who listen to one stream of one child.
#[derive(Debug)]
pub struct Audience {
    bus: Bus,
    speaker: Rc<Speaker>,
    channel: Channel,
    ear: Option<Ear>,
    capture: Option<Capture>,
    events: bool,
}

impl Audience {
    /// Those who listen to a stream with these settings; `None` if nobody does. What a listener
    /// writes to its standard output belongs to the protocol: neither capture nor events.
    pub fn new(
        bus: &Bus,
        speaker: &Rc<Speaker>,
        channel: Channel,
        stream: &Stream,
        ear: Option<Ear>,
    ) -> Option<Self> {
        let (capture, events) = match ear {
            Some(_) => (None, false),
            None => (capture(stream), stream.events_enabled),
        };
        (ear.is_some() || capture.is_some() || events).then(|| Self {
            bus: bus.clone(),
            speaker: Rc::clone(speaker),
            channel,
            ear,
            capture,
            events,
        })
    }

    /// Hears what was read, and leaves what belongs into the log.
    pub fn hear(&mut self, bytes: &mut Vec<u8>) {
        if let Some(ear) = &self.ear {
            ear.hear(bytes);
        }
        if let Some(capture) = &mut self.capture {
            for message in capture.scan(bytes) {
                self.communicate(&message);
            }
        }
        self.tell(bytes);
    }

    /// The stream has ended. Returns what was held back.
    pub fn end(&mut self) -> Vec<u8> {
        let left = self.capture.as_mut().map(Capture::end).unwrap_or_default();
        self.tell(&left);
        left
    }

    /// Forgets what was captured so far.
    pub fn clear(&mut self) {
        if let Some(capture) = &mut self.capture {
            capture.clear();
        }
    }

    fn communicate(&self, message: &[u8]) {
        let kind = match self.channel {
            Channel::Stdout => Kind::COMMUNICATION_STDOUT,
            Channel::Stderr => Kind::COMMUNICATION_STDERR,
        };
        let (name, pid) = self.who();
        self.bus.publish(kind, || {
            Event::communication(name, pid, self.channel, message)
        });
        let (process, channel) = (&self.speaker.process, self.channel.name());
        self.bus
            .log()
            .debug(format_args!("'{process}' {channel} emitted a comm event"));
    }

    fn tell(&self, bytes: &[u8]) {
        if !self.events || bytes.is_empty() {
            return;
        }
        let kind = match self.channel {
            Channel::Stdout => Kind::LOG_STDOUT,
            Channel::Stderr => Kind::LOG_STDERR,
        };
        let (name, pid) = self.who();
        self.bus
            .publish(kind, || Event::log(name, pid, self.channel, bytes));
    }

    fn who(&self) -> ((&str, &str), i32) {
        let speaker = &self.speaker;
        ((&speaker.process, &speaker.group), speaker.pid.get())
    }
}

fn capture(stream: &Stream) -> Option<Capture> {
    let limit = usize::try_from(stream.capture_maxbytes).unwrap_or(usize::MAX);
    (limit > 0).then(|| Capture::new(limit))
}

#[cfg(test)]
mod tests {
    use tokio::task::LocalSet;

    use super::super::bus::tests::Pool;
    use super::*;
    use crate::process::tests::program;

    /// What is left for the log, and what the pool is told.
    async fn heard(
        change: impl FnOnce(&mut Stream),
        events: &str,
        words: &[&str],
    ) -> (String, Vec<String>) {
        let work = async {
            let pool = Pool::new(events, 10);
            let mut process = program("cat");
            change(&mut process.stderr);
            let speaker = Speaker::new(&process);
            let mut audience =
                Audience::new(&pool.bus, &speaker, Channel::Stderr, &process.stderr, None).unwrap();
            speaker.spawned(42);
            let mut log = Vec::new();
            for word in words {
                let mut bytes = word.as_bytes().to_vec();
                audience.hear(&mut bytes);
                log.append(&mut bytes);
            }
            log.append(&mut audience.end());
            (String::from_utf8(log).unwrap(), pool.events())
        };
        LocalSet::new().run_until(work).await
    }

    #[tokio::test]
    async fn captured_messages_and_the_rest_are_told_apart() {
        let change = |stream: &mut Stream| {
            stream.capture_maxbytes = 100;
            stream.events_enabled = true;
        };
        let words = &[
            "a<!--XSUPERVISOR:BEGIN-->mes",
            "sage<!--XSUPERVISOR:END-->",
            "b<",
        ];
        let (log, events) = heard(change, "PROCESS_COMMUNICATION,PROCESS_LOG", words).await;
        assert_eq!(log, "ab<");
        assert_eq!(
            events,
            [
                "PROCESS_LOG_STDERR processname:cat groupname:cat pid:42 channel:stderr\na",
                "PROCESS_COMMUNICATION_STDERR processname:cat groupname:cat pid:42\nmessage",
                "PROCESS_LOG_STDERR processname:cat groupname:cat pid:42 channel:stderr\nb",
                "PROCESS_LOG_STDERR processname:cat groupname:cat pid:42 channel:stderr\n<",
            ]
        );
    }

    #[tokio::test]
    async fn without_capture_tokens_are_text() {
        let words = &["<!--XSUPERVISOR:BEGIN-->x<!--XSUPERVISOR:END-->"];
        let change = |stream: &mut Stream| stream.events_enabled = true;
        let (log, events) = heard(change, "PROCESS_COMMUNICATION", words).await;
        assert_eq!(log, words[0]);
        assert_eq!(events, [""; 0]);
    }

    #[tokio::test]
    async fn a_stream_without_settings_has_no_audience() {
        let pool = Pool::new("PROCESS_LOG", 10);
        let process = program("cat");
        let speaker = Speaker::new(&process);
        let stream = &process.stdout;
        assert!(Audience::new(&pool.bus, &speaker, Channel::Stdout, stream, None).is_none());
    }
}
