//! Telling listeners what happens here.

use super::State;
use super::actor::Actor;
use super::unit::Unit;
use crate::event::{Bus, Event, Kind};
use crate::process::Change;

impl Unit {
    /// The process has changed its state.
    pub(super) fn announce(&mut self, bus: &Bus, change: &Change) {
        if let Some(seat) = &self.seat {
            seat.set_running(change.to == State::Running);
        }
        bus.publish(Kind::process_state(change.to), || {
            let name = (self.config.name.as_str(), self.config.group.as_str());
            let numbers = (change.pid, change.tries, change.expected);
            Event::process_state(name, change.from, change.to, numbers)
        });
        match change.to {
            // Its child is gone. What that had not answered comes before this in the buffer.
            State::Exited | State::Stopped | State::Backoff | State::Fatal => self.seat = None,
            State::Starting | State::Running | State::Stopping | State::Unknown => {}
        }
    }

    /// Gives up its share of a socket, if nothing of it runs or is about to.
    pub(super) fn release_socket(&mut self) {
        if self.machine.is_down() && self.machine.pid().is_none() {
            self.socket = None;
        }
    }
}

impl Actor {
    pub(super) fn announce_running(&self) {
        let kind = Kind::SUPERVISOR_RUNNING;
        self.bus.publish(kind, || Event::bare(kind));
    }

    pub(super) fn announce_stopping(&self) {
        let kind = Kind::SUPERVISOR_STOPPING;
        self.bus.publish(kind, || Event::bare(kind));
    }

    pub(super) fn announce_group(&self, kind: Kind, name: &str) {
        self.bus.publish(kind, || Event::group(kind, name));
    }

    pub(super) fn announce_remote(&self, kind: &str, data: &[u8]) {
        let leaf = Kind::REMOTE_COMMUNICATION;
        self.bus.publish(leaf, || Event::remote(kind, data));
    }
}
