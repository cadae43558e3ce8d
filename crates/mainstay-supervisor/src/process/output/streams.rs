//! All streams that are open, for the day on which nobody will read them any more.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;
use std::rc::{Rc, Weak};

use super::{Flow, Output};

/// The streams of all children, those among them that have exited and left their pipe to others.
#[derive(Clone, Debug, Default)]
pub struct Streams(Rc<RefCell<Vec<Weak<RefCell<Flow>>>>>);

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
        let mut all = self.0.borrow_mut();
        // Now and then: looking at all of them for each would be quadratic in the programs.
        if all.len() == all.capacity() {
            all.retain(|flow| flow.strong_count() > 0);
        }
        all.push(Rc::downgrade(&output.flow));
    }

    /// A last attempt, for the daemon is about to end: what is still in the pipes goes into the logs,
    /// and what the logs do not take is told. Waits for nothing.
    pub fn finish(&self) -> Vec<Lost> {
        let all = self.0.borrow();
        all.iter()
            .filter_map(Weak::upgrade)
            .filter_map(|flow| flow.borrow_mut().last_words())
            .collect()
    }
}

impl Flow {
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
