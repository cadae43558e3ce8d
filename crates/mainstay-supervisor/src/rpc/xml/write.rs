//! From values to documents.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::rpc::{Fault, Value};

/// The document that calls `method`.
pub fn write_call(method: &str, params: &[Value]) -> Vec<u8> {
    let mut out = String::from("<?xml version='1.0'?>\n<methodCall>\n<methodName>");
    text(&mut out, method);
    out.push_str("</methodName>\n<params>\n");
    for param in params {
        out.push_str("<param>\n");
        value(&mut out, param);
        out.push_str("</param>\n");
    }
    out.push_str("</params>\n</methodCall>\n");
    out.into_bytes()
}

/// The document that answers with `result`.
pub fn write_response(result: &Value) -> Vec<u8> {
    let mut out = String::from("<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n");
    value(&mut out, result);
    out.push_str("</param>\n</params>\n</methodResponse>\n");
    out.into_bytes()
}

/// The document that answers with `fault`.
pub fn write_fault(fault: &Fault) -> Vec<u8> {
    let mut out = String::from("<?xml version='1.0'?>\n<methodResponse>\n<fault>\n");
    value(&mut out, &fault.to_value());
    out.push_str("</fault>\n</methodResponse>\n");
    out.into_bytes()
}

fn value(out: &mut String, value: &Value) {
    match value {
        Value::Int(number) => element(out, "int", format_args!("{number}")),
        Value::Long(number) => element(out, "int", format_args!("{number}")),
        Value::Bool(truth) => element(out, "boolean", format_args!("{}", u8::from(*truth))),
        Value::Double(number) => element(out, "double", format_args!("{number:?}")),
        Value::String(content) => {
            out.push_str("<value><string>");
            text(out, content);
            out.push_str("</string></value>\n");
        }
        Value::DateTime(content) => {
            out.push_str("<value><dateTime.iso8601>");
            text(out, content);
            out.push_str("</dateTime.iso8601></value>\n");
        }
        Value::Base64(bytes) => base64_lines(out, bytes),
        Value::Array(elements) => {
            out.push_str("<value><array><data>\n");
            for element in elements {
                self::value(out, element);
            }
            out.push_str("</data></array></value>\n");
        }
        Value::Struct(members) => {
            out.push_str("<value><struct>\n");
            for (name, member) in members {
                out.push_str("<member>\n<name>");
                text(out, name);
                out.push_str("</name>\n");
                self::value(out, member);
                out.push_str("</member>\n");
            }
            out.push_str("</struct></value>\n");
        }
        Value::Nil => out.push_str("<value><nil/></value>\n"),
    }
}

fn element(out: &mut String, name: &str, content: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "<value><{name}>{content}</{name}></value>");
}

/// Lines of 76 characters, as Python breaks them.
fn base64_lines(out: &mut String, bytes: &[u8]) {
    const BYTES_PER_LINE: usize = 57;

    out.push_str("<value><base64>\n");
    for line in bytes.chunks(BYTES_PER_LINE) {
        STANDARD.encode_string(line, out);
        out.push('\n');
    }
    out.push_str("</base64></value>\n");
}

/// Appends `content`, escaped.
///
/// A carriage return is written as a reference: bare, every XML reader must turn it into a line
/// feed, and a log with CRLF would not arrive as it is. What XML 1.0 has no way to write at all
/// becomes U+FFFD.
fn text(out: &mut String, content: &str) {
    let mut rest = content;
    while let Some(at) = rest.find(needs_care) {
        out.push_str(&rest[..at]);
        let mut after = rest[at..].chars();
        match after.next() {
            Some('&') => out.push_str("&amp;"),
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some('\r') => out.push_str("&#13;"),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
        rest = after.as_str();
    }
    out.push_str(rest);
}

fn needs_care(c: char) -> bool {
    matches!(c, '&' | '<' | '>' | '\r') || !is_xml_char(c)
}

/// The production `Char` of XML 1.0.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::Code;

    fn string(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_response_has_the_layout_of_python() {
        let value = Value::record([
            ("a", Value::Int(1)),
            (
                "b",
                Value::Array(vec![
                    Value::Bool(true),
                    Value::Double(2.5),
                    Value::from("x<&>\"'"),
                    Value::Base64(b"abc".repeat(30)),
                    Value::DateTime("20240101T00:00:00".to_owned()),
                    Value::Array(Vec::new()),
                    Value::Struct(Vec::new()),
                    Value::from(""),
                ]),
            ),
        ]);

        // As printed by `xmlrpc.client.dumps((value,), methodresponse=True)` of Python 3.11.
        assert_eq!(
            string(write_response(&value)),
            "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n\
             <member>\n<name>a</name>\n<value><int>1</int></value>\n</member>\n\
             <member>\n<name>b</name>\n<value><array><data>\n\
             <value><boolean>1</boolean></value>\n<value><double>2.5</double></value>\n\
             <value><string>x&lt;&amp;&gt;\"'</string></value>\n<value><base64>\n\
             YWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJj\n\
             YWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJj\n</base64></value>\n\
             <value><dateTime.iso8601>20240101T00:00:00</dateTime.iso8601></value>\n\
             <value><array><data>\n</data></array></value>\n<value><struct>\n</struct></value>\n\
             <value><string></string></value>\n</data></array></value>\n</member>\n\
             </struct></value>\n</param>\n</params>\n</methodResponse>\n"
        );
    }

    #[test]
    fn a_fault_has_the_layout_of_python() {
        assert_eq!(
            string(write_fault(&Fault::with(Code::BadName, "x"))),
            "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n\
             <member>\n<name>faultCode</name>\n<value><int>10</int></value>\n</member>\n\
             <member>\n<name>faultString</name>\n\
             <value><string>BAD_NAME: x</string></value>\n</member>\n\
             </struct></value>\n</fault>\n</methodResponse>\n"
        );
    }

    #[test]
    fn a_call_has_the_layout_of_python() {
        assert_eq!(
            string(write_call(
                "supervisor.x",
                &[Value::Int(1), Value::from("a")]
            )),
            "<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.x</methodName>\n\
             <params>\n<param>\n<value><int>1</int></value>\n</param>\n\
             <param>\n<value><string>a</string></value>\n</param>\n</params>\n</methodCall>\n"
        );
    }

    #[test]
    fn characters_that_xml_cannot_carry_are_replaced() {
        let cases = [
            ("\u{1b}[31mred\u{1b}[0m", "\u{FFFD}[31mred\u{FFFD}[0m"),
            ("nul\0", "nul\u{FFFD}"),
            ("tab\tline\n", "tab\tline\n"),
            ("dos\r\n", "dos&#13;\n"),
            ("\u{FFFE}\u{FFFF}", "\u{FFFD}\u{FFFD}"),
            ("é €  \u{1F980} \u{7f}", "é €  \u{1F980} \u{7f}"),
        ];
        for (content, expected) in cases {
            let mut out = String::new();
            text(&mut out, content);
            assert_eq!(out, expected, "{content:?}");
        }
    }
}
