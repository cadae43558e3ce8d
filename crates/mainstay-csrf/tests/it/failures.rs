//! Every code is reached, and each guard is once the only thing that refuses: the same request
//! passes as soon as that one thing is put right.

use std::{
    collections::BTreeSet,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::Limited;
use mainstay_csrf::{Csrf, Failure, Key, KeyRing};

use crate::support::{App, Ask, Visit, post};

/// A request that is refused, and the one that passes; what differs between them is the guard.
struct Guard {
    code: &'static str,
    status: u16,
    bad: (App, Request<Body>),
    good: (App, Request<Body>),
}

fn modern(keys: &KeyRing) -> Csrf {
    Csrf::new(keys.clone())
}

fn build(csrf: Csrf) -> App {
    App::behind(csrf.build().unwrap())
}

async fn guards() -> Vec<Guard> {
    let keys = KeyRing::generate();
    let app = build(modern(&keys));
    let Visit { cookie, token } = app.visit().await;
    let other = app.visit().await;
    let full = || post("/do").cookie(&cookie).token(&token);
    let form = |body: String| post("/do").cookie(&cookie).form(body);
    let good = || (app.clone(), full().into());
    let mut guards = Vec::new();
    let mut refused = |code, status, app: &App, ask: Ask| {
        guards.push(Guard {
            code,
            status,
            bad: (app.clone(), ask.into()),
            good: good(),
        });
    };

    refused(
        "cross_site",
        403,
        &app,
        full().header("sec-fetch-site", "cross-site"),
    );
    refused(
        "same_site",
        403,
        &app,
        full().header("sec-fetch-site", "same-site"),
    );
    refused(
        "origin_mismatch",
        403,
        &app,
        full().header("origin", "https://evil.test"),
    );
    refused(
        "origin_malformed",
        403,
        &app,
        full().header("origin", "https://app.test/x"),
    );
    refused(
        "referer_mismatch",
        403,
        &app,
        full().header("referer", "https://evil.test/"),
    );
    refused(
        "insecure_origin",
        403,
        &app,
        full().header("origin", "http://app.test"),
    );
    let strict = build(Csrf::headers_only().demand_headers(true));
    refused("headers_missing", 403, &strict, post("/do"));
    refused("cookie_missing", 403, &app, post("/do").token(&token));
    refused(
        "cookie_malformed",
        403,
        &app,
        post("/do").cookie("__Host-csrf=x").token(&token),
    );
    let two = format!("{cookie}; {cookie}");
    refused(
        "cookie_duplicate",
        403,
        &app,
        post("/do").cookie(&two).token(&token),
    );
    refused("token_missing", 403, &app, post("/do").cookie(&cookie));
    refused(
        "token_malformed",
        403,
        &app,
        post("/do").cookie(&cookie).token("x"),
    );
    refused(
        "token_mismatch",
        403,
        &app,
        post("/do").cookie(&cookie).token(&other.token),
    );
    let elsewhere = KeyRing::new(Key::generate()).unwrap();
    refused("token_key_unknown", 403, &build(modern(&elsewhere)), full());
    refused(
        "token_scope",
        403,
        &build(modern(&keys).require_scope_when(|_| true)),
        full(),
    );
    let late = || SystemTime::now() + Duration::from_secs(61);
    let aged = modern(&keys)
        .max_token_age(Duration::from_secs(60))
        .clock(late);
    refused("token_expired", 403, &build(aged), full());
    let in_session = modern(&keys).session(|_| Some(b"ann"[..].into()));
    refused("stale_session", 403, &build(in_session), full());
    let far = format!("{}csrf_token={token}", "a=1&".repeat(20_000));
    refused("token_beyond_limit", 403, &app, form(far));
    let encoded = form(format!("csrf_token={token}")).header("content-encoding", "gzip");
    refused("body_encoded", 415, &app, encoded);
    let long = Body::from("a=1&".repeat(100));
    refused(
        "body_unreadable",
        413,
        &app,
        post("/do")
            .cookie(&cookie)
            .form(Body::new(Limited::new(long, 10))),
    );
    let impatient = modern(&keys).body_time_limit(|| std::future::ready(()));
    let never = post("/do").cookie(&cookie).form(Body::new(Never));
    refused("body_too_slow", 408, &build(impatient), never);
    refused(
        "session_unavailable",
        500,
        &build(modern(&keys).session_binding(Missing)),
        full(),
    );
    guards.extend(gorilla_guards().await);
    guards
}

/// The codes that only signed cookies have.
async fn gorilla_guards() -> Vec<Guard> {
    let keys = KeyRing::generate();
    let app = build(Csrf::gorilla(keys.clone()));
    let Visit { cookie, token } = app.visit().await;
    let full = || -> Request<Body> { post("/do").cookie(&cookie).token(&token).into() };
    let late = || SystemTime::now() + Duration::from_secs(43_300);
    let expired = build(Csrf::gorilla(keys).clock(late));
    let forged = build(Csrf::gorilla(Key::generate()));
    let guard = |code, bad: App| Guard {
        code,
        status: 403,
        bad: (bad, full()),
        good: (app.clone(), full()),
    };
    vec![
        guard("cookie_expired", expired),
        guard("cookie_forged", forged),
    ]
}

/// A body that does not come.
struct Never;

impl http_body::Body for Never {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        Poll::Pending
    }
}

