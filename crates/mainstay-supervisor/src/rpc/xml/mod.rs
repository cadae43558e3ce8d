//! The codec: XML-RPC documents to [`Value`](super::Value)s and back, as pure functions.
//!
//! Reading is lenient about types and strict about resources. Clients omit `<params>`, send untyped
//! strings, `<i4>`, and elements that nobody knows; all that is understood. A document type that
//! declares anything is refused, so no entity can expand; nesting is bounded; and what is read grows
//! no faster than the document.
//!
//! Writing follows the layout of Python's `xmlrpc.client`, which is what clients of Supervisor have
//! always been given. Characters that XML cannot carry are replaced, so a log with control
//! characters stays readable.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;

pub use read::{Call, MAX_DEPTH, parse_call, parse_response};
pub(crate) use write::{Member, Record, member, write_records};
pub use write::{write_call, write_fault, write_response};

/// Why a document could not be read.
///
/// `Display` prints this level only; the XML reader's own error, if any, is the source.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    position: u64,
    source: Option<quick_xml::Error>,
}

#[derive(Debug)]
enum Kind {
    Encoding,
    Syntax,
    DocType,
    Entity(String),
    TooDeep,
    Trailing,
    NoMethodName,
    NotACall,
    NotAResponse,
    BadValue { kind: &'static str, text: String },
}

impl Error {
    fn new(kind: Kind, position: u64) -> Self {
        Self(Box::new(Inner {
            kind,
            position,
            source: None,
        }))
    }

    fn syntax(source: quick_xml::Error, position: u64) -> Self {
        Self(Box::new(Inner {
            kind: Kind::Syntax,
            position,
            source: Some(source),
        }))
    }

    /// Whether the document is XML, but says nothing that XML-RPC knows.
    pub fn is_well_formed(&self) -> bool {
        matches!(
            self.0.kind,
            Kind::NoMethodName | Kind::NotACall | Kind::NotAResponse | Kind::BadValue { .. }
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            Kind::Encoding => f.write_str("the text is not valid in its encoding")?,
            Kind::Syntax => f.write_str("not well-formed XML")?,
            Kind::DocType => f.write_str("a document type declaration is not accepted here")?,
            Kind::Entity(name) => write!(f, "unknown entity `&{};`", name.escape_debug())?,
            Kind::TooDeep => write!(f, "values nested more than {MAX_DEPTH} deep")?,
            Kind::Trailing => f.write_str("text outside the document's element")?,
            Kind::NoMethodName => f.write_str("no method name")?,
            Kind::NotACall => f.write_str("not a method call")?,
            Kind::NotAResponse => f.write_str("not a method response")?,
            Kind::BadValue { kind, text } => {
                write!(f, "`{}` is not of type {kind}", text.escape_debug())?;
            }
        }
        write!(f, " (at byte {})", self.0.position)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("position", &self.0.position)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}
