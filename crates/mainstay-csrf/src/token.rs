//! The modern token: 54 bytes, 72 characters, one spelling.
//!
//! | bytes | content                                     |
//! |-------|---------------------------------------------|
//! | 0     | version, 1                                  |
//! | 1     | key id                                      |
//! | 2–5   | issue time, Unix seconds, big endian        |
//! | 6–21  | 16 random bytes                             |
//! | 22–53 | HMAC-SHA-256 over all of it and its binding |
//!
//! The random bytes make the whole text new in every response, so compression beside it has nothing
//! constant to guess at (BREACH), and no masking is needed.

use hmac::Mac;

use crate::{
    encoding::{self, URL_SAFE_NO_PAD, same},
    keys::{Keys, Prepared},
};

/// What a token is bound to: browser, session, form.
#[derive(Clone, Copy)]
pub(crate) struct Binding<'a> {
    pub(crate) cookie: &'a [u8; 32],
    pub(crate) session: Option<&'a [u8]>,
    /// Empty for a token that is good for every form.
    pub(crate) scope: &'a str,
}

pub(crate) struct Token {
    head: [u8; HEAD],
    tag: [u8; TAG],
}

impl Token {
    pub(crate) fn new(key: &Prepared, binding: Binding<'_>, issued: u32, random: [u8; 16]) -> Self {
        let mut head = [0; HEAD];
        head[0] = VERSION;
        head[1] = key.id;
        head[2..6].copy_from_slice(&issued.to_be_bytes());
        head[6..].copy_from_slice(&random);
        let tag = mac(key, &head, binding);
        Self { head, tag }
    }

    /// Reads the one spelling that a token has: no padding, no blanks, no spare bits.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let bytes: [u8; LENGTH] = encoding::decode(&URL_SAFE_NO_PAD, text)?;
        let (head, tag) = bytes.split_first_chunk()?;
        let (head, tag) = (*head, tag.try_into().ok()?);
        (head[0] == VERSION).then_some(Self { head, tag })
    }

    pub(crate) fn text(&self) -> String {
        let mut bytes = [0; LENGTH];
        bytes[..HEAD].copy_from_slice(&self.head);
        bytes[HEAD..].copy_from_slice(&self.tag);
        URL_SAFE_NO_PAD.encode_to_string(bytes)
    }

    pub(crate) fn issued(&self) -> u32 {
        let [_, _, a, b, c, d, ..] = self.head;
        u32::from_be_bytes([a, b, c, d])
    }

    /// Whether a key of the ring has the id that the token names.
    pub(crate) fn key_is_known(&self, keys: &Keys) -> bool {
        keys.iter().any(|key| key.id == self.head[1])
    }

    /// One MAC, whatever the number of keys, unless two of them share an id.
    pub(crate) fn matches(&self, keys: &Keys, binding: Binding<'_>) -> bool {
        keys.iter()
            .filter(|key| key.id == self.head[1])
            .any(|key| same(&mac(key, &self.head, binding), &self.tag))
    }
}

