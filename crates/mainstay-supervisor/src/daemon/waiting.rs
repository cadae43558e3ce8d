//! Those who wait for a process to be up or gone, and the answers of group operations.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Outcome, ReplyTo, State};
use crate::rpc::{Code, Fault};

/// Somebody who waits for a process.
#[derive(Debug)]
pub(super) struct Waiter {
    /// What for.
    pub(super) want: Want,
    /// The process as the caller named it, for faults.
    pub(super) name: String,
    /// Where the answer goes.
    pub(super) answer: Answer,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Up,
    Down,
}

impl Want {
    /// What a state means to somebody who wants this; `None`: keep waiting.
    pub(super) fn verdict(self, state: State, name: &str) -> Option<Result<(), Fault>> {
        match (self, state) {
            (Self::Up, State::Running) => Some(Ok(())),
            (Self::Up, State::Starting) => None,
            (Self::Up, State::Backoff) => Some(Err(Fault::with(Code::SpawnError, name))),
            (Self::Up, _) => Some(Err(Fault::with(Code::AbnormalTermination, name))),
            (Self::Down, State::Stopped | State::Exited | State::Fatal | State::Unknown) => {
                Some(Ok(()))
            }
            (Self::Down, _) => None,
        }
    }
}

/// Where the answer about one process goes.
#[derive(Debug)]
pub(super) enum Answer {
    /// To the one who asked for it alone.
    One(ReplyTo<()>),
    /// Into the result of a group operation.
    Member {
        batch: Batch,
        name: String,
        group: String,
    },
}

impl Answer {
    pub(super) fn give(self, result: Result<(), Fault>) {
        match self {
            // Whoever asked may be gone; the operation was done all the same.
            Self::One(reply) => drop(reply.send(result)),
            Self::Member { batch, name, group } => batch.add(Outcome {
                name,
                group,
                result,
            }),
        }
    }
}

/// The result of a group operation, in order of completion. It is sent when nobody can add to it any
/// more: when the last clone goes.
#[derive(Clone, Debug)]
pub(super) struct Batch(Rc<RefCell<Open>>);

#[derive(Debug)]
struct Open {
    outcomes: Vec<Outcome>,
    reply: Option<ReplyTo<Vec<Outcome>>>,
}

impl Batch {
    pub(super) fn new(reply: ReplyTo<Vec<Outcome>>) -> Self {
        Self(Rc::new(RefCell::new(Open {
            outcomes: Vec::new(),
            reply: Some(reply),
        })))
    }

    fn add(&self, outcome: Outcome) {
        self.0.borrow_mut().outcomes.push(outcome);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(reply) = self.reply.take() {
            drop(reply.send(Ok(std::mem::take(&mut self.outcomes))));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_group_is_answered_when_its_last_member_is() {
        let (reply, mut result) = oneshot::channel();
        let batch = Batch::new(reply);
        let member = |name: &str| Answer::Member {
            batch: batch.clone(),
            name: name.to_owned(),
            group: "g".to_owned(),
        };
        let (slow, quick) = (member("slow"), member("quick"));
        drop(batch);

        quick.give(Ok(()));
        assert!(result.try_recv().is_err());
        slow.give(Err(Fault::new(Code::SpawnError)));

        let outcomes = result.await.unwrap().unwrap();
        let names: Vec<_> = outcomes
            .iter()
            .map(|outcome| outcome.name.as_str())
            .collect();
        assert_eq!(names, ["quick", "slow"]);
    }

    #[test]
    fn what_states_mean_to_those_who_wait() {
        use State::{Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping, Unknown};
        for (want, state, expected) in [
            (Want::Up, Starting, None),
            (Want::Up, Running, Some(None)),
            (Want::Up, Backoff, Some(Some(Code::SpawnError))),
            (Want::Up, Stopping, Some(Some(Code::AbnormalTermination))),
            (Want::Up, Stopped, Some(Some(Code::AbnormalTermination))),
            (Want::Up, Exited, Some(Some(Code::AbnormalTermination))),
            (Want::Up, Fatal, Some(Some(Code::AbnormalTermination))),
            (Want::Up, Unknown, Some(Some(Code::AbnormalTermination))),
            (Want::Down, Stopping, None),
            (Want::Down, Running, None),
            (Want::Down, Starting, None),
            (Want::Down, Stopped, Some(None)),
            (Want::Down, Exited, Some(None)),
            (Want::Down, Fatal, Some(None)),
            (Want::Down, Unknown, Some(None)),
        ] {
            let verdict = want
                .verdict(state, "x")
                .map(|v| v.err().map(|fault| fault.code()));
            assert_eq!(verdict, expected, "{want:?} {state:?}");
        }
    }
}
