//! Documents good and bad, and round trips.

use proptest::prelude::*;

use super::*;
use crate::rpc::{Code, Fault, Value, xml};

fn param(inner: &str) -> Result<Value, Error> {
    let document = format!(
        "<methodCall><methodName>a.b</methodName><params><param>{inner}</param></params>\
         </methodCall>"
    );
    parse_call(document.as_bytes()).map(|mut call| call.params.remove(0))
}

#[test]
fn values_are_read_leniently() {
    let text = |text: &str| Value::from(text);
    for (inner, expected) in [
        ("<value><int>5</int></value>", Value::Int(5)),
        ("<value><i4> -5\n</i4></value>", Value::Int(-5)),
        ("<value><i8>+7</i8></value>", Value::Int(7)),
        (
            "<value><ex:i8 xmlns:ex='urn:x'>7</ex:i8></value>",
            Value::Int(7),
        ),
        ("<value><boolean>1</boolean></value>", Value::Bool(true)),
        ("<value><boolean>0</boolean></value>", Value::Bool(false)),
        ("<value><double>2.50</double></value>", Value::Double(2.5)),
        ("<value><string> a </string></value>", text(" a ")),
        ("<value><string/></value>", text("")),
        ("<value> a </value>", text(" a ")),
        ("<value/>", text("")),
        ("<value></value>", text("")),
        ("<value>\n <int>5</int>\n</value>", Value::Int(5)),
        (
            "<value><string>a&amp;&#x62;&#99;&lt;&gt;&quot;&apos;</string></value>",
            text("a&bc<>\"'"),
        ),
        (
            "<value><string><![CDATA[<&>]]>!</string></value>",
            text("<&>!"),
        ),
        ("<value><string>a<!-- b -->c</string></value>", text("ac")),
        ("<value><string>a\r\nb</string></value>", text("a\nb")),
        ("<value><string>a&#13;\nb</string></value>", text("a\r\nb")),
        (
            "<value><base64>YWI=</base64></value>",
            Value::Base64(b"ab".to_vec()),
        ),
        (
            "<value><base64>\nYW\nI\n</base64></value>",
            Value::Base64(b"ab".to_vec()),
        ),
        ("<value><nil/></value>", Value::Nil),
        ("<value><ex:nil/></value>", Value::Nil),
        ("<value><colour>red</colour></value>", text("red")),
        ("<value><array/></value>", Value::Array(Vec::new())),
        (
            "<value><array><data/></array></value>",
            Value::Array(Vec::new()),
        ),
        ("<value><struct/></value>", Value::Struct(Vec::new())),
        (
            "<value><dateTime.iso8601>20240101T00:00:00</dateTime.iso8601></value>",
            Value::DateTime("20240101T00:00:00".to_owned()),
        ),
        (
            "<value><array><data><value>a</value><odd><x/></odd><value><int>1</int></value>\
             </data></array></value>",
            Value::Array(vec![text("a"), Value::Int(1)]),
        ),
        (
            "<value><struct><member><value>2</value><name>b</name></member>\
             <member><name>a</name></member></struct></value>",
            Value::record([("b", text("2")), ("a", Value::Nil)]),
        ),
        ("<odd/><value>1</value><value>2</value>", text("1")),
    ] {
        assert_eq!(param(inner).unwrap(), expected, "{inner}");
    }
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    for (inner, message) in [
        ("<value><int>x</int></value>", "`x` is not of type int"),
        ("<value><int></int></value>", "`` is not of type int"),
        (
            "<value><i8>9223372036854775808</i8></value>",
            "`9223372036854775808` is not of type int",
        ),
        (
            "<value><double>1,5</double></value>",
            "`1,5` is not of type double",
        ),
        (
            "<value><base64>*</base64></value>",
            "`*` is not of type base64",
        ),
    ] {
        let error = param(inner).unwrap_err();
        assert!(error.to_string().starts_with(message), "{inner}: {error}");
        assert!(error.is_well_formed());
    }
}

