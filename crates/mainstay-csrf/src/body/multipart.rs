use std::{borrow::Cow, sync::Arc};

use memchr::memmem;

use super::find::{Scan, VALUE_LIMIT, Value};

/// Looks for the first part of this name that is not a file, however the body is cut.
///
/// It need not agree with the handler's parser about every odd body: whoever makes it see a field
/// where there is none still has to know a token.
#[derive(Debug)]
pub(super) struct Scanner {
    field: Arc<str>,
    /// CR LF `--` boundary.
    delimiter: Box<[u8]>,
    state: State,
    /// Bytes that are not decided yet: the beginning of a delimiter, of a part's headers, or the
    /// value.
    carry: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Before the first byte.
    Start,
    /// Before a delimiter, in the preamble or in a part of no interest.
    Skip,
    /// Right behind a delimiter: its line's end, or `--`.
    Delimiter,
    Headers,
    Value,
    Over,
}

impl Scanner {
    pub(super) fn new(boundary: &[u8], field: Arc<str>) -> Self {
        Self {
            field,
            delimiter: [b"\r\n--", boundary].concat().into(),
            state: State::Start,
            carry: Vec::new(),
        }
    }

    pub(super) fn feed(&mut self, data: &[u8]) -> Scan {
        if matches!(self.state, State::Start) {
            return self.start(data);
        }
        // Where nothing was carried over, the piece is searched where it lies.
        if self.carry.is_empty() {
            return self.walk(data);
        }
        let mut data = data;
        if matches!(self.state, State::Skip) {
            // Joining a delimiter's beginning to a whole frame would copy the frame. As many bytes
            // as a delimiter has settle the matter.
            let head = data.len().min(self.delimiter.len());
            let joined = [&self.carry, &data[..head]].concat();
            match memmem::find(&joined, &self.delimiter) {
                Some(at) => {
                    // The carry is shorter than a delimiter, so the match ends in `data`.
                    data = &data[at + self.delimiter.len() - self.carry.len()..];
                    self.carry.clear();
                    self.state = State::Delimiter;
                }
                None if head < self.delimiter.len() => {
                    self.carry = keep_tail(&joined, self.delimiter.len() - 1).to_vec();
                    return Scan::More;
                }
                None => self.carry.clear(),
            }
            return self.walk(data);
        }
        let mut joined = std::mem::take(&mut self.carry);
        joined.extend_from_slice(data);
        self.walk(&joined)
    }

    /// A body begins as if it had a line end before it.
    fn start(&mut self, data: &[u8]) -> Scan {
        if let Some(rest) = data.strip_prefix(&self.delimiter[2..]) {
            self.state = State::Delimiter;
            return self.walk(rest);
        }
        self.state = State::Skip;
        self.carry = b"\r\n".to_vec();
        self.feed(data)
    }

    pub(super) fn finish(&mut self) -> Scan {
        match self.state {
            // A last part without a last delimiter: the body was cut off, and its reader will see.
            State::Value => {
                let value = std::mem::take(&mut self.carry);
                Value::copy(&value).map_or(Scan::TooLong, Scan::Value)
            }
            _ => Scan::Never,
        }
    }

