//! From documents to values.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use quick_xml::events::{BytesRef, Event};

use super::{Error, Kind};
use crate::rpc::Value;

/// How deep values may be nested.
pub const MAX_DEPTH: usize = 64;

/// A method call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `namespace.method`, as the client wrote it.
    pub method: String,
    /// The parameters; empty if there were none.
    pub params: Vec<Value>,
}

/// Reads a `<methodCall>`.
pub fn parse_call(document: &[u8]) -> Result<Call, Error> {
    let text = decode(document)?;
    let mut reader = Reader::new(&text);
    if reader.root()? != "methodCall" {
        return Err(reader.error(Kind::NotACall));
    }

    let mut method = None;
    let mut params = Vec::new();
    while let Some(name) = reader.child()? {
        match name.as_ref() {
            "methodName" => method = Some(reader.content()?.trim().to_owned()),
            "params" => params = reader.params()?,
            _ => reader.skip()?,
        }
    }
    reader.end()?;

    match method {
        Some(method) if !method.is_empty() => Ok(Call { method, params }),
        _ => Err(reader.error(Kind::NoMethodName)),
    }
}

/// Reads a `<methodResponse>`: the value, or the code and text of the fault.
pub fn parse_response(document: &[u8]) -> Result<Result<Value, (i32, String)>, Error> {
    // The original sends what is not UTF-8 as it is; its answers should stay readable.
    let text = String::from_utf8_lossy(document);
    let mut reader = Reader::new(&text);
    if reader.root()? != "methodResponse" {
        return Err(reader.error(Kind::NotAResponse));
    }

    let mut answer = None;
    while let Some(name) = reader.child()? {
        match name.as_ref() {
            "params" => answer = reader.params()?.into_iter().next().map(Ok),
            "fault" => answer = reader.fault()?.map(Err),
            _ => reader.skip()?,
        }
    }
    reader.end()?;

    answer.ok_or_else(|| reader.error(Kind::NotAResponse))
}

/// The document as text. PHP's clients declare ISO-8859-1, all others UTF-8.
fn decode(document: &[u8]) -> Result<Cow<'_, str>, Error> {
    let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
    if declares_latin1(document) {
        return Ok(document.iter().map(|&byte| char::from(byte)).collect());
    }
    std::str::from_utf8(document)
        .map(Cow::Borrowed)
        .map_err(|error| Error::new(Kind::Encoding, error.valid_up_to() as u64))
}

fn declares_latin1(document: &[u8]) -> bool {
    let end = document
        .iter()
        .take(256)
        .position(|&byte| byte == b'>')
        .unwrap_or(0);
    let declaration = document[..end].to_ascii_lowercase();
    declaration.starts_with(b"<?xml")
        && [&b"iso-8859-1"[..], b"latin1", b"latin-1"]
            .iter()
            .any(|name| {
                declaration
                    .windows(name.len())
                    .any(|window| window == *name)
            })
}

/// A cursor over the elements of a document.
struct Reader<'a> {
    events: quick_xml::Reader<&'a [u8]>,
    depth: usize,
    /// Whether a document type may be declared here: once, before the first element.
    prolog: bool,
}

