//! `mainstay password hash` and `mainstay password verify`

mod input;

use mainstay_scrypt::{Error, Hasher, Verdict};

use crate::args::{HashArgs, VerifyArgs};
use crate::failure::Failure;
use crate::output;

pub(crate) fn hash(args: &HashArgs) -> Result<(), Failure> {
    // First what can be wrong without the password, so that nobody types it in vain.
    let mut hasher = Hasher::builder()
        .params(args.params().map_err(explain)?)
        .format(args.format.into());
    if args.allow_weak {
        hasher = hasher.allow_weak();
    }
    let hasher = hasher.build().map_err(explain)?;

    let password = if args.stdin {
        input::from_stdin()?
    } else {
        input::ask_twice()?
    };
    Ok(output::line(&hasher.hash(&password).map_err(explain)?)?)
}

/// Whether the password is the one.
pub(crate) fn verify(args: &VerifyArgs) -> Result<bool, Failure> {
    let hasher = Hasher::builder().build().map_err(explain)?;
    mainstay_scrypt::cost(&args.hash)
        .and_then(|cost| hasher.limits().check(cost.params))
        .map_err(explain)?;

    let password = if args.stdin {
        input::from_stdin()?
    } else {
        input::ask()?
    };
    match hasher.verify(&password, &args.hash).map_err(explain)? {
        Verdict::Match { rehash } => {
            output::line("match")?;
            if let Some(why) = rehash {
                output::note(&format!("this hash {why}"));
            }
            Ok(true)
        }
        Verdict::Mismatch => {
            output::line("mismatch")?;
            Ok(false)
        }
    }
}

/// Adds what to do about it, in the words of this program.
fn explain(error: Error) -> Failure {
    let hint = if error.is_malformed() {
        "put the hash in single quotes: otherwise the shell replaces its dollar signs"
    } else if error.is_too_weak() {
        "choose a `--preset` that begins with `owasp`, or insist with `--allow-weak`"
    } else if error.is_over_limit() {
        "at most 256 MiB (128 · N · r bytes) and N · r · p = 2^23 are computed"
    } else if error.is_password_rejected() {
        "a password has from 1 to 1024 bytes, and no NUL byte"
    } else {
        return error.into();
    };
    Failure::with_hint(error, hint)
}
