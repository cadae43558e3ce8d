//! The types of values, as data.

use super::Context;
use crate::config::types::{self, Type};
use crate::config::{Autorestart, Level};

#[track_caller]
fn good<T: PartialEq + std::fmt::Debug>(kind: &Type<T>, cases: &[(&str, T)]) {
    for (text, expected) in cases {
        let got = (kind.parse)(text, &Context::bare("/"));
        assert_eq!(
            got.as_ref().map_err(|e| &e.reason),
            Ok(expected),
            "{text:?}"
        );
    }
}

#[track_caller]
fn bad<T: std::fmt::Debug>(kind: &Type<T>, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let got = (kind.parse)(text, &Context::bare("/")).unwrap_err();
        assert_eq!(&got.reason, expected, "{text:?}");
    }
}

#[test]
fn booleans() {
    let yes = ["yes", "true", "on", "1", "TRUE", "On"].map(|text| (text, true));
    let no = ["no", "false", "off", "0", "FALSE", "Off"].map(|text| (text, false));
    good(&types::BOOLEAN, &yes);
    good(&types::BOOLEAN, &no);
    bad(
        &types::BOOLEAN,
        &[
            ("", "not a valid boolean value: ''"),
            ("2", "not a valid boolean value: '2'"),
        ],
    );
}

#[test]
fn byte_sizes() {
    good(
        &types::BYTES,
        &[
            ("0", 0),
            ("1024", 1024),
            ("1KB", 1 << 10),
            ("2 mb", 2 << 20),
            ("3Gb", 3 << 30),
            ("1_0KB", 10 << 10),
            ("-1", 0),
            ("-1MB", 0),
            ("99999999999GB", u64::MAX),
        ],
    );
    let int = "invalid literal for int() with base 10: ";
    for (text, shown) in [
        ("1.5MB", "'1.5'"),
        ("1TB", "'1tb'"),
        ("1K", "'1k'"),
        ("5B", "'5b'"),
        ("MB", "''"),
    ] {
        bad(&types::BYTES, &[(text, format!("{int}{shown}").as_str())]);
    }
}

#[test]
fn octal_numbers_and_levels() {
    good(
        &types::OCTAL,
        &[("022", 0o22), ("0o7", 7), ("0", 0), ("1777", 0o1777)],
    );
    bad(
        &types::OCTAL,
        &[("9", "9 can not be converted to an octal type")],
    );
    good(
        &types::LEVEL,
        &[
            ("critical", Level::Critical),
            ("Error", Level::Error),
            ("WARN", Level::Warn),
            ("info", Level::Info),
            ("debug", Level::Debug),
            ("trace", Level::Trace),
            ("blather", Level::Blather),
        ],
    );
    bad(
        &types::LEVEL,
        &[("verbose", "bad logging level name 'verbose'")],
    );
}

#[test]
fn exit_codes_and_autorestart() {
    good(
        &types::EXIT_CODES,
        &[("", vec![]), ("0", vec![0]), ("0, 2 ,255", vec![0, 2, 255])],
    );
    for text in ["0,", "256", "-1", "a", "0,256"] {
        let expected = format!("not a valid list of exit codes: '{text}'");
        bad(&types::EXIT_CODES, &[(text, expected.as_str())]);
    }
    good(
        &types::AUTORESTART,
        &[
            ("true", Autorestart::Always),
            ("OFF", Autorestart::Never),
            ("Unexpected", Autorestart::Unexpected),
        ],
    );
    bad(
        &types::AUTORESTART,
        &[("sometimes", "invalid 'autorestart' value 'sometimes'")],
    );
}

#[test]
fn users_and_owners() {
    let uid = |text: &str| (types::USER.parse)(text, &Context::bare("/")).map(|user| user.uid);
    assert_eq!(
        (uid("app"), uid("1000"), uid("root")),
        (Ok(1000), Ok(1000), Ok(0))
    );
    bad(
        &types::USER,
        &[
            ("x", "Invalid user name x"),
            ("77", "Invalid user id 77"),
            ("", "Invalid user name "),
        ],
    );
    good(
        &types::OWNER,
        &[
            ("app", (1000, None)),
            ("app:nogroup", (1000, Some(65534))),
            ("0:1000", (0, Some(1000))),
        ],
    );
    bad(
        &types::OWNER,
        &[
            ("app:x", "Invalid group name x"),
            ("app:77", "Invalid group id 77"),
        ],
    );
}

#[test]
fn names_addresses_and_lists() {
    good(
        &types::NAME,
        &[(" a ", "a".to_owned()), ("a.b-c_d", "a.b-c_d".to_owned())],
    );
    bad(
        &types::NAME,
        &[
            ("a b", "Invalid name: 'a b' because of character: ' '"),
            ("a:b", "Invalid name: 'a:b' because of character: ':'"),
            ("a/b:c", "Invalid name: 'a/b:c' because of character: '/'"),
        ],
    );
    let inet = |host: &str, port| (host.to_owned(), port);
    good(
        &types::INET,
        &[
            ("9001", inet("", 9001)),
            (":9001", inet("", 9001)),
            ("*:9001", inet("", 9001)),
            ("LocalHost:1", inet("localhost", 1)),
            ("a:b:2", inet("a:b", 2)),
        ],
    );
    bad(
        &types::INET,
        &[
            ("foo", "not a valid port number: 'foo' "),
            ("0", "not a valid port number: '0' "),
            ("70000", "not a valid port number: '70000' "),
            ("a:", "no port number specified in ''"),
            ("a:0", "0 is below lower bound (1)"),
            ("a:-7", "-7 is below lower bound (1)"),
            ("a:70000", "70000 is above upper bound (65535)"),
            ("a:b", "invalid literal for int() with base 10: 'b'"),
        ],
    );
    let list = |items: &[&str]| items.iter().map(ToString::to_string).collect::<Vec<_>>();
    good(
        &types::LIST,
        &[
            ("", list(&[])),
            ("a", list(&["a"])),
            ("a , b\n,c", list(&["a", "b", "c"])),
            ("a,", list(&["a", ""])),
        ],
    );
}
