//! Python's `%` formatting with a mapping: `%(name)s`, `%(process_num)02d`, `%%`.

use std::fmt;

use super::python::{ascii, repr};

/// A value that can be put into a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Str(String),
    /// A whole number.
    Int(i64),
}

/// Why a format cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A name that the mapping does not have.
    Name(String),
    /// A format that is broken, or that does not suit the value; Python's words.
    Format(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(&repr(name)),
            Self::Format(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Error {}

/// A format that has been filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The outcome.
    pub text: String,
    /// The first conversion without a name, which was taken literally.
    pub nameless: Option<String>,
}

/// Fills `text` in from `lookup`.
///
/// One deviation: a conversion without a name (`%s`), which Python fills with the whole mapping and
/// so with the whole environment of the daemon, stays as it is. Nobody has ever meant the former, and
/// a command line can be seen by all; the latter is what `date +%s` was to say.
pub fn fill(text: &str, lookup: impl Fn(&str) -> Option<Value>) -> Result<Filled, Error> {
    let mut out = String::with_capacity(text.len());
    let mut nameless = None;
    let mut scan = Scan {
        chars: text.chars().collect(),
        at: 0,
        used: false,
    };
    while let Some(c) = scan.next() {
        if c != '%' {
            out.push(c);
        } else if scan.peek() == Some('%') {
            scan.at += 1;
            out.push('%');
        } else {
            let start = scan.at - 1;
            let spec = scan.spec(&lookup)?;
            if spec.write(&mut out)? {
                continue;
            }
            let written: String = scan.chars[start..scan.at].iter().collect();
            out.push_str(&written);
            nameless.get_or_insert(written);
        }
    }
    Ok(Filled {
        text: out,
        nameless,
    })
}

/// [`fill`], for those who need the text alone.
pub fn format(text: &str, lookup: impl Fn(&str) -> Option<Value>) -> Result<String, Error> {
    fill(text, lookup).map(|filled| filled.text)
}

struct Scan {
    chars: Vec<char>,
    at: usize,
    /// Whether a conversion has taken its argument; one without a name then has none left.
    used: bool,
}

/// One conversion, read but not yet written.
struct Spec {
    value: Option<Value>,
    flags: Flags,
    width: usize,
    precision: Option<usize>,
    conversion: char,
    /// Index of the conversion character in the text.
    at: usize,
}

#[derive(Default)]
struct Flags {
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
}

const NO_ARGUMENT: &str = "not enough arguments for format string";

/// More than any file name or command line needs; Python stops at the memory's end.
const MAX_WIDTH: usize = 4096;

impl Scan {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += 1;
        c
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn spec(&mut self, lookup: &impl Fn(&str) -> Option<Value>) -> Result<Spec, Error> {
        let mut value = None;
        if self.peek() == Some('(') {
            let name = self.name()?;
            value = Some(lookup(&name).ok_or(Error::Name(name))?);
        }
        // A `*` takes the argument as well, which then is not there for the conversion.
        let mut spent = value.is_none() && self.used;
        let flags = self.flags();
        let width = self.number(value.as_ref(), &mut spent, "width too big")?;
        let mut precision = None;
        if self.peek() == Some('.') {
            self.at += 1;
            precision = Some(
                self.number(value.as_ref(), &mut spent, "precision too big")?
                    .unwrap_or(0),
            );
        }
        if matches!(self.peek(), Some('h' | 'l' | 'L')) {
            self.at += 1;
        }
        let at = self.at;
        let conversion = self.next().ok_or_else(|| broken("incomplete format"))?;
        if spent {
            return Err(broken(NO_ARGUMENT));
        }
        self.used = true;
        Ok(Spec {
            value,
            flags,
            width: width.unwrap_or(0),
            precision,
            conversion,
            at,
        })
    }

    /// The name, which may itself hold balanced parentheses.
    fn name(&mut self) -> Result<String, Error> {
        self.at += 1;
        let start = self.at;
        let mut depth = 1;
        while let Some(c) = self.next() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(self.chars[start..self.at - 1].iter().collect());
            }
        }
        Err(broken("incomplete format key"))
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(c) = self.peek() {
            match c {
                '-' => flags.left = true,
                '+' => flags.plus = true,
                ' ' => flags.blank = true,
                '#' => flags.alternate = true,
                '0' => flags.zero = true,
                _ => break,
            }
            self.at += 1;
        }
        flags
    }

    fn number(
        &mut self,
        value: Option<&Value>,
        spent: &mut bool,
        too_big: &str,
    ) -> Result<Option<usize>, Error> {
        if self.peek() == Some('*') {
            if *spent {
                return Err(broken(NO_ARGUMENT));
            }
            let Some(Value::Int(_)) = value else {
                return Err(broken("* wants int"));
            };
            // How wide does not matter: what comes next misses the value.
            *spent = true;
            self.at += 1;
            return Ok(None);
        }
        let mut number: Option<usize> = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.at += 1;
            let grown = number
                .unwrap_or(0)
                .saturating_mul(10)
                .saturating_add(digit as usize);
            if grown > MAX_WIDTH {
                return Err(broken(too_big));
            }
            number = Some(grown);
        }
        Ok(number)
    }
}

