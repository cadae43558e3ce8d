//! The error type by itself.

use std::{error::Error as StdError, fmt, io, num::ParseIntError};

use axum::response::{IntoResponse as _, Redirect};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use mainstay_handler::{Error, OptionExt as _, Result, ResultExt as _, StatusError};

use crate::support::Log;

/// Prints its source in its own text, as many errors do.
#[derive(Debug)]
struct Wordy(io::Error);

impl fmt::Display for Wordy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query failed: {}", self.0)
    }
}

impl StdError for Wordy {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused")
}

#[test]
fn question_mark_takes_anything() {
    fn parse() -> Result<i32> {
        Ok("x".parse()?)
    }
    fn boxed() -> Result<()> {
        Err(Box::<dyn StdError + Send + Sync>::from("boxed"))?
    }
    fn text() -> Result<()> {
        Err("no template dir")?
    }
    fn string() -> Result<()> {
        Err(format!("no {}", "template"))?
    }
    let error = parse().unwrap_err();
    assert!(error.downcast_ref::<ParseIntError>().is_some());
    assert!(error.cause().is::<ParseIntError>());
    assert_eq!(boxed().unwrap_err().cause().to_string(), "boxed");
    assert_eq!(text().unwrap_err().cause().to_string(), "no template dir");
    assert_eq!(
        string().unwrap_err().into_cause().to_string(),
        "no template"
    );
}

#[test]
fn a_result_stays_small() {
    assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
}

#[test]
fn the_location_is_the_callers() {
    fn asked() -> Result<()> {
        Err(refused())?
    }
    let none: Option<()> = None;
    let failed = || Err::<(), _>(refused());
    let known = || Err::<(), _>(StatusError::new(StatusCode::GONE));
    let here = line!();
    let errors = [
        Error::new(refused()),
        Error::known(StatusError::new(StatusCode::GONE)),
        Error::from_status(StatusCode::GONE),
        Error::not_found("x"),
        Error::respond(Redirect::to("/")),
        none.or_not_found().unwrap_err(),
        none.or_status(StatusCode::GONE).unwrap_err(),
        failed().or_conflict().unwrap_err(),
        failed().status(StatusCode::GONE).unwrap_err(),
        failed().public("x").unwrap_err(),
        failed().note("x").unwrap_err(),
        failed().with_note(|| "x").unwrap_err(),
        known().http().unwrap_err(),
    ];
    for (at, error) in (here + 2..).zip(&errors) {
        assert_eq!(
            (error.location().file(), error.location().line()),
            (file!(), at)
        );
    }
    let line = asked().unwrap_err().location().line();
    assert!(
        line < here,
        "where `?` stands, not where the error was looked at"
    );
    assert!(
        asked()
            .unwrap_err()
            .location()
            .file()
            .ends_with("errors.rs")
    );
}

#[test]
fn the_chain_is_notes_then_cause_then_sources() {
    let error = Error::new(Wordy(refused())).note("inner").note("outer");
    let chain: Vec<String> = error.chain().map(|link| link.to_string()).collect();
    assert_eq!(
        chain,
        [
            "outer",
            "inner",
            "query failed: connection refused",
            "connection refused"
        ]
    );
    assert!(
        error.downcast_ref::<io::Error>().is_some(),
        "in the middle of the chain"
    );
}

#[test]
fn debug_reads_well() {
    let error = Error::new(Wordy(refused()))
        .note("loading")
        .with_status(StatusCode::CONFLICT);
    let text = format!("{error:?}");
    let (start, location) = text.split_once("\n\nat ").unwrap();
    assert_eq!(
        start,
        "loading (409 Conflict)\n\nCaused by:\n    query failed: connection refused"
    );
    assert!(location.contains("errors.rs:"));
}

#[test]
fn extensions_leave_success_alone() {
    fn ok() -> Result<i32, io::Error> {
        Ok(1)
    }
    fn never() -> &'static str {
        unreachable!("a note is made only for an error")
    }
    assert_eq!(ok().or_not_found().unwrap(), 1);
    assert_eq!(ok().with_note(never).unwrap(), 1);
    assert_eq!(Some(1).or_forbidden().unwrap(), 1);
    assert_eq!(Ok::<_, StatusError>(1).http().unwrap(), 1);
}

/// A value that JSON cannot hold.
#[test]
fn a_member_that_cannot_be_written_is_noted() {
    let keys = std::collections::BTreeMap::from([((1, 2), 3)]);
    let error = Error::bad_request("no").with_member("grid", keys);
    let chain: Vec<String> = error.chain().map(|link| link.to_string()).collect();
    assert!(
        chain[0].starts_with("problem member `grid` left out: "),
        "{chain:?}"
    );
}

#[tokio::test]
async fn without_a_layer_the_answer_is_plain_and_the_log_says_so() {
    let log = Log::start();
    let error = Error::new(refused())
        .with_status(StatusCode::SERVICE_UNAVAILABLE)
        .with_header(RETRY_AFTER, HeaderValue::from_static("9"));
    let response = error.into_response();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "9");
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    let body = axum::body::to_bytes(response.into_body(), 99)
        .await
        .unwrap();
    assert_eq!(body, "Service Unavailable");

    let line = log.only();
    assert_eq!(
        line.message(),
        "no ErrorLayer handled this error: HTTP 503 - connection refused"
    );
    assert_eq!(line.level, tracing::Level::ERROR);
    assert_eq!(line.field("kind"), "std::io::error::Error");
    assert!(line.field("location").contains("errors.rs:"));
}

#[test]
fn a_redirect_without_a_layer_is_no_error() {
    let log = Log::start();
    let response = Error::respond(Redirect::to("/login")).into_response();
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()["location"], "/login");
    drop(response);
    assert!(log.lines().is_empty());
}
