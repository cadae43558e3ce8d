use std::fmt;

use http::{HeaderMap, Method, StatusCode};

use crate::BoxError;

/// Everything an error page may show.
///
/// Nothing private can be reached from here, except through `debug`, which is there in
/// [development](crate::ErrorLayer::development) only. `message`, `request_id`, `path` and
/// `request_headers` may hold what the client sent: [`escape`] them in HTML.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ErrorView<'a> {
    /// Status of the answer.
    pub status: StatusCode,
    /// The status in words, or the title that the error gave itself.
    pub title: &'a str,
    /// What the client may read.
    pub message: Option<&'a str>,
    /// The request's id: what a user can tell you so that you find the line in the log.
    pub request_id: Option<&'a str>,
    /// The request's method.
    pub method: &'a Method,
    /// The request's path.
    pub path: &'a str,
    /// The request's headers; empty unless [`ErrorPages::wants_headers`].
    pub request_headers: &'a HeaderMap,
    /// The private side, in development only.
    pub debug: Option<DebugView<'a>>,
}

/// The private side of an error, for the developer's own screen.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DebugView<'a> {
    /// Notes, cause and sources, outermost first.
    pub chain: &'a [String],
    /// Name of the cause's type.
    pub kind: Option<&'a str>,
    /// Where the error was made.
    pub location: Option<&'a str>,
    /// The backtrace, if `RUST_BACKTRACE` asked for one.
    pub backtrace: Option<&'a str>,
}

/// How errors look.
///
/// A plain function of the shape of [`html`](Self::html) is one too:
///
/// ```
/// use std::fmt;
/// use mainstay_handler::{BoxError, ErrorLayer, ErrorView, escape};
///
/// fn page(view: &ErrorView<'_>, out: &mut dyn fmt::Write) -> Result<(), BoxError> {
///     write!(out, "<h1>{}</h1>", view.title)?;
///     if let Some(message) = view.message {
///         write!(out, "<p>{}</p>", escape(message))?;
///     }
///     Ok(())
/// }
///
/// let layer = ErrorLayer::new().pages(page);
/// ```
///
/// If it fails, panics, or writes more than 1 MiB, [`DefaultPages`] is used in its place and the
/// failure is logged.
pub trait ErrorPages: Send + Sync + 'static {
    /// The page for people.
    fn html(&self, view: &ErrorView<'_>, out: &mut dyn fmt::Write) -> Result<(), BoxError>;

    /// The few lines for a terminal.
    fn text(&self, view: &ErrorView<'_>, out: &mut dyn fmt::Write) -> Result<(), BoxError> {
        Ok(write_text(view, out)?)
    }

    /// Whether the pages look at the request's headers (its language, say), which costs a copy of
    /// them for each request. Default: no.
    fn wants_headers(&self) -> bool {
        false
    }
}

impl<F> ErrorPages for F
where
    F: Fn(&ErrorView<'_>, &mut dyn fmt::Write) -> Result<(), BoxError> + Send + Sync + 'static,
{
    fn html(&self, view: &ErrorView<'_>, out: &mut dyn fmt::Write) -> Result<(), BoxError> {
        self(view, out)
    }
}

/// The pages you get without asking: one quiet page, in light and dark, without scripts.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct DefaultPages;

impl ErrorPages for DefaultPages {
    fn html(&self, view: &ErrorView<'_>, out: &mut dyn fmt::Write) -> Result<(), BoxError> {
        Ok(write_html(view, out)?)
    }
}

/// Text made safe to stand in HTML, between tags and in a quoted attribute.
pub fn escape(text: &str) -> impl fmt::Display {
    Html(text)
}

struct Html<'a>(&'a str);

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

fn write_html(view: &ErrorView<'_>, out: &mut dyn fmt::Write) -> fmt::Result {
    let (status, title) = (view.status.as_u16(), Html(view.title));
    write!(out, "{HEAD}<title>{status} {title}</title>{STYLE}<main>")?;
    write!(out, "<p class=\"status\">{status}</p><h1>{title}</h1>")?;
    match view.message {
        Some(message) => write!(out, "<p>{}</p>", Html(message))?,
        None => write!(out, "<p>{}</p>", in_a_sentence(view.status))?,
    }
    if let Some(id) = view.request_id {
        write!(out, "<p class=\"id\">Request <code>{}</code></p>", Html(id))?;
    }
    if let Some(debug) = &view.debug {
        write_debug_html(view, debug, out)?;
    }
    out.write_str("</main></html>\n")
}

