//! What the measured daemons run: `benchsuite child KIND SOCKET [SIZE]`.
//!
//! A child tells when it is there by a datagram that holds its pid, so that nobody has to look.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
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
        ["listen", socket, count] => listen(socket, count.parse().context("a number of events")?),
        _ => bail!("child wait SOCKET | exit SOCKET | flood BYTES | pour | listen SOCKET EVENTS"),
    }
}

fn announce(socket: &str) -> Result<()> {
    let message = process::id().to_string();
    UnixDatagram::unbound()?
        .send_to(message.as_bytes(), socket)
        .context("telling my pid")?;
    Ok(())
}

/// An event listener, which tells when it is ready for the first event and when it has answered the
/// last.
fn listen(socket: &str, count: usize) -> Result<()> {
    let mut stdin = BufReader::new(std::io::stdin().lock());
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(b"READY\n")?;
    stdout.flush()?;
    announce(socket)?;
    for _ in 0..count {
        let mut header = String::new();
        stdin.read_line(&mut header)?;
        let length = header.trim_end().rsplit("len:").next();
        let length = length.context("a header without a length")?.parse()?;
        let mut payload = vec![0; length];
        stdin.read_exact(&mut payload)?;
        stdout.write_all(b"RESULT 2\nOKREADY\n")?;
        stdout.flush()?;
    }
    announce(socket)?;
    wait()
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
