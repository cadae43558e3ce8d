//! What a hash costs, what a verifier is willing to pay, and when a stored hash is out of date.

use crate::error::{Error, Kind};

/// The three numbers that set the cost of scrypt.
///
/// `N` (a power of two, held as its logarithm) and `r` set the memory, `128 · N · r` bytes;
/// `p` repeats the whole. Take one of the presets unless you have measured:
///
/// ```
/// use mainstay_scrypt::Params;
///
/// assert_eq!(Params::OWASP.memory(), 128 << 20);
/// assert_eq!(Params::OWASP_16_MIB.memory(), 16 << 20);
/// assert!(Params::SIMPLE_SCRYPT.is_weak());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Params {
    log_n: u8,
    r: u32,
    p: u32,
}

impl Params {
    /// (2^17, 8, 1): 128 MiB. The default, and OWASP's first choice for scrypt.
    pub const OWASP: Self = Self::preset(17, 8, 1);
    /// (2^16, 8, 2): 64 MiB.
    pub const OWASP_64_MIB: Self = Self::preset(16, 8, 2);
    /// (2^15, 8, 3): 32 MiB.
    pub const OWASP_32_MIB: Self = Self::preset(15, 8, 3);
    /// (2^14, 8, 5): 16 MiB. The better neighbour where many logins at once share the memory.
    pub const OWASP_16_MIB: Self = Self::preset(14, 8, 5);
    /// (2^13, 8, 10): 8 MiB.
    pub const OWASP_8_MIB: Self = Self::preset(13, 8, 10);
    /// (2^14, 8, 1): the defaults of Go's simple-scrypt, unchanged since its first release and
    /// [weak](Self::is_weak) by today's advice. For reading along with such a service only.
    pub const SIMPLE_SCRYPT: Self = Self::preset(14, 8, 1);

    /// The least work of a new hash: that of [`OWASP_16_MIB`](Self::OWASP_16_MIB), the cheapest
    /// row of OWASP's table.
    const FLOOR: u64 = (1 << 14) * 8 * 5;

    const fn preset(log_n: u8, r: u32, p: u32) -> Self {
        Self { log_n, r, p }
    }

    /// Parameters with `N = 2^log_n`.
    ///
    /// # Errors
    ///
    /// [`is_invalid_params`](Error::is_invalid_params) unless `1 ≤ log_n ≤ 63`, `r ≥ 1`, `p ≥ 1`
    /// and `r · p < 2^30` (RFC 7914; its further bound `N < 2^(16 r)` is a known slip and not
    /// applied). Whether a machine should compute them is a matter of [`Limits`].
    pub const fn new(log_n: u8, r: u32, p: u32) -> Result<Self, Error> {
        if log_n < 1 || log_n > 63 {
            return Err(Error::invalid("log2 N must be from 1 to 63"));
        }
        if r < 1 || p < 1 {
            return Err(Error::invalid("r and p must be at least 1"));
        }
        // In 32 bits r = p = 65536 wraps to zero and passes (RustCrypto/password-hashes#908).
        if r as u64 * p as u64 >= 1 << 30 {
            return Err(Error::invalid("r · p must be below 2^30"));
        }
        Ok(Self { log_n, r, p })
    }

    /// The logarithm of N to base two.
    pub const fn log_n(&self) -> u8 {
        self.log_n
    }

    /// N, the number of rows in the table.
    pub const fn n(&self) -> u64 {
        1 << self.log_n
    }

    /// r, the block size: a row of the table has `128 · r` bytes.
    pub const fn r(&self) -> u32 {
        self.r
    }

    /// p, the number of lanes.
    pub const fn p(&self) -> u32 {
        self.p
    }

    /// Bytes of the table, `128 · N · r`. Saturates where no machine goes.
    pub const fn memory(&self) -> u64 {
        saturate((128 * self.r as u128) << self.log_n)
    }

    /// The unit of time: `N · r · p`. Saturates where no machine goes.
    pub const fn work(&self) -> u64 {
        saturate((self.r as u128 * self.p as u128) << self.log_n)
    }

    /// Less work than any row of OWASP's table. New hashes with such parameters have to be
    /// [allowed](crate::HasherBuilder::allow_weak); reading old ones never has to be.
    pub const fn is_weak(&self) -> bool {
        self.work() < Self::FLOOR
    }

    /// Everything that one hash allocates: the table, the lanes and one row to work in.
    pub(crate) const fn footprint(&self) -> u128 {
        let row = 128 * self.r as u128;
        (row << self.log_n) + row * (self.p as u128 + 1)
    }
}

impl Default for Params {
    fn default() -> Self {
        Self::OWASP
    }
}

