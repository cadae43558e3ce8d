//! What a file says to nobody: sections and options that are not known, and values that lost their
//! end to a comment.

use super::ini::{Entry, Ini, Section};
use super::options::Kind;
use super::read::Sink;
use super::suggest;

pub(super) fn warn(ini: &Ini, sink: &Sink) {
    for cut in ini.cuts() {
        sink.warn(format!(
            "{}: [{}] {}: the value ends before '{}', in the middle of a quotation: what follows \
             a blank and '{}' is a comment, even in quotes",
            cut.origin, cut.section, cut.key, cut.mark, cut.mark
        ));
    }
    for section in ini.sections() {
        match Kind::of(&section.name) {
            Some(kind) => options(&section, kind, sink),
            None => unknown_section(&section, sink),
        }
    }
    for entry in ini.defaults().own() {
        if !Kind::ALL
            .into_iter()
            .any(|kind| kind.rows().any(|row| row.key == entry.key))
        {
            unknown_option("DEFAULT", entry, None, sink);
        }
    }
}

fn options(section: &Section, kind: Kind, sink: &Sink) {
    // The options of these are handed to plug-ins, and refused elsewhere.
    if matches!(kind, Kind::CtlPlugin | Kind::RpcInterface) {
        return;
    }
    for entry in section.own() {
        if !kind.rows().any(|row| row.key == entry.key) {
            let meant = suggest::nearest(&entry.key, kind.rows().map(|row| row.key));
            unknown_option(&section.name, entry, meant, sink);
        }
    }
}

fn unknown_option(section: &str, entry: &Entry, meant: Option<&str>, sink: &Sink) {
    let meant = meant
        .map(|key| format!("; did you mean `{key}`?"))
        .unwrap_or_default();
    sink.warn(format!(
        "{}: [{section}] has no option `{}`: ignored{meant}",
        entry.origin, entry.key
    ));
}

fn unknown_section(section: &Section, sink: &Sink) {
    let (word, name) = match section.name.split_once(':') {
        Some((word, name)) => (word, Some(name)),
        None => (section.name.as_str(), None),
    };
    let bare = word.trim();
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.word() == bare.to_lowercase())
        .or_else(|| {
            let meant = suggest::nearest(bare, Kind::ALL.map(Kind::word))?;
            Kind::ALL.into_iter().find(|kind| kind.word() == meant)
        });
    let meant = match (kind, name) {
        (Some(kind), Some(name)) if kind.is_named() => {
            format!("; did you mean `[{}:{}]`?", kind.word(), name.trim())
        }
        (Some(kind), None) if kind.is_named() => {
            format!("; did you mean `[{}:name]`?", kind.word())
        }
        (Some(kind), _) => format!("; did you mean `[{}]`?", kind.word()),
        (None, _) => String::new(),
    };
    sink.warn(format!(
        "{}: [{}] is not a known section: ignored{meant}",
        section.origin, section.name
    ));
}
