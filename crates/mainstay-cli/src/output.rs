//! Standard output, and what goes beside it.

use std::io::{self, ErrorKind, Write as _};

use anyhow::Context as _;

/// Prints a line. A reader that has gone away has seen enough.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("writing to standard output")
        }
        _ => Ok(()),
    }
}

/// Something that the result does not say but its reader may want to know.
pub(crate) fn note(text: &str) {
    // Not worth failing for.
    let _ = writeln!(io::stderr(), "note: {text}");
}
