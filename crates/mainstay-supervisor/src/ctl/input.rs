//! What the user types, where no line editor is at work.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::unistd::read;

/// Reads a line from standard input, without its newline; `None` at the end of the input.
///
/// Byte by byte and unbuffered, as shells read their scripts: whoever reads standard input next
/// (`fg`, for one) must find the rest of it there.
///
/// # Errors
///
/// When standard input cannot be read.
pub(super) fn line() -> io::Result<Option<String>> {
    line_from(&io::stdin())
}

/// Reads a password from the terminal, which does not show it. Where there is no terminal, it is the
/// next line of standard input, as for Python's `getpass`: `echo` and `mainstayctl` in a pipe work.
///
/// # Errors
///
/// When it cannot be read, or the user gives up.
pub(super) fn password() -> io::Result<Option<String>> {
    if File::open("/dev/tty").is_err() && !io::stdin().is_terminal() {
        return line();
    }
    rpassword::read_password().map(Some)
}

fn line_from(source: &impl AsFd) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    loop {
        let mut byte = [0];
        match read(source, &mut byte) {
            Ok(0) if bytes.is_empty() => return Ok(None),
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => bytes.push(byte[0]),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_are_read_one_at_a_time() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"status\n\npid web\r\nlast").unwrap();
        drop(writer);

        for expected in [
            Some("status"),
            Some(""),
            Some("pid web"),
            Some("last"),
            None,
        ] {
            assert_eq!(line_from(&reader).unwrap().as_deref(), expected);
        }
    }
}
