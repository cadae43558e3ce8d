//! XML-RPC as Supervisor speaks it: values, faults, the codec, the methods.

mod fault;
mod value;
pub mod xml;

pub use fault::{Code, Fault};
pub use value::Value;
