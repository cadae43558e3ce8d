//! The asynchronous front: hashes run on threads of their own, and only so many at once.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::hasher::Hasher;
use crate::pool::{Pool, Size};
use crate::verdict::Verdict;

/// A [`Hasher`] behind a bounded queue, for services.
///
/// Logins are the work that strangers can order without an account, at 128 MiB a piece. So a
/// fixed number of threads hash (all cores but one, unless set), a bounded number of requests wait
/// for them (eight a thread), none for longer than a deadline (two seconds), and everything beyond
/// that is refused at once with an error that [is busy](Error::is_busy): answer it with 503 and
/// `Retry-After`. The memory in use is never more than threads × [memory](crate::Params::memory)
/// of the dearest hash that the [limits](Hasher::limits) admit.
///
/// Handles are cheap to clone and share the threads, which end with the last handle. Make one at
/// the start and keep it in the application's state; two of them are two bounds.
///
/// ```
/// use mainstay_scrypt::{AsyncHasher, Hasher, Params};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mainstay_scrypt::Error> {
/// # let params = Params::new(4, 8, 1)?;
/// # let hasher = Hasher::builder().params(params).allow_weak().build()?;
/// let hasher = AsyncHasher::new(hasher)?;
/// let stored = hasher.hash("correct horse battery staple").await?;
/// assert!(hasher.verify("correct horse battery staple", &stored).await?.is_match());
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping a future of [`hash`](Self::hash), [`verify`](Self::verify) or
/// [`dummy_verify`](Self::dummy_verify) before a thread has taken the request withdraws it. Once
/// the hash runs, it runs to its end and keeps its thread busy, and the answer is thrown away; so a
/// client that hangs up does not make room for another hash early. The password was copied at
/// the first poll, and the copy is wiped in both cases.
#[derive(Clone)]
pub struct AsyncHasher {
    shared: Arc<Front>,
}

struct Front {
    hasher: Hasher,
    pool: Pool<Request, Result<Answer, Error>>,
    size: Size,
}

/// What a thread is asked to do. No `Debug`: it has the password in it.
enum Request {
    Hash { password: Password },
    Verify { password: Password, encoded: String },
    Dummy { password: Password },
}

type Password = Zeroizing<Vec<u8>>;

enum Answer {
    Hash(String),
    Verdict(Verdict),
}

/// How much an [`AsyncHasher`] has to do right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Requests in the queue.
    pub waiting: usize,
    /// Hashes being computed, whether or not somebody still waits for them.
    pub running: usize,
    /// The most that can run.
    pub workers: usize,
    /// The most that can wait.
    pub queue: usize,
}

impl AsyncHasher {
    /// Starts the threads, with the defaults.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread.
    pub fn new(hasher: Hasher) -> Result<Self, Error> {
        Self::builder(hasher).build()
    }

    /// Sets the number of threads, the queue or the deadline.
    pub fn builder(hasher: Hasher) -> AsyncHasherBuilder {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        AsyncHasherBuilder {
            hasher,
            workers: cores.saturating_sub(1).max(1),
            queue: None,
            deadline: Duration::from_secs(2),
        }
    }

    /// The hasher behind the queue.
    pub fn hasher(&self) -> &Hasher {
        &self.shared.hasher
    }

    /// What waits and runs at this moment.
    pub fn load(&self) -> Load {
        let (waiting, running) = self.shared.pool.load();
        let Size { workers, queue, .. } = self.shared.size;
        Load {
            waiting,
            running,
            workers,
            queue,
        }
    }

    /// As [`Hasher::hash`].
    ///
    /// # Errors
    ///
    /// Those of [`Hasher::hash`], and [`is_busy`](Error::is_busy).
    pub async fn hash(&self, password: impl AsRef<[u8]>) -> Result<String, Error> {
        self.hasher().check_new_password(password.as_ref())?;
        match self
            .ask(Request::Hash {
                password: copy(&password),
            })
            .await?
        {
            Answer::Hash(encoded) => Ok(encoded),
            Answer::Verdict(_) => unreachable!("a hash is answered with a hash"),
        }
    }

    /// As [`Hasher::verify`].
    ///
    /// # Errors
    ///
    /// Those of [`Hasher::verify`], and [`is_busy`](Error::is_busy).
    pub async fn verify(
        &self,
        password: impl AsRef<[u8]>,
        encoded: &str,
    ) -> Result<Verdict, Error> {
        self.hasher().check_password(password.as_ref())?;
        let encoded = encoded.to_owned();
        self.ask_for_verdict(Request::Verify {
            password: copy(&password),
            encoded,
        })
        .await
    }

    /// As [`Hasher::dummy_verify`], through the same queue.
    ///
    /// # Errors
    ///
    /// Those of [`Hasher::dummy_verify`], and [`is_busy`](Error::is_busy).
    pub async fn dummy_verify(&self, password: impl AsRef<[u8]>) -> Result<Verdict, Error> {
        self.hasher().check_password(password.as_ref())?;
        self.ask_for_verdict(Request::Dummy {
            password: copy(&password),
        })
        .await
    }

    async fn ask_for_verdict(&self, request: Request) -> Result<Verdict, Error> {
        match self.ask(request).await? {
            Answer::Verdict(verdict) => Ok(verdict),
            Answer::Hash(_) => unreachable!("a verification is answered with a verdict"),
        }
    }

    async fn ask(&self, request: Request) -> Result<Answer, Error> {
        self.shared.pool.submit(request).await?
    }
}

impl fmt::Debug for AsyncHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncHasher")
            .field("hasher", self.hasher())
            .field("size", &self.shared.size)
            .finish_non_exhaustive()
    }
}

/// Sets up an [`AsyncHasher`].
#[derive(Clone, Debug)]
#[must_use = "call `build` to start the threads"]
pub struct AsyncHasherBuilder {
    hasher: Hasher,
    workers: usize,
    queue: Option<usize>,
    deadline: Duration,
}

impl AsyncHasherBuilder {
    /// How many hashes run at once; at least one.
    ///
    /// Choose it by memory first: each needs [`Params::memory`](crate::Params::memory).
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How many requests wait at most; at least one (default: eight a worker).
    pub fn queue(mut self, waiting: usize) -> Self {
        self.queue = Some(waiting.max(1));
        self
    }

    /// How long a request waits at most before it is given up (default: two seconds).
    ///
    /// It is looked at whenever a worker takes up the next request, so the refusal can be late
    /// by the time of one hash.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread.
    pub fn build(self) -> Result<AsyncHasher, Error> {
        let Self {
            hasher,
            workers,
            deadline,
            ..
        } = self;
        let queue = self.queue.unwrap_or(workers.saturating_mul(8));
        let size = Size {
            workers,
            queue,
            deadline,
        };
        let pool = Pool::start(size, {
            let hasher = hasher.clone();
            move |request| answer(&hasher, request)
        })?;
        Ok(AsyncHasher {
            shared: Arc::new(Front { hasher, pool, size }),
        })
    }
}

fn answer(hasher: &Hasher, request: Request) -> Result<Answer, Error> {
    match request {
        Request::Hash { password } => hasher.hash(&password).map(Answer::Hash),
        Request::Verify { password, encoded } => {
            hasher.verify(&password, &encoded).map(Answer::Verdict)
        }
        Request::Dummy { password } => hasher.dummy_verify(&password).map(Answer::Verdict),
    }
}

/// The caller's password may be gone before the hash is.
fn copy(password: &impl AsRef<[u8]>) -> Password {
    Zeroizing::new(password.as_ref().to_vec())
}
