//! Formats, as data.

use proptest::prelude::*;

use crate::config::percent::{Error, Value, fill, format};

fn lookup(name: &str) -> Option<Value> {
    match name {
        "s" => Some(Value::Str("text".into())),
        "c" => Some(Value::Str("é".into())),
        "q" => Some(Value::Str("it's".into())),
        "n" => Some(Value::Int(7)),
        "m" => Some(Value::Int(-42)),
        "k" => Some(Value::Int(1_234_567)),
        "a(b)" => Some(Value::Str("nested".into())),
        _ => None,
    }
}

/// Each line was checked with Python 3.11.
#[test]
fn formats_are_filled_in_as_in_python() {
    for (text, expected) in [
        ("plain", "plain"),
        ("%(s)s-%(n)d", "text-7"),
        ("100%%", "100%"),
        (
            "%(s)%",
            "unsupported format character '%' (0x25) at index 4",
        ),
        ("%(a(b))s", "nested"),
        (
            "[%(s)8s][%(s)-8s][%(s).2s][%(s)08s]",
            "[    text][text    ][te][    text]",
        ),
        ("%(q)r %(c)a %(c)c %(n)s", "\"it's\" '\\xe9' é 7"),
        (
            "%(n)02d %(n)+d %(n) d %(n)-4d| %(n)04d %(m)05d",
            "07 +7  7 7   | 0007 -0042",
        ),
        (
            "%(n).3d %(m).3d %(n)6.3d %(n)06.3d",
            "007 -042    007 000007",
        ),
        (
            "%(m)x %(m)#x %(m)#X %(m)o %(m)#o %(k)x",
            "-2a -0x2a -0X2A -52 -0o52 12d687",
        ),
        ("%(n)#06x %(n)ld %(n)hd %(n)i %(n)u", "0x0007 7 7 7 7"),
        (
            "%(n)f %(n).2f %(n).0f %(n)#.0f %(m)8.1f",
            "7.000000 7.00 7 7.    -42.0",
        ),
        (
            "%(k)e %(k).2E %(n).0e %(n)#.0e",
            "1.234567e+06 1.23E+06 7e+00 7.e+00",
        ),
        (
            "%(k)g %(n)g %(k).3g %(n)#g %(k)G",
            "1.23457e+06 7 1.23e+06 7.00000 1.23457E+06",
        ),
        ("%(n)c", "\u{7}"),
        ("%(process_num", "incomplete format key"),
        ("50%", "incomplete format"),
        ("%(n)", "incomplete format"),
        ("%(n)05", "incomplete format"),
        (
            "%(n)y",
            "unsupported format character 'y' (0x79) at index 4",
        ),
        (
            "é %(n)ü",
            "unsupported format character '?' (0xfc) at index 6",
        ),
        ("%(s)d", "%d format: a real number is required, not str"),
        ("%(s)x", "%x format: an integer is required, not str"),
        ("%(s)f", "must be real number, not str"),
        ("%(s)c", "%c requires int or char"),
        ("%(m)c", "%c arg not in range(0x110000)"),
        ("%(n)*d", "not enough arguments for format string"),
        ("%(s)*d", "* wants int"),
        ("%(n)*", "incomplete format"),
        ("%(n)*y", "not enough arguments for format string"),
        ("%(n)s%*d", "not enough arguments for format string"),
        ("%(n)*.*", "not enough arguments for format string"),
        ("%(n)s %s", "not enough arguments for format string"),
        ("%(gone)s", "'gone'"),
        ("%(gone)y", "'gone'"),
    ] {
        let got = format(text, lookup).unwrap_or_else(|error| error.to_string());
        assert_eq!(got, expected, "{text:?}");
    }
}

/// Python puts the whole mapping in. What was meant is what stands there.
#[test]
fn a_format_without_a_name_stays_as_it_is() {
    for (text, expected, nameless) in [
        ("date +%s", "date +%s", Some("%s")),
        ("%r", "%r", Some("%r")),
        ("%-8.3a|", "%-8.3a|", Some("%-8.3a")),
        ("%s %(n)d%%", "%s 7%", Some("%s")),
        ("%(n)d", "7", None),
    ] {
        let filled = fill(text, lookup).unwrap();
        assert_eq!(filled.text, expected, "{text}");
        assert_eq!(filled.nameless.as_deref(), nameless, "{text}");
    }
    for (text, expected) in [
        ("%d", "%d format: a real number is required, not dict"),
        ("%x", "%x format: an integer is required, not dict"),
        ("%f", "must be real number, not dict"),
        ("%c", "%c requires int or char"),
        ("%*s", "* wants int"),
        ("%s%s", "not enough arguments for format string"),
        ("%y", "unsupported format character 'y' (0x79) at index 1"),
    ] {
        let error = format(text, lookup).unwrap_err();
        assert_eq!(error, Error::Format(expected.to_owned()), "{text}");
    }
}

proptest! {
    #[test]
    fn no_format_panics(text in "(%|\\(|\\)|[sndxeg]|[0-9*. #+-]|é){0,24}") {
        let _ = format(&text, lookup);
    }

    #[test]
    fn text_comes_back_when_its_signs_are_doubled(text in any::<String>()) {
        prop_assert_eq!(format(&text.replace('%', "%%"), lookup), Ok(text));
    }
}
