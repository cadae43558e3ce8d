//! From a response or a failure to the answer: what is logged, and what the client gets.

use std::{borrow::Cow, sync::Arc, time::Instant};

use axum_core::{body::Body, response::Response};
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode, Uri,
    header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE},
    response::Parts,
};
use http_body::Body as _;

use crate::{
    Error, ErrorEvent, Origin, Problem, Rewrite, Verbatim,
    document::{self, Document},
    layer::{Config, Failure},
    log::{self, Private},
    rejection::{self, Route},
    report::{Handled, Report},
    rules::{Answer, is_error},
    status::reason,
};

/// What is kept of a request until its answer is made. Clones of counted references, but for the
/// headers, which are copied only if the pages want them.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    uri: Uri,
    pub(crate) accept: Option<HeaderValue>,
    request_id: Option<HeaderValue>,
    route: Option<Route>,
    pub(crate) headers: HeaderMap,
    since: Instant,
}

/// What is to become of a response.
pub(crate) enum Verdict {
    Finished(Response),
    /// Its body is somebody else's short error text.
    Read(Response),
}

impl Seen {
    pub(crate) fn of<B>(request: &Request<B>, config: &Config) -> Self {
        let headers = request.headers();
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            accept: config.only.is_none().then(|| accept(headers)).flatten(),
            request_id: headers
                .get(&config.request_id)
                .filter(|id| is_sound(id))
                .cloned(),
            route: rejection::route(request.extensions()),
            headers: match config.pages.wants_headers() {
                true => headers.clone(),
                false => HeaderMap::new(),
            },
            since: Instant::now(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref()?.to_str().ok()
    }

    pub(crate) fn judge(&self, config: &Config, mut response: Response) -> Verdict {
        if let Some(report) = response.extensions_mut().remove::<Arc<Report>>()
            && let Some(error) = report.take()
        {
            return Verdict::Finished(self.answer_error(config, response, error));
        }
        let extensions = response.extensions();
        if !is_error(response.status()) || extensions.get::<Handled>().is_some() {
            return Verdict::Finished(response);
        }
        let rewritten = config.rewrite == Rewrite::Short
            && extensions.get::<Verbatim>().is_none()
            && is_short_text(&response);
        if rewritten {
            return Verdict::Read(response);
        }
        if response.status().is_server_error() {
            let event = self.event(&response, Origin::Foreign, None);
            config.announce(&event, &Private::default());
            response.extensions_mut().insert(Handled);
        }
        Verdict::Finished(response)
    }

    fn answer_error(&self, config: &Config, mut response: Response, error: &Error) -> Response {
        let answer = config.rules.resolve(error);
        // Whatever was put around the error: it cannot have become a success on the way.
        *response.status_mut() = answer.status;
        if error.responded().is_some() {
            if is_error(answer.status) {
                let event = self.event(&response, answer.origin, Some(error));
                config.announce(&event, &Private::default());
                response.extensions_mut().insert(Handled);
            }
            return response;
        }
        let (parts, _) = response.into_parts();
        self.answer(config, parts, answer, Some(error), None)
    }

    pub(crate) fn answer_failure(&self, config: &Config, failure: &Failure) -> Response {
        let (mut parts, ()) = Response::new(()).into_parts();
        let mut answer = config.rules.resolve(&failure.error);
        parts.status = answer.status;
        answer.origin = failure.origin;
        self.answer(config, parts, answer, Some(&failure.error), None)
    }

    pub(crate) fn answer_foreign(&self, config: &Config, parts: Parts, text: &[u8]) -> Response {
        let text = String::from_utf8_lossy(text);
        let text = Some(beyond_reason(text.trim(), parts.status)).filter(|text| !text.is_empty());
        let private = parts.status.is_server_error();
        let message = text
            .filter(|_| !private)
            .map(|text| match config.rules.terse {
                true => rejection::shortened(Cow::Borrowed(text)),
                false => Cow::Borrowed(text),
            });
        let mut problem = Problem::new(parts.status);
        if let Some(message) = &message {
            problem.set_detail(&**message);
        }
        let answer = Answer {
            status: parts.status,
            origin: Origin::Foreign,
            message,
            problem,
            headers: HeaderMap::new(),
            by_rule: false,
            misused: None,
        };
        self.answer(config, parts, answer, None, text)
    }

    /// Logs the error and renders the answer over a response's parts.
    fn answer(
        &self,
        config: &Config,
        mut parts: Parts,
        answer: Answer<'_>,
        error: Option<&Error>,
        text: Option<&str>,
    ) -> Response {
        if answer.by_rule {
            parts.headers.extend(answer.headers);
        }
        parts.extensions.insert(Handled);
        let mut response = Response::from_parts(parts, Body::empty());
        let event = self.event(&response, answer.origin, error);
        let private = Private {
            text,
            misused: answer.misused,
            development: config.development,
        };
        config.announce(&event, &private);

        let document = Document {
            event,
            message: answer.message.as_deref(),
            problem: answer.problem,
            private_text: text,
            seen: self,
        };
        let (format, body) = document::render(config, document);
        document::set_headers(response.headers_mut(), format, config.only.is_none());
        *response.body_mut() = body;
        response
    }

    fn event<'a>(
        &'a self,
        response: &Response,
        origin: Origin,
        error: Option<&'a Error>,
    ) -> ErrorEvent<'a> {
        ErrorEvent {
            status: response.status(),
            origin,
            method: &self.method,
            path: self.path(),
            route: self.route.as_ref().map(rejection::pattern),
            request_id: self.request_id(),
            elapsed: self.since.elapsed(),
            error,
        }
    }
}

impl Config {
    fn announce(&self, event: &ErrorEvent<'_>, private: &Private<'_>) {
        if let Some(level) = (self.log_level)(event.status) {
            log::answered(level, event, private);
        }
        for hook in &self.hooks {
            hook(event);
        }
    }
}

/// All lines of `Accept` as one.
fn accept(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut lines = headers.get_all(ACCEPT).iter();
    let first = lines.next()?;
    if lines.next().is_none() {
        return Some(first.clone());
    }
    let lines: Vec<&[u8]> = headers
        .get_all(ACCEPT)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    HeaderValue::from_bytes(&lines.join(&b", "[..])).ok()
}

/// Anybody can send a request id, and it goes into logs and pages.
fn is_sound(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    (1..=LONGEST_REQUEST_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// What a text says that the status does not: all of it but `Not Found`, or the `Forbidden - ` that
/// some begin with.
fn beyond_reason(text: &str, status: StatusCode) -> &str {
    match text.strip_prefix(reason(status)) {
        Some("") => "",
        Some(rest) => rest.strip_prefix(" - ").unwrap_or(text),
        None => text,
    }
}

/// Decided by what the body says of itself: a stream must not be collected to find out.
fn is_short_text(response: &Response) -> bool {
    let headers = response.headers();
    if headers.contains_key(CONTENT_ENCODING) {
        return false;
    }
    match response.body().size_hint().exact() {
        Some(0) => true,
        Some(1..=LONGEST_TEXT) => headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.as_bytes().split(|&b| b == b';').next())
            .is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"text/plain")),
        _ => false,
    }
}

const LONGEST_REQUEST_ID: usize = 128;
const LONGEST_TEXT: u64 = 4 << 10;
