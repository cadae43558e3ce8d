//! The forms that a token can be made for.

use http::{Method, request::Parts};

/// What a token was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// Any form of this service.
    Any,
    /// The method and path of this very request: [`CsrfToken::for_action`](crate::CsrfToken::for_action).
    Action,
    /// A scope of this name: [`CsrfToken::scoped`](crate::CsrfToken::scoped).
    Named(Box<str>),
}

/// The scope of a method and path, as it goes under the MAC.
pub(crate) fn action(method: &Method, path: &str) -> String {
    let mut text = String::with_capacity(method.as_str().len() + 1 + path.len());
    text.push_str(method.as_str());
    text.push(' ');
    normalise(path, &mut text);
    text
}

/// The scope of a name. No method has a colon in it, so it is never the scope of an action.
pub(crate) fn named(name: &str) -> String {
    format!("scope:{name}")
}

/// The scope of the request itself. A router that was nested sees a shorter path than the browser.
pub(crate) fn of_request(parts: &Parts, prefix: &str) -> String {
    #[cfg(feature = "axum")]
    let path = parts
        .extensions
        .get::<axum::extract::OriginalUri>()
        .map_or(parts.uri.path(), |original| original.path());
    #[cfg(not(feature = "axum"))]
    let path = parts.uri.path();
    if prefix.is_empty() {
        action(&parts.method, path)
    } else {
        action(&parts.method, &[prefix, path].concat())
    }
}

/// A path in its one spelling.
#[cfg(feature = "axum")]
pub(crate) fn path(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    normalise(path, &mut text);
    text
}

/// One spelling of a path: no query, no slash at the end, escapes only where they are needed and in
/// capitals. Dots and double slashes stay: to a router they are other paths.
fn normalise(path: &str, into: &mut String) {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let start = into.len();
    let mut bytes = path.bytes().peekable();
    let mut rest = path.as_bytes();
    while let Some(byte) = bytes.next() {
        rest = &rest[1..];
        let decoded = match (byte, rest) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        if let Some(decoded) = decoded {
            bytes.next();
            bytes.next();
            rest = &rest[2..];
            write(decoded, is_unreserved(decoded), into);
        } else {
            // What a browser would escape is escaped; `%` itself where it begins no escape.
            write(
                byte,
                byte.is_ascii_graphic() && !b"%\"<>`{}|\\^".contains(&byte),
                into,
            );
        }
    }
    while into.len() > start + 1 && into.ends_with('/') {
        into.pop();
    }
    if into.len() == start {
        into.push('/');
    }
}

fn write(byte: u8, plain: bool, into: &mut String) {
    if plain {
        into.push(char::from(byte));
    } else {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        into.push('%');
        into.push(char::from(DIGITS[usize::from(byte >> 4)]));
        into.push(char::from(DIGITS[usize::from(byte & 0xf)]));
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_has_one_spelling() {
        for (path, text) in [
            ("/account/email", "POST /account/email"),
            ("/account/email/", "POST /account/email"),
            ("/account/email//", "POST /account/email"),
            ("/account/email?next=/", "POST /account/email"),
            ("/account/%65mail", "POST /account/email"),
            ("/a%2fb", "POST /a%2Fb"),
            ("/a%2Fb", "POST /a%2Fb"),
            ("/ü", "POST /%C3%BC"),
            ("/%c3%bc", "POST /%C3%BC"),
            ("/a b", "POST /a%20b"),
            ("/100%", "POST /100%25"),
            ("/100%2", "POST /100%252"),
            ("/%zz", "POST /%25zz"),
            ("/a:b@c", "POST /a:b@c"),
            ("/", "POST /"),
            ("", "POST /"),
            ("//", "POST /"),
        ] {
            assert_eq!(action(&Method::POST, path), text, "{path:?}");
        }
        // Once is enough.
        let once = action(&Method::POST, "/%25%2f%ü%7e");
        assert_eq!(
            action(&Method::POST, once.strip_prefix("POST ").unwrap()),
            once
        );
    }

    #[test]
    fn different_paths_stay_different() {
        let paths = [
            "/a/b", "/a%2Fb", "/a//b", "/a/./b", "/A/b", "/a/b/c", "/a%252Fb",
        ];
        let mut texts: Vec<_> = paths
            .iter()
            .map(|path| action(&Method::POST, path))
            .collect();
        texts.push(action(&Method::PUT, "/a/b"));
        texts.push(named("POST /a/b"));
        let all = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), all);
    }
}
