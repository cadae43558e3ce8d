//! What gorilla/csrf puts on the wire, to the byte.
//!
//! The cookie is signed and not encrypted, by gorilla's securecookie: the token as JSON in base64,
//! behind the time, under a MAC over the cookie's name and both. What a form carries is the token
//! under a one-time pad, pad first. Nothing of it is bound to a session.

use hmac::Mac;

use crate::{
    Failure,
    encoding::{self, STANDARD, URL_SAFE, same},
    keys::{HmacSha256, Keys, Prepared},
};

/// What a good cookie says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) token: [u8; 32],
    pub(crate) issued: i64,
    /// Whether the signing key signed it, and not one that is only accepted.
    pub(crate) current: bool,
}

/// The cookie's value for `token`: 144 characters, as long as the time has ten digits.
pub(crate) fn write_cookie(key: &Prepared, name: &str, token: &[u8; 32], now: u64) -> String {
    let json = format!("\"{}\"\n", STANDARD.encode_to_string(token));
    let inner = URL_SAFE.encode_to_string(json);
    let mut raw = format!("{now}|{inner}|").into_bytes();
    let tag = mac(key, name, &raw[..raw.len() - 1])
        .finalize()
        .into_bytes();
    raw.extend_from_slice(&tag);
    URL_SAFE.encode_to_string(raw)
}

/// Reads a cookie's value, in the order in which securecookie does.
///
/// Stricter than Go in what only a holder of the key could make: the payload has to be exactly what
/// gorilla writes, and not any JSON that means the same.
pub(crate) fn read_cookie(
    keys: &Keys,
    name: &str,
    value: &[u8],
    now: u64,
    max_age: Option<u64>,
) -> Result<Read, Failure> {
    if value.len() > VALUE_LIMIT {
        return Err(Failure::CookieMalformed);
    }
    // Go takes a value in quotes for the value.
    let value = value
        .strip_prefix(b"\"")
        .and_then(|v| v.strip_suffix(b"\""))
        .unwrap_or(value);
    let mut raw = [0; RAW_LIMIT];
    let raw =
        &*encoding::decode_into(&URL_SAFE, value, &mut raw).ok_or(Failure::CookieMalformed)?;
    let mut bars = memchr::memchr_iter(b'|', raw);
    let (Some(first), Some(second)) = (bars.next(), bars.next()) else {
        return Err(Failure::CookieMalformed);
    };
    let (time, inner) = (&raw[..first], &raw[first + 1..second]);
    let (signed, tag) = (&raw[..second], &raw[second + 1..]);
    let signer = tag.try_into().ok().and_then(|tag| {
        keys.iter()
            .position(|key| same(&mac(key, name, signed).finalize().into_bytes().into(), tag))
    });
    let Some(signer) = signer else {
        return Err(Failure::CookieForged);
    };
    let issued: i64 = std::str::from_utf8(time)
        .ok()
        .and_then(|time| time.parse().ok())
        .ok_or(Failure::CookieMalformed)?;
    // A cookie of exactly the age limit is good, and so is one from the future, as in Go.
    if let Some(max_age) = max_age
        && i128::from(issued) < i128::from(now) - i128::from(max_age)
    {
        return Err(Failure::CookieExpired);
    }
    let token = payload(inner).ok_or(Failure::CookieMalformed)?;
    Ok(Read {
        token,
        issued,
        current: signer == 0,
    })
}

/// The token under `pad`: 88 characters.
pub(crate) fn mask(token: &[u8; 32], pad: [u8; 32]) -> String {
    let mut masked = [0; 64];
    masked[..32].copy_from_slice(&pad);
    for (at, byte) in masked[32..].iter_mut().enumerate() {
        *byte = pad[at] ^ token[at];
    }
    STANDARD.encode_to_string(masked)
}

/// Takes the pad off again.
pub(crate) fn unmask(text: &[u8]) -> Option<[u8; 32]> {
    let masked: [u8; 64] = encoding::decode(&STANDARD, text)?;
    let mut token = [0; 32];
    for (at, byte) in token.iter_mut().enumerate() {
        *byte = masked[at] ^ masked[at + 32];
    }
    Some(token)
}

fn mac(key: &Prepared, name: &str, signed: &[u8]) -> HmacSha256 {
    let mut mac = key.raw_mac();
    mac.update(name.as_bytes());
    mac.update(b"|");
    mac.update(signed);
    mac
}

