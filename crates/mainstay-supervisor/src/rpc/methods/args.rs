//! The arguments of a call, taken one by one as the types that a method wants.

use std::slice;
use std::vec;

use super::table::Param;
use crate::rpc::{Code, Fault, Value};

/// The arguments of a call.
///
/// Clients are sloppy in ways that the original, being Python, never noticed: numbers for booleans,
/// numbers for signals, base64 for text. Those are understood; the rest is a fault that says which
/// parameter is wrong.
#[derive(Debug)]
pub(super) struct Args {
    params: slice::Iter<'static, Param>,
    values: vec::IntoIter<Value>,
}

impl Args {
    pub(super) fn new(params: &'static [Param], values: Vec<Value>) -> Result<Self, Fault> {
        let required = params.iter().filter(|param| !param.optional).count();
        if !(required..=params.len()).contains(&values.len()) {
            return Err(Fault::new(Code::IncorrectParameters));
        }
        Ok(Self {
            params: params.iter(),
            values: values.into_iter(),
        })
    }

    pub(super) fn text(&mut self) -> Result<String, Fault> {
        match self.next() {
            (_, Some(Value::String(text))) => Ok(text),
            (param, Some(Value::Base64(bytes))) => {
                String::from_utf8(bytes).map_err(|_| wrong(param, "UTF-8"))
            }
            (param, _) => Err(wrong(param, "a string")),
        }
    }

    pub(super) fn number(&mut self) -> Result<i64, Fault> {
        match self.next() {
            (_, Some(Value::Int(number))) => Ok(number.into()),
            (_, Some(Value::Bool(truth))) => Ok(truth.into()),
            (param, _) => Err(wrong(param, "an int")),
        }
    }

    /// A boolean that is true when left out.
    pub(super) fn flag(&mut self) -> Result<bool, Fault> {
        match self.next() {
            (_, None) => Ok(true),
            (_, Some(Value::Bool(truth))) => Ok(truth),
            (_, Some(Value::Int(number))) => Ok(number != 0),
            (param, _) => Err(wrong(param, "a boolean")),
        }
    }

    /// The name of a signal, or its number, as text.
    pub(super) fn signal(&mut self) -> Result<String, Fault> {
        match self.next() {
            (_, Some(Value::String(text))) => Ok(text),
            (_, Some(Value::Int(number))) => Ok(number.to_string()),
            (param, _) => Err(wrong(param, "a string")),
        }
    }

    /// What is to be written somewhere. The fault shows the value, as the original's does.
    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, Fault> {
        match self.next() {
            (_, Some(Value::String(text))) => Ok(text.into_bytes()),
            (_, Some(Value::Base64(bytes))) => Ok(bytes),
            (_, Some(Value::Int(number))) => {
                Err(Fault::with(Code::IncorrectParameters, number.to_string()))
            }
            (param, _) => Err(wrong(param, "a string")),
        }
    }

    pub(super) fn array(&mut self) -> Result<Vec<Value>, Fault> {
        match self.next() {
            (_, Some(Value::Array(elements))) => Ok(elements),
            (param, _) => Err(wrong(param, "an array")),
        }
    }

    fn next(&mut self) -> (&'static str, Option<Value>) {
        (
            self.params.next().map_or("argument", |param| param.name),
            self.values.next(),
        )
    }
}

fn wrong(param: &str, expected: &str) -> Fault {
    Fault::with(
        Code::IncorrectParameters,
        format!("{param} must be {expected}"),
    )
}
