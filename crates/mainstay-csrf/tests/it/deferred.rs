//! Checks that the handler finishes: what it may see, what goes wrong, and who answers then.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::Path,
    http::StatusCode,
    routing::{any, post as on_post},
};
use http::Method;
use mainstay_csrf::{
    Csrf, CsrfDeferred, CsrfForm, CsrfToken, CsrfVerified, Failure, KeyRing, Place,
};
use serde::Deserialize;

use crate::{
    answers::Log,
    support::{Ask, Visit, ask, get, post, send},
};

fn modern() -> Csrf {
    Csrf::new(KeyRing::generate())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

/// What the handlers of these tests did.
#[derive(Clone, Default)]
struct Ran(Arc<AtomicUsize>);

impl Ran {
    fn again(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn router(csrf: Csrf, ran: &Ran) -> Router {
    let form = ran.clone();
    Router::new()
        .route(
            "/form",
            any(|token: CsrfToken| async move { token.value().to_owned() }),
        )
        .route(
            "/typed",
            any(|CsrfForm(name): CsrfForm<Name>| async move {
                form.again();
                name.name
            }),
        )
        .route("/posted", on_post(|_: CsrfForm<Name>| async {}))
        .route(
            "/raw",
            any(|deferred: CsrfDeferred, body: String| async move {
                let token = body.lines().next().unwrap_or_default();
                let verified = deferred.verify(token, Place::Form)?;
                Ok::<_, Failure>(format!("{:?}", verified.place()))
            }),
        )
        .route(
            "/debug",
            any(|deferred: CsrfDeferred| async move {
                let shown = format!("{deferred:#?}");
                let _ = deferred.verify("", Place::Form);
                (StatusCode::IM_A_TEAPOT, shown)
            }),
        )
        .route(
            "/numbered/{number}",
            any(|Path(_): Path<u8>, _: CsrfForm<Name>| async {}),
        )
        .route(
            "/status/{status}",
            any(|Path(status): Path<u16>| async move {
                (StatusCode::from_u16(status).unwrap(), "as it was")
            }),
        )
        .route("/proof", any(|_: CsrfVerified| async { "proof" }))
        .layer(
            csrf.defer("/typed")
                .defer("/posted")
                .defer("/raw")
                .defer("/debug")
                .defer("/numbered/{number}")
                .defer("/status/{status}")
                .build()
                .unwrap(),
        )
}

pub(crate) async fn visit(router: &Router) -> Visit {
    let page = send(router, get("/form")).await;
    let cookie = page.set_cookies()[0].split(';').next().unwrap().to_owned();
    Visit {
        cookie,
        token: page.text(),
    }
}

#[tokio::test]
async fn what_a_deferred_check_shows_of_itself_holds_no_secret() {
    let router = router(modern(), &Ran::default());
    let Visit { cookie, .. } = visit(&router).await;
    let ask = post("/debug")
        .cookie(&format!("{cookie}; sid=the-session"))
        .header("authorization", "Bearer the-bearer");
    let answer = send(&router, ask).await;
    assert_eq!(answer.status, 418);
    let (shown, secret) = (answer.text(), cookie.split('=').nth(1).unwrap());
    assert!(shown.contains("CsrfDeferred"), "{shown}");
    for secret in [secret, "the-session", "the-bearer"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn report_only_passes_what_the_handler_verifies() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let counted = Arc::clone(&seen);
    let csrf = modern()
        .report_only(true)
        .exempt_when(|parts| parts.headers.contains_key("x-exempt"))
        .observe(move |code| counted.lock().unwrap().push(code));
    let router = router(csrf, &Ran::default());
    let Visit { cookie, token } = visit(&router).await;
    let raw = |body: &str| post("/raw").cookie(&cookie).body(body.to_owned());
    for (ask, code) in [
        (raw(&token), "passed"),
        (raw("x"), "token_malformed"),
        (raw(""), "token_missing"),
        (
            raw(&token).header("origin", "https://evil.test"),
            "origin_mismatch",
        ),
        (post("/raw").body(token.clone()), "cookie_missing"),
    ] {
        seen.lock().unwrap().clear();
        let answer = send(&router, ask).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (200, code));
        let counted = seen.lock().unwrap().join(" ");
        assert_eq!(counted, code.replace("passed", ""));
    }
    let exempt = send(&router, raw("x").header("x-exempt", "")).await;
    assert_eq!(exempt.status, 200, "{}", exempt.text());
}

#[tokio::test]
async fn errors_of_the_client_stay_errors_of_the_client() {
    let (ran, log) = (Ran::default(), Log::default());
    let router = router(modern(), &ran);
    let Visit { cookie, token } = visit(&router).await;
    let form = |path: &str, body: String| post(path).cookie(&cookie).form(body);
    let huge = format!("csrf_token={token}&name={}", "n".repeat(3 << 20));
    let guard = log.listen();
    for (what, ask, status) in [
        ("a body beyond axum's limit", form("/typed", huge), 413),
        (
            "a method that the router refuses",
            ask(Method::DELETE, "/posted").cookie(&cookie),
            405,
        ),
        (
            "a rejection before the form's turn",
            form("/numbered/x", format!("csrf_token={token}&name=n")),
            400,
        ),
        (
            "another layer's word",
            form("/status/401", String::new()),
            401,
        ),
        ("an overload", form("/status/503", String::new()), 503),
    ] {
        let answer = send(&router, ask).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
    }
    let errors: Vec<_> = log.lines();
    assert!(
        !errors.iter().any(|line| line.contains("ERROR")),
        "{errors:?}"
    );
    // The body that could not be read is a refusal like any other.
    assert!(
        errors.iter().any(|line| line.contains("body_unreadable")),
        "{errors:?}"
    );
    drop(guard);
    assert_eq!(ran.times(), 0);
}

#[tokio::test]
async fn what_looks_like_success_is_still_taken_away() {
    let router = router(modern(), &Ran::default());
    let Visit { cookie, token } = visit(&router).await;
    for status in [200, 201, 204, 303, 304, 101] {
        let path = format!("/status/{status}");
        let log = Log::default();
        let guard = log.listen();
        let answer = send(&router, post(&path).cookie(&cookie)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text().as_str()),
            (500, "Internal Server Error\n"),
            "{status}"
        );
        let lines = log.lines().join("\n");
        assert!(
            lines.contains("ERROR") && lines.contains("never finished"),
            "{lines}"
        );
        drop(guard);
        let checked = send(&router, post(&path).cookie(&cookie).token(&token)).await;
        assert_eq!(checked.status, status);
    }
}

#[tokio::test]
async fn report_only_says_that_a_check_was_forgotten() {
    let router = router(modern().report_only(true), &Ran::default());
    let Visit { cookie, .. } = visit(&router).await;
    let log = Log::default();
    let guard = log.listen();
    let answer = send(&router, post("/status/200").cookie(&cookie)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text().as_str()),
        (200, "as it was")
    );
    let lines = log.lines().join("\n");
    assert!(
        lines.contains("ERROR") && lines.contains("never finished"),
        "{lines}"
    );
    drop(guard);
}

/// Requests whose refusal is the handler's to find, and the code of it.
fn refused_late(visit: &Visit) -> Vec<(Ask, &'static str)> {
    let Visit { cookie, .. } = visit;
    vec![
        (
            post("/typed").cookie(cookie).form("name=n"),
            "token_missing",
        ),
        (
            post("/typed").cookie(cookie).form("name=n&csrf_token=x"),
            "token_malformed",
        ),
        (post("/raw").cookie(cookie).body("x"), "token_malformed"),
    ]
}

#[tokio::test]
async fn a_late_refusal_has_the_answer_of_an_early_one() {
    let csrf = modern().on_reject(|failure, parts| {
        let path = parts.uri.path();
        (
            StatusCode::IM_A_TEAPOT,
            format!("{} {path}", failure.code()),
        )
    });
    let closure = router(csrf, &Ran::default());
    for (ask, code) in refused_late(&visit(&closure).await) {
        let answer = send(&closure, ask).await;
        answer.assert_refused(code);
        assert_eq!(answer.status, 418);
        assert!(
            answer.text().starts_with(&format!("{code} /")),
            "{}",
            answer.text()
        );
    }

    let plain = router(modern(), &Ran::default());
    for (ask, code) in refused_late(&visit(&plain).await) {
        let answer = send(&plain, ask.header("accept", "text/html")).await;
        answer.assert_refused(code);
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(answer.all("cache-control"), ["no-store"]);
    }

    let gorilla = router(Csrf::gorilla(KeyRing::generate()), &Ran::default());
    let visit = visit(&gorilla).await;
    let answer = send(
        &gorilla,
        post("/typed").cookie(&visit.cookie).form("name=n"),
    )
    .await;
    assert_eq!(
        answer.text(),
        "Forbidden - CSRF token not found in request\n"
    );
}

#[tokio::test]
async fn a_handler_for_refusals_gets_late_ones_with_a_new_token() {
    async fn again(failure: Failure, token: CsrfToken) -> String {
        format!("{}\n{}", failure.code(), token.value())
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let counted = Arc::clone(&seen);
    let csrf = modern()
        .on_reject_handler(again)
        .observe(move |code| counted.lock().unwrap().push(code));
    let router = router(csrf, &Ran::default());
    let visit = visit(&router).await;
    for (ask, code) in refused_late(&visit) {
        seen.lock().unwrap().clear();
        let answer = send(&router, ask).await;
        answer.assert_refused(code);
        assert_eq!(answer.status, 403);
        let text = answer.text();
        let (first, token) = text.split_once('\n').unwrap();
        assert_eq!(first, code);
        assert_eq!(*seen.lock().unwrap(), [code], "counted once");
        send(&router, post("/proof").cookie(&visit.cookie).token(token))
            .await
            .assert_passed();
    }
}

#[tokio::test]
async fn an_answer_that_the_handler_made_of_a_failure_stays_its_own() {
    async fn own(deferred: CsrfDeferred) -> (StatusCode, Json<&'static str>) {
        let failure = deferred.verify("x", Place::Form).unwrap_err();
        (StatusCode::UNPROCESSABLE_ENTITY, Json(failure.code()))
    }
    let router = Router::new()
        .route(
            "/form",
            any(|token: CsrfToken| async move { token.value().to_owned() }),
        )
        .route("/own", any(own))
        .layer(
            modern()
                .defer("/own")
                .on_reject(|_, _| "not this one")
                .build()
                .unwrap(),
        );
    let Visit { cookie, .. } = visit(&router).await;
    let answer = send(&router, post("/own").cookie(&cookie)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text().as_str()),
        (422, "\"token_malformed\"")
    );
}

#[tokio::test]
async fn a_form_in_a_query_is_not_seen_before_the_check() {
    for method in [Method::GET, Method::HEAD] {
        let ran = Ran::default();
        let router = router(modern().protect("/typed"), &ran);
        let Visit { cookie, token } = visit(&router).await;
        let link = || ask(method.clone(), "/typed?name=n").cookie(&cookie);
        send(&router, link()).await.assert_refused("token_missing");
        let in_query = format!("/typed?name=n&csrf_token={token}");
        send(&router, ask(method.clone(), &in_query).cookie(&cookie))
            .await
            .assert_refused("token_missing");
        assert_eq!(ran.times(), 0, "{method}");
        // axum has no form for HEAD.
        let passes = if method == Method::GET { 200 } else { 415 };
        for ask in [
            link().token(&token),
            link().header("sec-fetch-site", "same-origin"),
        ] {
            let answer = send(&router, ask).await;
            assert_eq!((answer.code(), answer.status.as_u16()), ("passed", passes));
        }
    }
}

#[tokio::test]
async fn a_plus_is_a_blank_in_a_form() {
    let ran = Ran::default();
    let named = router(modern().field_name("csrf token"), &ran);
    let Visit { cookie, token } = visit(&named).await;
    for name in ["csrf+token", "csrf%20token", "csr%66+token"] {
        let body = format!("{name}={token}&name=n");
        let answer = send(&named, post("/typed").cookie(&cookie).form(body)).await;
        assert_eq!(answer.assert_passed().text(), "n", "{name}");
    }
    // As gorilla has it: a token has to be escaped in a form, deferred or not.
    let gorilla = router(Csrf::gorilla(KeyRing::generate()), &ran);
    let Visit { cookie, mut token } = visit(&gorilla).await;
    while !token.contains('+') {
        token = send(&gorilla, get("/form").cookie(&cookie)).await.text();
    }
    let form = |token: &str| {
        let body = format!("name=n&gorilla.csrf.Token={token}");
        post("/typed").cookie(&cookie).form(body)
    };
    send(&gorilla, form(&token))
        .await
        .assert_refused("token_malformed");
    send(&gorilla, form(&token.replace('+', "%2B")))
        .await
        .assert_passed();
}

#[tokio::test]
async fn the_tokens_endpoint_refuses_as_the_layer_does() {
    let app = |csrf: Csrf| {
        let token = any(mainstay_csrf::token_as_json);
        let router = Router::new().route("/token", token);
        router.layer(csrf.build().unwrap())
    };
    let stolen = || get("/token").header("sec-fetch-site", "cross-site");
    let custom = app(modern().on_reject(|failure, parts| {
        let path = parts.uri.path();
        (failure.status(), format!("{} {path}", failure.code()))
    }));
    let answer = send(&custom, stolen()).await;
    answer.assert_refused("cross_site");
    assert_eq!(answer.text(), "cross_site /token");
    assert_eq!(answer.all("vary"), ["Sec-Fetch-Site", "Origin"]);
    let plain = send(&app(modern()), stolen().header("accept", "text/html")).await;
    plain.assert_refused("cross_site");
    assert_eq!(
        plain.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(plain.set_cookies(), [""; 0]);
    let gorilla = send(&app(Csrf::gorilla(KeyRing::generate())), stolen()).await;
    assert_eq!(gorilla.text(), "Forbidden - origin invalid\n");
}
