//! The way from what happens to the listeners.
//!
//! A [`Bus`] is a cheap handle, as the main log's is: whatever sees something happen publishes it,
//! and it is in the pools' buffers, or with a listener, before the call returns. So events have the
//! order in which things happened, no queue can grow between, and nobody has to be woken up.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::crew::{Crew, Outlet};
use super::{Event, Kind, Ticks};
use crate::config;
use crate::log::MainLog;

/// A handle to all pools. Must be used on the runtime, in a `LocalSet`.
#[derive(Clone)]
pub struct Bus(Rc<Shared>);

struct Shared {
    log: MainLog,
    identifier: String,
    serial: Cell<u64>,
    next_id: Cell<u64>,
    calm: Notify,
    pools: RefCell<Vec<(u64, Crew)>>,
    ticks: RefCell<Ticks>,
    ticker: RefCell<Option<AbortHandle>>,
}

impl Bus {
    /// Without pools. `serial` is the number of the next event: it goes on over a restart.
    pub fn new(log: MainLog, identifier: &str, serial: u64) -> Self {
        Self(Rc::new(Shared {
            log,
            identifier: identifier.to_owned(),
            serial: Cell::new(serial),
            next_id: Cell::new(0),
            calm: Notify::new(),
            pools: RefCell::default(),
            ticks: RefCell::new(Ticks::new(wall_clock().as_secs().cast_signed())),
            ticker: RefCell::default(),
        }))
    }

    /// The number that the next event will have.
    pub fn serial(&self) -> u64 {
        self.0.serial.get()
    }

    /// A group is active: if it is a pool, it gets what happens from now on.
    pub fn add(&self, group: &config::Group) {
        if let Some(crew) = Crew::new(group) {
            self.0.pools.borrow_mut().push((self.0.id(), crew));
            self.restart_ticker();
        }
    }

    /// A group is not active any more.
    pub fn remove(&self, group: &str) {
        let before = self.0.pools.borrow().len();
        self.0
            .pools
            .borrow_mut()
            .retain(|(_, crew)| crew.name() != group);
        if self.0.pools.borrow().len() < before {
            self.restart_ticker();
        }
    }

    /// Whether any pool wants events of a kind.
    pub fn wants(&self, kind: Kind) -> bool {
        self.0.wants(kind)
    }

    /// Something has happened. What there is to say is asked for only if somebody wants to know.
    pub fn publish(&self, kind: Kind, event: impl FnOnce() -> Event) {
        if self.wants(kind) {
            self.0.publish(event());
        }
    }

    /// A place for a process that has been started, if its group is a pool. It is not RUNNING yet.
    pub fn join(&self, group: &str, process: &str, outlet: Outlet) -> Option<Seat> {
        let mut pools = self.0.pools.borrow_mut();
        let (pool, crew) = pools.iter_mut().find(|(_, crew)| crew.name() == group)?;
        let id = self.0.id();
        crew.join(id, process, outlet);
        Some(Seat(Ear {
            bus: self.clone(),
            pool: *pool,
            id,
        }))
    }

    /// Whether a group is a pool whose listeners have yet to take or answer events.
    pub fn is_busy(&self, group: &str) -> bool {
        let pools = self.0.pools.borrow();
        pools
            .iter()
            .any(|(_, crew)| crew.name() == group && crew.is_busy())
    }

    /// Waits until some pool has nothing left to do. Cancel safety: it is not missed.
    pub async fn calm(&self) {
        self.0.calm.notified().await;
    }

    /// What somebody says about events, for the main log.
    pub(super) fn log(&self) -> &MainLog {
        &self.0.log
    }

    /// Ticks come from a task of their own, which is there only while somebody wants them.
    fn restart_ticker(&self) {
        let first = self.0.ticker.take().inspect(AbortHandle::abort).is_none();
        if first {
            let now = wall_clock().as_secs().cast_signed();
            self.0.ticks.replace(Ticks::new(now));
        }
        if Ticks::next(wall_clock(), |kind| self.wants(kind)).is_some() {
            let task = tokio::task::spawn_local(tick(Rc::downgrade(&self.0)));
            self.0.ticker.replace(Some(task.abort_handle()));
        }
    }
}

/// A process's place in its pool; it leaves when this goes.
#[derive(Debug)]
pub struct Seat(Ear);

impl Seat {
    /// For what the listener writes.
    pub fn ear(&self) -> Ear {
        self.0.clone()
    }

    /// Whether the process is RUNNING: only then it gets what waits for it.
    pub fn set_running(&self, running: bool) {
        let Ear { bus, pool, id } = &self.0;
        bus.0.with(*pool, |crew| crew.set_running(*id, running));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Ear { bus, pool, id } = &self.0;
        bus.0.with(*pool, |crew| crew.leave(*id));
    }
}

/// Hears what one child of a pool writes. After its [`Seat`] is gone, nobody listens.
#[derive(Clone, Debug)]
pub struct Ear {
    bus: Bus,
    pool: u64,
    id: u64,
}

impl Ear {
    /// It wrote this.
    pub fn hear(&self, bytes: &[u8]) {
        let shared = &self.bus.0;
        let pause = shared
            .with(self.pool, |crew| crew.hear(self.id, bytes))
            .flatten();
        if let Some(pause) = pause {
            tokio::task::spawn_local(release(Rc::downgrade(shared), self.pool, pause));
        }
    }
}

impl Shared {
    fn id(&self) -> u64 {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        id
    }

    fn wants(&self, kind: Kind) -> bool {
        self.pools.borrow().iter().any(|(_, crew)| crew.wants(kind))
    }

    fn publish(&self, event: Event) {
        let event = Arc::new(event);
        let serial = self.serial.get();
        self.serial.set(serial + 1);
        for (_, crew) in self.pools.borrow_mut().iter_mut() {
            crew.take(&event, serial);
            self.settle(crew);
        }
    }

    /// Does something to a pool, then what follows from it.
    fn with<T>(&self, pool: u64, action: impl FnOnce(&mut Crew) -> T) -> Option<T> {
        let mut pools = self.pools.borrow_mut();
        let (_, crew) = pools.iter_mut().find(|(id, _)| *id == pool)?;
        let result = action(crew);
        self.settle(crew);
        Some(result)
    }

    fn settle(&self, crew: &mut Crew) {
        crew.dispatch(&self.identifier);
        for note in crew.notes.drain(..) {
            self.log.log(note.level, note.message);
        }
        if !crew.is_busy() {
            self.calm.notify_one();
        }
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("serial", &self.0.serial)
            .field("pools", &self.0.pools)
            .finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(ticker) = self.ticker.get_mut() {
            ticker.abort();
        }
    }
}

async fn tick(shared: Weak<Shared>) {
    loop {
        let Some(pause) = shared
            .upgrade()
            .and_then(|shared| Ticks::next(wall_clock(), |kind| shared.wants(kind)))
        else {
            return;
        };
        tokio::time::sleep(pause).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let due = shared
            .ticks
            .borrow_mut()
            .due(wall_clock().as_secs().cast_signed());
        for event in due.into_iter().filter(|event| shared.wants(event.kind)) {
            shared.publish(event);
        }
    }
}

/// Lets a pool go on after a pause.
async fn release(shared: Weak<Shared>, pool: u64, pause: Duration) {
    tokio::time::sleep(pause).await;
    if let Some(shared) = shared.upgrade() {
        shared.with(pool, Crew::release);
    }
}

/// Ticks are told in the time of the wall clock.
fn wall_clock() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests;