enum Token<'a> {
    Open(Cow<'a, str>),
    Close,
    Text(Cow<'a, str>),
    End,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let mut events = quick_xml::Reader::from_str(text);
        // `<nil/>` comes as an opening and a closing.
        events.config_mut().expand_empty_elements = true;
        Self {
            events,
            depth: 0,
            prolog: true,
        }
    }

    fn error(&self, kind: Kind) -> Error {
        Error::new(kind, self.events.buffer_position())
    }

    fn next(&mut self) -> Result<Token<'a>, Error> {
        loop {
            let event = self
                .events
                .read_event()
                .map_err(|source| Error::syntax(source, self.events.error_position()))?;
            return Ok(match event {
                Event::Start(start) | Event::Empty(start) => {
                    self.prolog = false;
                    Token::Open(Cow::Owned(start.local_name().as_ref().to_owned()))
                }
                Event::End(_) => Token::Close,
                Event::Text(text) => Token::Text(text.xml10_content()),
                Event::CData(data) => Token::Text(data.xml10_content()),
                Event::GeneralRef(reference) => Token::Text(self.resolve(&reference)?),
                Event::Eof => Token::End,
                // Without declarations of its own it declares nothing: what it refers to is not read.
                Event::DocType(doctype) if self.prolog && !has_declarations(&doctype) => {
                    self.prolog = false;
                    continue;
                }
                Event::DocType(_) => return Err(self.error(Kind::DocType)),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
            });
        }
    }

    /// The five entities of XML and character references; there are no others without a DTD.
    fn resolve(&self, reference: &BytesRef<'_>) -> Result<Cow<'a, str>, Error> {
        let name: &str = reference;
        if reference.is_char_ref() {
            return match reference.resolve_char_ref() {
                Ok(Some(c)) => Ok(Cow::Owned(c.to_string())),
                Ok(None) => Err(self.error(Kind::Entity(name.to_owned()))),
                Err(source) => Err(Error::syntax(source, self.events.buffer_position())),
            };
        }
        match quick_xml::escape::resolve_xml_entity(name) {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => Err(self.error(Kind::Entity(name.to_owned()))),
        }
    }

    /// The name of the outermost element.
    fn root(&mut self) -> Result<Cow<'a, str>, Error> {
        loop {
            match self.next()? {
                Token::Open(name) => return Ok(name),
                Token::Text(text) if text.trim().is_empty() => {}
                Token::Text(_) | Token::Close => return Err(self.error(Kind::Trailing)),
                Token::End => return Err(self.error(Kind::NotACall)),
            }
        }
    }

    /// Nothing may follow the outermost element.
    fn end(&mut self) -> Result<(), Error> {
        loop {
            match self.next()? {
                Token::End => return Ok(()),
                Token::Text(text) if text.trim().is_empty() => {}
                _ => return Err(self.error(Kind::Trailing)),
            }
        }
    }

    /// The next child of the open element, or `None` once that is closed. Text between is ignored.
    fn child(&mut self) -> Result<Option<Cow<'a, str>>, Error> {
        loop {
            match self.next()? {
                Token::Open(name) => return Ok(Some(name)),
                Token::Close => return Ok(None),
                Token::Text(_) => {}
                Token::End => return Err(self.cut_off()),
            }
        }
    }

    /// The text of the open element, up to and with its closing. Children are ignored.
    fn content(&mut self) -> Result<Cow<'a, str>, Error> {
        let mut content = Cow::Borrowed("");
        loop {
            match self.next()? {
                Token::Text(text) => content += text,
                Token::Open(_) => self.skip()?,
                Token::Close => return Ok(content),
                Token::End => return Err(self.cut_off()),
            }
        }
    }

    /// Reads over the open element.
    fn skip(&mut self) -> Result<(), Error> {
        let mut open = 1_usize;
        while open > 0 {
            match self.next()? {
                Token::Open(_) => open += 1,
                Token::Close => open -= 1,
                Token::Text(_) => {}
                Token::End => return Err(self.cut_off()),
            }
        }
        Ok(())
    }

    fn cut_off(&self) -> Error {
        self.error(Kind::Syntax)
    }

    fn params(&mut self) -> Result<Vec<Value>, Error> {
        let mut params = Vec::new();
        while let Some(name) = self.child()? {
            if name != "param" {
                self.skip()?;
                continue;
            }
            let mut param = None;
            while let Some(name) = self.child()? {
                if name == "value" && param.is_none() {
                    param = Some(self.value()?);
                } else {
                    self.skip()?;
                }
            }
            params.push(param.unwrap_or_default());
        }
        Ok(params)
    }

    fn fault(&mut self) -> Result<Option<(i32, String)>, Error> {
        let mut fault = None;
        while let Some(name) = self.child()? {
            if name != "value" {
                self.skip()?;
                continue;
            }
            let value = self.value()?;
            let code = value.get("faultCode").and_then(Value::as_int);
            let text = value.get("faultString").and_then(Value::as_str);
            fault = code.map(|code| (code, text.unwrap_or_default().to_owned()));
        }
        Ok(fault)
    }

    /// The value of the open `<value>`: its typed child, else its text.
    fn value(&mut self) -> Result<Value, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(Kind::TooDeep));
        }
        let mut typed = None;
        let mut untyped = Cow::Borrowed("");
        loop {
            match self.next()? {
                Token::Text(text) => untyped += text,
                Token::Open(_) if typed.is_some() => self.skip()?,
                Token::Open(name) => typed = Some(self.typed(&name)?),
                Token::Close => break,
                Token::End => return Err(self.cut_off()),
            }
        }
        self.depth -= 1;
        Ok(typed.unwrap_or_else(|| Value::String(untyped.into_owned())))
    }

    /// The value of an element inside `<value>`. One that nobody knows is its text, and nothing if it
    /// has none.
    fn typed(&mut self, name: &str) -> Result<Value, Error> {
        Ok(match name {
            "string" => Value::String(self.content()?.into_owned()),
            "int" | "i4" | "i8" | "i2" | "i1" => {
                let content = self.content()?;
                let number: i64 = content
                    .trim()
                    .parse()
                    .map_err(|_| self.bad("int", &content))?;
                i32::try_from(number).map_or(Value::Long(number), Value::Int)
            }
            "boolean" => Value::Bool(matches!(self.content()?.trim(), "1" | "true")),
            "double" => {
                let content = self.content()?;
                Value::Double(
                    content
                        .trim()
                        .parse()
                        .map_err(|_| self.bad("double", &content))?,
                )
            }
            "dateTime.iso8601" => Value::DateTime(self.content()?.trim().to_owned()),
            "base64" => {
                let content = self.content()?;
                let dense: Vec<u8> = content
                    .bytes()
                    .filter(|byte| !byte.is_ascii_whitespace())
                    .collect();
                Value::Base64(
                    BASE64
                        .decode(dense)
                        .map_err(|_| self.bad("base64", &content))?,
                )
            }
            "array" => self.array()?,
            "struct" => self.record()?,
            "nil" => {
                self.skip()?;
                Value::Nil
            }
            _ => match self.content()? {
                text if text.is_empty() => Value::Nil,
                text => Value::String(text.into_owned()),
            },
        })
    }

    fn array(&mut self) -> Result<Value, Error> {
        let mut elements = Vec::new();
        while let Some(name) = self.child()? {
            if name != "data" {
                self.skip()?;
                continue;
            }
            while let Some(name) = self.child()? {
                match name.as_ref() {
                    "value" => elements.push(self.value()?),
                    _ => self.skip()?,
                }
            }
        }
        Ok(Value::Array(elements))
    }

    fn record(&mut self) -> Result<Value, Error> {
        let mut members = Vec::new();
        while let Some(name) = self.child()? {
            if name != "member" {
                self.skip()?;
                continue;
            }
            let (mut key, mut value) = (String::new(), Value::Nil);
            while let Some(name) = self.child()? {
                match name.as_ref() {
                    "name" => key = self.content()?.into_owned(),
                    "value" => value = self.value()?,
                    _ => self.skip()?,
                }
            }
            members.push((key, value));
        }
        Ok(Value::Struct(members))
    }

    fn bad(&self, kind: &'static str, text: &str) -> Error {
        const SHOWN: usize = 40;

        self.error(Kind::BadValue {
            kind,
            text: text.trim().chars().take(SHOWN).collect(),
        })
    }
}

/// Whether a document type has an internal subset: a bracket outside of its quoted identifiers.
fn has_declarations(doctype: &str) -> bool {
    let mut quote = None;
    doctype.chars().any(|c| match quote {
        Some(open) => {
            if c == open {
                quote = None;
            }
            false
        }
        None => {
            if matches!(c, '"' | '\'') {
                quote = Some(c);
            }
            c == '['
        }
    })
}

/// Padding is often forgotten.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