fn write_debug_html(
    view: &ErrorView<'_>,
    debug: &DebugView<'_>,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    write!(
        out,
        "<section><h2>{} {}</h2><ol>",
        Html(view.method.as_str()),
        Html(view.path)
    )?;
    for link in debug.chain {
        write!(out, "<li>{}</li>", Html(link))?;
    }
    out.write_str("</ol>")?;
    for (name, value) in [("type", debug.kind), ("at", debug.location)] {
        if let Some(value) = value {
            write!(out, "<p>{name} <code>{}</code></p>", Html(value))?;
        }
    }
    if let Some(backtrace) = debug.backtrace {
        write!(out, "<pre>{}</pre>", Html(backtrace))?;
    }
    out.write_str("<p class=\"id\">Shown because the layer is in development mode.</p></section>")
}

fn write_text(view: &ErrorView<'_>, out: &mut dyn fmt::Write) -> fmt::Result {
    writeln!(out, "{} {}", view.status.as_u16(), view.title)?;
    if let Some(message) = view.message {
        writeln!(out, "{message}")?;
    }
    if let Some(id) = view.request_id {
        writeln!(out, "request id: {id}")?;
    }
    let Some(debug) = &view.debug else {
        return Ok(());
    };
    writeln!(out)?;
    for link in debug.chain {
        writeln!(out, "- {link}")?;
    }
    if let Some(location) = debug.location {
        writeln!(out, "at {location}")?;
    }
    match debug.backtrace {
        Some(backtrace) => writeln!(out, "\n{backtrace}"),
        None => Ok(()),
    }
}

fn in_a_sentence(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "You need to log in to see this.",
        StatusCode::FORBIDDEN => "You are not allowed to do this.",
        StatusCode::NOT_FOUND => "There is nothing at this address.",
        StatusCode::METHOD_NOT_ALLOWED => "This address does not take requests of this kind.",
        StatusCode::PAYLOAD_TOO_LARGE => "That was more than this server takes at a time.",
        StatusCode::TOO_MANY_REQUESTS => "That was too often. Please wait a little.",
        StatusCode::SERVICE_UNAVAILABLE => "The service is busy. Please try again in a moment.",
        status if status.is_server_error() => "Something went wrong on our side.",
        _ => "The request could not be answered as it was sent.",
    }
}

const HEAD: &str = concat!(
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">",
    "<meta name=\"viewport\" content=\"width=device-width\">",
    "<meta name=\"color-scheme\" content=\"light dark\">",
    "<meta name=\"robots\" content=\"noindex\">",
);

const STYLE: &str = "<style>\
:root{--ink:#1c2024;--soft:#60646c;--paper:#fcfcfd;--line:#d9d9e0}\
@media(prefers-color-scheme:dark){:root{--ink:#edeef0;--soft:#b0b4ba;--paper:#111113;--line:#363a3f}}\
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.6 system-ui,sans-serif}\
main{box-sizing:border-box;max-width:40rem;margin:0 auto;padding:clamp(2rem,18vh,10rem) 1.5rem 2rem}\
.status{margin:0;color:var(--soft);font-size:.875rem;font-weight:600;letter-spacing:.08em}\
h1{margin:.25rem 0 .75rem;font-size:clamp(1.75rem,6vw,2.5rem);line-height:1.2;letter-spacing:-.02em}\
h2{font-size:1rem;overflow-wrap:anywhere}\
p,li{margin:.5rem 0;overflow-wrap:anywhere}\
.id{color:var(--soft);font-size:.875rem}\
code,pre,ol{font-family:ui-monospace,monospace;font-size:.875rem}\
pre{overflow-x:auto}\
section{margin-top:2.5rem;padding-top:1rem;border-top:1px solid var(--line)}\
</style>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping() {
        let cases = [
            ("", ""),
            ("plain ünïcode", "plain ünïcode"),
            (
                "<script>alert('x')</script>",
                "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;",
            ),
            ("\"&amp;\"", "&quot;&amp;amp;&quot;"),
            ("<", "&lt;"),
        ];
        for (text, escaped) in cases {
            assert_eq!(escape(text).to_string(), escaped);
        }
    }
}
