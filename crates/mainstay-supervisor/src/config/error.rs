//! What is wrong with a configuration.

use std::fmt;
use std::sync::Arc;

/// A mistake in a configuration.
///
/// [`text`](Self::text) is Supervisor's message, to the letter. `Display` is that text, followed by
/// file, line, section, option and what was expected there, as far as they are known and not said
/// already.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Inner {
    text: String,
    origin: Option<Origin>,
    section: Option<String>,
    key: Option<String>,
    expected: Option<String>,
    hint: Option<String>,
    is_missing_file: bool,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file's name, as messages show it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl Error {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            text: text.into(),
            ..Inner::default()
        }))
    }

    pub(crate) fn missing_file(text: impl Into<String>) -> Self {
        let mut error = Self::new(text);
        error.0.is_missing_file = true;
        error
    }

    pub(crate) fn at(mut self, origin: &Origin) -> Self {
        self.0.origin = Some(origin.clone());
        self
    }

    pub(crate) fn section(mut self, section: impl Into<String>) -> Self {
        self.0.section = Some(section.into());
        self
    }

    pub(crate) fn key(mut self, key: impl Into<String>) -> Self {
        self.0.key = Some(key.into());
        self
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.0.expected = Some(expected.into());
        self
    }

    pub(crate) fn hint(mut self, hint: Option<String>) -> Self {
        self.0.hint = hint.or(self.0.hint);
        self
    }

    pub(crate) fn suffix(mut self, suffix: &str) -> Self {
        self.0.text.push_str(suffix);
        self
    }

    /// Supervisor's message, without `Error: `.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Where it is, if it is in one place.
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// File, line, section and option, as far as they are known.
    pub(crate) fn place(&self) -> String {
        let Inner {
            origin,
            section,
            key,
            ..
        } = &*self.0;
        let mut place = origin.as_ref().map(ToString::to_string).unwrap_or_default();
        if let Some(section) = section {
            place.push_str(&format!(": [{section}]"));
        }
        if let Some(key) = key {
            place.push_str(&format!(" {key}"));
        }
        place
    }

    /// The section, without brackets.
    pub fn section_name(&self) -> Option<&str> {
        self.0.section.as_deref()
    }

    /// The option.
    pub fn key_name(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// What the option takes.
    pub fn expectation(&self) -> Option<&str> {
        self.0.expected.as_deref()
    }

    /// What was probably meant.
    pub fn suggestion(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// There is no configuration file, or it cannot be opened.
    pub fn is_missing_file(&self) -> bool {
        self.0.is_missing_file
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            text,
            origin,
            section,
            key,
            expected,
            hint,
            ..
        } = &*self.0;
        f.write_str(text)?;
        if let Some(origin) = origin {
            // Some of Supervisor's messages end in the section and the file.
            let said = section.as_ref().is_some_and(|section| {
                text.ends_with(&format!(
                    " in section '{section}' (file: '{}')",
                    origin.file
                ))
            });
            match (said, key) {
                (false, _) => write!(f, "; {}", self.place())?,
                (true, Some(key)) => write!(f, "; line {}: {key}", origin.line)?,
                (true, None) => write!(f, "; line {}", origin.line)?,
            }
        }
        if let Some(expected) = expected {
            write!(f, ": expected {expected}")?;
        }
        if let Some(hint) = hint {
            write!(f, "; hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}
