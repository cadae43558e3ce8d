//! Base64 for short texts, and the comparison of secrets.
//!
//! Each checked request has two texts of 43 to 144 characters in it. The `base64` crate is made for
//! long ones: at these lengths its vector code does not start, and its scalar code takes ten
//! instructions a character where three do (`benches/parts.rs`). It serves as the oracle in the
//! tests below, and reads keys, which nobody waits for.

use subtle::ConstantTimeEq;

/// The alphabet of the modern preset, and of gorilla's cookies.
pub(crate) static URL_SAFE: Alphabet = Alphabet::new(*b"-_");
/// The alphabet of gorilla's tokens.
pub(crate) static STANDARD: Alphabet = Alphabet::new(*b"+/");

pub(crate) struct Alphabet {
    letters: [u8; 64],
    values: [u32; 256],
}

impl Alphabet {
    const fn new(last: [u8; 2]) -> Self {
        let first = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let (mut letters, mut values) = ([0; 64], [NONE; 256]);
        let mut value = 0;
        while value < 64 {
            let letter = if value < 62 {
                first[value]
            } else {
                last[value - 62]
            };
            letters[value] = letter;
            values[letter as usize] = value as u32;
            value += 1;
        }
        Self { letters, values }
    }

    /// Without padding.
    pub(crate) fn encode(&self, bytes: &[u8]) -> String {
        self.text(bytes, (bytes.len() * 4).div_ceil(3))
    }

    /// With `=` up to a multiple of four.
    pub(crate) fn encode_padded(&self, bytes: &[u8]) -> String {
        self.text(bytes, bytes.len().div_ceil(3) * 4)
    }

    /// Exactly `N` bytes, from the one spelling that they have without padding.
    pub(crate) fn decode<const N: usize>(&self, text: &[u8]) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        (self.decode_into(text, &mut bytes)? == N).then_some(bytes)
    }

    /// Exactly `N` bytes, from the one spelling that they have with padding.
    pub(crate) fn decode_padded<const N: usize>(&self, text: &[u8]) -> Option<[u8; N]> {
        self.decode(unpadded(text)?)
    }

    /// As many bytes as a padded text has, if there is room for them.
    pub(crate) fn decode_padded_into(&self, text: &[u8], room: &mut [u8]) -> Option<usize> {
        self.decode_into(unpadded(text)?, room)
    }

    fn text(&self, bytes: &[u8], length: usize) -> String {
        let mut text = vec![b'='; length];
        let letter = |value: u32| self.letters[(value & 63) as usize];
        let (triples, tail) = bytes.as_chunks::<3>();
        let (quads, end) = text.split_at_mut(triples.len() * 4);
        for ([a, b, c], quad) in triples.iter().zip(quads.as_chunks_mut().0) {
            let bits = u32::from_be_bytes([0, *a, *b, *c]);
            *quad = [
                letter(bits >> 18),
                letter(bits >> 12),
                letter(bits >> 6),
                letter(bits),
            ];
        }
        let bits = match *tail {
            [a] => u32::from_be_bytes([0, a, 0, 0]),
            [a, b] => u32::from_be_bytes([0, a, b, 0]),
            _ => 0,
        };
        // A byte more than none takes two letters, two bytes take three.
        let some = usize::from(!tail.is_empty()) + tail.len();
        for (place, shift) in end.iter_mut().take(some).zip([18, 12, 6]) {
            *place = letter(bits >> shift);
        }
        // Letters of an alphabet are ASCII.
        String::from_utf8(text).unwrap_or_default()
    }

    fn decode_into(&self, text: &[u8], room: &mut [u8]) -> Option<usize> {
        let value = |letter: u8| self.values[usize::from(letter)];
        let (quads, tail) = text.as_chunks();
        let (whole, rest) = room.split_at_mut_checked(quads.len() * 3)?;
        let mut seen = 0;
        for ([a, b, c, d], triple) in quads.iter().zip(whole.as_chunks_mut().0) {
            let bits = value(*a) << 18 | value(*b) << 12 | value(*c) << 6 | value(*d);
            seen |= bits;
            let [_, one, two, three] = bits.to_be_bytes();
            *triple = [one, two, three];
        }
        let (bits, length) = match *tail {
            [] => (0, 0),
            [a, b] => (value(a) << 18 | value(b) << 12, 1),
            [a, b, c] => (value(a) << 18 | value(b) << 12 | value(c) << 6, 2),
            _ => return None,
        };
        let [_, bytes @ ..] = bits.to_be_bytes();
        rest.get_mut(..length)?.copy_from_slice(&bytes[..length]);
        // Bits that no byte takes have to be zero, or there would be several spellings.
        let good = (seen | bits) < NOT_A_VALUE && bytes[length..] == [0; 3][length..];
        good.then_some(whole.len() + length)
    }
}

