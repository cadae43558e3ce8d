//! What an `[eventlistener:x]` has besides its processes: a pool.

use crate::config::model::GroupKind;
use crate::config::options::{Scope, eventlistener as option, program};
use crate::config::read::Reader;
use crate::config::suggest;

const DEFAULT_HANDLER: &str = "supervisor.dispatchers:default_handler";

/// Reads the pool; `None` after a mistake.
pub(super) fn pool(reader: &Reader<'_>) -> Option<GroupKind> {
    let section = &reader.section.name;
    let buffer_size = reader.get(&option::BUFFER_SIZE);
    if buffer_size < 1 {
        let text = format!("[{section}] section sets invalid buffer_size ({buffer_size})");
        let error = reader.error(text, "buffer_size");
        reader.problem(error.expected("a whole number from 1 on"));
    }
    let result_handler = reader.get(&option::RESULT_HANDLER);
    if result_handler != DEFAULT_HANDLER {
        let text = format!(
            "{result_handler} cannot be resolved within [{section}]: handlers written in Python \
             cannot be loaded"
        );
        let error = reader.error(text, "result_handler");
        reader.problem(error.expected(format!("`{DEFAULT_HANDLER}`")));
    }
    let events = events(reader);
    if reader.find_in(&program::REDIRECT_STDERR, Scope::Here) == Some(true) {
        let text = format!(
            "[{section}] section sets redirect_stderr=true but this is not allowed because it will \
             interfere with the eventlistener protocol"
        );
        reader.problem(reader.error(text, "redirect_stderr").expected("`false`"));
    }
    Some(GroupKind::Listeners {
        buffer_size: usize::try_from(buffer_size).unwrap_or(1),
        events: events?,
        result_handler,
    })
}

fn events(reader: &Reader<'_>) -> Option<Vec<String>> {
    let section = &reader.section.name;
    let events = if reader.has("events") {
        reader.find(&option::EVENTS)?
    } else {
        Vec::new()
    };
    if events.is_empty() {
        let text = format!("[{section}] section requires an \"events\" line");
        let error = reader.error(text, "events");
        reader.problem(error.expected("names of events, such as `PROCESS_STATE,TICK_60`"));
        return None;
    }
    let events: Vec<String> = events.iter().map(|name| name.to_uppercase()).collect();
    for name in &events {
        if !EVENTS.contains(&name.as_str()) {
            let text = format!("Unknown event type {name} in [{section}] events");
            let meant = suggest::nearest(name, EVENTS);
            let hint = meant.map(|meant| format!("did you mean `{meant}`?"));
            let error = reader.error(text, "events");
            reader.problem(
                error
                    .expected("names of events with commas between them")
                    .hint(hint),
            );
            return None;
        }
    }
    Some(events)
}

/// All names that can be subscribed to.
const EVENTS: [&str; 27] = [
    "EVENT",
    "PROCESS_STATE",
    "PROCESS_STATE_STARTING",
    "PROCESS_STATE_RUNNING",
    "PROCESS_STATE_BACKOFF",
    "PROCESS_STATE_STOPPING",
    "PROCESS_STATE_EXITED",
    "PROCESS_STATE_STOPPED",
    "PROCESS_STATE_FATAL",
    "PROCESS_STATE_UNKNOWN",
    "PROCESS_COMMUNICATION",
    "PROCESS_COMMUNICATION_STDOUT",
    "PROCESS_COMMUNICATION_STDERR",
    "PROCESS_LOG",
    "PROCESS_LOG_STDOUT",
    "PROCESS_LOG_STDERR",
    "REMOTE_COMMUNICATION",
    "SUPERVISOR_STATE_CHANGE",
    "SUPERVISOR_STATE_CHANGE_RUNNING",
    "SUPERVISOR_STATE_CHANGE_STOPPING",
    "TICK",
    "TICK_5",
    "TICK_60",
    "TICK_3600",
    "PROCESS_GROUP",
    "PROCESS_GROUP_ADDED",
    "PROCESS_GROUP_REMOVED",
];