#[test]
fn calls_are_read_leniently() {
    for (document, method, params) in [
        (
            "<methodCall><methodName>a.b</methodName></methodCall>",
            "a.b",
            0,
        ),
        (
            "<?xml version='1.0'?>\n<methodCall>\n<methodName> a.b\n</methodName>\n<params>\n\
          </params>\n</methodCall>\n",
            "a.b",
            0,
        ),
        (
            "\u{FEFF}<methodCall><params><param><value>1</value></param><param/></params>\
          <methodName>a.b</methodName></methodCall><!-- bye -->",
            "a.b",
            2,
        ),
        (
            "<methodCall><extra><deep>x</deep></extra><methodName>a.b</methodName></methodCall>",
            "a.b",
            0,
        ),
    ] {
        let call = parse_call(document.as_bytes()).unwrap();
        assert_eq!(
            (call.method.as_str(), call.params.len()),
            (method, params),
            "{document}"
        );
    }
}

#[test]
fn latin_1_is_read_when_it_is_declared() {
    let document = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\
        <methodCall><methodName>a.b</methodName><params><param><value>caf\xe9</value></param>\
        </params></methodCall>";

    assert_eq!(parse_call(document).unwrap().params, [Value::from("café")]);
}

#[test]
fn what_is_not_a_call_is_refused() {
    for (document, message) in [
        ("", "not a method call"),
        ("hello", "text outside"),
        ("<methodCall>", "not well-formed"),
        (
            "<methodCall><methodName>a.b</methodName>",
            "not well-formed",
        ),
        ("<methodCall></wrong>", "not well-formed"),
        ("<methodCall/>", "no method name"),
        ("<methodCall><methodName/></methodCall>", "no method name"),
        ("<methodResponse/>", "not a method call"),
        (
            "<methodCall><methodName>a.b</methodName></methodCall><x/>",
            "text outside",
        ),
        (
            "<methodCall><methodName>a.b</methodName></methodCall>x",
            "text outside",
        ),
        (
            "<methodCall><methodName>&nope;</methodName></methodCall>",
            "unknown entity `&nope;`",
        ),
    ] {
        let error = parse_call(document.as_bytes()).unwrap_err();
        assert!(
            error.to_string().starts_with(message),
            "{document}: {error}"
        );
    }
    let error = parse_call(b"<methodCall><methodName>\xff</methodName></methodCall>");
    assert!(error.unwrap_err().to_string().contains("encoding"));
}

#[test]
fn entities_cannot_be_declared() {
    let bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>\
                <methodCall><methodName>&b;</methodName></methodCall>";

    let error = parse_call(bomb.as_bytes()).unwrap_err();

    assert!(
        error.to_string().starts_with("a document type declaration"),
        "{error}"
    );
}

#[test]
fn a_document_type_without_declarations_is_read_over() {
    let call = "<methodCall><methodName>a.b</methodName></methodCall>";
    for prolog in [
        "<!DOCTYPE methodCall>",
        "<?xml version='1.0'?>\n<!DOCTYPE methodCall SYSTEM \"xml-rpc.dtd\">\n",
        "<!DOCTYPE methodCall PUBLIC \"-//x//[y]//EN\" 'http://127.0.0.1/x.dtd'>",
    ] {
        let document = format!("{prolog}{call}");
        assert_eq!(parse_call(document.as_bytes()).unwrap().method, "a.b");
    }
    for document in [
        // Twice, in the middle, behind, and with declarations, even if there are none.
        format!("<!DOCTYPE methodCall><!DOCTYPE methodCall>{call}"),
        "<methodCall><!DOCTYPE methodCall><methodName>a.b</methodName></methodCall>".to_owned(),
        format!("{call}<!DOCTYPE methodCall>"),
        format!("<!DOCTYPE methodCall []>{call}"),
        format!("<!DOCTYPE methodCall SYSTEM 'x' [<!ENTITY a 'b'>]>{call}"),
    ] {
        let error = parse_call(document.as_bytes()).unwrap_err().to_string();
        assert!(
            error.starts_with("a document type declaration"),
            "{document}: {error}"
        );
    }
}

