//! The body of an answer, in the format that the client wants.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use axum_core::body::Body;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED, VARY,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use mainstay_bufpool::PooledBuf;
use serde_json::json;

use crate::{
    BoxError, DefaultPages, ErrorEvent, ErrorPages, ErrorView, Format, PanicError, Problem,
    answer::Seen, layer::Config, log, negotiate::negotiate, pages::DebugView,
};

/// What there is to say.
pub(crate) struct Document<'a> {
    pub(crate) event: ErrorEvent<'a>,
    pub(crate) message: Option<&'a str>,
    pub(crate) problem: Problem,
    /// The text of a response that had no error.
    pub(crate) private_text: Option<&'a str>,
    pub(crate) seen: &'a Seen,
}

pub(crate) fn render(config: &Config, document: Document<'_>) -> (Format, Body) {
    let accept = document.seen.accept.as_ref().map(HeaderValue::as_bytes);
    let format = config
        .only
        .unwrap_or_else(|| negotiate(accept, config.default_format));
    let private = config.development.then(|| Private::of(&document));
    let mut buffer = config.pool.get();
    match format {
        Format::Html | Format::Text => {
            let view = document.view(private.as_ref());
            let pages = &*config.pages;
            if let Err(cause) = write_page(&mut buffer, pages, format, &view) {
                log::page_failed(&document.event, &cause);
                buffer.clear();
                // Static parts and escaping only; writing to memory does not fail.
                let _ = write_page(&mut buffer, &DefaultPages, format, &view);
            }
        }
        Format::Problem => write_problem(&mut buffer, document, private.as_ref()),
    }
    (format, Body::from(buffer.freeze()))
}

pub(crate) fn set_headers(headers: &mut HeaderMap, format: Format, negotiated: bool) {
    for name in [CONTENT_LENGTH, CONTENT_ENCODING, ETAG, LAST_MODIFIED] {
        headers.remove(name);
    }
    headers.insert(CONTENT_TYPE, format.content_type());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if negotiated && !varies_by_accept(headers) {
        headers.append(VARY, HeaderValue::from(HeaderName::from_static("accept")));
    }
}

impl<'a> Document<'a> {
    fn view<'v>(&'v self, private: Option<&'v Private>) -> ErrorView<'v>
    where
        'a: 'v,
    {
        ErrorView {
            status: self.event.status,
            title: self.problem.title(),
            message: self.message,
            request_id: self.event.request_id,
            method: self.event.method,
            path: self.event.path,
            request_headers: &self.seen.headers,
            debug: private.map(Private::view),
        }
    }
}

/// What a [`DebugView`] borrows from.
struct Private {
    chain: Vec<String>,
    kind: Option<&'static str>,
    location: Option<String>,
    backtrace: Option<String>,
}

impl Private {
    fn of(document: &Document<'_>) -> Self {
        let text = || {
            document
                .private_text
                .map(str::to_owned)
                .into_iter()
                .collect()
        };
        let details = log::Details::of(document.event.error, document.event.origin);
        Self {
            chain: document
                .event
                .error
                .map_or_else(text, |error| error.texts()),
            kind: details.kind,
            location: details.location,
            backtrace: details.backtrace.map(ToString::to_string),
        }
    }

    fn view(&self) -> DebugView<'_> {
        DebugView {
            chain: &self.chain,
            kind: self.kind,
            location: self.location.as_deref(),
            backtrace: self.backtrace.as_deref(),
        }
    }
}

fn write_problem(buffer: &mut PooledBuf, document: Document<'_>, private: Option<&Private>) {
    let mut problem = document.problem;
    if let Some(id) = document.event.request_id {
        problem.set_own_member("request_id".into(), id.into());
    }
    if let Some(private) = private {
        let debug = json!({
            "chain": private.chain,
            "type": private.kind,
            "location": private.location,
            "backtrace": private.backtrace,
        });
        problem.set_own_member("debug".into(), debug);
    }
    // Its members are JSON values already, and writing to memory does not fail.
    let _ = serde_json::to_writer(&mut *buffer, &problem);
}

fn write_page(
    buffer: &mut PooledBuf,
    pages: &dyn ErrorPages,
    format: Format,
    view: &ErrorView<'_>,
) -> Result<(), String> {
    let mut out = Limited {
        buffer,
        full: false,
    };
    // After a panic the buffer is cleared, and of the pages only others' own state is left.
    let outcome = catch_unwind(AssertUnwindSafe(|| match format {
        Format::Text => pages.text(view, &mut out),
        _ => pages.html(view, &mut out),
    }));
    match outcome {
        Ok(_) if out.full => Err(format!("it is larger than {LARGEST_PAGE} bytes")),
        Ok(outcome) => outcome.map_err(|cause: BoxError| cause.to_string()),
        Err(payload) => Err(PanicError::new(&*payload).to_string()),
    }
}

/// Lets no page run away with the memory.
struct Limited<'a> {
    buffer: &'a mut PooledBuf,
    full: bool,
}

impl fmt::Write for Limited<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Also once it was full: a page may have held on after the error.
        self.full |= self.buffer.len() + text.len() > LARGEST_PAGE;
        match self.full {
            true => Err(fmt::Error),
            false => self.buffer.write_str(text),
        }
    }
}

fn varies_by_accept(headers: &HeaderMap) -> bool {
    let mut names = headers
        .get_all(VARY)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&b| b == b','));
    names.any(|name| {
        let name = name.trim_ascii();
        name == b"*" || name.eq_ignore_ascii_case(b"accept")
    })
}

const LARGEST_PAGE: usize = 1 << 20;
