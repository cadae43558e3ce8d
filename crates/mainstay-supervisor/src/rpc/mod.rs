//! XML-RPC as Supervisor speaks it: values, faults, the codec, the methods.

mod fault;

pub use fault::{Code, Fault};
