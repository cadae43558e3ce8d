//! What has changed between two configurations.

use std::collections::HashMap;

use super::model::{Group, GroupKind, Process};

/// Names of groups, each list in the order of the groups that it is made of.
///
/// That order is the one in which they are started: `update` and whoever else adds what was added
/// goes through the list from its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Groups that are available and not active.
    pub added: Vec<String>,
    /// Groups that are active and available, and differ.
    pub changed: Vec<String>,
    /// Groups that are active and no longer available.
    pub removed: Vec<String>,
}

impl Diff {
    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// Compares the active groups, in the order in which they came, with those that the files have now.
pub fn diff(active: &[Group], available: &[Group]) -> Diff {
    let (was, is) = (by_name(active), by_name(available));
    let mut diff = Diff::default();
    for group in available {
        match was.get(group.name.as_str()) {
            None => diff.added.push(group.name.clone()),
            Some(old) if !same(old, group) => diff.changed.push(group.name.clone()),
            Some(_) => {}
        }
    }
    for group in active {
        if !is.contains_key(group.name.as_str()) {
            diff.removed.push(group.name.clone());
        }
    }
    diff
}

fn by_name(groups: &[Group]) -> HashMap<&str, &Group> {
    let named = groups.iter().map(|group| (group.name.as_str(), group));
    named.collect()
}

/// Whether a running group would be no different had it been started from the other one.
fn same(old: &Group, new: &Group) -> bool {
    old.priority == new.priority
        && same_kind(&old.kind, &new.kind)
        && old.processes.len() == new.processes.len()
        && old
            .processes
            .iter()
            .zip(&new.processes)
            .all(|(old, new)| same_process(old, new))
}

/// A listener's events are a set: neither order nor repetition counts.
fn same_kind(old: &GroupKind, new: &GroupKind) -> bool {
    let set = |events: &[String]| -> Vec<String> {
        let mut events = events.to_vec();
        events.sort();
        events.dedup();
        events
    };
    match (old, new) {
        (
            GroupKind::Listeners {
                buffer_size,
                events,
                result_handler,
            },
            GroupKind::Listeners {
                buffer_size: new_size,
                events: new_events,
                result_handler: new_handler,
            },
        ) => {
            buffer_size == new_size
                && result_handler == new_handler
                && set(events) == set(new_events)
        }
        (old, new) => old == new,
    }
}

/// Everything counts, but of the user only who it is, not how it was written; and the environment is
/// a mapping.
fn same_process(old: &Process, new: &Process) -> bool {
    let plain = |process: &Process| {
        let mut environment = process.environment.clone();
        environment.sort();
        Process {
            environment,
            user: None,
            ..process.clone()
        }
    };
    let uid = |process: &Process| process.user.as_ref().map(|user| user.uid);
    uid(old) == uid(new) && plain(old) == plain(new)
}
