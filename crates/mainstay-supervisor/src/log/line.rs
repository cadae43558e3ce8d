//! How a line of the main log begins.

use std::fmt;

use jiff::civil::DateTime;

use crate::config::Level;

/// Local time, milliseconds truncated.
#[derive(Debug)]
pub(super) struct Timestamp(pub(super) DateTime);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0;
        write!(
            f,
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03}",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond()
        )
    }
}

/// How lines name a level.
pub(super) const fn abbreviation(level: Level) -> &'static str {
    match level {
        Level::Critical => "CRIT",
        Level::Error => "ERRO",
        Level::Warn => "WARN",
        Level::Info => "INFO",
        Level::Debug => "DEBG",
        Level::Trace => "TRAC",
        Level::Blather => "BLAT",
    }
}
