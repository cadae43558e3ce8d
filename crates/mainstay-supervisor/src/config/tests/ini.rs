//! The INI dialect, as data: text, and what is in the section `s` after it. Each was checked with
//! Python's parser, set up as Supervisor's.

use crate::config::ini::Ini;

/// Text after `[s]`, and the options in it.
const CASES: &[(&str, &[(&str, &str)])] = &[
    ("a=b", &[("a", "b")]),
    ("a = b ", &[("a", "b")]),
    ("a: b", &[("a", "b")]),
    ("a=b:c", &[("a", "b:c")]),
    ("a:b=c", &[("a", "b=c")]),
    ("A B = c", &[("a b", "c")]),
    ("a=", &[("a", "")]),
    ("a=1\na=2", &[("a", "2")]),
    // Comments.
    ("# c\n; c\n  # c\na=b", &[("a", "b")]),
    ("a=b ; c", &[("a", "b")]),
    ("a=b # c", &[("a", "b")]),
    ("a=b\t;c", &[("a", "b")]),
    ("a=b;c", &[("a", "b;c")]),
    ("a=b#c", &[("a", "b#c")]),
    ("a= ;c", &[("a", "")]),
    ("a=x;y ;z", &[("a", "x;y")]),
    ("a=x;y ;z #w", &[("a", "x;y ;z")]),
    ("a=x ;y #z", &[("a", "x")]),
    ("a=x #y ;z", &[("a", "x")]),
    ("a=x#y;z ;w #v", &[("a", "x#y;z")]),
    ("a=sh -c 'a ; b'", &[("a", "sh -c 'a")]),
    ("a ;b=c\nd=e", &[]),
    // Continuation.
    ("a=b\n c", &[("a", "b\nc")]),
    ("a=b\n\tc\n  d", &[("a", "b\nc\nd")]),
    ("a=b\n x=y", &[("a", "b\nx=y")]),
    ("a=b\n [t]", &[("a", "b\n[t]")]),
    ("a=b\n # c\n d", &[("a", "b\nd")]),
    ("a=b\n\n c", &[("a", "b\n\nc")]),
    ("a=b\n\n\n", &[("a", "b")]),
    ("a=b\n\nc=d", &[("a", "b"), ("c", "d")]),
    ("a=b\n c ; x", &[("a", "b\nc")]),
    ("  a=b\n  c=d", &[("a", "b"), ("c", "d")]),
    ("  a=b\n    c=d", &[("a", "b\nc=d")]),
    ("  a=b\nc=d", &[("a", "b"), ("c", "d")]),
    ("a=\n b\n c", &[("a", "\nb\nc")]),
    (" a=b", &[("a", "b")]),
    // Sections.
    ("a=b\n[t]\na=c\n[s]\nd=e", &[("a", "b"), ("d", "e")]),
    ("a=b\n[t] ; x", &[("a", "b")]),
    ("a=b\n[DEFAULT]\na=x\nd=y", &[("a", "b"), ("d", "y")]),
    ("[DEFAULT]\nx=1\n[DEFAULT]\nx=2", &[("x", "2")]),
    ("[default]\nx=1", &[]),
    // Line ends.
    ("a=b\r\n c\r\nd=e\r\n", &[("a", "b\nc"), ("d", "e")]),
    ("a=b\rd=e", &[("a", "b"), ("d", "e")]),
    // Blanks of other kinds.
    ("a=b\u{a0};c", &[("a", "b")]),
    ("a=\u{2003}b\u{1f}", &[("a", "b")]),
];

#[test]
fn values_are_what_python_makes_of_them() {
    for (text, expected) in CASES {
        let mut ini = Ini::default();
        let result = ini.read(&format!("[s]\n{text}"), "f");
        if text.starts_with("a ;b") {
            // Cut down to a key without a delimiter.
            assert!(result.is_err());
            continue;
        }
        result.unwrap_or_else(|errors| panic!("{text:?}: {errors:?}"));
        let section = ini.section("s").unwrap();
        let mut got: Vec<(&str, &str)> = section
            .entries()
            .map(|e| (e.key.as_str(), e.value.as_str()))
            .collect();
        got.sort_unstable();
        assert_eq!(&got, expected, "{text:?}");
    }
}

#[test]
fn names_of_sections_are_verbatim() {
    for (header, name) in [
        ("[a]", "a"),
        ("[ a b ]", " a b "),
        ("[a]b]", "a]b"),
        ("[a] trailing", "a"),
        ("[a] trailing ] more", "a] trailing "),
        ("[[a]", "[a"),
        ("[]]", "]"),
        ("  [indented]", "indented"),
        ("[a=b]", "a=b"),
    ] {
        let mut ini = Ini::default();
        ini.read(header, "f").unwrap();
        let names: Vec<String> = ini.sections().map(|section| section.name).collect();
        assert_eq!(names, [name], "{header}");
    }
}

#[test]
fn lines_are_known() {
    let mut ini = Ini::default();
    ini.read("\n[s]\na=1\n\n  b\nc=2\n", "one").unwrap();
    ini.read("[s]\nc=3\n[t]\n", "two").unwrap();
    let section = ini.section("s").unwrap();
    let origin = |key: &str| section.get(key).unwrap().origin.to_string();
    assert_eq!(section.origin.to_string(), "one:2");
    assert_eq!((origin("a"), origin("c")), ("one:3".into(), "two:2".into()));
    assert_eq!(ini.section("t").unwrap().origin.to_string(), "two:3");
}
