//! The value of `environment=`: `KEY="value",OTHER=word`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use super::words::{self, Dialect, Lexer, Token};

/// Reads the pairs, in the order written; a key given twice keeps its place and its last value.
///
/// The grammar is Supervisor's, which consumes the tokens in groups of four (key, `=`, value, and a
/// separator that it never looks at). What would be thrown away silently by that is an error here.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut lexer = Lexer::new(text, Dialect::Environment);
    let tokens = lexer
        .by_ref()
        .collect::<Result<Vec<Token>, _>>()
        .map_err(Error::Words)?;
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut stray = lexer.comment.map(|at| Stray {
        token: "#".to_owned(),
        column: at + 1,
    });
    for group in tokens.chunks(4) {
        let [key, equals, value, separator @ ..] = group else {
            return Err(Error::UnexpectedEnd {
                value: text.to_owned(),
                stray,
            });
        };
        if equals.text != "=" {
            return Err(Error::UnexpectedEnd {
                value: text.to_owned(),
                stray,
            });
        }
        if let [separator] = separator
            && !is_separator(separator)
            && stray
                .as_ref()
                .is_none_or(|stray| stray.column > separator.at)
        {
            stray = Some(Stray {
                token: separator.text.clone(),
                column: separator.at + 1,
            });
        }
        match places.entry(&key.text) {
            Entry::Occupied(place) => pairs[*place.get()].1.clone_from(&value.text),
            Entry::Vacant(place) => {
                place.insert(pairs.len());
                pairs.push((key.text.clone(), value.text.clone()));
            }
        }
    }
    match stray {
        Some(stray) => Err(Error::Stray {
            value: text.to_owned(),
            stray,
        }),
        None => Ok(pairs),
    }
}

/// Why a value cannot be read. `Display` is Supervisor's text where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A quotation or escape that does not end.
    Words(words::Error),
    /// Not a sequence of `key=value`.
    UnexpectedEnd {
        /// The whole value.
        value: String,
        /// What probably broke the sequence.
        stray: Option<Stray>,
    },
    /// Pairs with text between them that belongs to none.
    Stray {
        /// The whole value.
        value: String,
        /// The first such text.
        stray: Stray,
    },
}

/// Text that belongs to no pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The text.
    pub token: String,
    /// Where it begins, in characters from 1.
    pub column: usize,
}

impl Error {
    /// What to do about it, if that can be told.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnexpectedEnd {
                stray: Some(Stray { token, column }),
                ..
            } => Some(format!(
                "'{token}' at character {column} is outside of quotes; write KEY=\"value\""
            )),
            Self::Stray { .. } => Some("put the value in quotes: KEY=\"value\"".to_owned()),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(error) => error.fmt(f),
            Self::UnexpectedEnd { value, .. } => {
                write!(f, "Unexpected end of key/value pairs in value '{value}'")
            }
            Self::Stray {
                value,
                stray: Stray { token, column },
            } => {
                write!(
                    f,
                    "Unexpected '{token}' at character {column} of value '{value}'"
                )
            }
        }
    }
}

impl std::error::Error for Error {}

fn is_separator(token: &Token) -> bool {
    !token.quoted && matches!(token.text.as_str(), "," | ";")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_of_the_grammar() {
        let good: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("A=1,B=2", &[("A", "1"), ("B", "2")]),
            ("A=\"1\",B=\"x,y\"", &[("A", "1"), ("B", "x,y")]),
            ("A='it''s'", &[("A", "its")]),
            (r#"A="a\"b""#, &[("A", "a\"b")]),
            ("A=1;B=2", &[("A", "1"), ("B", "2")]),
            ("A=1 , B=2", &[("A", "1"), ("B", "2")]),
            ("A=1,", &[("A", "1")]),
            ("A=1,\nB=2", &[("A", "1"), ("B", "2")]),
            ("A=,", &[("A", ",")]),
            ("A==", &[("A", "=")]),
            ("A=\"\"", &[("A", "")]),
            ("a.b=1,c-d=2", &[("a.b", "1"), ("c-d", "2")]),
            ("A=1,B=2,A=3", &[("A", "3"), ("B", "2")]),
            ("A=http://host:80/x", &[("A", "http://host:80/x")]),
            ("A=x\"y\"", &[("A", "xy")]),
            ("A=\"x # y\"", &[("A", "x # y")]),
            ("KEY=\"%\"", &[("KEY", "%")]),
        ];
        for (text, expected) in good {
            let got = parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
            let got: Vec<_> = got.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(&got, expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_a_list_of_pairs_is_refused() {
        for text in [
            "A=", "A=,B=1", "A=1\nB=2", "A=a b=c", "A", "A B", "=", "A=x@y", "A=1,,",
        ] {
            let expected = format!("Unexpected end of key/value pairs in value '{text}'");
            assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text:?}");
        }
        let hint = parse("A=a b=c").unwrap_err().hint().unwrap();
        assert!(hint.starts_with("'b' at character 5 "), "{hint}");
        assert_eq!(
            parse("A=\"x").unwrap_err().to_string(),
            "No closing quotation"
        );
    }

    #[test]
    fn nothing_is_dropped_silently() {
        for (text, token, column) in [
            ("A=a b", "b", 5),
            ("A=1#x,B=2", "#", 4),
            ("A=x@y=z", "@", 4),
            ("A=1|B=2", "|", 4),
        ] {
            let expected = format!("Unexpected '{token}' at character {column} of value '{text}'");
            assert_eq!(parse(text).unwrap_err().to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn quoted_pairs_come_back(pairs in prop::collection::btree_map("[A-Za-z_][A-Za-z0-9_]{0,8}", "[^\0]{0,20}", 0..6)) {
            let text: Vec<String> = pairs
                .iter()
                .map(|(k, v)| format!("{k}=\"{}\"", v.replace('\\', "\\\\").replace('"', "\\\"")))
                .collect();
            let got = parse(&text.join(",")).unwrap();
            prop_assert_eq!(got, pairs.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
