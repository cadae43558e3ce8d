//! Fifty logins at once on a machine that computes one hash at a time.
//!
//! Run with `cargo run --release -p mainstay-scrypt --features tokio --example service`.
#![expect(clippy::print_stdout, reason = "an example has something to say")]

use std::time::Instant;

use mainstay_scrypt::{AsyncHasher, Error, Hasher, Params};
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let hasher = Hasher::builder().params(Params::OWASP_16_MIB).build()?;
    let hasher = AsyncHasher::builder(hasher).workers(1).queue(8).build()?;
    let stored = hasher.hash("correct horse battery staple").await?;

    let start = Instant::now();
    let mut logins = JoinSet::new();
    for _ in 0..50 {
        let (hasher, stored) = (hasher.clone(), stored.clone());
        logins.spawn(async move { hasher.verify("correct horse battery staple", &stored).await });
    }
    let (mut welcome, mut busy) = (0, 0);
    while let Some(Ok(login)) = logins.join_next().await {
        match login {
            Ok(verdict) => welcome += usize::from(verdict.is_match()),
            // In a service: 503 with `Retry-After`.
            Err(error) if error.is_busy() => busy += 1,
            Err(error) => return Err(error),
        }
    }
    println!(
        "{welcome} welcome, {busy} told to come back, in {:.0?}",
        start.elapsed()
    );
    println!(
        "at no time more than {} MiB",
        hasher.hasher().params().memory() >> 20
    );
    Ok(())
}
