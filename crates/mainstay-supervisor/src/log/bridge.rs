//! What the libraries say through `tracing`, in the main log.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber, span};

use super::MainLog;
use crate::config::Level;

/// Writes the events of Mainstay's own crates into the main log: the message, then `field=value`.
///
/// Spans are not kept: what a line has to tell, its event carries. Other crates are not listened
/// to; their events are for people who debug those crates.
#[derive(Debug)]
pub struct Bridge {
    log: MainLog,
}

impl Bridge {
    /// Into this log, at its level.
    pub const fn new(log: MainLog) -> Self {
        Self { log }
    }
}

impl Subscriber for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && metadata.target().starts_with("mainstay")
            && self.log.enabled(level(*metadata.level()))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // The log's level can change at a restart, which cached interests would miss.
        None
    }

    fn register_callsite(
        &self,
        metadata: &'static Metadata<'static>,
    ) -> tracing::subscriber::Interest {
        if metadata.is_event() && metadata.target().starts_with("mainstay") {
            tracing::subscriber::Interest::sometimes()
        } else {
            tracing::subscriber::Interest::never()
        }
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.log.log(level(*event.metadata().level()), line);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        // Any number but zero is valid, and nobody asks which span an id means.
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

const fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        f.write_str(&self.fields)
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
}

impl Line {
    fn put(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
            return;
        }
        // A value can come from a client: it must not be able to look like another line or field.
        let plain = value
            .chars()
            .all(|c| !c.is_control() && !c.is_whitespace() && c != '"');
        // Writing to a string does not fail.
        let _ = if plain && !value.is_empty() {
            write!(self.fields, " {}={value}", field.name())
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::log::{Rotation, Target};

    #[test]
    fn events_of_our_crates_become_lines() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("main.log");
        let log = MainLog::new(Level::Info);
        log.open(
            Target::File(path.clone(), Rotation::default()),
            Level::Info,
            false,
        )
        .unwrap();

        tracing::subscriber::with_default(Bridge::new(log), || {
            tracing::error!(status = 500, path = "/a b\nCRIT x", "failed");
            tracing::warn!(target: "somebody_else", "not ours");
            tracing::debug!("too fine");
        });

        let text = fs::read_to_string(path).unwrap();
        assert_eq!(
            &text[24..],
            "ERRO failed status=500 path=\"/a b\\nCRIT x\"\n"
        );
    }
}