fn mac(key: &Prepared, head: &[u8; HEAD], binding: Binding<'_>) -> [u8; TAG] {
    let mut mac = key.form_mac();
    // One call for the parts whose lengths are known: each call costs as much as a few bytes. Most
    // tokens have no others.
    let mut start = [0; START + 8];
    start[..LABEL.len()].copy_from_slice(LABEL);
    start[LABEL.len()..LABEL.len() + HEAD].copy_from_slice(head);
    start[LABEL.len() + HEAD..START - 41].copy_from_slice(&length(32));
    start[START - 41..START - 9].copy_from_slice(binding.cookie);
    // No session and a session with an empty name are different things.
    start[START - 9] = u8::from(binding.session.is_some());
    let session = binding.session.unwrap_or_default();
    start[START - 8..START].copy_from_slice(&length(session.len()));
    if session.is_empty() {
        start[START..].copy_from_slice(&length(binding.scope.len()));
        mac.update(&start);
    } else {
        mac.update(&start[..START]);
        mac.update(session);
        mac.update(&length(binding.scope.len()));
    }
    if !binding.scope.is_empty() {
        mac.update(binding.scope.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

/// Goes before each part, so that no two lists of parts are the same bytes.
fn length(bytes: usize) -> [u8; 8] {
    (bytes as u64).to_be_bytes()
}

const VERSION: u8 = 1;
const HEAD: usize = 22;
const TAG: usize = 32;
const LENGTH: usize = HEAD + TAG;
const LABEL: &[u8] = b"mainstay-csrf/token/v1";
/// Label, head, the cookie behind its length, the flag of the session and its length.
const START: usize = LABEL.len() + HEAD + 8 + 32 + 1 + 8;

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;
    use crate::KeyRing;

    const COOKIE: [u8; 32] = [7; 32];

    fn binding(scope: &str) -> Binding<'_> {
        Binding {
            cookie: &COOKIE,
            session: Some(b"ann"),
            scope,
        }
    }

    #[test]
    fn the_wire_format_stays_what_it_is() {
        // Computed once by hand from the table above, with another implementation of HMAC.
        let ring = KeyRing::new([9; 32]).unwrap();
        let token = Token::new(
            ring.load().signing(),
            binding("POST /a"),
            0x0102_0304,
            [5; 16],
        );
        let bytes = URL_SAFE_NO_PAD.decode(token.text()).unwrap();

        assert_eq!(bytes.len(), 54);
        assert_eq!(bytes[0], 1);
        assert_eq!(bytes[1], crate::Key::from([9; 32]).id());
        assert_eq!(bytes[2..6], [1, 2, 3, 4]);
        assert_eq!(bytes[6..22], [5; 16]);
        assert_eq!(token.text(), WIRE);
    }

    #[test]
    fn every_part_of_the_binding_counts() {
        let ring = KeyRing::new([9; 32]).unwrap();
        let keys = ring.load();
        let token = Token::new(keys.signing(), binding(""), 1, [5; 16]);
        assert!(token.matches(&keys, binding("")));

        let other = [8; 32];
        for wrong in [
            Binding {
                cookie: &other,
                ..binding("")
            },
            Binding {
                session: None,
                ..binding("")
            },
            Binding {
                session: Some(b""),
                ..binding("")
            },
            Binding {
                session: Some(b"bob"),
                ..binding("")
            },
            binding("POST /a"),
        ] {
            assert!(!token.matches(&keys, wrong));
        }
        assert!(!token.matches(&KeyRing::new([1; 32]).unwrap().load(), binding("")));
    }

    #[test]
    fn no_session_is_not_an_empty_one() {
        let ring = KeyRing::new([9; 32]).unwrap();
        let keys = ring.load();
        let none = Binding {
            session: None,
            ..binding("")
        };
        let token = Token::new(keys.signing(), none, 1, [5; 16]);
        assert!(token.matches(&keys, none));
        assert!(!token.matches(
            &keys,
            Binding {
                session: Some(b""),
                ..none
            }
        ));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let ring = KeyRing::new([9; 32]).unwrap();
        let keys = ring.load();
        let one = Binding {
            cookie: &COOKIE,
            session: Some(b"ab"),
            scope: "c",
        };
        let token = Token::new(keys.signing(), one, 1, [5; 16]);
        assert!(!token.matches(
            &keys,
            Binding {
                session: Some(b"a"),
                scope: "bc",
                ..one
            }
        ));
    }

    #[test]
    fn each_bit_counts() {
        let ring = KeyRing::new([9; 32]).unwrap();
        let keys = ring.load();
        let token = Token::new(keys.signing(), binding(""), 1, [5; 16]);
        for bit in 0..LENGTH * 8 {
            let mut bytes = URL_SAFE_NO_PAD.decode(token.text()).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let text = URL_SAFE_NO_PAD.encode(bytes);
            let good = Token::parse(text.as_bytes()).is_some_and(|t| t.matches(&keys, binding("")));
            assert!(!good, "bit {bit}");
        }
    }

    #[test]
    fn there_is_one_spelling() {
        let ring = KeyRing::new([9; 32]).unwrap();
        let text = Token::new(ring.load().signing(), binding(""), 1, [5; 16]).text();
        assert!(Token::parse(text.as_bytes()).is_some());
        for wrong in [
            format!("{text}="),
            format!("{text}A"),
            format!(" {text}"),
            format!("{text}\n"),
            text[..71].to_owned(),
            text.replacen(&text[3..4], "+", 1),
            String::new(),
        ] {
            assert!(Token::parse(wrong.as_bytes()).is_none(), "{wrong:?}");
        }
    }

    const WIRE: &str = "AcABAgMEBQUFBQUFBQUFBQUFBQUFBfLCoyeEen4UWQGnY8BRFUoi58zBGm52Z7rXOhwW7wpi";
}
