use std::{borrow::Cow, sync::Arc};

use percent_encoding::percent_decode;

use super::find::{Scan, VALUE_LIMIT, Value};

/// Looks for the first pair of this name in `name=value&name=value`, however it is cut.
#[derive(Debug)]
pub(super) struct Scanner {
    field: Arc<str>,
    state: State,
    /// What came before a cut: the beginning of the name or value that is being read, still encoded.
    carry: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Name,
    /// In the value of the field that is looked for.
    Value,
    /// In a pair that is not it.
    Other,
}

impl Scanner {
    pub(super) fn new(field: Arc<str>) -> Self {
        Self {
            field,
            state: State::Name,
            carry: Vec::new(),
        }
    }

    pub(super) fn feed(&mut self, mut data: &[u8]) -> Scan {
        while !data.is_empty() {
            match self.state {
                State::Other => match memchr::memchr(b'&', data) {
                    Some(at) => {
                        data = &data[at + 1..];
                        self.state = State::Name;
                    }
                    None => return Scan::More,
                },
                State::Name => match memchr::memchr2(b'=', b'&', data) {
                    Some(at) => {
                        let ours = self.is_field(&data[..at]);
                        self.carry.clear();
                        match (data[at], ours) {
                            // A name without a value is a pair with an empty one.
                            (b'&', true) => return Scan::Value(Value::EMPTY),
                            (b'&', false) => {}
                            (_, true) => self.state = State::Value,
                            (_, false) => self.state = State::Other,
                        }
                        data = &data[at + 1..];
                    }
                    None => {
                        // Three bytes for each of the name's are the longest spelling of it.
                        if self.carry.len() + data.len() > self.field.len() * 3 {
                            self.carry.clear();
                            self.state = State::Other;
                            // It may still be in this piece that the pair ends.
                            continue;
                        }
                        self.carry.extend_from_slice(data);
                        return Scan::More;
                    }
                },
                State::Value => {
                    let end = memchr::memchr(b'&', data);
                    let piece = &data[..end.unwrap_or(data.len())];
                    if self.carry.len() + piece.len() > VALUE_LIMIT * 3 {
                        return Scan::TooLong;
                    }
                    if end.is_some() {
                        return self.value(piece);
                    }
                    self.carry.extend_from_slice(piece);
                    return Scan::More;
                }
            }
        }
        Scan::More
    }

    pub(super) fn finish(&mut self) -> Scan {
        match self.state {
            State::Value => self.value(&[]),
            State::Name if self.is_field(&[]) => Scan::Value(Value::EMPTY),
            State::Name | State::Other => Scan::Never,
        }
    }

    fn is_field(&self, end: &[u8]) -> bool {
        // An escape can be cut as well, so the halves have to meet before they are decoded.
        let whole = self.joined(end);
        match is_plain(&whole) {
            true => *whole == *self.field.as_bytes(),
            false => decode(&whole).eq(self.field.bytes()),
        }
    }

    fn value(&self, end: &[u8]) -> Scan {
        let whole = self.joined(end);
        let value = match is_plain(&whole) {
            true => Value::copy(&whole),
            false => Value::collect(decode(&whole)),
        };
        value.map_or(Scan::TooLong, Scan::Value)
    }

    fn joined<'a>(&self, end: &'a [u8]) -> Cow<'a, [u8]> {
        match self.carry.is_empty() {
            true => Cow::Borrowed(end),
            false => Cow::Owned([&self.carry, end].concat()),
        }
    }
}

/// Whether it is its own decoding, as our tokens are and most names.
fn is_plain(raw: &[u8]) -> bool {
    memchr::memchr2(b'%', b'+', raw).is_none()
}

/// A `+` is a blank, and an escape that is none stands for itself.
pub(crate) fn decode(raw: &[u8]) -> impl Iterator<Item = u8> {
    raw.split_inclusive(|byte| *byte == b'+').flat_map(|piece| {
        let (text, blank) = match piece.strip_suffix(b"+") {
            Some(text) => (text, Some(b' ')),
            None => (piece, None),
        };
        percent_decode(text).chain(blank)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(pieces: &[&[u8]]) -> Option<Vec<u8>> {
        let mut scanner = Scanner::new("csrf_token".into());
        for piece in pieces {
            match scanner.feed(piece) {
                Scan::More => {}
                Scan::Value(value) => return Some(value.as_bytes().to_vec()),
                Scan::TooLong => return Some(b"too long".to_vec()),
                Scan::Never => return None,
            }
        }
        match scanner.finish() {
            Scan::Value(value) => Some(value.as_bytes().to_vec()),
            Scan::TooLong => Some(b"too long".to_vec()),
            _ => None,
        }
    }

    #[test]
    fn the_first_field_of_the_name_is_found_wherever_the_body_is_cut() {
        for (body, value) in [
            ("csrf_token=abc", Some("abc")),
            ("csrf_token=abc&x=1", Some("abc")),
            ("a=1&b=2&csrf_token=abc", Some("abc")),
            ("csrf_token=one&csrf_token=two", Some("one")),
            ("csrf%5Ftoken=a%2Fb%3D%3d+c", Some("a/b== c")),
            ("%63%73%72%66%5F%74%6F%6B%65%6E=abc", Some("abc")),
            ("csrf_token=", Some("")),
            ("csrf_token", Some("")),
            ("csrf_token&x=1", Some("")),
            ("csrf_token=%zz%2", Some("%zz%2")),
            ("csrf_token=a=b", Some("a=b")),
            ("&&csrf_token=abc", Some("abc")),
            ("xcsrf_token=abc", None),
            ("csrf_tokenx=abc", None),
            ("x=csrf_token=abc", None),
            ("a=1;csrf_token=abc", None),
            (
                "a_name_that_is_longer_than_any_spelling_of_ours&csrf_token=abc",
                Some("abc"),
            ),
            ("", None),
            ("a", None),
        ] {
            let body = body.as_bytes();
            let value = value.map(|value| value.as_bytes().to_vec());
            assert_eq!(scan(&[body]), value, "{}", body.escape_ascii());
            for cut in 0..=body.len() {
                let (one, two) = body.split_at(cut);
                assert_eq!(
                    scan(&[one, two]),
                    value,
                    "{} cut at {cut}",
                    body.escape_ascii()
                );
            }
            let bytes: Vec<_> = body.chunks(1).collect();
            assert_eq!(scan(&bytes), value, "{} in bytes", body.escape_ascii());
        }
    }

    #[test]
    fn a_value_longer_than_any_token_is_not_collected() {
        let body = [b"csrf_token=".to_vec(), vec![b'a'; VALUE_LIMIT + 1]].concat();
        assert_eq!(scan(&[&body]).unwrap(), b"too long");
        for size in [1, 7, 1000] {
            let pieces: Vec<_> = body.chunks(size).collect();
            assert_eq!(scan(&pieces).unwrap(), b"too long");
        }
    }
}