    fn walk(&mut self, mut data: &[u8]) -> Scan {
        loop {
            match self.state {
                State::Over => return Scan::Never,
                State::Start | State::Skip => match memmem::find(data, &self.delimiter) {
                    Some(at) => {
                        data = &data[at + self.delimiter.len()..];
                        self.state = State::Delimiter;
                    }
                    None => {
                        self.carry = keep_tail(data, self.delimiter.len() - 1).to_vec();
                        return Scan::More;
                    }
                },
                State::Delimiter => match memchr::memchr(b'\n', data) {
                    _ if data.starts_with(b"--") => self.state = State::Over,
                    Some(at) if at < PADDING_LIMIT && is_blank(&data[..at]) => {
                        // The line end stays: headers may be none, and then a blank line follows.
                        data = &data[at + 1..];
                        self.state = State::Headers;
                    }
                    // Blanks may follow a boundary; anything else is a longer word than ours.
                    None if data.len() < PADDING_LIMIT && is_open(data) => {
                        self.carry = data.to_vec();
                        return Scan::More;
                    }
                    _ => self.state = State::Skip,
                },
                State::Headers => match end_of_headers(data) {
                    Some((end, _)) if end > HEADERS_LIMIT => return Scan::Never,
                    Some((end, body)) => {
                        let ours = is_field(&data[..end], self.field.as_bytes());
                        // The blank line's own end may belong to the delimiter of an empty part.
                        data = &data[if ours {
                            body
                        } else {
                            body.saturating_sub(2).max(end)
                        }..];
                        self.state = if ours { State::Value } else { State::Skip };
                    }
                    // Were the blank line within the limit, it would be here by now.
                    None if data.len() >= HEADERS_LIMIT + 4 => return Scan::Never,
                    None => {
                        self.carry = data.to_vec();
                        return Scan::More;
                    }
                },
                State::Value => {
                    let end = if data.starts_with(&self.delimiter[2..]) {
                        // An empty value whose line end was taken for the headers' blank line.
                        Some(0)
                    } else {
                        memmem::find(data, &self.delimiter)
                    };
                    return match end {
                        Some(end) => Value::copy(&data[..end]).map_or(Scan::TooLong, Scan::Value),
                        None if data.len() > VALUE_LIMIT + self.delimiter.len() => Scan::TooLong,
                        None => {
                            self.carry = data.to_vec();
                            Scan::More
                        }
                    };
                }
            }
        }
    }
}

/// The boundary of a `multipart/form-data` header.
pub(crate) fn boundary(content_type: &[u8]) -> Option<Vec<u8>> {
    let boundary = parameter(content_type, b"boundary")?;
    (!boundary.is_empty() && boundary.len() <= BOUNDARY_LIMIT).then(|| boundary.into_owned())
}

/// Where the headers end and where the content begins.
fn end_of_headers(data: &[u8]) -> Option<(usize, usize)> {
    if data.starts_with(b"\r\n") {
        return Some((0, 2));
    }
    memmem::find(data, b"\r\n\r\n").map(|at| (at, at + 4))
}

/// Whether the headers are those of a field of this name, and not of a file.
fn is_field(headers: &[u8], field: &[u8]) -> bool {
    headers.split(|byte| *byte == b'\n').any(|line| {
        let Some(colon) = memchr::memchr(b':', line) else {
            return false;
        };
        line[..colon]
            .trim_ascii()
            .eq_ignore_ascii_case(b"content-disposition")
            && parameter(&line[colon + 1..], b"name").is_some_and(|name| *name == *field)
            && parameter(&line[colon + 1..], b"filename").is_none()
            && parameter(&line[colon + 1..], b"filename*").is_none()
    })
}

