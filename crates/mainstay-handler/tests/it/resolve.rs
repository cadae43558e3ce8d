//! Causes and layers, and the status and message that come of them.

use std::{borrow::Cow, error::Error as StdError, fmt, io};

use axum::http::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode};
use mainstay_handler::{
    BoxError, Error, ErrorLayer, HttpError, Problem, ResultExt as _, StatusError,
};
use serde_json::json;

use crate::support::{Log, answer, failing, get};

#[derive(Debug, thiserror::Error)]
enum Signup {
    #[error("that name is taken")]
    Taken,
    #[error("could not store the user")]
    Store(#[from] io::Error),
}

impl HttpError for Signup {
    fn status(&self) -> StatusCode {
        match self {
            Self::Taken => StatusCode::CONFLICT,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// An error of mine around whatever.
#[derive(Debug)]
struct Around(BoxError);

impl fmt::Display for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("private wrapping")
    }
}

impl StdError for Around {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

/// Answers as it is told to.
#[derive(Debug, thiserror::Error)]
#[error("private text of Says")]
struct Says(u16);

impl HttpError for Says {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0).unwrap()
    }

    fn public_message(&self) -> Option<Cow<'_, str>> {
        Some("public text of Says".into())
    }

    fn headers(&self, headers: &mut HeaderMap) {
        headers.insert("x-says", HeaderValue::from(self.0));
    }

    fn problem(&self, problem: &mut Problem) {
        problem
            .set_type("https://example.org/says")
            .set_title("Said")
            .set_member("said", self.0);
    }
}

fn io_error() -> io::Error {
    io::Error::other("private text of io")
}

fn gone() -> StatusError {
    StatusError::new(StatusCode::GONE)
        .with_message("it is gone")
        .with_source(io_error())
}

fn rules() -> ErrorLayer {
    ErrorLayer::new()
        .recognize::<Signup>()
        .recognize::<Says>()
        .map_error(|error: &io::Error| match error.kind() {
            io::ErrorKind::TimedOut => Some(
                StatusError::new(StatusCode::SERVICE_UNAVAILABLE).with_message("busy, come back"),
            ),
            _ => None,
        })
}

#[tokio::test]
async fn causes_and_their_answers() {
    let (bare, rules) = (ErrorLayer::new(), rules());
    let timed_out = || io::Error::from(io::ErrorKind::TimedOut);
    #[rustfmt::skip]
    let cases: Vec<(&str, &ErrorLayer, Error, u16, Option<&str>)> = vec![
        // nothing is known
        ("std error", &bare, Error::new(io_error()), 500, None),
        ("text", &bare, Error::new("private"), 500, None),
        ("unregistered", &bare, Error::new(Signup::Taken), 500, None),
        ("not mapped", &rules, Error::new(io_error()), 500, None),
        // with_status wins, and drags no text along
        ("set", &bare, Error::new(io_error()).with_status(StatusCode::NOT_FOUND), 404, None),
        ("set over known", &bare, Error::known(Signup::Taken).with_status(StatusCode::GONE), 410, None),
        ("set over chain", &rules, Error::new(gone()).with_status(StatusCode::CONFLICT), 409, None),
        ("set and said", &bare, Error::new(io_error()).with_status(StatusCode::NOT_FOUND).with_message("no user 7"), 404, Some("no user 7")),
        // given as known
        ("known 4xx", &bare, Error::known(Signup::Taken), 409, Some("that name is taken")),
        ("known 5xx", &bare, Error::known(Signup::Store(io_error())), 500, None),
        ("http()", &bare, Err::<(), _>(Signup::Taken).http().unwrap_err(), 409, Some("that name is taken")),
        ("known wins over its chain", &bare, Error::known(StatusError::new(StatusCode::CONFLICT).with_source(gone())), 409, None),
        ("status alone", &bare, Error::from_status(StatusCode::GONE), 410, None),
        ("shorthand", &bare, Error::forbidden("not yours"), 403, Some("not yours")),
        ("public 5xx", &bare, Error::unavailable("back at noon"), 503, Some("back at noon")),
        // found in the chain
        ("built in, first", &bare, Error::new(gone()), 410, Some("it is gone")),
        ("built in, deep", &bare, Error::new(Around(Box::new(Around(Box::new(gone()))))), 410, Some("it is gone")),
        ("registered", &rules, Error::new(Signup::Taken), 409, Some("that name is taken")),
        ("registered, deep", &rules, Error::new(Around(Box::new(Signup::Taken))), 409, Some("that name is taken")),
        ("registered 5xx", &rules, Error::new(Signup::Store(timed_out())), 500, None),
        ("outermost wins", &rules, Error::new(StatusError::new(StatusCode::GONE).with_source(Signup::Taken)), 410, None),
        ("mapped", &rules, Error::new(timed_out()), 503, Some("busy, come back")),
        ("mapped, deep", &rules, Error::new(Around(Box::new(timed_out()))), 503, Some("busy, come back")),
        ("said over found", &rules, Error::new(Signup::Taken).with_message("choose another"), 409, Some("choose another")),
        // a status that is not an error's
        ("200 is a bug", &rules, Error::new(Says(200)), 500, None),
        ("302 is a bug", &bare, Error::known(Says(302)), 500, None),
        ("set to 204 is a bug", &bare, Error::new(io_error()).with_status(StatusCode::NO_CONTENT), 500, None),
        ("600 is a bug", &bare, Error::known(Says(600)), 500, None),
        ("499 has no name", &bare, Error::known(Says(499)), 499, Some("public text of Says")),
    ];
    for (name, layer, error, status, message) in cases {
        assert_eq!(layer.resolve(&error), status, "{name}");
        let answer = answer(layer, error).await;
        assert_eq!(answer.status, status, "{name}");
        assert_eq!(answer.detail().as_deref(), message, "{name}");
        assert!(!answer.body.contains("private"), "{name}: {}", answer.body);
    }
}

