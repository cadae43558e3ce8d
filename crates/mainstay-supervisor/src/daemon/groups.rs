//! Groups: which are active, which are available, and how the one becomes the other.

use std::collections::HashSet;
use std::sync::Arc;

use super::actor::{ActiveGroup, Actor};
use super::unit::{Unit, UnitId};
use super::{ConfigInfo, Diff, changes};
use crate::config::{self, Config};
use crate::event::Kind;
use crate::process::Event;
use crate::rpc::{Code, Fault};

impl Actor {
    /// Makes a group active; nothing is started yet.
    pub(super) fn activate(&mut self, group: config::Group) -> Vec<UnitId> {
        let mut ids = Vec::with_capacity(group.processes.len());
        for process in &group.processes {
            let id = UnitId(self.next_id);
            self.next_id += 1;
            let mut unit = Unit::new(Arc::clone(process));
            if let Err(error) = self.launcher.make_auto_logs(&mut unit) {
                // Tried again at each start, which then fails for this reason.
                let name = &process.name;
                self.log.error(format_args!(
                    "could not make the AUTO log files of {name}: {error}"
                ));
            }
            self.units.insert(id, Box::new(unit));
            ids.push(id);
        }
        let place = self
            .groups
            .partition_point(|active| active.config.priority <= group.priority);
        // A pool hears of its own arrival.
        self.bus.add(&group);
        self.announce_group(Kind::GROUP_ADDED, &group.name);
        self.groups.insert(
            place,
            ActiveGroup {
                config: group,
                units: ids.clone(),
            },
        );
        ids
    }

    /// Takes a group out of the active ones. Nothing of it may run.
    fn deactivate(&mut self, index: usize) {
        let group = self.groups.remove(index);
        for id in group.units {
            let Some(unit) = self.units.remove(&id) else {
                continue;
            };
            if let Some(when) = unit.scheduled {
                self.timers.remove(&(when, id));
            }
            // One in UNKNOWN may still be there. When it goes, it is nobody's any more.
            if let Some(pid) = unit.machine.pid() {
                self.pids.remove(&pid);
            }
        }
        for socket in group
            .config
            .processes
            .iter()
            .filter_map(|it| it.socket.as_deref())
        {
            self.launcher.sockets.close_unused(socket);
        }
        self.bus.remove(&group.config.name);
        self.announce_group(Kind::GROUP_REMOVED, &group.config.name);
    }

    /// Starts those of these processes that start by themselves, in their groups' order.
    pub(super) fn autostart(&mut self, ids: &[UnitId]) {
        let ids: HashSet<_> = ids.iter().copied().collect();
        for id in self.in_order(|id, unit| ids.contains(&id) && unit.config.autostart) {
            self.apply(id, Event::Start);
        }
    }

    /// Where an active group is.
    pub(super) fn active(&self, name: &str) -> Option<usize> {
        self.groups
            .iter()
            .position(|group| group.config.name == name)
    }

    pub(super) fn config_all(&self) -> Vec<ConfigInfo> {
        let mut all: Vec<_> = self
            .config
            .groups
            .iter()
            .flat_map(|group| {
                let in_use = self.active(&group.name).is_some();
                group.processes.iter().map(move |process| ConfigInfo {
                    process: Arc::clone(process),
                    group_priority: group.priority,
                    in_use,
                })
            })
            .collect();
        all.sort_by(|a, b| a.process.name.cmp(&b.process.name));
        all
    }

    pub(super) fn reread(&mut self) -> Result<Diff, Fault> {
        let new = (self.loader)().map_err(|message| Fault::with(Code::CantReread, message))?;
        // Ids are given in the order in which groups come. A group without processes has none, and
        // there is nothing of it whose order could matter.
        let mut active: Vec<_> = self.groups.iter().collect();
        active.sort_by_key(|group| group.units.first());
        let active: Vec<_> = active.iter().map(|group| group.config.clone()).collect();
        let diff = config::diff(&active, &new.groups);
        self.adopt(new);
        Ok(Diff {
            added: diff.added,
            changed: diff.changed,
            removed: diff.removed,
        })
    }

    /// Takes over what a reread can change without a restart, and says what has to wait for one.
    fn adopt(&mut self, new: Config) {
        for note in &new.notes {
            self.log.log(note.level, &note.message);
        }
        for what in changes::needs_restart(&self.config, &new) {
            self.log.warn(format_args!(
                "{what} has changed, which takes effect at the next restart"
            ));
        }
        for what in changes::needs_start(&self.config, &new) {
            self.log.warn(format_args!("{what} {}", changes::AT_START));
        }
        let now = &mut self.config;
        now.groups = new.groups;
        let (live, read) = (&mut now.supervisord, new.supervisord);
        live.strip_ansi = read.strip_ansi;
        live.childlogdir = read.childlogdir;
        live.nocleanup = read.nocleanup;
        self.launcher.strip_ansi = live.strip_ansi;
        self.launcher.childlogdir.clone_from(&live.childlogdir);
    }

    pub(super) fn add_group(&mut self, name: &str) -> Result<(), Fault> {
        if self.active(name).is_some() {
            return Err(Fault::with(Code::AlreadyAdded, name));
        }
        let group = self
            .config
            .groups
            .iter()
            .find(|group| group.name == name)
            .cloned();
        let group = group.ok_or_else(|| Fault::with(Code::BadName, name))?;
        self.launcher.sockets.probe(&group).map_err(|error| {
            self.log.error(&error);
            Fault::with(Code::Failed, error)
        })?;
        let ids = self.activate(group);
        self.autostart(&ids);
        Ok(())
    }

    pub(super) fn remove_group(&mut self, name: &str) -> Result<(), Fault> {
        let index = self
            .active(name)
            .ok_or_else(|| Fault::with(Code::BadName, name))?;
        let mut units = self.groups[index]
            .units
            .iter()
            .filter_map(|id| self.units.get(id));
        if !units.all(|unit| unit.machine.is_down()) {
            return Err(Fault::with(Code::StillRunning, name));
        }
        self.deactivate(index);
        Ok(())
    }
}
