//! What a listener writes to its standard output, followed byte by byte.

/// Where a listener stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerState {
    /// It has answered, or has just started; it has to say `READY` next.
    Acknowledged = 30,
    /// It waits for an event.
    Ready = 10,
    /// It has an event and has not answered yet.
    Busy = 20,
    /// It broke the protocol. It gets no more events as long as it lives.
    Unknown = 40,
}

impl ListenerState {
    /// The name, as logs have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "ACKNOWLEDGED",
            Self::Ready => "READY",
            Self::Busy => "BUSY",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// What a listener made of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It answered `OK`.
    Processed,
    /// It answered anything else, or broke the protocol over it.
    Rejected,
}

/// What followed from some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The state changed.
    Moved {
        /// Before.
        from: ListenerState,
        /// After.
        to: ListenerState,
    },
    /// The event that it had is decided.
    Decided(Verdict),
    /// A result line that cannot be read, for the log.
    BadResult(String),
}

const READY: &[u8] = b"READY\n";
/// As long as `RESULT `; what it says is not looked at, as in the original.
const RESULT_PREFIX: usize = 7;
/// A result line is a word and a number. More than this without a line feed is no result line.
const MAX_LINE: usize = 1024;
/// What a listener may say about one event. `OK` and `FAIL` are all that is ever said.
const MAX_RESULT: usize = 64 * 1024;

/// The protocol's state for one process of a listener pool.
///
/// Bounded: it never keeps more than a line and a result.
#[derive(Debug)]
pub struct Protocol {
    state: ListenerState,
    pending: Vec<u8>,
    /// The length of the result that is being read.
    result: Option<usize>,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            state: ListenerState::Acknowledged,
            pending: Vec::new(),
            result: None,
        }
    }
}

impl Protocol {
    /// Takes what the listener wrote, however it was cut.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        self.pending.extend_from_slice(bytes);
        while self.advance(&mut steps) {}
        if self.state == ListenerState::Unknown {
            self.pending = Vec::new();
        }
        steps
    }

    /// Marks that an event was written to it. Only for a listener that is [`Self::state`] `Ready`.
    pub fn sent(&mut self) -> Step {
        self.move_to(ListenerState::Busy)
    }

    /// The process is gone; an event that it had not answered counts as rejected.
    pub fn ended(&mut self) -> Option<Verdict> {
        let busy = self.state == ListenerState::Busy;
        *self = Self::default();
        busy.then_some(Verdict::Rejected)
    }

    /// Where it stands.
    pub const fn state(&self) -> ListenerState {
        self.state
    }

    /// One transition; whether there may be another.
    fn advance(&mut self, steps: &mut Vec<Step>) -> bool {
        match self.state {
            ListenerState::Acknowledged => {
                let n = self.pending.len().min(READY.len());
                if self.pending[..n] != READY[..n] {
                    steps.push(self.move_to(ListenerState::Unknown));
                    return false;
                }
                if n < READY.len() {
                    return false;
                }
                self.pending.drain(..n);
                steps.push(self.move_to(ListenerState::Ready));
                true
            }
            ListenerState::Ready => {
                if !self.pending.is_empty() {
                    steps.push(self.move_to(ListenerState::Unknown));
                }
                false
            }
            ListenerState::Busy => match self.result {
                None => self.read_line(steps),
                Some(length) => self.read_result(length, steps),
            },
            ListenerState::Unknown => false,
        }
    }

    fn read_line(&mut self, steps: &mut Vec<Step>) -> bool {
        let end = self
            .pending
            .iter()
            .take(MAX_LINE)
            .position(|byte| *byte == b'\n');
        let line = match end {
            Some(end) => self.pending.drain(..=end).collect::<Vec<u8>>(),
            None if self.pending.len() < MAX_LINE => return false,
            None => std::mem::take(&mut self.pending),
        };
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        match result_length(line) {
            Some(length) => {
                self.result = Some(length);
                true
            }
            None => {
                steps.push(Step::BadResult(String::from_utf8_lossy(line).into_owned()));
                steps.push(self.move_to(ListenerState::Unknown));
                steps.push(Step::Decided(Verdict::Rejected));
                false
            }
        }
    }

    fn read_result(&mut self, length: usize, steps: &mut Vec<Step>) -> bool {
        if self.pending.len() < length {
            return false;
        }
        let verdict = match &self.pending[..length] {
            b"OK" => Verdict::Processed,
            _ => Verdict::Rejected,
        };
        self.pending.drain(..length);
        self.result = None;
        steps.push(Step::Decided(verdict));
        steps.push(self.move_to(ListenerState::Acknowledged));
        true
    }

    fn move_to(&mut self, to: ListenerState) -> Step {
        let from = std::mem::replace(&mut self.state, to);
        Step::Moved { from, to }
    }
}

