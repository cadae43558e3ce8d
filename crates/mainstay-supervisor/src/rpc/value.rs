//! The values that travel over XML-RPC.

/// A value of XML-RPC.
///
/// Structs keep the order of their members, because Supervisor's are documented in an order and
/// people read them as they come.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `<int>` (and `<i4>`, and what fits of `<i8>`).
    Int(i32),
    /// An integer that takes 64 bits. Clients may send one; they are never sent any.
    Long(i64),
    /// `<boolean>`
    Bool(bool),
    /// `<string>`, and text without a type.
    String(String),
    /// `<double>`
    Double(f64),
    /// `<dateTime.iso8601>`, its text as it came.
    DateTime(String),
    /// `<base64>`, decoded.
    Base64(Vec<u8>),
    /// `<array>`
    Array(Vec<Self>),
    /// `<struct>`
    Struct(Vec<(String, Self)>),
    /// `<nil/>`
    #[default]
    Nil,
}

impl Value {
    /// A struct of the given members.
    pub fn record<'a>(members: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        Self::Struct(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// An integer, cut to what `<int>` can hold: clients decode into 32 bits.
    pub fn capped(number: i64) -> Self {
        Self::Int(cut(number))
    }

    /// The member of a struct; the last one, if the name comes twice.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(members) => members
                .iter()
                .rev()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an integer.
    pub fn as_int(&self) -> Option<i32> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// About how much memory it takes.
    pub(super) fn weight(&self) -> u64 {
        let inside = match self {
            Self::String(text) | Self::DateTime(text) => text.len() as u64,
            Self::Base64(bytes) => bytes.len() as u64,
            Self::Array(elements) => elements.iter().map(Self::weight).sum(),
            Self::Struct(members) => members
                .iter()
                .map(|(name, member)| name.len() as u64 + member.weight())
                .sum(),
            Self::Int(_) | Self::Long(_) | Self::Bool(_) | Self::Double(_) | Self::Nil => 0,
        };
        inside + size_of::<Self>() as u64
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }
}

/// A number, cut to 32 bits.
pub(super) fn cut(number: i64) -> i32 {
    let wide = number.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    i32::try_from(wide).unwrap_or(i32::MAX)
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<Vec<Self>> for Value {
    fn from(elements: Vec<Self>) -> Self {
        Self::Array(elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_cut_to_32_bits() {
        for (number, expected) in [
            (0, 0),
            (-1, -1),
            (2_147_483_647, 2_147_483_647),
            (2_147_483_648, 2_147_483_647),
            (i64::MAX, 2_147_483_647),
            (i64::MIN, -2_147_483_648),
        ] {
            assert_eq!(Value::capped(number), Value::Int(expected), "{number}");
        }
    }

    #[test]
    fn the_last_member_of_a_name_counts() {
        let value = Value::record([
            ("a", Value::Int(1)),
            ("b", Value::Nil),
            ("a", Value::Int(2)),
        ]);

        assert_eq!(value.get("a"), Some(&Value::Int(2)));
        assert_eq!(value.get("c"), None);
    }
}
