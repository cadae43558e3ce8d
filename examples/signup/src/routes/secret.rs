//! A password on its way through the site.

use std::fmt;

use serde::Deserialize;

/// Text that does not show in logs.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Secret(String);

impl Secret {
    /// In characters. Beyond this nobody gains, and hashing would take long.
    pub(super) const LONGEST: usize = 256;

    /// Whether anybody can have this password. The hasher refuses NUL, where two passwords would have
    /// one hash.
    pub(super) fn is_possible(&self) -> bool {
        self.0.chars().count() <= Self::LONGEST && !self.0.contains('\0')
    }

    #[cfg(test)]
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
