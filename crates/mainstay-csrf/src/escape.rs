//! Text that goes into other texts.

use std::fmt::{self, Write};

/// Text that goes into HTML, between tags or in an attribute.
pub(crate) struct Html<'a>(pub(crate) &'a str);

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.0.split_inclusive(['&', '<', '>', '"', '\'']) {
            let (plain, special) = match piece.char_indices().next_back() {
                Some((at, '&')) => (&piece[..at], "&amp;"),
                Some((at, '<')) => (&piece[..at], "&lt;"),
                Some((at, '>')) => (&piece[..at], "&gt;"),
                Some((at, '"')) => (&piece[..at], "&quot;"),
                Some((at, '\'')) => (&piece[..at], "&#39;"),
                _ => (piece, ""),
            };
            f.write_str(plain)?;
            f.write_str(special)?;
        }
        Ok(())
    }
}

/// Text as a string of JSON, without the quotes around it.
pub(crate) struct Json<'a>(pub(crate) &'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                control if control < ' ' => write!(f, "\\u{:04x}", u32::from(control))?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_quotes() {
        let text = "a\"b\\c\nd<e>&'f\u{fc}";
        assert_eq!(
            Html(text).to_string(),
            "a&quot;b\\c\nd&lt;e&gt;&amp;&#39;f\u{fc}"
        );
        let json = format!("\"{}\"", Json(text));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
