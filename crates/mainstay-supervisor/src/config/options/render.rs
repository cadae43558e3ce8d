//! The table as text: the sample file, and the page of the reference.

use std::fmt::Write as _;

use super::{Default, Kind, Row, Scope};

/// A sample configuration: every option of every section, those that are not needed commented out.
pub fn sample() -> String {
    let mut out = String::from(SAMPLE_HEAD);
    for kind in Kind::ALL {
        if kind == Kind::CtlPlugin {
            continue;
        }
        // What a first start needs is there; the rest waits behind a semicolon.
        let live = matches!(
            kind,
            Kind::UnixHttpServer | Kind::Supervisord | Kind::RpcInterface | Kind::Supervisorctl
        );
        let mark = if live { "" } else { ";" };
        let name = match kind {
            Kind::RpcInterface => ":supervisor",
            Kind::Program => ":theprogramname",
            Kind::FcgiProgram => ":thefcgiprogram",
            Kind::EventListener => ":theeventlistener",
            Kind::Group => ":thegroupname",
            _ => "",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\n{mark}[{}{name}]", kind.word());
        if let Some(shared) = shared_note(kind) {
            let _ = writeln!(out, "; {shared}");
        }
        let rows: Vec<&Row> = match kind {
            Kind::FcgiProgram | Kind::EventListener => [&super::program::COMMAND.row]
                .into_iter()
                .chain(kind.own_rows())
                .collect(),
            _ => kind.rows().collect(),
        };
        for row in rows {
            let mark = if live && is_live(kind, row) { "" } else { ";" };
            let setting = format!("{mark}{}={}", row.key, row.example);
            let _ = writeln!(out, "{setting:<44} ; {}", summary(row));
        }
    }
    out
}

/// The reference page of all sections and options, in Markdown.
pub fn reference() -> String {
    let mut out = String::from(REFERENCE_HEAD);
    for kind in Kind::ALL {
        let _ = writeln!(out, "\n## `{}`\n\n{}", kind.header(), about(kind));
        if let Some(shared) = shared_note(kind) {
            let _ = writeln!(out, "{shared}");
        }
        for row in kind.own_rows() {
            let _ = write!(
                out,
                "\n### `{}` {{#{}-{}}}\n\n{}\n\n- value: {}\n- default: {}\n- expands: {}\n",
                row.key,
                kind.word(),
                row.key.replace('.', "-"),
                doc(row),
                row.expected,
                default(row),
                scope(row.scope),
            );
            if row.extension {
                out.push_str("- extension: `supervisord` does not know it, and passes over it\n");
            }
        }
    }
    out
}

fn is_live(kind: Kind, row: &Row) -> bool {
    match kind {
        Kind::UnixHttpServer => row.key == "file",
        Kind::Supervisorctl => row.key == "serverurl",
        Kind::Supervisord => [
            "logfile",
            "logfile_maxbytes",
            "logfile_backups",
            "loglevel",
            "pidfile",
            "nodaemon",
        ]
        .contains(&row.key),
        _ => true,
    }
}

fn summary(row: &Row) -> String {
    let doc = doc(row);
    let first = doc
        .split_once(['.', ';', ':'])
        .map_or(doc.as_str(), |(first, _)| first);
    let ours = if row.extension {
        "mainstayd only; "
    } else {
        ""
    };
    match row.default {
        Default::Required => format!("{ours}{} (required)", lower(first)),
        Default::Text("") => format!("{ours}{}", lower(first)),
        Default::Text(text) => format!("{ours}{} (default {text})", lower(first)),
        Default::Other(words) => format!("{ours}{} (default: {words})", lower(first)),
    }
}

fn lower(text: &str) -> String {
    let text = text.replace('`', "");
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => text,
    }
}

/// The documentation comment with its line breaks undone.
fn doc(row: &Row) -> String {
    row.doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn default(row: &Row) -> String {
    match row.default {
        Default::Required => "none, required".to_owned(),
        Default::Text("") => "empty".to_owned(),
        Default::Text(text) => format!("`{text}`"),
        Default::Other(words) => words.to_owned(),
    }
}

fn scope(scope: Scope) -> String {
    let mut names: Vec<String> = scope
        .names()
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    names.push("`ENV_…`".to_owned());
    names.join(", ")
}

fn shared_note(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::FcgiProgram | Kind::EventListener => {
            Some("All options of a program can be used here too.")
        }
        _ => None,
    }
}

fn about(kind: Kind) -> &'static str {
    match kind {
        Kind::UnixHttpServer => {
            "A unix socket for the API and the dashboard. Every section whose name begins with these \
             words is one more."
        }
        Kind::InetHttpServer => {
            "A port for the API and the dashboard. Every section whose name begins with these words \
             is one more."
        }
        Kind::Supervisord => "The daemon. This section must be there, even if it is empty.",
        Kind::RpcInterface => "The API's interfaces.",
        Kind::Supervisorctl => "How `mainstayctl` finds the daemon.",
        Kind::Program => "A program to run, named `x`.",
        Kind::FcgiProgram => "A FastCGI program: its processes share a listening socket.",
        Kind::EventListener => {
            "A program that is told of events on its standard input, and answers on its standard \
             output. In this section `redirect_stderr` must not be on, and `priority` is the pool's, \
             `-1` if it is not given."
        }
        Kind::Group => "Programs that are started and stopped together, as `x:*`.",
        Kind::Include => "More files, read after this one. Their own `[include]` is not followed.",
        Kind::CtlPlugin => "Plug-ins of the original client; accepted and ignored.",
    }
}

const SAMPLE_HEAD: &str = "\
; A sample for mainstayd. It is read by supervisord too.
;
; A semicolon or a hash begins a comment, at the beginning of a line and after a blank. Quotes do not
; protect from that. Environment variables are written %(ENV_HOME)s, a percent sign %%.
";

const REFERENCE_HEAD: &str = "\
# Configuration reference

Every section and every option, from the table that `mainstayd` reads configurations by. What a value may
look like is said with each; `%(name)s` is replaced by the names that are listed under *expands*, and
`%(ENV_X)s` by the environment variable `X`. A percent sign is written `%%`.
";