#[test]
fn an_unknown_type_is_text() {
    for (value, expected) in [
        ("<foo>cat</foo>", Value::from("cat")),
        ("<bigdecimal>2</bigdecimal>", Value::from("2")),
        (" <foo>a<b/></foo> ", Value::from("a")),
        ("<foo/>", Value::Nil),
        ("<foo>1</foo><int>2</int>", Value::from("1")),
        ("text<foo>cat</foo>", Value::from("cat")),
    ] {
        let read = param(&format!("<value>{value}</value>")).unwrap();
        assert_eq!(read, expected, "{value}");
    }
}

#[test]
fn integers_may_need_64_bits() {
    for (text, expected) in [
        ("2147483647", Value::Int(i32::MAX)),
        ("2147483648", Value::Long(2_147_483_648)),
        ("-99999999999", Value::Long(-99_999_999_999)),
    ] {
        for kind in ["int", "i4", "i8"] {
            let read = param(&format!("<value><{kind}>{text}</{kind}></value>"));
            assert_eq!(read.unwrap(), expected, "{text}");
        }
    }
    assert!(param("<value><int>99999999999999999999</int></value>").is_err());
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        let open = "<value><array><data>".repeat(depth - 1);
        let close = "</data></array></value>".repeat(depth - 1);
        param(&format!("{open}<value>x</value>{close}"))
    };

    assert!(nested(MAX_DEPTH).is_ok());
    assert!(
        nested(MAX_DEPTH + 1)
            .unwrap_err()
            .to_string()
            .contains("nested")
    );
    // Elements that nobody knows are skipped without recursion.
    assert!(param(&"<x>".repeat(100_000)).is_err());
}

#[test]
fn responses_are_read() {
    let fault = xml::write_fault(&Fault::with(Code::NotRunning, "x"));
    assert_eq!(
        parse_response(&fault).unwrap(),
        Err((70, "NOT_RUNNING: x".to_owned()))
    );
    let value = Value::Array(vec![Value::Int(1), Value::from("\u{1b}\r\n")]);
    assert_eq!(
        parse_response(&xml::write_response(&value)).unwrap(),
        Ok(Value::Array(vec![
            Value::Int(1),
            Value::from("\u{FFFD}\r\n")
        ]))
    );
    assert!(parse_response(b"<methodResponse/>").is_err());
    assert!(parse_response(b"<html>no</html>").is_err());
}

/// Any value, with text that XML can carry.
fn any_value() -> impl Strategy<Value = Value> {
    let text = || "[\\t\\n\\r -\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]{0,20}";
    let leaf = prop_oneof![
        any::<i32>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        text().prop_map(Value::String),
        any::<f64>()
            .prop_filter("finite", |n| n.is_finite())
            .prop_map(Value::Double),
        "[0-9]{8}T[0-9:]{8}".prop_map(Value::DateTime),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Value::Base64),
        Just(Value::Nil),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((text(), inner), 0..5).prop_map(Value::Struct),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        method in "[a-zA-Z]{1,9}\\.[a-zA-Z]{1,9}",
        params in prop::collection::vec(any_value(), 0..4),
    ) {
        let call = parse_call(&xml::write_call(&method, &params)).unwrap();
        prop_assert_eq!(call, Call { method, params });
    }

    #[test]
    fn answers_are_read_again(value in any_value()) {
        prop_assert_eq!(parse_response(&xml::write_response(&value)).unwrap(), Ok(value));
    }

    #[test]
    fn any_string_can_be_sent(text in any::<String>()) {
        let Ok(Ok(Value::String(back))) =
            parse_response(&xml::write_response(&Value::String(text.clone())))
        else {
            panic!("not a string");
        };
        prop_assert_eq!(back.chars().count(), text.chars().count());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_call(&bytes);
        let _ = parse_response(&bytes);
    }

    #[test]
    fn no_damage_makes_it_panic(value in any_value(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut document = xml::write_call("a.b", &[value]);
        let at = at.index(document.len());
        document[at] = byte;
        let _ = parse_call(&document);
        let _ = parse_call(&document[..at]);
    }
}
