//! Taking terminal escapes out of a stream of bytes.

use std::mem;

/// Removes terminal escape sequences from a stream, wherever it is cut into pieces.
///
/// What ECMA-48 calls control sequences (`ESC [ … final`), control strings (`ESC ]`, `ESC P`,
/// `ESC ^`, `ESC _`, `ESC X` up to `BEL` or `ESC \`) and the short escapes are dropped. All other
/// bytes pass, so UTF-8 and anything else survives; the 8-bit forms of the same controls are bytes
/// of UTF-8 characters and therefore left alone.
#[derive(Clone, Debug, Default)]
pub struct AnsiStripper {
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    Intermediate,
    Control,
    String,
    StringEscape,
}

impl AnsiStripper {
    /// One with nothing behind it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes in place what is not text.
    pub fn strip(&mut self, bytes: &mut Vec<u8>) {
        if self.state == State::Text && !bytes.contains(&ESC) {
            return;
        }
        bytes.retain(|&byte| self.keeps(byte));
    }

    fn keeps(&mut self, byte: u8) -> bool {
        let state = mem::take(&mut self.state);
        self.state = match (state, byte) {
            (State::String, BEL) => State::Text,
            (State::String, ESC) => State::StringEscape,
            (State::String, _) => State::String,
            (State::StringEscape, b'\\') => State::Text,
            (_, ESC) => State::Escape,
            (State::Text, _) => return true,
            (State::Escape | State::StringEscape, b'[') => State::Control,
            (State::Escape | State::StringEscape, b']' | b'P' | b'^' | b'_' | b'X') => {
                State::String
            }
            (State::Escape | State::Intermediate, 0x20..=0x2f) => State::Intermediate,
            (State::Escape | State::Intermediate | State::StringEscape, 0x30..=0x7e) => State::Text,
            (State::Control, 0x20..=0x3f) => State::Control,
            (State::Control, 0x40..=0x7e) => State::Text,
            // Not a sequence after all. Line ends and text that follow a broken escape are kept.
            _ => return true,
        };
        false
    }
}

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &[(&str, &str)] = &[
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[1;31mbold\x1b[m\n", "bold\n"),
        ("a\x1b[2Kb\x1b[10;20Hc", "abc"),
        ("\x1b[?25lx\x1b[?25h", "x"),
        ("\x1b[5Gafter", "after"),
        ("\x1b[6nafter", "after"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\x", "x"),
        ("\x1b(Bx", "x"),
        ("\x1bcx\x1b7y\x1b8", "xy"),
        ("grüße \x1b[32m✓\x1b[0m", "grüße ✓"),
        ("broken \x1b[31\nline", "broken \nline"),
        ("[31m is text", "[31m is text"),
    ];

    fn strip(pieces: &[&[u8]]) -> Vec<u8> {
        let mut stripper = AnsiStripper::new();
        let mut kept = Vec::new();
        for piece in pieces {
            let mut piece = piece.to_vec();
            stripper.strip(&mut piece);
            kept.extend_from_slice(&piece);
        }
        kept
    }

    #[test]
    fn escapes_go_and_text_stays_wherever_it_is_cut() {
        for (input, expected) in CASES {
            let bytes = input.as_bytes();
            for cut in 0..=bytes.len() {
                let kept = strip(&[&bytes[..cut], &bytes[cut..]]);
                assert_eq!(
                    String::from_utf8_lossy(&kept),
                    *expected,
                    "{input:?} cut at {cut}"
                );
            }
        }
    }
}
