//! `mainstayd` and `mainstayctl`: a drop-in for Supervisor without Python.
//!
//! The binaries are thin; everything is here so that it can be tested. This is not a stable library
//! interface: what is stable is the configuration language, the command lines and the wire.

pub mod cli;
pub mod config;
pub mod ctl;
pub mod daemon;
pub mod event;
pub mod log;
pub mod process;
pub mod rpc;
pub mod sys;
pub mod web;
mod zone;
