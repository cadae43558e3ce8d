//! Sign up, log in, and an upgrade at login.
//!
//! Run with `cargo run --release -p mainstay-scrypt --example login`.
#![expect(clippy::print_stdout, reason = "an example has something to say")]

use std::error::Error;
use std::time::Instant;

use mainstay_scrypt::{Hasher, Params, Verdict};

fn main() -> Result<(), Box<dyn Error>> {
    // The database is from the days of simple-scrypt: 16 MiB a hash, its own form.
    let mut stored = "16384$8$1$70c49c95ff3901ee998629e3e2287a66\
                      $1f2371347a68d2da1f743d31ccb21f86b15ab7261fb53bb796282ac5f48f4bd9"
        .to_owned();
    let password = "correct horse battery staple";
    let hasher = Hasher::builder().params(Params::OWASP_16_MIB).build()?;

    for login in 1..=2 {
        let start = Instant::now();
        let verdict = hasher.verify(password, &stored)?;
        println!("login {login}: {verdict:?} after {:.0?}", start.elapsed());
        if let Verdict::Match { rehash: Some(why) } = verdict {
            stored = hasher.hash(password)?;
            println!("         the hash {why}; now it is {stored}");
        }
    }
    Ok(())
}