/// The token in `base64("\"" base64(token) "\"\n")`.
fn payload(inner: &[u8]) -> Option<[u8; 32]> {
    let json: [u8; 47] = encoding::decode(&URL_SAFE, inner)?;
    let text = json.strip_prefix(b"\"")?.strip_suffix(b"\"\n")?;
    encoding::decode(&STANDARD, text)
}

/// What gorilla writes has 144 characters. securecookie would take up to 4096, which only a holder of
/// the key could fill.
const VALUE_LIMIT: usize = 200;
const RAW_LIMIT: usize = VALUE_LIMIT / 4 * 3;

#[cfg(test)]
mod tests {
    use base64::{
        Engine,
        engine::general_purpose::{STANDARD, URL_SAFE},
    };
    use serde_json::Value;

    use super::*;
    use crate::{Key, KeyRing};

    fn cases(group: &str) -> impl Iterator<Item = Value> {
        let all: Value =
            serde_json::from_str(include_str!("../tests/data/gorilla-csrf.json")).unwrap();
        let cases = all["cases"].as_array().unwrap().clone();
        let group = group.to_owned();
        let found: Vec<_> = cases
            .into_iter()
            .filter(|case| case["group"] == *group)
            .collect();
        assert!(!found.is_empty(), "no vectors of the group {group}");
        found.into_iter()
    }