#[tokio::test]
async fn headers_and_members_come_with_the_error_that_was_recognised() {
    let layer = rules();
    // known, found by a rule, and neither because the status was set
    for (error, theirs) in [
        (Error::known(Says(418)), true),
        (Error::new(Around(Box::new(Says(418)))), true),
        (
            Error::new(Says(418)).with_status(StatusCode::IM_A_TEAPOT),
            false,
        ),
    ] {
        let error = error
            .with_header(
                HeaderName::from_static("x-mine"),
                HeaderValue::from_static("1"),
            )
            .with_header(
                HeaderName::from_static("x-mine"),
                HeaderValue::from_static("2"),
            )
            .with_member("fields", json!({"name": "too short"}))
            .with_member("status", 200);
        let answer = answer(&layer, error).await;
        let mine: Vec<_> = answer.headers.get_all("x-mine").iter().collect();
        assert_eq!(mine, ["1", "2"], "each once");
        assert_eq!(
            answer.headers.get_all("x-says").iter().count(),
            usize::from(theirs)
        );

        let problem = answer.json();
        assert_eq!(problem["fields"]["name"], "too short");
        assert_eq!(problem["status"], 418, "not to be overwritten");
        let (kind, title) = match theirs {
            true => ("https://example.org/says", "Said"),
            false => ("about:blank", "I'm a teapot"),
        };
        assert_eq!(
            (&problem["type"], &problem["title"]),
            (&json!(kind), &json!(title))
        );
        assert_eq!(problem.get("said").is_some(), theirs);
    }
}

#[tokio::test]
async fn a_status_below_400_is_reported_as_the_bug_it_is() {
    let log = Log::start();
    answer(&ErrorLayer::new(), Error::known(Says(200))).await;
    let line = log.only();
    assert_eq!(
        line.field("hint"),
        "an error cannot be answered with 200 OK; sent 500"
    );
    assert_eq!(line.field("status"), "500");
}

#[tokio::test]
async fn development_hints_at_what_was_not_recognised() {
    for (development, hinted) in [(true, true), (false, false)] {
        let log = Log::start();
        answer(
            &ErrorLayer::new().development(development),
            Error::new(Signup::Taken),
        )
        .await;
        let line = log.only();
        assert_eq!(line.field("hint").contains("ErrorLayer::recognize"), hinted);
        assert_eq!(line.field("origin"), "unknown");
    }
}

#[tokio::test]
async fn errors_of_services_are_resolved_too() {
    let log = Log::start();
    let answer = failing(
        &ErrorLayer::new(),
        tower::timeout::error::Elapsed::new(),
        get("/"),
    )
    .await;
    assert_eq!(answer.status, 503);
    assert_eq!(log.only().field("origin"), "service");

    let answer = failing(&rules(), Signup::Taken, get("/")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.detail().unwrap()),
        (409, "that name is taken".into())
    );

    let answer = failing(&ErrorLayer::new(), "private", get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (500, None));
}

#[cfg(feature = "anyhow")]
#[tokio::test]
async fn anyhow_is_kept_whole() {
    use anyhow::Context as _;

    let layer = rules();
    let taken = || anyhow::Error::new(Signup::Taken);
    let cases = [
        ("first link", taken(), 409),
        ("under a context", taken().context("private context"), 409),
        (
            "as a context",
            anyhow::Error::new(io_error()).context(gone()),
            410,
        ),
        ("a context is outside", taken().context(gone()), 410),
        ("nothing known", anyhow::anyhow!("private"), 500),
    ];
    for (name, error, status) in cases {
        let error = Error::new(error);
        let answer = answer(&layer, error).await;
        assert_eq!(answer.status, status, "{name}");
        assert!(!answer.body.contains("private"));
    }
    fn question_mark() -> mainstay_handler::Result<()> {
        Err(io_error()).context("opening")?;
        Ok(())
    }
    let error = question_mark().unwrap_err();
    let chain: Vec<String> = error.chain().map(|link| link.to_string()).collect();
    assert_eq!(chain, ["opening", "private text of io"]);
    assert!(error.downcast_ref::<io::Error>().is_some());
}
