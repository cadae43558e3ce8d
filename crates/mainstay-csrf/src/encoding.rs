//! Base64, and the comparison of secrets.

use base64_simd::{Base64, Out};
pub(crate) use base64_simd::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

/// Exactly `N` bytes, from the one spelling that they have.
pub(crate) fn decode<const N: usize>(base64: &Base64, text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    (decode_into(base64, text, &mut bytes)?.len() == N).then_some(bytes)
}

/// The bytes, if there is room for them.
pub(crate) fn decode_into<'r>(
    base64: &Base64,
    text: &[u8],
    room: &'r mut [u8],
) -> Option<&'r mut [u8]> {
    // The crate panics where there is too little.
    let length = base64.decoded_length(text).ok()?;
    let room = room.get_mut(..length)?;
    base64.decode(text, Out::from_slice(room)).ok()
}

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

    #[test]
    fn texts_are_read_in_the_one_spelling_that_another_crate_takes() {
        fn agree(ours: &Base64, oracle: &GeneralPurpose) {
            for length in (0..=7).chain([11, 12, 13, 23, 24, 25, 31, 32, 33, 54]) {
                let text = oracle.encode(bytes(length));
                assert_eq!(ours.encode_to_string(bytes(length)), text);
                // With every byte in every place, and with the text cut or longer anywhere.
                let check = |text: &[u8]| {
                    let mut room = [0; 200];
                    let found = decode_into(ours, text, &mut room).map(|found| found.to_vec());
                    assert_eq!(found, oracle.decode(text).ok(), "{}", text.escape_ascii());
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

        agree(&URL_SAFE_NO_PAD, &oracle::URL_SAFE_NO_PAD);
        agree(&URL_SAFE, &oracle::URL_SAFE);
        agree(&STANDARD, &oracle::STANDARD);
    }

    #[test]
    fn only_the_right_number_of_bytes_is_right() {
        for base64 in [&URL_SAFE_NO_PAD, &URL_SAFE] {
            for length in 0..=60 {
                let text = base64.encode_to_string(bytes(length)).into_bytes();
                assert_eq!(decode::<32>(base64, &text).is_some(), length == 32);
                let mut room = [0; 32];
                let found = decode_into(base64, &text, &mut room);
                assert_eq!(found.is_some(), length <= 32);
            }
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
