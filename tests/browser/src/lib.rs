//! Tests only; see `tests/`.
#![forbid(unsafe_code)]
