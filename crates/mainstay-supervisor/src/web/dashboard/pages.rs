//! The handlers of the pages.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use askama::Template as _;
use axum::extract::{OriginalUri, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use mainstay_csrf::CsrfToken;
use mainstay_handler::{Error, Result};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::browser::Visit;
use super::Dashboard;
use super::actions::{Action, unexpected};
use super::params::Params;
use super::view::{IndexPage, TailPage, TailText};
use crate::daemon::Channel;
use crate::log::AnsiStripper;
use crate::rpc::window::{self, Excerpt, Window};

type Shared = State<Arc<Dashboard>>;

/// The table of processes.
pub(super) async fn index(
    State(dashboard): Shared,
    RawQuery(query): RawQuery,
    method: Method,
    uri: OriginalUri,
    headers: HeaderMap,
    token: CsrfToken,
) -> Result<Response> {
    let params = Params::read(query.as_deref().unwrap_or_default(), b"");
    let message = params.message.clone();
    match Action::read(params)? {
        None => {}
        Some(action) if dashboard.by_get => {
            let visit = Visit::new(&headers, &uri);
            return dashboard.follow_link(&method, visit, action).await;
        }
        Some(Action::Refresh) => {}
        // The original acts on a mere link, which any page can make a browser follow.
        Some(_) => {
            return Err(only_post(
                "Nothing was done: this takes a press on one of the page's buttons. Scripts can use \
                 mainstayctl or the API. With `allow_actions_by_get = true` in the server's section \
                 of the configuration links act, as Supervisor's do.",
            ));
        }
    }
    let infos = dashboard.handle.info_all().await?;
    let now = Timestamp::now().to_zoned(dashboard.zone.clone());
    let page = IndexPage::new(&dashboard.identifier, &infos, message, &token, &now);
    dashboard.renderer.html(|out| page.render_into(out))
}

/// A button was pressed.
pub(super) async fn act(
    State(dashboard): Shared,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response> {
    let params = Params::read(query.as_deref().unwrap_or_default(), &body);
    match Action::read(params)? {
        None => Ok(go_to("./".to_owned())),
        Some(action) => dashboard.act(action).await,
    }
}

impl Dashboard {
    /// A link that acts, where the configuration allows that. What can be known to come from another
    /// site is refused all the same.
    async fn follow_link(
        &self,
        method: &Method,
        visit: Visit<'_>,
        action: Action,
    ) -> Result<Response> {
        if method != Method::GET {
            return Err(only_post("Nothing was done: only GET and POST act."));
        }
        if visit.is_a_foreign_link() {
            return Err(Error::from_status(StatusCode::FORBIDDEN).with_message(
                "Nothing was done: the request was made by a page of another site.",
            ));
        }
        if visit.is_ahead_of_time() {
            return Err(Error::from_status(StatusCode::FORBIDDEN).with_message(
                "Nothing was done: the browser only looks what the link would show.",
            ));
        }
        self.act(action).await
    }

    async fn act(&self, action: Action) -> Result<Response> {
        let message = self.perform(action).await?;
        let message = utf8_percent_encode(&message, NON_ALPHANUMERIC);
        Ok(go_to(format!("./?message={message}")))
    }
}

/// Relative, so that it leads nowhere else whatever the client says our name is, and works behind a
/// proxy that gives us a path of its own.
fn go_to(location: String) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

fn only_post(why: &'static str) -> Error {
    Error::from_status(StatusCode::METHOD_NOT_ALLOWED)
        .with_message(why)
        .with_header(ALLOW, HeaderValue::from_static("POST"))
}

/// The end of a process's log.
pub(super) async fn tail(
    State(dashboard): Shared,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response> {
    let params = Params::read(query.as_deref().unwrap_or_default(), &body);
    let limit = params
        .limit
        .and_then(|limit| limit.trim().parse().ok())
        .unwrap_or(SMALLEST_TAIL);
    let limit = limit.clamp(SMALLEST_TAIL, LARGEST_TAIL);
    let channel = match params.channel.as_deref() {
        Some("stderr") => Channel::Stderr,
        _ => Channel::Stdout,
    };
    let name = params.processname.filter(|name| !name.is_empty());
    let text = match &name {
        Some(name) => dashboard.tail_of(name, channel, limit).await,
        None => TailText::Notice("No process name found".to_owned()),
    };
    let page = TailPage::new(&dashboard.identifier, name.as_deref(), channel, limit, text);
    dashboard.renderer.html(|out| page.render_into(out))
}

/// For probes that only want to know whether somebody answers.
pub(super) async fn ok() -> Response {
    ([(CONTENT_TYPE, "text/plain")], "OK").into_response()
}

impl Dashboard {
    async fn tail_of(&self, name: &str, channel: Channel, limit: u64) -> TailText {
        let path = match self.handle.log_path(name, channel).await {
            Ok(Some(path)) => path,
            Ok(None) => return TailText::Notice(format!("No file for {name}")),
            Err(fault) => return TailText::Notice(format!("ERROR: {}", unexpected(&fault))),
        };
        let read = tokio::task::spawn_blocking(move || read_end(path, limit)).await;
        match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(Some((text, size))) => TailText::Log { text, size },
            Ok(None) => TailText::Notice(format!("No file for {name}")),
            Err(error) => TailText::Notice(format!("ERROR: the log cannot be read: {error}")),
        }
    }
}

/// The last bytes of a file as text without terminal colours, and the file's size.
fn read_end(path: PathBuf, limit: u64) -> io::Result<Option<(String, u64)>> {
    let Some((file, size)) = window::open(&path)? else {
        return Ok(None);
    };
    drop(path);
    let text = Excerpt::read(&file, Window::last(size, limit))?.text();
    let mut bytes = text.into_bytes();
    AnsiStripper::new().strip(&mut bytes);
    Ok(Some((String::from_utf8_lossy(&bytes).into_owned(), size)))
}

const SMALLEST_TAIL: u64 = 1024;
const LARGEST_TAIL: u64 = 1 << 20;