/// The number after the prefix: what Python's `int()` reads, if it is a sensible length.
fn result_length(line: &[u8]) -> Option<usize> {
    let rest = std::str::from_utf8(line.get(RESULT_PREFIX..)?).ok()?.trim();
    let digits = rest.strip_prefix('+').unwrap_or(rest);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|length| *length <= MAX_RESULT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ListenerState::{Acknowledged, Busy, Ready, Unknown};
    use proptest::prelude::*;

    fn moved(from: ListenerState, to: ListenerState) -> Step {
        Step::Moved { from, to }
    }

    fn busy() -> Protocol {
        let mut protocol = Protocol::default();
        protocol.feed(b"READY\n");
        protocol.sent();
        protocol
    }

    #[test]
    fn a_listener_that_keeps_to_the_protocol() {
        let mut protocol = Protocol::default();
        assert_eq!(protocol.feed(b"REA"), []);
        assert_eq!(protocol.feed(b"DY\n"), [moved(Acknowledged, Ready)]);
        assert_eq!(protocol.sent(), moved(Ready, Busy));
        assert_eq!(protocol.feed(b"RESULT 2\nO"), []);
        assert_eq!(
            protocol.feed(b"KREADY\n"),
            [
                Step::Decided(Verdict::Processed),
                moved(Busy, Acknowledged),
                moved(Acknowledged, Ready)
            ]
        );
    }

    #[test]
    fn answers_and_what_they_mean() {
        use Verdict::{Processed, Rejected};
        for (answer, verdict, state) in [
            ("RESULT 2\nOK", Processed, Acknowledged),
            ("RESULT 4\nFAIL", Rejected, Acknowledged),
            ("RESULT 0\n", Rejected, Acknowledged),
            ("RESULT 3\nOK\n", Rejected, Acknowledged),
            ("whatevr 2\nOK", Processed, Acknowledged), // seven bytes are skipped unread
            ("RESULT  2 \nOK", Processed, Acknowledged),
            ("FOO x\n", Rejected, Unknown),
            ("RESULT -1\n", Rejected, Unknown),
            ("RESULT 2x\nOK", Rejected, Unknown),
            ("RESULT 99999999999999999999\n", Rejected, Unknown),
            ("\n", Rejected, Unknown),
        ] {
            let mut protocol = busy();
            let steps = protocol.feed(answer.as_bytes());
            assert!(
                steps.contains(&Step::Decided(verdict)),
                "{answer:?}: {steps:?}"
            );
            assert_eq!(protocol.state(), state, "{answer:?}");
        }
    }

    #[test]
    fn what_breaks_the_protocol_is_final() {
        for (mut protocol, bytes) in [
            (Protocol::default(), &b"HELLO\n"[..]),
            (Protocol::default(), b"READY\nmore"),
            (busy(), b"FOO x\n"),
            (busy(), &[b'x'; MAX_LINE]),
        ] {
            protocol.feed(bytes);
            assert_eq!(protocol.state(), Unknown);
            assert_eq!(protocol.feed(b"READY\n"), []);
            assert_eq!(protocol.state(), Unknown);
        }
    }

    #[test]
    fn an_event_that_is_unanswered_at_death_is_rejected() {
        assert_eq!(busy().ended(), Some(Verdict::Rejected));
        assert_eq!(Protocol::default().ended(), None);
        let mut protocol = busy();
        protocol.ended();
        assert_eq!(protocol.state(), Acknowledged);
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_changes_nothing(
            bytes in prop::collection::vec(
                prop::sample::select(b"READYSULT OK\n0124x".to_vec()), 0..64),
            cuts in prop::collection::vec(0usize..64, 0..8),
        ) {
            let mut whole = busy();
            let expected = whole.feed(&bytes);
            let mut pieces = busy();
            let mut steps = Vec::new();
            let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            ends.push(bytes.len());
            ends.sort_unstable();
            let mut start = 0;
            for end in ends {
                steps.extend(pieces.feed(&bytes[start..end]));
                start = end;
            }
            prop_assert_eq!(steps, expected);
            prop_assert_eq!(pieces.state(), whole.state());
        }
    }
}
