//! Numbers as text, without the machinery for every format.

/// A number in decimal digits. `write!` takes as long for one as everything else about a process of
/// an answer together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    digits: [u8; DIGITS],
    from: usize,
}

impl Decimal {
    pub(crate) fn of(number: u64) -> Self {
        let mut decimal = Self {
            digits: [b'0'; DIGITS],
            from: DIGITS,
        };
        let mut rest = number;
        loop {
            decimal.from -= 1;
            // Below ten.
            decimal.digits[decimal.from] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                return decimal;
            }
        }
    }

    /// At least two digits, as minutes and seconds have.
    pub(crate) fn of_two(number: u64) -> Self {
        let decimal = Self::of(number);
        Self {
            from: decimal.from.min(DIGITS - 2),
            ..decimal
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        // Digits are text.
        std::str::from_utf8(&self.digits[self.from..]).unwrap_or_default()
    }

    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.digits[self.from..]);
    }
}

/// As many as the largest number has.
const DIGITS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_display() {
        for number in [0, 7, 9, 10, 59, 99, 100, 12_345, u64::MAX - 1, u64::MAX] {
            assert_eq!(Decimal::of(number).as_str(), number.to_string());
            assert_eq!(Decimal::of_two(number).as_str(), format!("{number:02}"));
        }
    }
}
