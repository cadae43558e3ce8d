//! What the tests of several crates share: an allocator that counts, and the corpora of the fuzzers.

pub mod allocations;
pub mod corpus;
