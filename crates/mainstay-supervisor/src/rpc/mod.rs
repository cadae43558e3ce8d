//! XML-RPC as Supervisor speaks it: values, faults, the codec, the methods.

mod decimal;
pub(crate) mod describe;
mod fault;
pub mod methods;
mod shown;
mod value;
pub(crate) mod window;
pub mod xml;

pub use fault::{Code, Fault};
pub use methods::Api;
pub use value::Value;

/// The version of the API, which clients compare with theirs.
pub const API_VERSION: &str = "3.0";

/// The version of this package.
pub const PACKAGE_VERSION: &str = env!("CARGO_PKG_VERSION");
