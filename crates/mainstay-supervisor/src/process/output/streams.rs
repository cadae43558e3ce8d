//! All streams that are open, for the day on which nobody will read them any more.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;
use std::rc::{Rc, Weak};

use tokio::sync::Notify;

use super::{Flow, Output};
use crate::sys;

/// The streams of all children, those among them that have exited and left their pipe to others.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    all: Rc<RefCell<Vec<Weak<RefCell<Flow>>>>>,
    moved: Rc<Notify>,
}

/// What was on its way into the logs at one moment. What comes later, from grandchildren mostly, is
/// not waited for.
#[derive(Debug)]
pub struct Settling(Vec<(Weak<RefCell<Flow>>, u64)>);

/// What a child wrote and no log will ever have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    process: String,
    channel: &'static str,
    bytes: usize,
    log: PathBuf,
}

impl Streams {
    /// One more.
    pub fn add(&self, output: &Output) {
        let mut all = self.all.borrow_mut();
        // Now and then: looking at all of them for each would be quadratic in the programs.
        if all.len() == all.capacity() {
            all.retain(|flow| flow.strong_count() > 0);
        }
        output.flow.borrow_mut().moved = Some(Rc::clone(&self.moved));
        all.push(Rc::downgrade(&output.flow));
    }

    /// What is on its way now.
    pub fn settle(&self) -> Settling {
        let all = self.all.borrow();
        let flows = all.iter().filter_map(|weak| {
            let due = weak.upgrade()?.borrow().due();
            Some((weak.clone(), due))
        });
        Settling(flows.collect())
    }

    /// Until some of it has moved.
    pub async fn moved(&self) {
        self.moved.notified().await;
    }

    /// A last attempt, for the daemon is about to end: what is still in the pipes goes into the logs,
    /// and what the logs do not take is told. Waits for nothing.
    pub fn finish(&self) -> Vec<Lost> {
        let all = self.all.borrow();
        all.iter()
            .filter_map(Weak::upgrade)
            .filter_map(|flow| flow.borrow_mut().last_words())
            .collect()
    }
}

impl Settling {
    /// Whether all of it has arrived.
    pub fn is_done(&mut self) -> bool {
        self.0.retain(|(flow, due)| {
            let flow = flow.upgrade();
            flow.is_some_and(|flow| !flow.borrow().has_settled(*due))
        });
        self.0.is_empty()
    }

    /// Whose output has not.
    pub fn names(&self) -> String {
        let flows = self.0.iter().filter_map(|(flow, _)| flow.upgrade());
        let names: Vec<_> = flows
            .map(|flow| flow.borrow().tap.process.clone())
            .collect();
        names.join(", ")
    }
}

impl Flow {
    /// How many bytes will have been dealt with once those are that are on their way now.
    fn due(&self) -> u64 {
        self.taken + self.pipe.as_ref().map_or(0, sys::pending) as u64
    }

    fn has_settled(&self, due: u64) -> bool {
        self.pipe.is_none() || self.settled >= due
    }

    fn last_words(&mut self) -> Option<Lost> {
        self.drain();
        let bytes = self.left();
        (bytes > 0).then(|| Lost {
            process: self.tap.process.clone(),
            channel: self.tap.channel.name(),
            bytes,
            log: self.tap.log.borrow().path().to_owned(),
        })
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            process,
            channel,
            bytes,
            log,
        } = self;
        let log = log.display();
        write!(
            f,
            "{bytes} bytes of '{process}' {channel} are lost: {log} does not take them, and the daemon ends"
        )
    }
}
