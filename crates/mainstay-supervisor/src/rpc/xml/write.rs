//! From values to documents.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::rpc::decimal::Decimal;
use crate::rpc::describe::Members;
use crate::rpc::{Fault, Value};

/// The document that calls `method`.
pub fn write_call(method: &str, params: &[Value]) -> Vec<u8> {
    let mut out = Vec::from(b"<?xml version='1.0'?>\n<methodCall>\n<methodName>");
    text(&mut out, method);
    put(&mut out, "</methodName>\n<params>\n");
    for param in params {
        put(&mut out, "<param>\n");
        value(&mut out, param);
        put(&mut out, "</param>\n");
    }
    put(&mut out, "</params>\n</methodCall>\n");
    out
}

/// The document that answers with `result`.
pub fn write_response(result: &Value) -> Vec<u8> {
    response(Vec::new(), |out| value(out, result))
}

/// The document that answers with `fault`.
pub fn write_fault(fault: &Fault) -> Vec<u8> {
    let mut out = Vec::from(b"<?xml version='1.0'?>\n<methodResponse>\n<fault>\n");
    value(&mut out, &fault.to_value());
    put(&mut out, "</fault>\n</methodResponse>\n");
    out
}

/// The document that answers with an array of structs, without a [`Value`] for any of it.
pub(crate) fn write_records<T>(
    records: &[T],
    mut members: impl FnMut(&T, &mut Record<'_>),
) -> Vec<u8> {
    let out = Vec::with_capacity(FRAME + records.len() * USUAL_RECORD);
    response(out, |out| {
        put(out, "<value><array><data>\n");
        for record in records {
            put(out, "<value><struct>\n");
            members(record, &mut Record(out));
            put(out, "</struct></value>\n");
        }
        put(out, "</data></array></value>\n");
    })
}

/// The members of a struct that is being written.
pub(crate) struct Record<'a>(&'a mut Vec<u8>);

impl Members for Record<'_> {
    fn text(&mut self, member: Member, content: &str) {
        put(self.0, member.before_text);
        text(self.0, content);
        put(self.0, "</string></value>\n</member>\n");
    }

    fn int(&mut self, member: Member, number: i32) {
        put(self.0, member.before_int);
        digits(self.0, number);
        put(self.0, "</int></value>\n</member>\n");
    }
}

/// A member's name, and all that goes before its value: a large answer has thousands of them, and
/// takes as long as its pieces are many. Made by [`member!`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) before_text: &'static str,
    pub(crate) before_int: &'static str,
}

/// A [`Member`] of that name, which must not hold anything that has to be escaped.
macro_rules! member {
    ($name:literal) => {
        $crate::rpc::xml::Member {
            name: $name,
            before_text: concat!("<member>\n<name>", $name, "</name>\n<value><string>"),
            before_int: concat!("<member>\n<name>", $name, "</name>\n<value><int>"),
        }
    };
}
pub(crate) use member;

fn response(mut out: Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    put(
        &mut out,
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n",
    );
    content(&mut out);
    put(&mut out, "</param>\n</params>\n</methodResponse>\n");
    out
}

fn value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Int(number) => int(out, *number),
        Value::Long(number) => {
            // Writing to memory cannot fail.
            let _ = writeln!(out, "<value><int>{number}</int></value>");
        }
        Value::Bool(truth) => put(
            out,
            if *truth {
                "<value><boolean>1</boolean></value>\n"
            } else {
                "<value><boolean>0</boolean></value>\n"
            },
        ),
        Value::Double(number) => {
            // Writing to memory cannot fail.
            let _ = writeln!(out, "<value><double>{number:?}</double></value>");
        }
        Value::String(content) => string(out, content),
        Value::DateTime(content) => {
            put(out, "<value><dateTime.iso8601>");
            text(out, content);
            put(out, "</dateTime.iso8601></value>\n");
        }
        Value::Base64(bytes) => base64_lines(out, bytes),
        Value::Array(elements) => {
            put(out, "<value><array><data>\n");
            for element in elements {
                self::value(out, element);
            }
            put(out, "</data></array></value>\n");
        }
        Value::Struct(members) => {
            put(out, "<value><struct>\n");
            for (name, member) in members {
                put(out, "<member>\n<name>");
                text(out, name);
                put(out, "</name>\n");
                self::value(out, member);
                put(out, "</member>\n");
            }
            put(out, "</struct></value>\n");
        }
        Value::Nil => put(out, "<value><nil/></value>\n"),
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn string(out: &mut Vec<u8>, content: &str) {
    put(out, "<value><string>");
    text(out, content);
    put(out, "</string></value>\n");
}

