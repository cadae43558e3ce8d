//! The derivation itself.
//!
//! Everything above this module goes through [`derive()`], so that a tuned kernel with a table of
//! its own replaces this one without a change elsewhere. Today it is RustCrypto's. That one
//! frees its table without wiping it; the copies that we make (password, derived key) are wiped.

use std::hint::black_box;

use crate::error::{Error, Kind};
use crate::params::Params;

/// Fills `key` with scrypt of `password` and `salt`.
///
/// The caller has checked the parameters against its limits.
pub(crate) fn derive(
    password: &[u8],
    salt: &[u8],
    params: Params,
    key: &mut [u8],
) -> Result<(), Error> {
    reserve(params)?;
    let numbers = scrypt::Params::new(params.log_n(), params.r(), params.p())
        .map_err(|_| Error::invalid("too large for this machine's address space"))?;
    scrypt::scrypt(password, salt, &numbers, key)
        .map_err(|_| Error::invalid("the key must have from 1 to (2^32 - 1) · 32 bytes"))
}

/// Asks for the memory once before the derivation does, because that one aborts the process
/// where this one can return an error. Untouched pages cost nothing.
fn reserve(params: Params) -> Result<(), Error> {
    let bytes = params.footprint();
    let mut probe = Vec::<u8>::new();
    usize::try_from(bytes)
        .ok()
        .and_then(|bytes| probe.try_reserve_exact(bytes).ok())
        .ok_or(Error::new(Kind::OutOfMemory {
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        }))?;
    // An allocation that nobody looks at may be optimised away, and its failure with it.
    black_box(&probe);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7914_section_12() {
        for (password, salt, log_n, r, p, expected) in [
            (
                "",
                "",
                4,
                1,
                1,
                "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442\
                 fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906",
            ),
            (
                "password",
                "NaCl",
                10,
                8,
                16,
                "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162\
                 2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
            ),
            (
                "pleaseletmein",
                "SodiumChloride",
                14,
                8,
                1,
                "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2\
                 d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
            ),
        ] {
            let mut key = [0; 64];
            let params = Params::new(log_n, r, p).unwrap();
            derive(password.as_bytes(), salt.as_bytes(), params, &mut key).unwrap();
            let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "{password:?}");
        }
    }

    #[test]
    fn memory_that_no_machine_has_is_an_error_and_not_an_abort() {
        // Past the address space in bytes, and past what any allocator hands out.
        for log_n in [63, 45] {
            let params = Params::new(log_n, 8, 1).unwrap();
            let error = derive(b"a", b"b", params, &mut [0; 32]).unwrap_err();
            assert!(error.is_out_of_memory(), "{log_n}: {error}");
        }
    }
}
