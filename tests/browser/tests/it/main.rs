//! What people do with a browser.
#![forbid(unsafe_code)]

mod dashboard;
mod site;
