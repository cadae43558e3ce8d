//! The front for services. Its queue and its threads have their own tests beside the code.

use std::time::Duration;

use mainstay_scrypt::{AsyncHasher, Error, Params, Verdict};
use tokio::task::JoinSet;

use crate::{params, quick};

const LONG: Duration = Duration::from_secs(120);

fn front(params: Params, workers: usize, queue: usize) -> AsyncHasher {
    let hasher = quick().params(params).build().unwrap();
    let front = AsyncHasher::builder(hasher)
        .workers(workers)
        .queue(queue)
        .deadline(LONG);
    front.build().unwrap()
}

#[tokio::test]
async fn it_answers_as_the_hasher_behind_it() {
    let front = front(params(4, 8, 1), 1, 8);
    let stored = front.hash("password").await.unwrap();
    assert_eq!(
        front.verify("password", &stored).await,
        Ok(Verdict::Match { rehash: None })
    );
    assert_eq!(
        front.verify("passwort", &stored).await,
        Ok(Verdict::Mismatch)
    );
    assert_eq!(front.dummy_verify("password").await, Ok(Verdict::Mismatch));
    assert!(
        front
            .hasher()
            .verify("password", &stored)
            .unwrap()
            .is_match()
    );

    assert!(
        front
            .verify("password", "nonsense")
            .await
            .unwrap_err()
            .is_malformed()
    );
    for result in [
        front.hash("a\0").await.map(|_| ()),
        front.hash("").await.map(|_| ()),
    ] {
        assert!(result.unwrap_err().is_password_rejected());
    }
    let rejected = |verdict: Result<Verdict, Error>| verdict.unwrap_err().is_password_rejected();
    assert!(rejected(front.verify("a\0", &stored).await));
    assert!(rejected(front.dummy_verify("a\0").await));
}

#[tokio::test]
async fn it_goes_wherever_a_service_needs_it() {
    fn is_state<T: Clone + Send + Sync + std::fmt::Debug + 'static>(_: &T) {}
    let front = front(params(4, 8, 1), 1, 8);
    is_state(&front);
    let clone = front.clone();
    drop(front);
    let task = tokio::spawn(async move {
        let borrowed = String::from("password");
        clone.hash(&borrowed).await
    });
    assert!(
        task.await.unwrap().is_ok(),
        "the last handle keeps the threads"
    );
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_does_not_make_it_busy() {
    let front = AsyncHasher::new(quick().params(params(12, 8, 1)).build().unwrap()).unwrap();
    assert!(front.hash("password").await.is_ok());
}

#[test]
fn it_needs_no_runtime_with_timers() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let front = front(params(4, 8, 1), 1, 8);
    assert!(runtime.block_on(front.hash("password")).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_queue_everybody_is_busy_whether_or_not_they_have_an_account() {
    // Long hashes, and a single place to wait.
    let front = front(params(16, 8, 1), 1, 1);
    let stored = "$scrypt$ln=4,r=8,p=1$6l2rlbKW0tpb67239j5HaA$0gIUvTYfKmqR+XP/JECBAA";
    let mut logins = JoinSet::new();
    for number in 0..60 {
        let front = front.clone();
        logins.spawn(async move {
            let result = match number % 3 {
                0 => front.hash("password").await.map(|_| ()),
                1 => front.verify("password", stored).await.map(|_| ()),
                _ => front.dummy_verify("password").await.map(|_| ()),
            };
            (number % 3, result)
        });
    }
    let mut busy = [0; 3];
    while let Some(login) = logins.join_next().await {
        let (kind, result) = login.unwrap();
        if let Err(error) = result {
            assert!(error.is_busy(), "{error}");
            busy[kind] += 1;
        }
    }
    assert!(busy.iter().all(|&count| count > 0), "{busy:?}");
    assert!(
        front.dummy_verify("password").await.is_ok(),
        "and then there is room again"
    );
    assert_eq!((front.load().waiting, front.load().running), (0, 0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_logins_at_once_stay_within_workers_times_memory() {
    let name = "asynchronous::a_hundred_logins_at_once_stay_within_workers_times_memory";
    if !crate::memory::is_child(name, "") {
        return;
    }
    const LOGINS: usize = 100;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let front = front(params(14, 8, 1), 2, LOGINS);
    runtime.block_on(async {
        let stored = front.hash("password").await.unwrap();
        let mut logins = JoinSet::new();
        for _ in 0..LOGINS {
            let (front, stored) = (front.clone(), stored.clone());
            logins.spawn(async move { front.verify("password", &stored).await });
        }
        while let Some(verdict) = logins.join_next().await {
            assert_eq!(verdict.unwrap(), Ok(Verdict::Match { rehash: None }));
            assert!(front.load().running <= 2);
        }
    });
    // Two tables of 16 MiB, and the rest of the process: not a hundred tables.
    let peak = crate::memory::peak_kib();
    assert!((16 << 10..64 << 10).contains(&peak), "{peak} KiB");
}