struct Missing;

impl mainstay_csrf::Binding for Missing {
    fn current<'a>(
        &self,
        _: &'a http::request::Parts,
    ) -> Result<Option<std::borrow::Cow<'a, [u8]>>, mainstay_csrf::SessionUnavailable> {
        Err(mainstay_csrf::SessionUnavailable::new("the test's session"))
    }
}

#[tokio::test]
async fn each_guard_is_once_the_only_one_that_refuses() {
    for Guard {
        code,
        status,
        bad,
        good,
    } in guards().await
    {
        let (app, request) = bad;
        let before = app.calls();
        let answer = app.send(request).await;
        answer.assert_refused(code);
        assert_eq!(
            answer.status,
            StatusCode::from_u16(status).unwrap(),
            "{code}"
        );
        assert_eq!(app.calls(), before, "{code}: the handler must not run");

        let (app, request) = good;
        let answer = app.send(request).await;
        assert_eq!(answer.code(), "passed", "without the reason for {code}");
    }
}

#[tokio::test]
async fn every_code_is_reached() {
    let reached: BTreeSet<_> = guards().await.iter().map(|guard| guard.code).collect();
    // The codes as the source has them.
    let source = include_str!("../../src/failure.rs");
    let codes =
        &source[source.find("pub fn code(").unwrap()..source.find("pub fn status(").unwrap()];
    let all: BTreeSet<_> = codes.split('"').skip(1).step_by(2).collect();
    assert!(all.len() >= 23, "{all:?}");
    let missing: Vec<_> = all.difference(&reached).collect();
    assert!(missing.is_empty(), "no test for {missing:?}");
}

#[tokio::test]
async fn no_answer_gives_a_secret_away() {
    let mut looked_for = 0;
    for Guard {
        code,
        bad: (app, request),
        ..
    } in guards().await
    {
        let mut secrets = Vec::new();
        for name in ["cookie", "x-csrf-token"] {
            for value in request.headers().get_all(name) {
                let value = value.to_str().unwrap();
                secrets.extend(
                    value
                        .split(['=', ';', ' '])
                        .filter(|part| part.len() > 20)
                        .map(str::to_owned),
                );
            }
        }
        looked_for += secrets.len();
        let answer = app.send(request).await;
        let failure = answer.response.extensions().get::<Failure>().unwrap();
        let shown = [
            ("the body", answer.text()),
            ("the headers", format!("{:?}", answer.response.headers())),
            ("the failure", format!("{failure:?} {failure}")),
        ];
        for secret in secrets {
            for (what, text) in &shown {
                assert!(!text.contains(&secret), "{code}: {what}: {text}");
            }
        }
    }
    assert!(looked_for >= 2 * 15, "only {looked_for} secrets");
}