    fn hex<const N: usize>(value: &Value) -> [u8; N] {
        let text = value.as_str().unwrap();
        let bytes: Vec<u8> = (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        bytes.try_into().unwrap()
    }

    fn ring(case: &Value) -> KeyRing {
        KeyRing::new(Key::from(hex::<32>(&case["config"]["key_hex"]))).unwrap()
    }

    fn max_age(case: &Value) -> Option<u64> {
        case["config"]["max_age"].as_u64().filter(|age| *age > 0)
    }

    #[test]
    fn the_vectors_that_issue() {
        for case in cases("issue") {
            let token = hex(&case["in"]["real_token_hex"]);
            let name = case["config"]["cookie_name"].as_str().unwrap();
            let now = case["now"].as_u64().unwrap();
            let expect = &case["expect"];

            let cookie = write_cookie(ring(&case).load().signing(), name, &token, now);
            assert_eq!(
                cookie,
                expect["cookie_value"].as_str().unwrap(),
                "{}",
                case["id"]
            );
            assert_eq!(cookie.len(), 144);

            let masked = mask(&token, hex(&case["in"]["pad_hex"]));
            assert_eq!(masked, expect["token"].as_str().unwrap(), "{}", case["id"]);

            let field = crate::Field {
                name: case["config"]["field_name"].as_str().unwrap(),
                value: &masked,
            };
            assert_eq!(
                field.to_string(),
                expect["template_field"].as_str().unwrap()
            );
        }
    }

    #[test]
    fn the_vectors_that_mask() {
        for case in cases("mask") {
            let token = hex(&case["in"]["real_token_hex"]);
            let masked = mask(&token, hex(&case["in"]["pad_hex"]));
            assert_eq!(
                masked,
                case["expect"]["token"].as_str().unwrap(),
                "{}",
                case["id"]
            );
            assert_eq!(unmask(masked.as_bytes()), Some(token));
        }
    }

    #[test]
    fn the_vectors_of_cookies() {
        for case in cases("cookie") {
            let name = case["config"]["cookie_name"].as_str().unwrap();
            let value = case["in"]["cookie_value"].as_str().unwrap().as_bytes();
            let now = case["now"].as_u64().unwrap();
            let read = read_cookie(&ring(&case).load(), name, value, now, max_age(&case));
            match case["expect"]["verdict"].as_str().unwrap() {
                "accept" => {
                    let token = hex(&case["expect"]["real_token_hex"]);
                    assert_eq!(read.unwrap().token, token, "{}", case["id"]);
                }
                _ if case["expect"]["cause"] == "securecookie: expired timestamp" => {
                    assert_eq!(read, Err(Failure::CookieExpired), "{}", case["id"]);
                }
                _ => assert_eq!(read, Err(Failure::CookieForged), "{}", case["id"]),
            }
        }
    }

    #[test]
    fn the_vectors_of_tokens() {
        for case in cases("token") {
            let token: [u8; 32] = hex(&case["in"]["real_token_hex"]);
            let found = unmask(case["in"]["token"].as_str().unwrap().as_bytes());
            let accepted = found == Some(token);
            assert_eq!(
                accepted,
                case["expect"]["verdict"] == "accept",
                "{}",
                case["id"]
            );
        }
    }

    #[test]
    fn the_age_limit_is_inclusive_and_the_future_is_good() {
        let ring = KeyRing::new([3; 32]).unwrap();
        let keys = ring.load();
        let value = write_cookie(keys.signing(), "c", &[1; 32], 1_000_000_000);
        let read = |now, age| read_cookie(&keys, "c", value.as_bytes(), now, age).map(|r| r.token);
        assert_eq!(read(1_000_000_100, Some(100)), Ok([1; 32]));
        assert_eq!(read(1_000_000_101, Some(100)), Err(Failure::CookieExpired));
        assert_eq!(read(1_000_000_101, None), Ok([1; 32]));
        assert_eq!(read(0, Some(100)), Ok([1; 32]));
        assert_eq!(read(u64::MAX, Some(0)), Err(Failure::CookieExpired));
    }

    #[test]
    fn the_name_is_under_the_mac_and_every_key_is_tried() {
        let old = KeyRing::new([3; 32]).unwrap();
        let value = write_cookie(old.load().signing(), "c", &[1; 32], 5);
        let ring = KeyRing::new([4; 32]).unwrap().accept([3; 32]).unwrap();
        let read = read_cookie(&ring.load(), "c", value.as_bytes(), 5, None).unwrap();
        assert_eq!((read.token, read.current), ([1; 32], false));
        let moved = read_cookie(&ring.load(), "d", value.as_bytes(), 5, None);
        assert_eq!(moved, Err(Failure::CookieForged));
    }

    #[test]
    fn what_only_a_key_holder_could_make_is_refused_too_unless_gorilla_makes_it() {
        let ring = KeyRing::new([3; 32]).unwrap();
        let keys = ring.load();
        let signed = |time: &str, json: &[u8]| {
            let mut raw = format!("{time}|{}|", URL_SAFE.encode(json)).into_bytes();
            let tag = mac(keys.signing(), "c", &raw[..raw.len() - 1])
                .finalize()
                .into_bytes();
            raw.extend_from_slice(&tag);
            URL_SAFE.encode(raw)
        };
        let good = format!("\"{}\"\n", STANDARD.encode([1; 32]));
        let read =
            |value: &str| read_cookie(&keys, "c", value.as_bytes(), 5, None).map(|r| r.token);
        assert_eq!(read(&signed("5", good.as_bytes())), Ok([1; 32]));
        assert_eq!(
            read(&format!("\"{}\"", signed("5", good.as_bytes()))),
            Ok([1; 32])
        );
        for (time, json) in [
            ("5", "null\n".to_owned()),
            ("5", format!(" {good}")),
            ("5", good.trim_end().to_owned()),
            ("5", format!("\"{}\"\n", STANDARD.encode([1; 31]))),
            ("5", format!("\"{}\"\n", STANDARD.encode([1; 33]))),
            ("x", good.clone()),
            ("", good.clone()),
        ] {
            assert_eq!(
                read(&signed(time, json.as_bytes())),
                Err(Failure::CookieMalformed)
            );
        }
        for value in ["", "x", "=", "YXw=", &"A".repeat(4097)] {
            assert_eq!(read(value), Err(Failure::CookieMalformed));
        }
    }

    #[test]
    fn a_token_has_one_spelling_and_swapped_halves_are_the_same() {
        let text = mask(&[1; 32], [0xfb; 32]);
        assert_eq!(unmask(text.as_bytes()), Some([1; 32]));
        for wrong in [
            text.replace('+', "-").replace('/', "_"),
            text.trim_end_matches('=').to_owned(),
            format!("{text}\n"),
            format!(" {text}"),
            text.replacen('+', " ", 1),
            STANDARD.encode([1; 63]),
            STANDARD.encode([1; 65]),
            STANDARD.encode([1; 66]),
            String::new(),
        ] {
            assert_ne!(wrong, text);
            assert_eq!(unmask(wrong.as_bytes()), None, "{wrong:?}");
        }
        let mut swapped = STANDARD.decode(&text).unwrap();
        swapped.rotate_left(32);
        assert_eq!(unmask(STANDARD.encode(swapped).as_bytes()), Some([1; 32]));
    }
}
