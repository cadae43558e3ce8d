//! Any sequence of uses, on several threads: the bounds hold whenever one looks, and at rest every
//! buffer is accounted for.

use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use bytes::Bytes;
use mainstay_bufpool::{BufferPool, PooledBuf, Sizing};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Get,
    GetWith(usize),
    Write(usize),
    Drop,
    Freeze,
    FreezeDetached,
    CloneBytes,
    DropBytes,
    IntoVec,
    Adopt(usize),
}

const SIZE: usize = 256;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Get),
        2 => (0..4 * SIZE).prop_map(Step::GetWith),
        6 => (1..3 * SIZE).prop_map(Step::Write),
        4 => Just(Step::Drop),
        3 => Just(Step::Freeze),
        1 => Just(Step::FreezeDetached),
        2 => Just(Step::CloneBytes),
        3 => Just(Step::DropBytes),
        1 => Just(Step::IntoVec),
        1 => (0..3 * SIZE).prop_map(Step::Adopt),
    ]
}

/// One thread's view: what it holds, and what it has done.
#[derive(Default)]
struct Actor {
    bufs: Vec<PooledBuf>,
    frozen: Vec<Bytes>,
    gets: u64,
    detached: u64,
}

impl Actor {
    fn act(&mut self, pool: &BufferPool, owners: &Owners, step: &Step) {
        match *step {
            Step::Get => self.take(owners, pool.get(), 0),
            Step::GetWith(capacity) => self.take(owners, pool.get_with(capacity), capacity),
            Step::Write(len) => {
                if let Some(buf) = self.bufs.last_mut() {
                    owners.moved(buf, |buf| buf.extend(std::iter::repeat_n(b'x', len)));
                }
            }
            Step::Drop => {
                if let Some(buf) = self.bufs.pop() {
                    owners.gone(&buf);
                }
            }
            Step::Freeze => {
                if let Some(buf) = self.bufs.pop() {
                    // From here on the address may come back through any clone's end.
                    owners.gone(&buf);
                    self.frozen.push(buf.freeze());
                }
            }
            Step::FreezeDetached => {
                if let Some(buf) = self.bufs.pop() {
                    owners.gone(&buf);
                    self.detached += u64::from(buf.len() >= buf.capacity() / 2);
                    drop(buf.freeze_detached());
                }
            }
            Step::CloneBytes => self.frozen.extend(self.frozen.last().cloned()),
            Step::DropBytes => drop(self.frozen.pop()),
            Step::IntoVec => {
                if let Some(buf) = self.bufs.pop() {
                    owners.gone(&buf);
                    self.detached += 1;
                    drop(buf.into_vec());
                }
            }
            Step::Adopt(capacity) => pool.adopt(Vec::with_capacity(capacity)),
        }
    }

    fn take(&mut self, owners: &Owners, buf: PooledBuf, capacity: usize) {
        assert!(buf.is_empty(), "a buffer came back with contents");
        assert!(buf.capacity() >= capacity.max(SIZE));
        owners.came(&buf);
        self.gets += 1;
        self.bufs.push(buf);
    }
}

/// Addresses of all buffers in somebody's hands: none may be there twice.
#[derive(Default)]
struct Owners(Mutex<HashSet<usize>>);

impl Owners {
    fn came(&self, buf: &PooledBuf) {
        let first = self.0.lock().unwrap().insert(buf.as_ptr() as usize);
        assert!(first, "one buffer has two owners");
    }

    fn gone(&self, buf: &PooledBuf) {
        assert!(self.0.lock().unwrap().remove(&(buf.as_ptr() as usize)));
    }

    fn moved(&self, buf: &mut PooledBuf, change: impl FnOnce(&mut PooledBuf)) {
        self.gone(buf);
        change(buf);
        self.came(buf);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 64 }))]

    #[test]
    fn bounds_hold_and_every_buffer_is_accounted_for(
        scripts in prop::collection::vec(prop::collection::vec(step(), 1..120), 1..4),
        keep in 0_usize..6,
        keep_bytes in prop_oneof![Just(usize::MAX), 0..8 * SIZE],
    ) {
        let pool = BufferPool::builder()
            .keep(keep)
            .keep_bytes(keep_bytes)
            .size(Sizing::Fixed(SIZE))
            .build();
        let owners = Owners::default();
        let totals = (AtomicU64::new(0), AtomicU64::new(0));
        let (gets, detached) = (&totals.0, &totals.1);
        let (pool, owners) = (&pool, &owners);
        let done = AtomicBool::new(false);

        thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    let stats = pool.stats();
                    assert!(stats.kept <= keep && stats.kept_bytes <= keep_bytes, "{stats:?}");
                    thread::yield_now();
                }
            });
            let actors: Vec<_> = scripts
                .iter()
                .map(|script| {
                    scope.spawn(move || {
                        let mut actor = Actor::default();
                        for step in script {
                            actor.act(pool, owners, step);
                        }
                        gets.fetch_add(actor.gets, Ordering::Relaxed);
                        detached.fetch_add(actor.detached, Ordering::Relaxed);
                        for buf in &actor.bufs {
                            owners.gone(buf);
                        }
                        (actor.bufs, actor.frozen)
                    })
                })
                .collect();
            // Held here until all are done, so that `in_use` has something to be compared with.
            let held: Vec<_> = actors.into_iter().map(|actor| actor.join().unwrap()).collect();
            done.store(true, Ordering::Release);
            watcher.join().unwrap();

            let bufs: usize = held.iter().map(|(bufs, _)| bufs.len()).sum();
            let frozen: HashSet<_> = held
                .iter()
                .flat_map(|(_, frozen)| frozen)
                .filter(|bytes| !bytes.is_empty())
                .map(|bytes| bytes.as_ptr())
                .collect();
            let in_use = pool.stats().in_use as usize;
            assert_eq!(in_use, bufs + frozen.len());
        });

        let stats = pool.stats();
        let (gets, detached) = (totals.0.into_inner(), totals.1.into_inner());
        prop_assert_eq!(stats.hits + stats.misses, gets);
        prop_assert_eq!(stats.detached, detached);
        prop_assert_eq!(stats.returned + stats.detached, gets);
        prop_assert_eq!(stats.in_use, 0);
        prop_assert!(stats.kept <= keep && stats.kept_bytes <= keep_bytes);
        prop_assert!(stats.kept_bytes >= stats.kept * SIZE);
    }
}
