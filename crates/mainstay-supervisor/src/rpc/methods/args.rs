//! The arguments of a call, taken one by one as the types that a method wants.

use std::slice;
use std::vec;

use super::table::Param;
use crate::config::{int, signal as signals};
use crate::rpc::shown::shown;
use crate::rpc::{Code, Fault, Value};

/// The arguments of a call.
///
/// Clients are sloppy in ways that the original, being Python, never noticed: text and fractions for
/// numbers, anything for booleans, numbers for signals, base64 for text. What it understood is
/// understood; the rest is a fault that says which parameter is wrong.
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

    /// An offset and a length.
    pub(super) fn range(&mut self) -> Result<(i64, i64), Fault> {
        Ok((self.number()?, self.number()?))
    }

    fn number(&mut self) -> Result<i64, Fault> {
        let (param, value) = self.next();
        value
            .as_ref()
            .and_then(integer)
            .ok_or_else(|| wrong(param, "an int"))
    }

    /// A boolean that is true when left out. Of anything else, it is whether Python takes it for true.
    pub(super) fn flag(&mut self) -> bool {
        match self.next().1 {
            None | Some(Value::DateTime(_)) => true,
            Some(Value::Bool(truth)) => truth,
            Some(Value::Int(number)) => number != 0,
            Some(Value::Long(number)) => number != 0,
            Some(Value::Double(number)) => number != 0.0,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Base64(bytes)) => !bytes.is_empty(),
            Some(Value::Array(elements)) => !elements.is_empty(),
            Some(Value::Struct(members)) => !members.is_empty(),
            Some(Value::Nil) => false,
        }
    }

    /// A signal, by its name or number. The fault inside is for each process that is to get a signal
    /// that does not exist.
    pub(super) fn signal(&mut self) -> Result<Result<i32, Fault>, Fault> {
        let (param, value) = self.next();
        let text = value.as_ref().and_then(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Base64(bytes) => String::from_utf8(bytes.clone()).ok(),
            value => integer(value).map(|number| number.to_string()),
        });
        let text = text.ok_or_else(|| wrong(param, "a string"))?;
        Ok(signals::parse(&text).map_err(|_| Fault::with(Code::BadSignal, text)))
    }

    /// Text to be written to a process. The fault shows what is none, as the original's does.
    pub(super) fn input(&mut self) -> Result<Vec<u8>, Fault> {
        match self.next().1 {
            Some(Value::String(text)) => Ok(text.into_bytes()),
            Some(Value::Base64(bytes)) => Ok(bytes),
            None | Some(Value::Nil) => Err(Fault::new(Code::IncorrectParameters)),
            Some(value) => Err(Fault::with(Code::IncorrectParameters, shown(&value))),
        }
    }

    /// Anything at all, as Python prints it.
    pub(super) fn shown(&mut self) -> Vec<u8> {
        match self.next().1.unwrap_or_default() {
            Value::Base64(bytes) => bytes,
            value => shown(&value).into_owned().into_bytes(),
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

/// What Python's `int` makes of a value, where it makes something of it and that has 64 bits.
fn integer(value: &Value) -> Option<i64> {
    let text = match value {
        Value::Int(number) => return Some((*number).into()),
        Value::Long(number) => return Some(*number),
        Value::Bool(truth) => return Some((*truth).into()),
        Value::Double(number) => {
            let whole = number.trunc();
            // Both ends are powers of two, so the comparison is exact; it is false for NaN.
            let fits = (-TWO_TO_63..TWO_TO_63).contains(&whole);
            return fits.then_some(whole as i64);
        }
        Value::String(text) => text,
        Value::Base64(bytes) => std::str::from_utf8(bytes).ok()?,
        Value::DateTime(_) | Value::Array(_) | Value::Struct(_) | Value::Nil => return None,
    };
    // Text beyond the ends is read as the ends, which are no offsets that anybody asks for.
    int(text).filter(|number| number.unsigned_abs() < i64::MAX.unsigned_abs())
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

fn wrong(param: &str, expected: &str) -> Fault {
    Fault::with(
        Code::IncorrectParameters,
        format!("{param} must be {expected}"),
    )
}
