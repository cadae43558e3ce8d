//! Where passwords come from: the terminal, or standard input.

use std::io::{self, ErrorKind, Read as _};

use anyhow::{Context as _, anyhow};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output;

pub(crate) type Password = Zeroizing<Vec<u8>>;

/// One byte more than any hasher of ours takes, so that what is too long is seen to be.
const MOST: usize = 1024 + 1;

/// Every byte of it.
pub(crate) fn from_stdin() -> Result<Password, Failure> {
    // Large enough from the start: growing would leave copies behind.
    let mut password = Zeroizing::new(Vec::with_capacity(2 * MOST));
    io::stdin()
        .lock()
        .take(MOST as u64)
        .read_to_end(&mut password)
        .context("reading the password from standard input")?;
    if password.ends_with(b"\n") {
        output::note("the newline at the end is part of the password; `printf %s` prints none");
    }
    Ok(password)
}

pub(crate) fn ask() -> Result<Password, Failure> {
    prompt("Password: ")
}

/// A password that nobody sees is easily mistyped.
pub(crate) fn ask_twice() -> Result<Password, Failure> {
    let password = prompt("Password: ")?;
    if password != prompt("The same again: ")? {
        return Err(anyhow!("the two passwords differ").into());
    }
    Ok(password)
}

fn prompt(text: &str) -> Result<Password, Failure> {
    let answer = {
        let _held = HeldInterrupt::new()?;
        rpassword::prompt_password(text)
    };
    match answer {
        // What is not UTF-8 arrives as this character, and other passwords would match too.
        Ok(password) if password.contains(char::REPLACEMENT_CHARACTER) => {
            drop(Zeroizing::new(password));
            Err(Failure::with_hint(
                anyhow!("the terminal sent bytes that are not UTF-8"),
                "`--stdin` takes a password of any bytes",
            ))
        }
        Ok(password) => Ok(Zeroizing::new(password.into_bytes())),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::Interrupted
            ) =>
        {
            Err(anyhow!("no password was given").into())
        }
        Err(error) => Err(Failure::with_hint(
            anyhow!(error).context("asking for the password on the terminal"),
            "without a terminal, give the password to standard input and say `--stdin`",
        )),
    }
}

/// Holds SIGINT back for as long as it lives.
///
/// On Ctrl-C the prompt sends the signal to its own process before it has the terminal echo
/// again, and the shell that we leave behind would not show what is typed. Held back, the signal
/// arrives when the terminal is as it was.
struct HeldInterrupt {
    #[cfg(unix)]
    before: nix::sys::signal::SigSet,
}

#[cfg(unix)]
impl HeldInterrupt {
    fn new() -> anyhow::Result<Self> {
        use nix::sys::signal::{SigSet, SigmaskHow, Signal};

        let interrupt = SigSet::from(Signal::SIGINT);
        let before = interrupt
            .thread_swap_mask(SigmaskHow::SIG_BLOCK)
            .context("holding back interrupts during the prompt")?;
        Ok(Self { before })
    }
}

#[cfg(unix)]
impl Drop for HeldInterrupt {
    fn drop(&mut self) {
        // Cannot fail: the mask was in force before.
        let _ = self.before.thread_set_mask();
    }
}

#[cfg(not(unix))]
impl HeldInterrupt {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {})
    }
}
