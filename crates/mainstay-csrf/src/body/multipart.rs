use std::sync::Arc;

use memchr::memmem;

use super::{
    find::{Scan, VALUE_LIMIT, Value},
    parameter::parameter,
};

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

const HEADERS_LIMIT: usize = 8 * 1024;
const PADDING_LIMIT: usize = 128;

#[cfg(test)]
mod tests;