fn int(out: &mut Vec<u8>, number: i32) {
    put(out, "<value><int>");
    digits(out, number);
    put(out, "</int></value>\n");
}

fn digits(out: &mut Vec<u8>, number: i32) {
    if number < 0 {
        out.push(b'-');
    }
    Decimal::of(number.unsigned_abs().into()).append_to(out);
}

/// Lines of 76 characters, as Python breaks them.
fn base64_lines(out: &mut Vec<u8>, bytes: &[u8]) {
    const BYTES_PER_LINE: usize = 57;

    put(out, "<value><base64>\n");
    for line in bytes.chunks(BYTES_PER_LINE) {
        put(out, &STANDARD.encode(line));
        out.push(b'\n');
    }
    put(out, "</base64></value>\n");
}

/// Appends `content`, escaped.
///
/// A carriage return is written as a reference: bare, every XML reader must turn it into a line
/// feed, and a log with CRLF would not arrive as it is. What XML 1.0 has no way to write at all
/// becomes U+FFFD.
fn text(out: &mut Vec<u8>, content: &str) {
    let mut rest = content;
    while let Some(at) = rest.bytes().position(|byte| NEEDS_CARE[usize::from(byte)]) {
        // Whatever needs care begins a character.
        let (plain, special) = rest.split_at(at);
        put(out, plain);
        let mut after = special.chars();
        match after.next() {
            Some('&') => put(out, "&amp;"),
            Some('<') => put(out, "&lt;"),
            Some('>') => put(out, "&gt;"),
            Some('\r') => put(out, "&#13;"),
            // Only some of those that begin with this byte are forbidden.
            Some(c) if is_xml_char(c) => put(out, &special[..c.len_utf8()]),
            _ => put(out, "\u{FFFD}"),
        }
        rest = after.as_str();
    }
    put(out, rest);
}

/// The bytes to look at more closely: markup, control characters, and what U+FFFE and U+FFFF begin
/// with.
static NEEDS_CARE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < b' ' {
        table[byte as usize] = !matches!(byte, b'\t' | b'\n');
        byte += 1;
    }
    table[b'&' as usize] = true;
    table[b'<' as usize] = true;
    table[b'>' as usize] = true;
    table[0xEF] = true;
    table
};

/// The production `Char` of XML 1.0.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// A document around what it says.
const FRAME: usize = 256;
/// What a process of `getAllProcessInfo` takes, with paths of some length.
const USUAL_RECORD: usize = 1280;

#[cfg(test)]
mod tests {
    use super::{text, write_call, write_fault, write_records, write_response};
    use crate::rpc::{Code, Fault, Value};

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
            ("\u{FFFD}\u{F000}\u{FEFF}<", "\u{FFFD}\u{F000}\u{FEFF}&lt;"),
        ];
        for (content, expected) in cases {
            let mut out = Vec::new();
            text(&mut out, content);
            assert_eq!(string(out), expected, "{content:?}");
        }
    }

    #[test]
    fn numbers_are_written_whole() {
        for number in [0, 7, -1, 10, 99, 100, -2_000_000_001, i32::MAX, i32::MIN] {
            let document = string(write_response(&Value::Int(number)));
            let expected = format!("<value><int>{number}</int></value>\n");
            assert!(document.contains(&expected), "{document}");
        }
    }

    #[test]
    fn records_are_what_structs_are() {
        use crate::rpc::describe::Members as _;

        let records = [("a<b", -3), ("", 2)];
        let values: Vec<Value> = records
            .iter()
            .map(|(text, number)| {
                Value::record([("t", Value::from(*text)), ("n", Value::Int(*number))])
            })
            .collect();
        let document = write_records(&records, |(content, number), to| {
            to.text(member!("t"), content);
            to.int(member!("n"), *number);
        });
        assert_eq!(string(document), string(write_response(&values.into())));
    }
}
