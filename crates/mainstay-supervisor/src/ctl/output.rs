//! The one way to the screen.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};

/// Where everything that a command says goes.
///
/// A reader that has seen enough and left (`mainstayctl status | head -1`) must not keep a command
/// from doing the rest of its work, so a broken pipe only silences the output. Any other failure is
/// kept and reported at the end: a full disk must not look like success.
pub struct Output {
    sink: Box<dyn Write>,
    colour: bool,
    gone: bool,
    failure: Option<io::Error>,
}

impl Output {
    /// Standard output; coloured if it is a terminal and `NO_COLOR` is not set.
    pub fn stdout() -> Self {
        let colour = io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            colour,
            ..Self::new(io::stdout())
        }
    }

    /// Any other sink, without colour.
    pub fn new(sink: impl Write + 'static) -> Self {
        Self {
            sink: Box::new(sink),
            colour: false,
            gone: false,
            failure: None,
        }
    }

    /// Writes a line.
    pub fn line(&mut self, text: impl fmt::Display) {
        self.attempt(|sink| writeln!(sink, "{text}"));
    }

    /// Writes text without ending the line, such as a prompt, and shows it at once.
    pub fn prompt(&mut self, text: impl fmt::Display) {
        self.attempt(|sink| {
            write!(sink, "{text}")?;
            sink.flush()
        });
    }

    /// Writes bytes as they are, and shows them at once.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.attempt(|sink| {
            sink.write_all(bytes)?;
            sink.flush()
        });
    }

    /// Whether people look at it, so that colour helps.
    pub fn is_coloured(&self) -> bool {
        self.colour
    }

    /// Whether there is nobody left to write for.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Ends the output.
    ///
    /// # Errors
    ///
    /// The first failure to write, a broken pipe apart.
    pub fn finish(mut self) -> io::Result<()> {
        self.attempt(|sink| sink.flush());
        self.failure.map_or(Ok(()), Err)
    }

    fn attempt(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.gone {
            return;
        }
        if let Err(error) = write(&mut *self.sink) {
            self.gone = true;
            if error.kind() != ErrorKind::BrokenPipe {
                self.failure = Some(error);
            }
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("colour", &self.colour)
            .field("gone", &self.gone)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_no_error_and_a_full_disk_is() {
        for (kind, is_error) in [
            (ErrorKind::BrokenPipe, false),
            (ErrorKind::StorageFull, true),
        ] {
            let mut out = Output::new(Failing(kind));
            out.line("one");

            assert!(out.is_gone(), "{kind}");
            assert_eq!(out.finish().is_err(), is_error, "{kind}");
        }
    }
}
