//! The end waits until what children have written is in their logs.
//!
//! A reader may be slow, a disk full for a moment. A reader that never reads must not keep us for
//! ever, though: what he does not get is said to be lost.

use std::time::{Duration, Instant};

use super::{Descent, REPORT};
use crate::daemon::actor::{Actor, now};
use crate::process::Settling;

/// A wait for what was on its way when the last program had exited.
#[derive(Debug)]
pub(super) struct Settle {
    what: Settling,
    until: Instant,
}

impl Descent {
    /// Until when output is waited for, once it is.
    pub(super) fn settled_by(&self) -> Option<Instant> {
        self.settle.as_ref().map(|settle| settle.until)
    }

    /// Whether nothing is left to do but wait for output.
    pub(in crate::daemon) fn settles(&self) -> bool {
        self.settle.is_some()
    }
}

impl Actor {
    /// Whether all output is in its logs, or has had its time.
    pub(super) fn settled(&mut self) -> bool {
        let Some(descent) = &mut self.descent else {
            return true;
        };
        let streams = &self.launcher.streams;
        let settle = descent.settle.get_or_insert_with(|| Settle {
            what: streams.settle(),
            until: now() + PATIENCE,
        });
        if settle.what.is_done() {
            return true;
        }
        let until = descent
            .forced
            .map_or(settle.until, |forced| forced.min(settle.until));
        if now() < until {
            if descent.report <= now() {
                descent.report = now() + REPORT;
                let names = settle.what.names();
                self.log
                    .info(format_args!("waiting for output of {names} to be written"));
            }
            return false;
        }
        if descent.restart.is_some() {
            // It goes on beside the next life. At an end it is counted.
            let names = settle.what.names();
            self.log
                .warn(format_args!("output of {names} is still to be written"));
        }
        true
    }
}

/// Shorter than what a container gets before it is killed, if its programs end quickly.
const PATIENCE: Duration = Duration::from_secs(8);
