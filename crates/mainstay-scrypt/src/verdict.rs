//! What a verification says.

use std::fmt;

use crate::encoding::{Cost, Format};
use crate::params::{Params, Policy};

/// The lengths of every new hash. Longer ones gain nothing: 16 bytes of salt never repeat, and
/// 32 bytes of key are past guessing.
pub(crate) const SALT_LEN: usize = 16;
pub(crate) const KEY_LEN: usize = 32;

/// The answer to "is this the password?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a verdict that nobody reads lets everybody in"]
pub enum Verdict {
    /// It is.
    Match {
        /// Why the stored hash should be replaced while the password is at hand, if it should.
        rehash: Option<Rehash>,
    },
    /// It is not.
    Mismatch,
}

impl Verdict {
    /// Whether the password was the right one.
    pub const fn is_match(&self) -> bool {
        matches!(self, Self::Match { .. })
    }
}

/// Why a stored hash is out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rehash {
    /// It uses less memory than new ones do.
    Memory,
    /// It takes less work than new ones do.
    Work,
    /// Its salt is short.
    Salt,
    /// Its key is short.
    Key,
    /// It is in an older form than new ones.
    Format,
    /// It differs from new ones in some way ([`Policy::Exact`]).
    Differs,
}

impl fmt::Display for Rehash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "uses less memory than new hashes",
            Self::Work => "takes less work than new hashes",
            Self::Salt => "has a short salt",
            Self::Key => "has a short key",
            Self::Format => "is in an older form than new hashes",
            Self::Differs => "differs from new hashes",
        })
    }
}

impl Rehash {
    /// Compares a stored hash with what would be written now.
    ///
    /// Under [`Policy::Upgrade`] every rewrite climbs in the order (cost, lengths, form), where
    /// costs that beat each other in one dimension each do not compare. No circle is possible,
    /// so any number of services with any settings come to rest.
    pub(crate) fn judge(
        stored: Cost,
        params: Params,
        format: Format,
        policy: Policy,
    ) -> Option<Self> {
        match policy {
            Policy::Exact => {
                let written = Cost {
                    format,
                    params,
                    salt_len: SALT_LEN,
                    key_len: KEY_LEN,
                };
                (stored != written).then_some(Self::Differs)
            }
            Policy::Upgrade => {
                let (memory, work) = (stored.params.memory(), stored.params.work());
                if params.memory() < memory || params.work() < work {
                    None
                } else if params.memory() > memory {
                    Some(Self::Memory)
                } else if params.work() > work {
                    Some(Self::Work)
                } else if stored.salt_len < SALT_LEN {
                    Some(Self::Salt)
                } else if stored.key_len < KEY_LEN {
                    Some(Self::Key)
                } else {
                    (format.rank() > stored.format.rank()).then_some(Self::Format)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(params: Params, format: Format) -> Cost {
        Cost {
            format,
            params,
            salt_len: SALT_LEN,
            key_len: KEY_LEN,
        }
    }

    fn settings() -> impl Strategy<Value = (Params, Format)> {
        let format = prop_oneof![Just(Format::Phc), Just(Format::SimpleScrypt)];
        (10..14u8, 7..10u32, 1..5u32, format)
            .prop_map(|(log_n, r, p, format)| (Params::new(log_n, r, p).unwrap(), format))
    }

    #[test]
    fn each_reason_is_given() {
        let (now, phc, simple) = (Params::OWASP_16_MIB, Format::Phc, Format::SimpleScrypt);
        let judge = |stored, format| Rehash::judge(stored, now, format, Policy::Upgrade);
        let current = written(now, phc);
        let with = |log_n, p| Params::new(log_n, 8, p).unwrap();

        assert_eq!(judge(current, phc), None);
        assert_eq!(judge(written(with(13, 10), phc), phc), Some(Rehash::Memory));
        assert_eq!(judge(written(with(14, 4), phc), phc), Some(Rehash::Work));
        assert_eq!(
            judge(
                Cost {
                    salt_len: 15,
                    ..current
                },
                phc
            ),
            Some(Rehash::Salt)
        );
        assert_eq!(
            judge(
                Cost {
                    key_len: 31,
                    ..current
                },
                phc
            ),
            Some(Rehash::Key)
        );
        assert_eq!(judge(written(now, simple), phc), Some(Rehash::Format));
        assert_eq!(judge(current, simple), None, "an older form is no upgrade");
        assert_eq!(
            judge(
                Cost {
                    salt_len: 64,
                    key_len: 64,
                    ..current
                },
                phc
            ),
            None
        );
    }

    #[test]
    fn a_stronger_hash_is_left_alone_unless_the_policy_is_exact() {
        let (weak, strong) = (Params::OWASP_16_MIB, Params::OWASP);
        let stored = Cost {
            salt_len: 8,
            ..written(strong, Format::SimpleScrypt)
        };
        assert_eq!(
            Rehash::judge(stored, weak, Format::Phc, Policy::Upgrade),
            None
        );
        let exact = Rehash::judge(stored, weak, Format::Phc, Policy::Exact);
        assert_eq!(exact, Some(Rehash::Differs));
        let same = written(weak, Format::Phc);
        assert_eq!(Rehash::judge(same, weak, Format::Phc, Policy::Exact), None);
    }

    proptest! {
        /// Logins go round all services again and again; there is a last rewrite.
        #[test]
        fn services_with_different_settings_come_to_rest(
            services in prop::collection::vec(settings(), 1..6),
            salt_len in 0..40usize,
            key_len in 10..70usize,
            first in settings(),
        ) {
            let mut stored = Cost { salt_len, key_len, ..written(first.0, first.1) };
            let mut quiet = 0;
            for (params, format) in services.iter().cycle().take(services.len() * 50) {
                if Rehash::judge(stored, *params, *format, Policy::Upgrade).is_some() {
                    let old = stored.params;
                    stored = written(*params, *format);
                    prop_assert!(params.memory() >= old.memory() && params.work() >= old.work());
                    quiet = 0;
                } else {
                    quiet += 1;
                }
            }
            prop_assert!(quiet >= services.len(), "still rewriting: {stored:?}");
        }
    }
}