/// The text in front of its padding, if that is as long as it has to be.
fn unpadded(text: &[u8]) -> Option<&[u8]> {
    let one = text.strip_suffix(b"=").unwrap_or(text);
    text.len()
        .is_multiple_of(4)
        .then(|| one.strip_suffix(b"=").unwrap_or(one))
}

/// Stands where no letter of the alphabet is. Wherever in a quad that is, it leaves a bit above the
/// 24 that a quad has.
const NONE: u32 = u32::MAX;
const NOT_A_VALUE: u32 = 1 << 24;

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub(crate) fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    // Eight bytes at a time: each step takes as long as one for a single byte.
    words(one)[..].ct_eq(&words(other)).into()
}

fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let (words, _) = bytes.as_chunks();
    std::array::from_fn(|at| u64::from_ne_bytes(words[at]))
}

#[cfg(test)]
mod tests {
    use base64::{
        Engine,
        engine::{GeneralPurpose, general_purpose as oracle},
    };

    use super::*;

    fn bytes(length: u8) -> Vec<u8> {
        (0..length).map(|at| at.wrapping_mul(37) ^ 0x5a).collect()
    }

    fn decode(alphabet: &Alphabet, text: &[u8], padded: bool) -> Option<Vec<u8>> {
        let mut room = [0; 200];
        let length = match padded {
            true => alphabet.decode_padded_into(text, &mut room),
            false => alphabet.decode_into(text, &mut room),
        };
        Some(room[..length?].to_vec())
    }

    #[test]
    fn texts_are_written_and_read_as_the_base64_crate_does() {
        fn agree(ours: &Alphabet, oracle: &GeneralPurpose, padded: bool) {
            for length in (0..=7).chain([31, 32, 33, 54]) {
                let bytes = bytes(length);
                let text = oracle.encode(&bytes);
                let encoded = match padded {
                    true => ours.encode_padded(&bytes),
                    false => ours.encode(&bytes),
                };
                assert_eq!(encoded, text);
                // With every byte in every place, and with the text cut or longer anywhere.
                let check = |text: &[u8]| {
                    let (found, right) = (decode(ours, text, padded), oracle.decode(text).ok());
                    assert_eq!(found, right, "{}", text.escape_ascii());
                };
                check(text.as_bytes());
                for at in 0..text.len() {
                    for byte in 0..=255 {
                        let mut text = text.clone().into_bytes();
                        text[at] = byte;
                        check(&text);
                    }
                    check(&text.as_bytes()[..at]);
                    let mut longer = text.clone();
                    longer.insert(at, '=');
                    check(longer.as_bytes());
                }
                for more in ["=", "==", "===", "A", "AA", "AAA", "AAAA", "A==="] {
                    check(format!("{text}{more}").as_bytes());
                }
            }
        }

        agree(&URL_SAFE, &oracle::URL_SAFE_NO_PAD, false);
        agree(&URL_SAFE, &oracle::URL_SAFE, true);
        agree(&STANDARD, &oracle::STANDARD_NO_PAD, false);
        agree(&STANDARD, &oracle::STANDARD, true);
    }

    #[test]
    fn only_the_right_number_of_bytes_is_right() {
        for length in 0..=60 {
            let text = URL_SAFE.encode(&bytes(length));
            assert_eq!(
                URL_SAFE.decode::<32>(text.as_bytes()).is_some(),
                length == 32
            );
            let text = URL_SAFE.encode_padded(&bytes(length));
            let found = URL_SAFE.decode_padded::<32>(text.as_bytes());
            assert_eq!(found.is_some(), length == 32);
            let mut room = [0; 32];
            let found = URL_SAFE.decode_padded_into(text.as_bytes(), &mut room);
            assert_eq!(found.is_some(), length <= 32);
        }
    }

    #[test]
    fn secrets_that_differ_in_any_bit_are_not_the_same() {
        let secret = [0xa5; 32];
        assert!(same(&secret, &secret.clone()));
        for bit in 0..256 {
            let mut other = secret;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!same(&secret, &other), "bit {bit}");
        }
    }
}