/// The value of `name=value` or `name="value"` behind the first `;`.
fn parameter<'a>(header: &'a [u8], wanted: &[u8]) -> Option<Cow<'a, [u8]>> {
    let mut rest = &header[memchr::memchr(b';', header)? + 1..];
    loop {
        let equals = memchr::memchr2(b'=', b';', rest)?;
        let name = rest[..equals].trim_ascii();
        if rest[equals] == b';' {
            rest = &rest[equals + 1..];
            continue;
        }
        rest = rest[equals + 1..].trim_ascii_start();
        let value;
        (value, rest) = match rest.strip_prefix(b"\"") {
            Some(quoted) => unquote(quoted),
            None => {
                let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
                (Cow::Borrowed(rest[..end].trim_ascii()), &rest[end..])
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = &rest[memchr::memchr(b';', rest)? + 1..];
    }
}

/// Up to the closing quote; browsers write `%22` for a quote, others `\"`.
fn unquote(quoted: &[u8]) -> (Cow<'_, [u8]>, &[u8]) {
    let mut at = memchr::memchr2(b'"', b'\\', quoted).unwrap_or(quoted.len());
    if quoted.get(at) == Some(&b'"') {
        return (Cow::Borrowed(&quoted[..at]), &quoted[at + 1..]);
    }
    let mut value = quoted[..at].to_vec();
    while let Some(byte) = quoted.get(at) {
        match byte {
            b'"' => return (value.into(), &quoted[at + 1..]),
            b'\\' if matches!(quoted.get(at + 1), Some(b'"' | b'\\')) => {
                at += 1;
                value.push(quoted[at]);
            }
            other => value.push(*other),
        }
        at += 1;
    }
    (value.into(), &[])
}

/// Whether the rest of a delimiter's line may still turn out to be blank, or `--`.
fn is_open(data: &[u8]) -> bool {
    data == b"-" || is_blank(data)
}

/// What may stand between a delimiter and the end of its line.
fn is_blank(data: &[u8]) -> bool {
    data.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

fn keep_tail(data: &[u8], length: usize) -> &[u8] {
    &data[data.len().saturating_sub(length)..]
}

/// RFC 2046 allows 70.
const BOUNDARY_LIMIT: usize = 200;
const HEADERS_LIMIT: usize = 8 * 1024;
const PADDING_LIMIT: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(pieces: &[&[u8]]) -> Option<Vec<u8>> {
        let mut scanner = Scanner::new(b"XX", "csrf_token".into());
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

    const FIELD: &str = "Content-Disposition: form-data; name=\"csrf_token\"\r\n\r\nabc\r\n";

    #[test]
    fn the_first_field_of_the_name_is_found_wherever_the_body_is_cut() {
        let other = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
        let file = "--XX\r\nContent-Disposition: form-data; name=\"csrf_token\"; filename=\"x\"\r\n\
                    Content-Type: text/plain\r\n\r\nnot this\r\n";
        let empty = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n";
        for (body, value) in [
            (format!("--XX\r\n{FIELD}--XX--\r\n"), Some("abc")),
            (format!("{other}--XX\r\n{FIELD}--XX--\r\n"), Some("abc")),
            (format!("{file}--XX\r\n{FIELD}--XX--\r\n"), Some("abc")),
            (format!("{empty}--XX\r\n{FIELD}--XX--\r\n"), Some("abc")),
            (format!("{file}--XX--\r\n"), None),
            (format!("{other}--XX--\r\n{FIELD}"), None),
            (format!("{other}--XX--\r\n--XX\r\n{FIELD}--XX--\r\n"), None),
            (format!("preamble\r\n--XX\r\n{FIELD}--XX--\r\n"), Some("abc")),
            (format!("preamble --XX\r\n{FIELD}--XX--\r\n"), None),
            (format!("--XX  \t\r\n{FIELD}--XX--\r\n"), Some("abc")),
            (format!("--XXL\r\n{FIELD}--XX--\r\n"), None),
            // Cut off after the field, or in it.
            (format!("--XX\r\n{FIELD}"), Some("abc\r\n")),
            (format!("--XX\r\n{FIELD}--XX"), Some("abc")),
            (
                "--XX\r\ncontent-disposition:form-data;NAME=csrf_token\r\n\r\nabc\r\n--XX--".to_owned(),
                Some("abc"),
            ),
            (
                "--XX\r\nX: y\r\nContent-Disposition: form-data; x=\"a;name=b\"; name=\"csrf_token\"\r\n\r\n\
                 abc\r\n--XX--"
                    .to_owned(),
                Some("abc"),
            ),
            (
                "--XX\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n\r\n--XX--".to_owned(),
                Some(""),
            ),
            (
                "--XX\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\na\r\nb-\r\n--X\r\n--XX--"
                    .to_owned(),
                Some("a\r\nb-\r\n--X"),
            ),
            ("--XX\r\n\r\nno headers\r\n--XX--".to_owned(), None),
            (format!("--XX\r\n\r\n\r\n--XX\r\n{FIELD}--XX--"), Some("abc")),
            (String::new(), None),
        ] {
            let value = value.map(|value| value.as_bytes().to_vec());
            let body = body.as_bytes();
            assert_eq!(scan(&[body]), value, "{}", body.escape_ascii());
            for cut in 0..=body.len() {
                let (one, two) = body.split_at(cut);
                assert_eq!(scan(&[one, two]), value, "{} cut at {cut}", body.escape_ascii());
            }
            for size in [1, 2, 3, 5] {
                let pieces: Vec<_> = body.chunks(size).collect();
                assert_eq!(scan(&pieces), value, "{} by {size}", body.escape_ascii());
            }
        }
    }

    #[test]
    fn the_boundary_is_read_quoted_and_unquoted() {
        for (header, value) in [
            ("multipart/form-data; boundary=XX", Some("XX")),
            (
                "multipart/form-data;boundary=\"X X\"; charset=utf-8",
                Some("X X"),
            ),
            (
                "multipart/form-data; charset=utf-8; BOUNDARY=XX ",
                Some("XX"),
            ),
            ("multipart/form-data; boundary=", None),
            ("multipart/form-data", None),
        ] {
            let value = value.map(|value| value.as_bytes().to_vec());
            assert_eq!(boundary(header.as_bytes()), value, "{header}");
        }
    }

    #[test]
    fn limits_do_not_depend_on_the_cut() {
        let end = "--XX--";
        for pad in [
            PADDING_LIMIT - 3,
            PADDING_LIMIT - 2,
            PADDING_LIMIT - 1,
            PADDING_LIMIT,
        ] {
            same_for_every_cut(&format!("--XX{}\r\n{FIELD}{end}", " ".repeat(pad)));
        }
        let headers = FIELD.len() - 7;
        for more in HEADERS_LIMIT - headers - 12..HEADERS_LIMIT - headers + 4 {
            let body = format!("--XX\r\nX: {}\r\n{FIELD}{end}", "x".repeat(more));
            same_for_every_cut(&body);
        }
        for value in VALUE_LIMIT - 2..VALUE_LIMIT + 9 {
            let field = FIELD.replace("abc", &"x".repeat(value));
            same_for_every_cut(&format!("--XX\r\n{field}{end}"));
        }
        for blank in ["\u{c}", "\u{b}", "\n", "\r", "\t "] {
            same_for_every_cut(&format!("--XX{blank}\n{FIELD}{end}"));
        }
    }

    #[track_caller]
    fn same_for_every_cut(body: &str) {
        let whole = scan(&[body.as_bytes()]);
        // In long bodies the cuts that matter are near the ends.
        let near = 160.min(body.len());
        for cut in (0..near).chain(body.len() - near..body.len()) {
            let (one, two) = body.as_bytes().split_at(cut);
            assert_eq!(
                scan(&[one, two]),
                whole,
                "{} cut at {cut}",
                body.escape_debug()
            );
        }
        let bytes: Vec<_> = body.as_bytes().chunks(1).collect();
        assert_eq!(scan(&bytes), whole, "{} in bytes", body.escape_debug());
    }

    #[test]
    fn headers_and_values_are_bounded() {
        let long = "x".repeat(HEADERS_LIMIT + 1);
        assert_eq!(
            scan(&[format!("--XX\r\nX: {long}").as_bytes(), b"\r\n\r\n"]),
            None
        );
        let long = "x".repeat(VALUE_LIMIT + 100);
        let body = format!("--XX\r\n{}{long}\r\n--XX--", &FIELD[..FIELD.len() - 5]);
        for size in [1, 100, 10_000] {
            let pieces: Vec<_> = body.as_bytes().chunks(size).collect();
            assert_eq!(scan(&pieces).unwrap(), b"too long");
        }
    }
}