impl Spec {
    /// Whether it has been written: one without a value is left to the caller.
    fn write(self, out: &mut String) -> Result<bool, Error> {
        if !"diouxXeEfFgGcrsa".contains(self.conversion) {
            return Err(broken(format!(
                "unsupported format character '{}' (0x{:x}) at index {}",
                if matches!(self.conversion, ' '..='~') {
                    self.conversion
                } else {
                    '?'
                },
                u32::from(self.conversion),
                self.at
            )));
        }
        let Some(value) = self.value.as_ref() else {
            return match self.conversion {
                's' | 'r' | 'a' => Ok(false),
                'c' => Err(broken("%c requires int or char")),
                _ => Err(self.no_number("dict")),
            };
        };
        match self.conversion {
            's' | 'r' | 'a' => {
                let text = match (self.conversion, value) {
                    ('r', Value::Str(text)) => repr(text),
                    ('a', Value::Str(text)) => ascii(text),
                    (_, Value::Str(text)) => text.clone(),
                    (_, Value::Int(number)) => number.to_string(),
                };
                let limit = self.precision.unwrap_or(usize::MAX);
                self.pad(
                    out,
                    "",
                    &text.chars().take(limit).collect::<String>(),
                    false,
                );
            }
            'c' => self.pad(out, "", &character(value)?, false),
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => self.integer(out, value)?,
            _ => self.float(out, value)?,
        }
        Ok(true)
    }

    /// That a value of this Python type is no number.
    fn no_number(&self, found: &str) -> Error {
        broken(match self.conversion {
            'o' | 'x' | 'X' => {
                format!(
                    "%{} format: an integer is required, not {found}",
                    self.conversion
                )
            }
            'd' | 'i' | 'u' => format!(
                "%{} format: a real number is required, not {found}",
                self.conversion
            ),
            _ => format!("must be real number, not {found}"),
        })
    }

    fn integer(&self, out: &mut String, value: &Value) -> Result<(), Error> {
        let Value::Int(number) = value else {
            return Err(self.no_number("str"));
        };
        let size = number.unsigned_abs();
        let (prefix, digits) = match self.conversion {
            'o' => ("0o", format!("{size:o}")),
            'x' => ("0x", format!("{size:x}")),
            'X' => ("0X", format!("{size:X}")),
            _ => ("", size.to_string()),
        };
        let least = self.precision.unwrap_or(0);
        let prefix = if self.flags.alternate { prefix } else { "" };
        let sign = format!("{}{prefix}", self.sign(*number < 0));
        self.pad(out, &sign, &format!("{digits:0>least$}"), true);
        Ok(())
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "as in Python, %f of a large integer rounds"
    )]
    fn float(&self, out: &mut String, value: &Value) -> Result<(), Error> {
        let Value::Int(number) = value else {
            return Err(self.no_number("str"));
        };
        let size = number.unsigned_abs() as f64;
        let precision = self.precision.unwrap_or(6);
        let mut digits = match self.conversion.to_ascii_lowercase() {
            'f' => format!("{size:.precision$}"),
            'e' => exponent(size, precision),
            _ => general(size, precision.max(1), self.flags.alternate),
        };
        if self.flags.alternate && precision == 0 && !digits.contains('.') {
            match digits.find('e') {
                Some(at) => digits.insert(at, '.'),
                None => digits.push('.'),
            }
        }
        if self.conversion.is_ascii_uppercase() {
            digits.make_ascii_uppercase();
        }
        self.pad(out, self.sign(*number < 0), &digits, true);
        Ok(())
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.flags.plus, self.flags.blank) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        }
    }

    fn pad(&self, out: &mut String, sign: &str, text: &str, numeric: bool) {
        let missing = self
            .width
            .saturating_sub(sign.chars().count() + text.chars().count());
        let fill = |out: &mut String, c| out.extend(std::iter::repeat_n(c, missing));
        if self.flags.left {
            out.push_str(sign);
            out.push_str(text);
            fill(out, ' ');
        } else if numeric && self.flags.zero {
            out.push_str(sign);
            fill(out, '0');
            out.push_str(text);
        } else {
            fill(out, ' ');
            out.push_str(sign);
            out.push_str(text);
        }
    }
}

/// `%c`: the character of a code point, or a string of exactly one.
fn character(value: &Value) -> Result<String, Error> {
    match value {
        Value::Int(number) => u32::try_from(*number)
            .ok()
            .and_then(char::from_u32)
            .map(String::from)
            .ok_or_else(|| broken("%c arg not in range(0x110000)")),
        Value::Str(text) if text.chars().count() == 1 => Ok(text.clone()),
        Value::Str(_) => Err(broken("%c requires int or char")),
    }
}

/// `%e`: Rust writes `1.5e3` where Python and C write `1.5e+03`.
fn exponent(size: f64, precision: usize) -> String {
    let text = format!("{size:.precision$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!("{mantissa}e+{exponent:0>2}"),
        None => text,
    }
}

/// `%g`: the shorter of `%e` and `%f`, without trailing zeros.
fn general(size: f64, precision: usize, keep_zeros: bool) -> String {
    let scientific = exponent(size, precision - 1);
    let power: usize = scientific
        .split_once("e+")
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or(0);
    let trim = |text: &str| -> String {
        if keep_zeros || !text.contains('.') {
            return text.to_owned();
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if power >= precision {
        match scientific.split_once('e') {
            Some((mantissa, power)) => format!("{}e{power}", trim(mantissa)),
            None => scientific,
        }
    } else {
        trim(&format!("{size:.*}", precision - 1 - power))
    }
}

fn broken(reason: impl Into<String>) -> Error {
    Error::Format(reason.into())
}
