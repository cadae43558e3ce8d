//! Capture mode: messages between two tokens are taken out of what a child writes.
//!
//! Held back is only what may still become a token, and nothing at the end. How the bytes were cut on
//! their way here changes nothing.

/// Begins a message.
const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";
/// Ends it.
const END: &[u8] = b"<!--XSUPERVISOR:END-->";

/// Follows one stream.
#[derive(Debug)]
pub struct Capture {
    limit: usize,
    /// The message that has begun, its last `limit` bytes.
    message: Option<Vec<u8>>,
    /// Read and not yet decided: the beginning of a token, perhaps.
    held: Vec<u8>,
}

impl Capture {
    /// Keeps at most the last `limit` bytes of a message.
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            message: None,
            held: Vec::new(),
        }
    }

    /// Takes what was read and leaves what is not captured. Returns the messages that are complete.
    pub fn scan(&mut self, bytes: &mut Vec<u8>) -> Vec<Vec<u8>> {
        if self.held.is_empty() && self.message.is_none() && !bytes.contains(&BEGIN[0]) {
            return Vec::new();
        }
        let mut read = std::mem::take(&mut self.held);
        read.append(bytes);
        let mut messages = Vec::new();
        let mut rest = read.as_slice();
        loop {
            let token = self.awaited();
            let (before, found) = split(rest, token);
            match &mut self.message {
                None => bytes.extend_from_slice(before),
                Some(message) => append(message, before, self.limit),
            }
            match found {
                Found::Whole => {
                    rest = &rest[before.len() + token.len()..];
                    match self.message.take() {
                        None => self.message = Some(Vec::new()),
                        Some(message) => messages.push(message),
                    }
                }
                Found::Part => {
                    self.held = rest[before.len()..].to_vec();
                    return messages;
                }
                Found::Nothing => return messages,
            }
        }
    }

    /// The stream has ended: what belongs to nobody else belongs to the log. That is the beginning
    /// of a token, or a message without an end.
    pub fn end(&mut self) -> Vec<u8> {
        let mut left = self.message.take().unwrap_or_default();
        left.append(&mut self.held);
        left
    }

    /// Forgets what was captured of a message that goes on.
    pub fn clear(&mut self) {
        if let Some(message) = &mut self.message {
            message.clear();
        }
    }

    const fn awaited(&self) -> &'static [u8] {
        match self.message {
            None => BEGIN,
            Some(_) => END,
        }
    }
}

/// What stands at the end of what `split` returns.
enum Found {
    /// The token.
    Whole,
    /// The beginning of the token, and then the bytes end.
    Part,
    Nothing,
}

/// What comes before the first thing that is the token, or may become it.
fn split<'a>(bytes: &'a [u8], token: &[u8]) -> (&'a [u8], Found) {
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().position(|byte| *byte == token[0]) {
        at += next;
        let rest = &bytes[at..];
        if rest.starts_with(token) {
            return (&bytes[..at], Found::Whole);
        }
        if token.starts_with(rest) {
            return (&bytes[..at], Found::Part);
        }
        at += 1;
    }
    (bytes, Found::Nothing)
}

/// Appends and keeps the last bytes.
fn append(message: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    let bytes = &bytes[bytes.len().saturating_sub(limit)..];
    let over = (message.len() + bytes.len()).saturating_sub(limit);
    message.drain(..over);
    message.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is logged and what is captured, when the bytes come in these pieces.
    fn run(limit: usize, pieces: &[&[u8]]) -> (String, Vec<String>) {
        let mut capture = Capture::new(limit);
        let (mut log, mut messages) = (Vec::new(), Vec::new());
        for piece in pieces {
            let mut bytes = piece.to_vec();
            messages.extend(capture.scan(&mut bytes));
            log.append(&mut bytes);
        }
        log.append(&mut capture.end());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(log), messages.into_iter().map(text).collect())
    }

    #[test]
    fn messages_are_taken_out() {
        for (written, log, messages) in [
            ("plain", "plain", &[][..]),
            ("a[one]b[two]c", "abc", &["one", "two"]),
            ("[]", "", &[""]),
            // A second beginning inside is data, and so is an end outside.
            ("[a[b]c]d", "c]d", &[":BEGIN-->b"]),
            // Only the end of a long message is kept.
            ("[0123456789abcdef]", "", &["6789abcdef"]),
            ("a[message without end", "aithout end", &[]),
            ("<!--XSUPERVISOR:BEGIN--", "<!--XSUPERVISOR:BEGIN--", &[]),
            ("<<!--<!--[one]<", "<<!--<!--<", &["one"]),
            ("[<!--XSUPERVISOR:EN]", "", &["ERVISOR:EN"]),
        ] {
            let messages = messages.iter().map(|text| (*text).to_owned()).collect();
            let outcome = run(10, &[tokens(written).as_bytes()]);
            assert_eq!(outcome, (tokens(log), messages), "{written}");
        }
    }

    #[test]
    fn nothing_but_the_beginning_of_a_token_is_held_back() {
        for (piece, passed) in [
            ("text", "text"),
            ("text<", "text"),
            ("text<!", "text"),
            ("text<!-", "text"),
            ("text<!--XSUPERVISOR:BEGIN--", "text"),
            ("text<!--X ", "text<!--X "),
            ("text<!--XSUPERVISOR:END-->", "text<!--XSUPERVISOR:END-->"),
        ] {
            let mut bytes = piece.as_bytes().to_vec();
            let mut capture = Capture::new(10);
            assert!(capture.scan(&mut bytes).is_empty());
            assert_eq!(std::str::from_utf8(&bytes), Ok(passed));
            bytes.append(&mut capture.end());
            assert_eq!(std::str::from_utf8(&bytes), Ok(piece));
        }
    }

    /// `[` and `]` for the tokens.
    fn tokens(text: &str) -> String {
        let [begin, end] = [BEGIN, END].map(|token| std::str::from_utf8(token).unwrap());
        text.replace('[', begin).replace(']', end)
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_changes_nothing(
            written in "([a<!-]|\\[|\\]|<!--XSUPER|<!--XSUPERVISOR:BEGIN-|<!--XSUPERVISOR:EN){0,24}",
            cuts in prop::collection::vec(0usize..400, 0..12),
            limit in 1usize..40,
        ) {
            let written = tokens(&written);
            let bytes = written.as_bytes();
            let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            ends.push(bytes.len());
            ends.sort_unstable();
            let mut start = 0;
            let mut pieces = Vec::new();
            for end in ends {
                pieces.push(&bytes[start..end]);
                start = end;
            }
            prop_assert_eq!(run(limit, &pieces), run(limit, &[bytes]));
        }

        /// An independent description: cut at the tokens, one after the other.
        #[test]
        fn what_is_found_is_what_stands_between_the_tokens(
            written in "([ab<!-]|\\[|\\]){0,40}",
        ) {
            let written = tokens(&written);
            let [begin, end] = [tokens("["), tokens("]")];
            let (mut log, mut messages, mut rest) = (String::new(), Vec::new(), written.as_str());
            while let Some((before, after)) = rest.split_once(&begin) {
                log.push_str(before);
                match after.split_once(&end) {
                    Some((message, after)) => {
                        messages.push(message.to_owned());
                        rest = after;
                    }
                    None => rest = after,
                }
                if !after.contains(&end) {
                    break;
                }
            }
            log.push_str(rest);
            prop_assert_eq!(run(usize::MAX, &[written.as_bytes()]), (log, messages));
        }
    }
}