/// How much a stored hash may ask for.
///
/// The parameters of a hash are read from the string, so whoever can write the column chooses
/// the cost. What is over the limits is refused before anything is allocated.
///
/// The default is 256 MiB and a work of `2^17 · 8 · 8`, eight times that of [`Params::OWASP`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    memory: u64,
    work: u64,
}

impl Limits {
    /// What a hash needs beside its table: the lanes and a row, 9 KiB with everyday parameters.
    /// A constant of its own, so that a limit of 16 MiB admits a table of exactly 16 MiB and yet
    /// hardly any table with an enormous r or p.
    const BESIDE_THE_TABLE: u128 = 1 << 20;

    /// Limits of `memory` bytes (for the table, `128 · N · r`; the rest may take one MiB more)
    /// and `work` units (`N · r · p`).
    pub const fn new(memory: u64, work: u64) -> Self {
        Self { memory, work }
    }

    /// The limit on the table, in bytes.
    pub const fn memory(&self) -> u64 {
        self.memory
    }

    /// The limit on `N · r · p`.
    pub const fn work(&self) -> u64 {
        self.work
    }

    /// Refuses parameters that would cost more.
    ///
    /// # Errors
    ///
    /// [`is_over_limit`](Error::is_over_limit).
    pub const fn check(&self, params: Params) -> Result<(), Error> {
        let (memory, work) = (params.memory(), params.work());
        if memory > self.memory
            || work > self.work
            || params.footprint() > self.memory as u128 + Self::BESIDE_THE_TABLE
        {
            return Err(Error::new(Kind::OverLimit { memory, work }));
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(256 << 20, (1 << 17) * 8 * 8)
    }
}

/// When a match asks for a [new hash](crate::Verdict::Match).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Only ever upwards: when the stored hash is weaker in memory or work and stronger in
    /// neither, or has a short salt or key, or is in an older form than the one written.
    ///
    /// Two services with different settings that share a database come to rest: no hash is
    /// rewritten to a weaker one, and none is rewritten for ever.
    #[default]
    Upgrade,
    /// Whenever parameters, lengths or form differ from those written, also downwards.
    ///
    /// For a planned change, with the same setting everywhere: two services that differ would
    /// rewrite each other's hashes at every login.
    Exact,
}

const fn saturate(value: u128) -> u64 {
    if value > u64::MAX as u128 {
        u64::MAX
    } else {
        value as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_not_taken_in_32_bits() {
        assert!(
            Params::new(1, 65536, 65536)
                .unwrap_err()
                .is_invalid_params()
        );
        assert!(
            Params::new(1, 1 << 15, 1 << 15)
                .unwrap_err()
                .is_invalid_params()
        );
        assert!(Params::new(1, 1 << 15, (1 << 15) - 1).is_ok());
        let huge = Params::new(63, (1 << 30) - 1, 1).unwrap();
        assert_eq!((huge.memory(), huge.work()), (u64::MAX, u64::MAX));
    }

    #[test]
    fn numbers_for_which_scrypt_is_not_defined_are_refused() {
        for (log_n, r, p) in [(0, 8, 1), (64, 8, 1), (255, 8, 1), (14, 0, 1), (14, 8, 0)] {
            assert!(
                Params::new(log_n, r, p).unwrap_err().is_invalid_params(),
                "{log_n} {r} {p}"
            );
        }
    }

    #[test]
    fn the_default_limits_admit_256_mib_and_no_more() {
        let limits = Limits::default();
        for (log_n, r, p, fits) in [
            (18, 8, 1, true),
            (18, 8, 4, true),
            (18, 8, 5, false),
            (19, 8, 1, false),
            (18, 9, 1, false),
            (17, 8, 8, true),
            (17, 8, 9, false),
            // Small tables with huge lanes: within the work, far past the memory.
            (1, 1, 1 << 21, true),
            (1, 1, 1 << 22, false),
            (1, 1 << 20, 1, false),
            (40, 8, 1, false),
            (63, 1, 1, false),
        ] {
            let params = Params::new(log_n, r, p).unwrap();
            assert_eq!(limits.check(params).is_ok(), fits, "{params:?}");
        }
    }

    #[test]
    fn limits_of_u64_max_still_refuse_what_saturates() {
        let params = Params::new(63, 1 << 20, 1).unwrap();
        assert!(
            Limits::new(u64::MAX, u64::MAX)
                .check(params)
                .unwrap_err()
                .is_over_limit()
        );
    }

    #[test]
    fn every_row_of_owasp_is_above_the_floor() {
        for params in [
            Params::OWASP,
            Params::OWASP_64_MIB,
            Params::OWASP_32_MIB,
            Params::OWASP_16_MIB,
            Params::OWASP_8_MIB,
        ] {
            assert!(!params.is_weak(), "{params:?}");
        }
        assert!(Params::SIMPLE_SCRYPT.is_weak());
    }
}
