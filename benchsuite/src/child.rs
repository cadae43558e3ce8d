//! What the measured daemons run: `benchsuite child KIND SOCKET [SIZE]`.
//!
//! A child tells when it is there by a datagram that holds its pid, so that nobody has to look.

use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::process;
use std::thread;

use anyhow::{Context as _, Result, bail};
use nix::fcntl::{SpliceFFlags, splice};

pub(crate) fn run(args: &[&str]) -> Result<()> {
    match args {
        ["wait", socket] => {
            announce(socket)?;
            wait()
        }
        ["exit", socket] => announce(socket),
        ["pour"] => pour(),
        ["flood", size] => flood(size.parse().context("a size in bytes")?),
        _ => bail!("child wait SOCKET | exit SOCKET | flood BYTES | pour"),
    }
}

fn announce(socket: &str) -> Result<()> {
    let message = process::id().to_string();
    UnixDatagram::unbound()?
        .send_to(message.as_bytes(), socket)
        .context("telling my pid")?;
    Ok(())
}

fn wait() -> ! {
    loop {
        thread::park();
    }
}

/// Lines of 100 bytes, as a busy service logs them, in the pieces that a buffered writer makes.
fn flood(size: u64) -> Result<()> {
    let line: Vec<u8> = (0..99).map(|n| b'a' + n % 26).chain([b'\n']).collect();
    let piece = line.repeat(640);
    let mut stdout = std::io::stdout().lock();
    let mut left = size;
    while left > 0 {
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        stdout.write_all(&piece[..n])?;
        left -= n as u64;
    }
    stdout.flush()?;
    Ok(())
}

/// From a pipe into a file and nothing else: what the kernel asks for moving bytes without a copy
/// through user space.
fn pour() -> Result<()> {
    let (stdin, stdout) = (std::io::stdin(), std::io::stdout());
    while splice(&stdin, None, &stdout, None, 1 << 20, SpliceFFlags::empty())? > 0 {}
    Ok(())
}
