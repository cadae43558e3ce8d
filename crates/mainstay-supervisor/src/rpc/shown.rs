//! Values as Python prints them: in events and faults, the original shows what it was given so.

use std::borrow::Cow;

use super::Value;
use crate::config::repr;

/// `str(value)`. A date is shown as it came.
pub(super) fn shown(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) | Value::DateTime(text) => Cow::Borrowed(text),
        Value::Base64(bytes) => String::from_utf8_lossy(bytes),
        value => Cow::Owned(nested(value)),
    }
}

/// `repr(value)`, which is how elements and members are shown.
fn nested(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Double(number) => double(*number),
        Value::Nil => "None".to_owned(),
        Value::String(_) | Value::DateTime(_) | Value::Base64(_) => repr(&shown(value)),
        Value::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(nested).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Struct(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", repr(name), nested(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// The shortest digits that say it, as Rust has them, but with a sign and two digits of exponent.
fn double(number: f64) -> String {
    let text = format!("{number:?}").to_lowercase();
    match text.split_once('e') {
        None => text,
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
    }
}
