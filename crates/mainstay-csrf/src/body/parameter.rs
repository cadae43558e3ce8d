//! Parameters of headers, such as a part's name and a body's boundary.

use std::borrow::Cow;

/// The boundary of a `multipart/form-data` header.
pub(crate) fn boundary(content_type: &[u8]) -> Option<Vec<u8>> {
    let boundary = parameter(content_type, b"boundary")?;
    (!boundary.is_empty() && boundary.len() <= BOUNDARY_LIMIT).then(|| boundary.into_owned())
}

/// The value of `name=value` or `name="value"` behind the first `;`.
pub(super) fn parameter<'a>(header: &'a [u8], wanted: &[u8]) -> Option<Cow<'a, [u8]>> {
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

/// RFC 2046 allows 70.
const BOUNDARY_LIMIT: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

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
}
