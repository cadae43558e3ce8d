//! Names of members: which are allowed, and when two are the same.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// A name that a member may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    shown: String,
    key: String,
}

impl Name {
    const LENGTH: std::ops::RangeInclusive<usize> = 2..=40;

    /// Takes what somebody typed; the error is for that person.
    pub(crate) fn parse(typed: &str) -> Result<Self, &'static str> {
        let shown = tidy(typed);
        if !Self::LENGTH.contains(&shown.chars().count()) {
            return Err("A name has 2 to 40 letters.");
        }
        if !shown.chars().all(is_allowed) || !shown.chars().any(char::is_alphanumeric) {
            return Err("A name is made of letters, digits, blanks and any of . - _ '");
        }
        let key = shown.to_lowercase();
        Ok(Self { shown, key })
    }

    /// The key under which a name would be found, whether or not it is one.
    pub(crate) fn key_of(typed: &str) -> String {
        tidy(typed).to_lowercase()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.shown
    }

    /// The same for all spellings of a name.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

/// One spelling for what looks the same (NFKC), and single blanks inside only.
fn tidy(typed: &str) -> String {
    let composed: String = typed.nfkc().collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Keeps out what cannot be seen or turns the writing round, and would let one name pose as another.
fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c) || matches!(c, ' ' | '.' | '-' | '_' | '\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_share_a_key() {
        for (typed, shown, key) in [
            ("Ada", "Ada", "ada"),
            ("  Ada \t Lovelace ", "Ada Lovelace", "ada lovelace"),
            ("ＡＤＡ", "ADA", "ada"),
            ("Zoe\u{308}", "Zo\u{eb}", "zo\u{eb}"),
            ("O'Neil-Smith_2.", "O'Neil-Smith_2.", "o'neil-smith_2."),
            ("अदिति", "अदिति", "अदिति"),
        ] {
            let name = Name::parse(typed).unwrap();
            assert_eq!((name.as_str(), name.key()), (shown, key), "{typed:?}");
            assert_eq!(Name::key_of(typed), key);
        }
    }

    #[test]
    fn what_cannot_be_a_name() {
        for typed in [
            "",
            " ",
            "a",
            "..",
            "<b>",
            "a\u{202e}b",
            "a\u{200b}b",
            "a\0b",
            &"x".repeat(41),
        ] {
            assert!(Name::parse(typed).is_err(), "{typed:?}");
        }
    }
}
