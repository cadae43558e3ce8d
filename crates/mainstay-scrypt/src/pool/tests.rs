use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use tokio::task::JoinHandle;

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// A pool whose requests run until the test lets them go.
struct Gate {
    pool: Arc<Pool<u32, u32>>,
    started: mpsc::Receiver<u32>,
    release: mpsc::Sender<()>,
}

impl Gate {
    fn new(workers: usize, queue: usize) -> Self {
        let (tell, started) = mpsc::channel();
        let (release, wait) = mpsc::channel();
        let wait = Mutex::new(wait);
        let pool = Pool::start(
            Size {
                workers,
                queue,
                deadline: LONG,
            },
            move |request| {
                // The test may have ended.
                let _ = tell.send(request);
                let _ = wait.lock().unwrap().recv_timeout(LONG);
                request
            },
        );
        Self {
            pool: Arc::new(pool.unwrap()),
            started,
            release,
        }
    }

    fn submit(&self, request: u32) -> JoinHandle<Result<u32, Error>> {
        self.submit_until(request, Instant::now() + LONG)
    }

    fn submit_until(&self, request: u32, expires: Instant) -> JoinHandle<Result<u32, Error>> {
        let pool = Arc::clone(&self.pool);
        tokio::spawn(async move { pool.submit_until(request, Some(expires)).await })
    }

    #[track_caller]
    fn wait_for_start(&self) -> u32 {
        self.started.recv_timeout(LONG).expect("a request starts")
    }

    fn release(&self) {
        self.release.send(()).unwrap();
    }

    async fn wait_for_load(&self, waiting: usize, running: usize) {
        let expected = (waiting, running);
        let reached = async {
            while self.pool.load() != expected {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(LONG, reached).await.is_err() {
            panic!("load is {:?}, not {expected:?}", self.pool.load());
        }
    }
}

fn is_busy(result: &Result<u32, Error>) -> bool {
    result.as_ref().is_err_and(Error::is_busy)
}

/// Polls once: what is refused is refused at once.
fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_future_does_not_free_the_slot_of_a_running_hash() {
    let gate = Gate::new(1, 1);
    let first = gate.submit(1);
    assert_eq!(gate.wait_for_start(), 1);

    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(gate.pool.load(), (0, 1), "the hash runs on, and is counted");
    let second = gate.submit(2);
    gate.wait_for_load(1, 1).await;
    let Poll::Ready(third) = poll(gate.pool.submit(3)) else {
        panic!("the third waits")
    };
    assert!(is_busy(&third));

    gate.release();
    assert_eq!(gate.wait_for_start(), 2);
    gate.release();
    assert_eq!(second.await.unwrap(), Ok(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_nobody_waits_for_is_skipped_and_makes_room() {
    let gate = Gate::new(1, 1);
    let first = gate.submit(1);
    gate.wait_for_start();
    let second = gate.submit(2);
    gate.wait_for_load(1, 1).await;

    second.abort();
    assert!(second.await.unwrap_err().is_cancelled());
    let third = gate.submit(3);
    gate.wait_for_load(1, 1).await;
    gate.release();
    assert_eq!(first.await.unwrap(), Ok(1));
    assert_eq!(gate.wait_for_start(), 3, "the second never starts");
    gate.release();
    assert_eq!(third.await.unwrap(), Ok(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waited_past_its_deadline_is_busy_and_never_runs() {
    let gate = Gate::new(1, 1);
    let first = gate.submit_until(1, Instant::now() + LONG);
    gate.wait_for_start();
    let second = gate.submit_until(2, Instant::now());
    gate.wait_for_load(1, 1).await;

    gate.release();
    assert_eq!(first.await.unwrap(), Ok(1));
    assert!(is_busy(&second.await.unwrap()));
    drop(gate.pool);
    assert_eq!(
        gate.started.recv_timeout(LONG),
        Err(mpsc::RecvTimeoutError::Disconnected)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_makes_room_by_refusing_what_waited_too_long() {
    let gate = Gate::new(1, 1);
    let first = gate.submit(1);
    gate.wait_for_start();
    let second = gate.submit_until(2, Instant::now());
    gate.wait_for_load(1, 1).await;

    let third = gate.submit(3);
    assert!(
        is_busy(&second.await.unwrap()),
        "while the first still runs"
    );
    gate.release();
    assert_eq!(first.await.unwrap(), Ok(1));
    gate.release();
    assert_eq!(third.await.unwrap(), Ok(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_past_the_end_of_time_is_none() {
    let size = Size {
        workers: 1,
        queue: 1,
        deadline: Duration::MAX,
    };
    let pool = Pool::start(size, |request: u32| request).unwrap();
    assert_eq!(pool.submit(1).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn never_more_run_than_there_are_workers() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now_, most_) = (Arc::clone(&now), Arc::clone(&most));
    let size = Size {
        workers: 3,
        queue: 1000,
        deadline: LONG,
    };
    let pool = Pool::start(size, move |request: usize| {
        most_.fetch_max(now_.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::yield_now();
        now_.fetch_sub(1, Ordering::SeqCst);
        request
    });
    let pool = Arc::new(pool.unwrap());
    let requests: Vec<_> = (0..1000)
        .map(|request| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.submit(request).await })
        })
        .collect();
    for (number, request) in requests.into_iter().enumerate() {
        assert_eq!(request.await.unwrap(), Ok(number));
    }
    assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
    assert_eq!(pool.load(), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_its_own_request_only() {
    let size = Size {
        workers: 1,
        queue: 8,
        deadline: LONG,
    };
    let pool = Pool::start(size, |request: u32| {
        assert_ne!(request, 1, "this panic is part of the test");
        request
    });
    let pool = pool.unwrap();
    assert_eq!(pool.submit(1).await, Err(Error::new(Kind::Lost)));
    assert_eq!(pool.submit(2).await, Ok(2));
    assert_eq!(pool.load(), (0, 0));
}

#[test]
fn the_last_handle_ends_the_threads() {
    let gate = Gate::new(4, 1);
    drop(gate.pool);
    assert_eq!(
        gate.started.recv_timeout(LONG),
        Err(mpsc::RecvTimeoutError::Disconnected)
    );
}
