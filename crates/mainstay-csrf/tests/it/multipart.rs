//! `CsrfMultipart`: what it yields, and when.

use std::fmt::Write as _;

use axum::{Router, body::Body, routing::any};
use bytes::Bytes;
use http_body::Frame;
use mainstay_csrf::{Csrf, CsrfMultipart, CsrfMultipartError, CsrfToken, KeyRing};

use crate::{
    answers::Log,
    body::Frames,
    deferred::visit,
    support::{Ask, Visit, post, send},
};

fn modern() -> Csrf {
    Csrf::new(KeyRing::generate())
}

/// Answers with what it got: `name=value;`, long values by their length.
async fn fields(mut form: CsrfMultipart) -> Result<String, CsrfMultipartError> {
    let mut fields = String::new();
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or("?").to_owned();
        let value = field.text().await?;
        let value = match value.len() {
            0..=10 => value,
            long => long.to_string(),
        };
        let _ = write!(fields, "{name}={value};");
    }
    Ok(fields)
}

fn router(csrf: Csrf) -> Router {
    Router::new()
        .route(
            "/form",
            any(|token: CsrfToken| async move { token.value().to_owned() }),
        )
        .route("/up", any(fields))
        .layer(csrf.build().unwrap())
}

fn part(name: &str, value: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn up(parts: &[&str]) -> Ask {
    post("/up").multipart("XX", parts.concat() + "--XX--\r\n")
}

/// In frames of so many bytes.
fn framed(text: &str, size: usize) -> Body {
    let pieces = text.as_bytes().chunks(size);
    let frames = pieces.map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))));
    Body::new(Frames::new(frames.collect()))
}

#[tokio::test]
async fn report_only_hands_out_every_field_but_the_tokens() {
    let router = router(modern().defer("/up").report_only(true));
    let Visit { cookie, token } = visit(&router).await;
    let (a, b) = (part("a", "1"), part("b", "2"));
    let long = part("a", &"x".repeat(100_000));
    let good = part("csrf_token", &token);
    let bad = part("csrf_token", "x");
    for (parts, seen, code) in [
        (vec![&*a, &b], "a=1;b=2;", "token_missing"),
        (vec![&good, &a, &b], "a=1;b=2;", "passed"),
        (vec![&bad, &a, &b], "a=1;b=2;", "token_malformed"),
        (vec![&long, &b], "a=100000;b=2;", "token_missing"),
        (vec![&good, &long, &b], "a=100000;b=2;", "passed"),
        (vec![], "", "token_missing"),
    ] {
        for size in [1 << 20, 1000, 7] {
            let text = parts.concat() + "--XX--\r\n";
            let ask = post("/up")
                .cookie(&cookie)
                .multipart("XX", framed(&text, size));
            let answer = send(&router, ask).await;
            assert_eq!(
                (
                    answer.status.as_u16(),
                    answer.text().as_str(),
                    answer.code()
                ),
                (200, seen, code),
                "in frames of {size}"
            );
        }
    }
}

#[tokio::test]
async fn where_nothing_is_deferred_it_is_axums() {
    let (a, b) = (part("a", "1"), part("b", "2"));
    for csrf in [
        modern().exempt("/up"),
        modern().exempt_without_credentials(true),
        modern().defer("/up").exempt("/up"),
        modern().report_only(true),
    ] {
        let answer = send(&router(csrf), up(&[&a, &b])).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text().as_str()),
            (200, "a=1;b=2;")
        );
    }
    let checked = router(modern());
    let Visit { cookie, token } = visit(&checked).await;
    let field = part("csrf_token", &token);
    let answer = send(&checked, up(&[&field, &a]).cookie(&cookie)).await;
    assert_eq!(answer.assert_passed().text(), "csrf_token=72;a=1;");
    send(&checked, up(&[&a]).cookie(&cookie))
        .await
        .assert_refused("token_missing");
}

#[tokio::test]
async fn a_body_that_is_no_form_is_the_clients_fault() {
    let router = router(modern().defer("/up"));
    let Visit { cookie, token } = visit(&router).await;
    let whole = part("csrf_token", &token);
    for (what, ask, code) in [
        (
            "broken off in the first part's headers",
            post("/up").multipart("XX", whole[..20].to_owned()),
            "body_unreadable",
        ),
        (
            "broken off in the token",
            post("/up").multipart("XX", whole[..80].to_owned()),
            "body_unreadable",
        ),
        (
            "another type",
            post("/up").header("content-type", "text/plain").body("x"),
            "token_missing",
        ),
        (
            "no boundary",
            post("/up")
                .header("content-type", "multipart/form-data")
                .body("x"),
            "token_missing",
        ),
    ] {
        let log = Log::default();
        let guard = log.listen();
        let answer = send(&router, ask.cookie(&cookie)).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        let lines = log.lines().join("\n");
        assert!(
            lines.contains(code) && !lines.contains("ERROR"),
            "{what}: {lines}"
        );
        drop(guard);
    }
}

#[tokio::test]
async fn asked_again_after_a_refusal_it_refuses_again() {
    async fn stubborn(mut form: CsrfMultipart) -> String {
        let mut refused = 0;
        for _ in 0..3 {
            refused += usize::from(matches!(
                form.next_field().await,
                Err(CsrfMultipartError::Refused(_))
            ));
        }
        refused.to_string()
    }
    let router = Router::new()
        .route(
            "/form",
            any(|token: CsrfToken| async move { token.value().to_owned() }),
        )
        .route("/up", any(stubborn))
        .layer(modern().defer("/up").build().unwrap());
    let Visit { cookie, .. } = visit(&router).await;
    let (a, b) = (part("a", "1"), part("b", "2"));
    let answer = send(&router, up(&[&a, &b, &a, &b]).cookie(&cookie)).await;
    assert_eq!(answer.text(), "3");
}
