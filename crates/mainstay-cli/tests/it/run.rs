//! Runs `mainstay` and says what came of it.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_mainstay");

/// What came of a run.
pub(crate) struct Ran {
    output: Output,
}

pub(crate) fn mainstay(args: &[&str]) -> Ran {
    with_stdin(args, b"")
}

#[track_caller]
pub(crate) fn with_stdin(args: &[&str], input: &[u8]) -> Ran {
    let mut child = Command::new(BINARY)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read everything, or without reading at all.
    let _ = child.stdin.take().unwrap().write_all(input);
    Ran {
        output: child.wait_with_output().unwrap(),
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn code(&self, expected: i32) -> &Self {
        assert_eq!(
            self.output.status.code(),
            Some(expected),
            "{}{}",
            self.stdout(),
            self.stderr()
        );
        self
    }

    /// Standard output was one line: this one, without its end.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        let stdout = self.stdout();
        let line = stdout
            .strip_suffix('\n')
            .unwrap_or_else(|| panic!("no line: {stdout:?}"));
        assert!(!line.contains('\n'), "more than a line: {stdout:?}");
        line.to_owned()
    }

    #[track_caller]
    pub(crate) fn prints(&self, line: &str) -> &Self {
        assert_eq!(self.line(), line);
        self
    }

    #[track_caller]
    pub(crate) fn prints_nothing(&self) -> &Self {
        assert_eq!(self.stdout(), "");
        self
    }

    /// Standard error is exactly this.
    #[track_caller]
    pub(crate) fn says(&self, expected: &str) -> &Self {
        assert_eq!(self.stderr(), expected);
        self
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).unwrap()
    }
}
