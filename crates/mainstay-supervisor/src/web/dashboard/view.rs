//! What the templates show.

use askama::Template;
use jiff::Zoned;
use jiff::tz::TimeZone;
use mainstay_csrf::CsrfToken;
use mainstay_handler::ErrorView;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::actions::is_failure;
use super::assets;
use crate::daemon::{Channel, ProcessInfo, State};
use crate::rpc::{PACKAGE_VERSION, describe};

/// What every page has.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    identifier: &'a str,
    version: &'static str,
    assets: u32,
}

impl<'a> Frame<'a> {
    const fn new(identifier: &'a str) -> Self {
        Self {
            identifier,
            version: PACKAGE_VERSION,
            assets: assets::VERSION,
        }
    }
}

/// `/`
#[derive(Template)]
#[template(path = "index.html")]
pub(super) struct IndexPage<'a> {
    frame: Frame<'a>,
    message: Option<Message>,
    groups: Vec<Group<'a>>,
    counts: Vec<Count>,
    token: &'a CsrfToken,
    now: String,
}

struct Message {
    text: String,
    failure: bool,
}

struct Group<'a> {
    /// `None`: a program alone, which needs no heading.
    name: Option<&'a str>,
    running: usize,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    namespec: String,
    name: &'a str,
    /// For addresses.
    encoded: String,
    state: Face,
    pid: i32,
    /// Uptime, or what else there is to say.
    detail: String,
    running: bool,
    failed: bool,
    startable: bool,
    stoppable: bool,
}

/// How a state looks.
struct Face {
    /// As the API says it.
    code: &'static str,
    /// Lower case, as the original prints it.
    name: String,
    /// The original's class, which scripts look for.
    class: &'static str,
}

struct Count {
    number: usize,
    label: &'static str,
    shape: &'static str,
}

impl<'a> IndexPage<'a> {
    pub(super) fn new(
        identifier: &'a str,
        infos: &'a [ProcessInfo<'a>],
        message: Option<String>,
        token: &'a CsrfToken,
        now: &Zoned,
    ) -> Self {
        let rows = infos.chunk_by(|one, next| one.group == next.group);
        let groups = rows
            .map(|infos| Group::new(infos, now.time_zone()))
            .collect();
        let message = message.map(|text| Message {
            failure: is_failure(&text),
            text,
        });
        Self {
            frame: Frame::new(identifier),
            message,
            groups,
            counts: Count::all(infos),
            token,
            now: now.strftime("%H:%M:%S").to_string(),
        }
    }

    /// The columns, which headings of groups span.
    const COLUMNS: usize = 5;
}

impl<'a> Group<'a> {
    fn new(infos: &'a [ProcessInfo<'a>], zone: &TimeZone) -> Self {
        let alone = matches!(infos, [info] if info.name == info.group);
        Self {
            name: infos.first().filter(|_| !alone).map(|info| &*info.group),
            running: infos
                .iter()
                .filter(|info| info.state == State::Running)
                .count(),
            rows: infos.iter().map(|info| Row::new(info, zone)).collect(),
        }
    }
}

impl<'a> Row<'a> {
    fn new(info: &'a ProcessInfo<'a>, zone: &TimeZone) -> Self {
        let namespec = info.namespec();
        let running = info.state == State::Running;
        Self {
            encoded: encode(&namespec),
            namespec,
            name: &info.name,
            state: Face::of(info.state),
            pid: info.pid,
            detail: if running {
                describe::uptime(info.uptime)
            } else {
                describe::description(info, zone)
            },
            running,
            failed: matches!(info.state, State::Fatal | State::Backoff),
            startable: matches!(
                info.state,
                State::Stopped | State::Exited | State::Fatal | State::Unknown
            ),
            stoppable: matches!(
                info.state,
                State::Starting | State::Running | State::Backoff
            ),
        }
    }
}

impl Face {
    fn of(state: State) -> Self {
        let class = match state {
            State::Running => "statusrunning",
            State::Fatal | State::Backoff => "statuserror",
            _ => "statusnominal",
        };
        Self {
            code: state.name(),
            name: state.name().to_ascii_lowercase(),
            class,
        }
    }
}

impl Count {
    /// How many there are of what people look for; nothing for what there is none of.
    fn all(infos: &[ProcessInfo<'_>]) -> Vec<Self> {
        let count = |label, shape, states: &[State]| Self {
            number: infos
                .iter()
                .filter(|info| states.contains(&info.state))
                .count(),
            label,
            shape,
        };
        [
            count(
                "failing",
                "fatal",
                &[State::Fatal, State::Backoff, State::Unknown],
            ),
            count("changing", "starting", &[State::Starting, State::Stopping]),
            count("running", "running", &[State::Running]),
            count("not running", "stopped", &[State::Stopped, State::Exited]),
        ]
        .into_iter()
        .filter(|count| count.number > 0)
        .collect()
    }
}

/// `/tail.html`
#[derive(Template)]
#[template(path = "tail.html")]
pub(super) struct TailPage<'a> {
    frame: Frame<'a>,
    name: &'a str,
    encoded: String,
    stderr: bool,
    limit: u64,
    text: TailText,
    sizes: Vec<Size>,
}

/// The log, or why there is none.
pub(super) enum TailText {
    Log { text: String, size: u64 },
    Notice(String),
}

struct Size {
    bytes: u64,
    label: &'static str,
    chosen: bool,
}

impl<'a> TailPage<'a> {
    pub(super) fn new(
        identifier: &'a str,
        name: Option<&'a str>,
        channel: Channel,
        limit: u64,
        text: TailText,
    ) -> Self {
        let name = name.unwrap_or_default();
        let sizes = [
            (1 << 10, "1 KB"),
            (16 << 10, "16 KB"),
            (256 << 10, "256 KB"),
            (1 << 20, "1 MB"),
        ];
        Self {
            frame: Frame::new(identifier),
            name,
            encoded: encode(name),
            stderr: channel == Channel::Stderr,
            limit,
            text,
            sizes: sizes
                .into_iter()
                .map(|(bytes, label)| Size {
                    bytes,
                    label,
                    chosen: bytes == limit,
                })
                .collect(),
        }
    }

    fn channel(&self) -> &'static str {
        if self.stderr { "stderr" } else { "stdout" }
    }

    /// Whether the log is longer than what is shown.
    fn is_cut(&self) -> bool {
        matches!(self.text, TailText::Log { size, .. } if size > self.limit)
    }
}

/// A page for what went wrong.
#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage<'a> {
    frame: Frame<'a>,
    status: u16,
    title: &'a str,
    message: Option<&'a str>,
    /// It will pass; the page tries again by itself.
    passing: bool,
}

impl<'a> ErrorPage<'a> {
    pub(super) fn new(view: &ErrorView<'a>) -> Self {
        Self {
            frame: Frame::new("supervisor"),
            status: view.status.as_u16(),
            title: view.title,
            message: view.message,
            passing: view.status == http::StatusCode::SERVICE_UNAVAILABLE
                && view.method == http::Method::GET,
        }
    }
}

/// A name as a part of an address.
fn encode(name: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b':');

    utf8_percent_encode(name, KEPT).to_string()
}
