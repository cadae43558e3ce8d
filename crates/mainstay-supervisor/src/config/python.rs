//! The few corners of Python that show in configuration files and messages: how it prints a string,
//! what it takes for a blank, and which texts it takes for an integer.

use std::fmt::Write as _;

/// A string as Python's `repr` writes it, quotes included.
pub fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => escape(&mut out, c),
        }
    }
    out.push(quote);
    out
}

/// A string as Python's `ascii` writes it: [`repr`], with everything beyond ASCII escaped.
pub(crate) fn ascii(text: &str) -> String {
    let mut out = String::new();
    for c in repr(text).chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            escape(&mut out, c);
        }
    }
    out
}

/// A list of strings as Python prints it: `['a', 'b']`.
pub fn repr_list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| repr(item)).collect();
    format!("[{}]", items.join(", "))
}

/// `str.isspace`, which counts the four ASCII separators that Unicode's `White_Space` leaves out.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// `str.strip`
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.rstrip`
pub(crate) fn rstrip(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// `int(text)`; numbers too large for `i64` become its nearest end, where Python has no end.
pub(crate) fn int(text: &str) -> Option<i64> {
    integer(text, 10)
}

/// `int(text, 8)`, which also takes a `0o` prefix.
pub(crate) fn octal(text: &str) -> Option<i64> {
    integer(text, 8)
}

fn integer(text: &str, radix: u32) -> Option<i64> {
    let text = strip(text);
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = match radix {
        // Python allows one underscore between the prefix and the first digit.
        8 => match digits
            .strip_prefix("0o")
            .or_else(|| digits.strip_prefix("0O"))
        {
            Some(rest) => rest.strip_prefix('_').unwrap_or(rest),
            None => digits,
        },
        _ => digits,
    };
    let mut value: i64 = 0;
    let mut after_digit = false;
    for c in digits.chars() {
        if c == '_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = i64::from(digit(c).filter(|digit| *digit < radix)?);
        value = value.saturating_mul(i64::from(radix)).saturating_add(digit);
        after_digit = true;
    }
    after_digit.then_some(if negative { -value } else { value })
}

/// The value of a decimal digit of any script, all of which Python takes.
fn digit(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let at = ZEROS.partition_point(|zero| *zero <= c).checked_sub(1)?;
    let value = u32::from(c) - u32::from(ZEROS[at]);
    (value < 10).then_some(value)
}

fn escape(out: &mut String, c: char) {
    let code = u32::from(c);
    // Writing to a string cannot fail.
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// `str.isprintable` for one character, as far as the characters of real files go: controls,
/// separators other than the blank, format characters, private use.
fn is_printable(c: char) -> bool {
    let format = matches!(c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0001}' | '\u{e0020}'..='\u{e007f}' | '\u{f0000}'..);
    c == ' ' || !(c.is_control() || c.is_whitespace() || format)
}

/// The zeros of the scripts other than ASCII, in order; nine more digits follow each.
const ZEROS: [char; 65] = [
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{ff10}',
    '\u{104a0}',
    '\u{10d30}',
    '\u{11066}',
    '\u{110f0}',
    '\u{11136}',
    '\u{111d0}',
    '\u{112f0}',
    '\u{11450}',
    '\u{114d0}',
    '\u{11650}',
    '\u{116c0}',
    '\u{11730}',
    '\u{118e0}',
    '\u{11950}',
    '\u{11c50}',
    '\u{11d50}',
    '\u{11da0}',
    '\u{16a60}',
    '\u{16ac0}',
    '\u{16b50}',
    '\u{1d7ce}',
    '\u{1d7d8}',
    '\u{1d7e2}',
    '\u{1d7ec}',
    '\u{1d7f6}',
    '\u{1e140}',
    '\u{1e2f0}',
    '\u{1e950}',
    '\u{1fbf0}',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_print_as_in_python() {
        for (text, expected) in [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("it's \"so\"", "'it\\'s \"so\"'"),
            ("a\tb\n", "'a\\tb\\n'"),
            ("\\", "'\\\\'"),
            ("é\u{a0}\u{1}\u{200b}", "'é\\xa0\\x01\\u200b'"),
        ] {
            assert_eq!(repr(text), expected);
        }
        assert_eq!(ascii("é€𝄞"), "'\\xe9\\u20ac\\U0001d11e'");
        assert_eq!(repr_list(&["a".into(), "b c".into()]), "['a', 'b c']");
    }

    #[test]
    fn integers_are_those_of_python() {
        for (text, expected) in [
            ("1", Some(1)),
            (" +1_000\t", Some(1000)),
            ("-0", Some(0)),
            ("-12", Some(-12)),
            ("007", Some(7)),
            ("99999999999999999999", Some(i64::MAX)),
            ("", None),
            ("-", None),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("0x10", None),
            ("1.0", None),
            ("1 0", None),
            ("--1", None),
            ("１", Some(1)),
            ("-٤_２", Some(-42)),
            ("𝟗", Some(9)),
            ("²", None),
            ("①", None),
            ("一", None),
        ] {
            assert_eq!(int(text), expected, "{text:?}");
        }
        for (text, expected) in [
            ("022", Some(18)),
            ("0o22", Some(18)),
            ("0O_7", Some(7)),
            ("-7", Some(-7)),
            ("９", None),
            ("０２２", Some(18)),
            ("9", None),
        ] {
            assert_eq!(octal(text), expected, "{text:?}");
        }
    }
}
