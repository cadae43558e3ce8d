//! Whose turn it is at a device or pipe that several writers mean.
//!
//! Such a target may take the beginning of a piece and no more. Until it has the rest, nobody else
//! may write: his bytes would land in the middle of a line. That holds however the target is called,
//! as `/dev/stdout`, as `/dev/fd/1` or by the main log's copy, so turns are kept for the whole
//! process and by what the target is.

use std::fs::Metadata;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::io::Interest;
use tokio::sync::Notify;

use crate::sys;

/// The right to write to one target.
#[derive(Debug)]
pub struct Turn {
    /// Device and inode.
    target: (u64, u64),
    taken: AtomicBool,
    free: Notify,
}

/// The right is ours until this is dropped.
#[derive(Debug)]
pub struct Held(Arc<Turn>);

static ALL: Mutex<Vec<Weak<Turn>>> = Mutex::new(Vec::new());

impl Turn {
    /// The one for this target.
    pub(super) fn at(target: &Metadata) -> Arc<Self> {
        let target = (target.dev(), target.ino());
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|turn| turn.strong_count() > 0);
        let known = all.iter().filter_map(Weak::upgrade);
        if let Some(turn) = known.into_iter().find(|turn| turn.target == target) {
            return turn;
        }
        let turn = Arc::new(Self {
            target,
            taken: AtomicBool::new(false),
            free: Notify::new(),
        });
        all.push(Arc::downgrade(&turn));
        turn
    }

    /// Takes it, unless somebody has it.
    fn take(self: &Arc<Self>) -> Option<Held> {
        let taken = self.taken.swap(true, Ordering::AcqRel);
        (!taken).then(|| Held(Arc::clone(self)))
    }

    /// Sees to it that `held` is this one.
    ///
    /// # Errors
    ///
    /// What to wait for, when somebody else has it.
    pub(super) fn hold(self: &Arc<Self>, held: &mut Option<Held>) -> Result<(), Wait> {
        if !held.as_ref().is_some_and(|held| Arc::ptr_eq(&held.0, self)) {
            // Another target's, perhaps, which is not to be kept meanwhile.
            *held = None;
            *held = self.take();
        }
        match held {
            Some(_) => Ok(()),
            None => Err(Wait::Turn(Arc::clone(self))),
        }
    }

    async fn freed(&self) {
        let mut free = pin!(self.free.notified());
        // From here on none is missed.
        free.as_mut().enable();
        if self.taken.load(Ordering::Acquire) {
            free.await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.taken.store(false, Ordering::Release);
        self.0.free.notify_waiters();
    }
}

/// What has to happen before a target takes more.
#[derive(Debug)]
pub enum Wait {
    /// This descriptor becomes writable.
    Writable(OwnedFd),
    /// Whoever writes to it has written all.
    Turn(Arc<Turn>),
    /// Nobody can say. It is tried again after a while.
    Later,
}

impl Wait {
    /// Waits for it. Must be called on a runtime.
    pub async fn over(self) {
        let waited = match self {
            Self::Writable(target) => match sys::watch(Rc::new(target), Interest::WRITABLE) {
                Ok(target) => target.writable().await.is_ok(),
                Err(_) => false,
            },
            Self::Turn(turn) => {
                turn.freed().await;
                true
            }
            Self::Later => false,
        };
        // What cannot be waited for is asked again.
        if !waited {
            tokio::time::sleep(RETRY).await;
        }
    }
}

const RETRY: Duration = Duration::from_millis(500);
