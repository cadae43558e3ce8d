//! Splitting text into words by the rules of the shell, in the reading of Python's `shlex`.
//!
//! Two dialects are in use: `command` splits at blanks only; `environment` also makes every
//! character that is not part of a word a token of its own, and knows comments.

use std::fmt;

use super::python::is_space;

/// Splits a command line: blanks separate, quotes and backslashes protect, nothing is expanded and
/// `#` is an ordinary character.
///
/// ```
/// # use mainstay_supervisor::config::words;
/// assert_eq!(words::split("sh -c 'exec \"$0\"'").unwrap(), ["sh", "-c", "exec \"$0\""]);
/// assert_eq!(words::split("sh -c 'oops").unwrap_err().to_string(), "No closing quotation");
/// ```
pub fn split(text: &str) -> Result<Vec<String>, Error> {
    let words = Lexer::new(text, Dialect::Command).collect::<Result<Vec<_>, _>>()?;
    Ok(words.into_iter().map(|token| token.text).collect())
}

/// Why a text cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A quotation mark without its partner.
    Quotation,
    /// A backslash at the very end.
    Escape,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quotation => "No closing quotation",
            Self::Escape => "No escaped character",
        })
    }
}

impl std::error::Error for Error {}

/// What separates tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Blanks only.
    Command,
    /// Blanks, and every character that is neither part of a word nor quoted; `#` begins a comment.
    Environment,
}

/// A token of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// With quotes and backslashes resolved.
    pub(crate) text: String,
    /// Where it begins, in characters from the start of the text.
    pub(crate) at: usize,
    /// Whether quotes took part: a quoted `,` separates nothing.
    pub(crate) quoted: bool,
}

/// Cuts a text into tokens.
#[derive(Debug)]
pub(crate) struct Lexer {
    chars: Vec<char>,
    at: usize,
    dialect: Dialect,
    /// Where a comment began, if there was one.
    pub(crate) comment: Option<usize>,
}

impl Lexer {
    pub(crate) fn new(text: &str, dialect: Dialect) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
            dialect,
            comment: None,
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn comment_begins(&self, c: char) -> bool {
        self.dialect == Dialect::Environment && c == '#'
    }

    fn skip_comment(&mut self) {
        self.comment.get_or_insert(self.at);
        while self.peek().is_some_and(|c| c != '\n') {
            self.at += 1;
        }
    }

    fn skip_to_token(&mut self) {
        while let Some(c) = self.peek() {
            if self.comment_begins(c) {
                self.skip_comment();
            } else if is_blank(c) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// The inside of a quotation, up to and including its closing mark.
    fn quotation(&mut self, quote: char, into: &mut String) -> Result<(), Error> {
        loop {
            let c = self.peek().ok_or(Error::Quotation)?;
            self.at += 1;
            match c {
                c if c == quote => return Ok(()),
                '\\' if quote == '"' => {
                    let escaped = self.peek().ok_or(Error::Escape)?;
                    self.at += 1;
                    if !matches!(escaped, '"' | '\\') {
                        into.push('\\');
                    }
                    into.push(escaped);
                }
                c => into.push(c),
            }
        }
    }

    fn token(&mut self) -> Result<Option<Token>, Error> {
        self.skip_to_token();
        let at = self.at;
        let mut token = Token {
            text: String::new(),
            at,
            quoted: false,
        };
        let mut inside = false;
        while let Some(c) = self.peek() {
            match c {
                '\'' | '"' => {
                    self.at += 1;
                    token.quoted = true;
                    self.quotation(c, &mut token.text)?;
                }
                '\\' => {
                    self.at += 1;
                    token.text.push(self.peek().ok_or(Error::Escape)?);
                    self.at += 1;
                }
                c if is_blank(c) => break,
                c if self.comment_begins(c) => {
                    self.skip_comment();
                    break;
                }
                c if self.dialect == Dialect::Command || is_word(c) => {
                    self.at += 1;
                    token.text.push(c);
                }
                // Outside of words, a character on its own is a token; after one, it ends the word.
                _ if inside => break,
                c => {
                    self.at += 1;
                    token.text.push(c);
                    break;
                }
            }
            inside = true;
        }
        Ok((self.at > at && (token.quoted || !token.text.is_empty())).then_some(token))
    }
}

impl Iterator for Lexer {
    type Item = Result<Token, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let token = self.token().transpose();
        if let Some(Err(_)) = token {
            self.at = self.chars.len();
        }
        token
    }
}

/// Whether every quotation of the text is closed.
pub(crate) fn is_balanced(text: &str) -> bool {
    !matches!(split(text), Err(Error::Quotation))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_word(c: char) -> bool {
    debug_assert!(!is_blank(c) || is_space(c));
    c.is_ascii_alphanumeric()
        || matches!(c, '_' | '/' | '.' | '+' | '-' | '(' | ')' | ':')
        || (matches!(c, '\u{c0}'..='\u{ff}') && !matches!(c, '×' | '÷'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_split_as_in_a_shell() {
        let cases: &[(&str, Result<&[&str], Error>)] = &[
            ("", Ok(&[])),
            ("  a  b\tc\n d ", Ok(&["a", "b", "c", "d"])),
            ("a 'b c' \"d e\"", Ok(&["a", "b c", "d e"])),
            ("a'b'\"c\"d", Ok(&["abcd"])),
            ("'' \"\" x''", Ok(&["", "", "x"])),
            (r"a\ b \'c", Ok(&["a b", "'c"])),
            (r#""a\"b\\c\d""#, Ok(&[r#"a"b\c\d"#])),
            (r"'a\b'", Ok(&[r"a\b"])),
            ("a #b; c=d", Ok(&["a", "#b;", "c=d"])),
            ("é ü", Ok(&["é", "ü"])),
            ("'a", Err(Error::Quotation)),
            ("a \"b", Err(Error::Quotation)),
            (r"a \", Err(Error::Escape)),
            (r#""a\"#, Err(Error::Escape)),
        ];
        for (text, expected) in cases {
            let got = split(text);
            match expected {
                Ok(words) => {
                    assert_eq!(got.as_deref(), Ok(&words.map_to_strings()[..]), "{text:?}");
                }
                Err(error) => assert_eq!(got, Err(*error), "{text:?}"),
            }
        }
    }

    trait MapToStrings {
        fn map_to_strings(&self) -> Vec<String>;
    }

    impl MapToStrings for &[&str] {
        fn map_to_strings(&self) -> Vec<String> {
            self.iter().map(ToString::to_string).collect()
        }
    }

    #[test]
    fn the_environment_dialect_makes_tokens_of_symbols() {
        let tokens = |text: &str| -> Vec<String> {
            Lexer::new(text, Dialect::Environment)
                .map(|t| t.unwrap().text)
                .collect()
        };
        assert_eq!(tokens("A=1,B='x,y'"), ["A", "=", "1", ",", "B", "=", "x,y"]);
        assert_eq!(tokens("a@b # rest\n c"), ["a", "@", "b", "c"]);
        assert_eq!(tokens("a-b.c:/(d)+"), ["a-b.c:/(d)+"]);
        assert_eq!(tokens("é×"), ["é", "×"]);
    }
}
