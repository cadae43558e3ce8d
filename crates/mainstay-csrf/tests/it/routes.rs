//! Exemptions, protection of safe methods, WebSockets, deferred checks.

use std::sync::Arc;

use axum::{
    Router,
    routing::{any, post as on_post},
};
use bytes::Bytes;
use http::Method;
use mainstay_csrf::{
    Csrf, CsrfDeferred, CsrfForm, CsrfToken, CsrfVerified, Failure, KeyRing, Place,
};
use serde::Deserialize;

use crate::support::{App, Ask, Visit, ask, get, post, send};

fn modern() -> Csrf {
    Csrf::new(KeyRing::generate())
}

fn app(csrf: Csrf) -> App {
    App::behind(csrf.build().unwrap())
}

#[tokio::test]
async fn methods_are_safe_by_a_list_of_our_own() {
    for csrf in [modern(), Csrf::gorilla(KeyRing::generate())] {
        let app = app(csrf);
        for (method, code) in [
            ("GET", "passed"),
            ("HEAD", "passed"),
            ("OPTIONS", "passed"),
            ("TRACE", "passed"),
            ("QUERY", "cookie_missing"),
            ("POST", "cookie_missing"),
            ("PUT", "cookie_missing"),
            ("PATCH", "cookie_missing"),
            ("DELETE", "cookie_missing"),
            ("get", "cookie_missing"),
            ("PURGE", "cookie_missing"),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(
                app.send(ask(method.clone(), "/do")).await.code(),
                code,
                "{method}"
            );
        }
    }
    let query = Method::from_bytes(b"QUERY").unwrap();
    app(modern().query_is_safe(true))
        .send(ask(query, "/do"))
        .await
        .assert_passed();
}

#[tokio::test]
async fn a_route_is_exempt_as_the_router_knows_it() {
    let app = app(modern().exempt("/hook/{id}"));
    for (path, code) in [
        ("/hook/7", "passed"),
        ("/hook/a%2Fb", "passed"),
        ("/hook/7/", "cookie_missing"),
        ("/hook/7/form", "cookie_missing"),
        ("/hook/", "cookie_missing"),
        ("/hook/%7Bid%7D", "passed"),
        ("//hook/7", "cookie_missing"),
        ("/x/../hook/7", "cookie_missing"),
        ("/HOOK/7", "cookie_missing"),
        ("/hook", "cookie_missing"),
        ("/do", "cookie_missing"),
    ] {
        let answer = app.send(post(path).header("sec-fetch-site", "none")).await;
        assert_eq!(answer.code(), code, "{path}");
    }
}

#[tokio::test]
async fn requests_are_exempt_by_predicate_or_for_want_of_credentials() {
    let by_path = app(modern().exempt_when(|parts| parts.uri.path() == "/hook/7"));
    by_path.send(post("/hook/7")).await.assert_passed();
    by_path
        .send(post("/hook/8"))
        .await
        .assert_refused("cookie_missing");

    let bare = app(modern().exempt_without_credentials(true));
    bare.send(post("/do")).await.assert_passed();
    bare.send(post("/do").header("authorization", "Bearer x"))
        .await
        .assert_passed();
    bare.send(post("/do").header("authorization", "Basic x"))
        .await
        .assert_refused("cookie_missing");
    bare.send(post("/do").header("cookie", "a=1"))
        .await
        .assert_refused("cookie_missing");
}

#[tokio::test]
async fn a_safe_method_can_be_protected() {
    let app = app(modern()
        .protect("/plain")
        .protect_when(|parts| parts.uri.path() == "/logout"));
    let Visit { cookie, token } = app.visit().await;
    for path in ["/plain", "/logout"] {
        for (what, ask, code) in [
            (
                "a link of ours",
                get(path).header("sec-fetch-site", "same-origin"),
                "passed",
            ),
            (
                "by an old browser",
                get(path).header("referer", "https://app.test/x"),
                "passed",
            ),
            (
                "a foreign link",
                get(path).header("sec-fetch-site", "cross-site"),
                "cross_site",
            ),
            (
                "a sibling's",
                get(path).header("sec-fetch-site", "same-site"),
                "same_site",
            ),
            (
                "a foreign referer",
                get(path).header("referer", "https://evil.test/"),
                "referer_mismatch",
            ),
            (
                "typed",
                get(path).header("sec-fetch-site", "none"),
                "cookie_missing",
            ),
            ("nothing said", get(path), "cookie_missing"),
            (
                "nothing said, with a cookie",
                get(path).cookie(&cookie),
                "token_missing",
            ),
            (
                "a script",
                get(path).cookie(&cookie).token(&token),
                "passed",
            ),
        ] {
            assert_eq!(app.send(ask).await.code(), code, "{path}: {what}");
        }
    }
    app.send(get("/form").header("sec-fetch-site", "cross-site"))
        .await
        .assert_passed();
    let refused = app
        .send(get("/plain").header("sec-fetch-site", "cross-site"))
        .await;
    assert_eq!(refused.all("vary"), ["Sec-Fetch-Site", "Origin"]);
}

#[tokio::test]
async fn websockets_are_checked_by_origin_although_they_are_gets() {
    let csrf = || Csrf::new(KeyRing::generate()).trust_origin("https://ui.test");
    // With headers only, sites that have no TLS work too.
    for (csrf, over_http) in [
        (csrf(), "insecure_origin"),
        (
            Csrf::headers_only().trust_origin("https://ui.test"),
            "passed",
        ),
    ] {
        let app = app(csrf);
        let http1 = || {
            get("/do")
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
        };
        let capitals = || get("/do").header("upgrade", "h2c, WebSocket");
        let http2 =
            || ask(Method::CONNECT, "https://app.test/do").header("sec-websocket-version", "13");
        let kinds: [&dyn Fn() -> Ask; 3] = [&http1, &capitals, &http2];
        for start in kinds {
            for (headers, code) in [
                (vec![], "passed"),
                (vec![("origin", "https://app.test")], "passed"),
                (vec![("origin", "https://ui.test")], "passed"),
                // Whatever a browser thinks of wss beside https.
                (
                    vec![
                        ("origin", "https://app.test"),
                        ("sec-fetch-site", "same-site"),
                    ],
                    "passed",
                ),
                (vec![("origin", "https://evil.test")], "origin_mismatch"),
                (
                    vec![
                        ("origin", "https://evil.test"),
                        ("sec-fetch-site", "same-origin"),
                    ],
                    "origin_mismatch",
                ),
                (vec![("origin", "http://app.test")], over_http),
                (vec![("origin", "null")], "origin_mismatch"),
                (vec![("sec-fetch-site", "cross-site")], "cross_site"),
                (
                    vec![
                        ("origin", "https://app.test"),
                        ("origin", "https://app.test"),
                    ],
                    "origin_malformed",
                ),
            ] {
                let ask = headers
                    .iter()
                    .fold(start(), |ask, (name, value)| ask.header(name, value));
                assert_eq!(app.send(ask).await.code(), code, "{headers:?}");
            }
        }
        let ordinary = get("/do").header("origin", "https://evil.test");
        app.send(ordinary).await.assert_passed();
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

/// Routes whose handlers look for the token, one that forgets to, and one that is not deferred.
fn deferring(csrf: Csrf) -> Router {
    let ran = Arc::new(());
    Router::new()
        .route(
            "/form",
            any(|token: CsrfToken| async move { token.value().to_owned() }),
        )
        .route(
            "/typed",
            on_post(|CsrfForm(name): CsrfForm<Name>| async move { name.name }),
        )
        .route(
            "/strict",
            on_post(|CsrfForm(name): CsrfForm<Name>| async move { name.name }),
        )
        .route(
            "/raw",
            on_post(|deferred: CsrfDeferred, body: String| async move {
                deferred.verify(body.lines().next().unwrap_or_default(), Place::Form)?;
                Ok::<_, Failure>(format!("{} {}", deferred.is_open(), body.len()))
            }),
        )
        .route(
            "/proof",
            on_post(|verified: CsrfVerified| async move { format!("{:?}", verified.place()) }),
        )
        .route(
            "/forgot",
            on_post(move |_: Bytes| async move {
                let _ = &ran;
                "done"
            }),
        )
        .layer(
            csrf.defer("/typed")
                .defer("/raw")
                .defer("/forgot")
                .build()
                .unwrap(),
        )
}

async fn visit(router: &Router) -> Visit {
    let page = send(router, get("/form")).await;
    let cookie = page.set_cookies()[0].split(';').next().unwrap().to_owned();
    Visit {
        cookie,
        token: page.text(),
    }
}

#[tokio::test]
async fn a_deferred_form_finds_its_token_wherever_it_is() {
    let router = deferring(modern());
    let Visit { cookie, token } = visit(&router).await;
    let ask = |body: String| post("/typed").cookie(&cookie).form(body);
    let far = format!("name={}&csrf_token={token}", "n".repeat(100_000));
    assert_eq!(
        send(&router, ask(far)).await.assert_passed().text().len(),
        100_000
    );
    send(&router, ask("name=n".to_owned()))
        .await
        .assert_refused("token_missing");
    send(&router, ask("name=n&csrf_token=x".to_owned()))
        .await
        .assert_refused("token_malformed");
    let foreign = ask(format!("name=n&csrf_token={token}")).header("origin", "https://evil.test");
    send(&router, foreign)
        .await
        .assert_refused("origin_mismatch");
    let no_cookie = post("/typed").form(format!("csrf_token={token}&name=n"));
    send(&router, no_cookie)
        .await
        .assert_refused("cookie_missing");
    // A token in the header settles it before the form is read.
    send(&router, ask("name=n".to_owned()).token(&token))
        .await
        .assert_passed();
    send(
        &router,
        ask(format!("name=n&csrf_token={token}")).token("x"),
    )
    .await
    .assert_refused("token_malformed");
    let other = send(&router, ask(format!("nam=n&csrf_token={token}"))).await;
    assert_eq!(other.status, 422, "axum's own rejection");
}

#[tokio::test]
async fn a_form_that_denies_unknown_fields_never_sees_the_tokens() {
    let router = deferring(modern());
    let Visit { cookie, token } = visit(&router).await;
    let body = format!("csrf_token={token}&name=n");
    let answer = send(&router, post("/strict").cookie(&cookie).form(body)).await;
    assert_eq!(answer.assert_passed().text(), "n");
}

#[tokio::test]
async fn a_handler_can_verify_by_itself() {
    let router = deferring(modern());
    let Visit { cookie, token } = visit(&router).await;
    let ask = |body: String| post("/raw").cookie(&cookie).body(body);
    let good = send(&router, ask(format!("{token}\nrest"))).await;
    assert_eq!(
        good.assert_passed().text(),
        format!("false {}", token.len() + 5)
    );
    send(&router, ask("x\nrest".to_owned()))
        .await
        .assert_refused("token_malformed");
    send(&router, ask(String::new()))
        .await
        .assert_refused("token_missing");
}

#[tokio::test]
async fn a_check_that_was_forgotten_takes_the_answer_away() {
    let router = deferring(modern());
    let Visit { cookie, token } = visit(&router).await;
    let answer = send(&router, post("/forgot").cookie(&cookie).body("x")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text().as_str()),
        (500, "Internal Server Error\n")
    );
    let by_header = send(
        &router,
        post("/forgot").cookie(&cookie).token(&token).body("x"),
    )
    .await;
    assert_eq!(by_header.assert_passed().text(), "done");
}

#[tokio::test]
async fn report_only_holds_for_deferred_checks_too() {
    let router = deferring(modern().report_only(true));
    let Visit { cookie, .. } = visit(&router).await;
    let answer = send(&router, post("/typed").cookie(&cookie).form("name=n")).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "n"));
    assert_eq!(
        send(&router, post("/forgot").cookie(&cookie)).await.text(),
        "done"
    );
}

#[tokio::test]
async fn the_proof_is_only_there_where_a_check_was() {
    let csrf = modern().exempt("/proof");
    let exempt = deferring(csrf);
    assert_eq!(send(&exempt, post("/proof")).await.status, 500);

    let checked = deferring(modern());
    let Visit { cookie, token } = visit(&checked).await;
    let answer = send(&checked, post("/proof").cookie(&cookie).token(&token)).await;
    assert_eq!(answer.assert_passed().text(), "Some(Header)");

    let bare: Router = Router::new().route("/proof", on_post(|_: CsrfVerified| async {}));
    assert_eq!(send(&bare, post("/proof")).await.status, 500);
}

#[cfg(feature = "multipart")]
#[tokio::test]
async fn a_deferred_multipart_yields_nothing_before_the_token() {
    use axum::body::Body;
    use mainstay_csrf::{CsrfMultipart, CsrfMultipartError};

    async fn names(mut form: CsrfMultipart) -> Result<String, CsrfMultipartError> {
        let mut names = String::new();
        while let Some(field) = form.next_field().await? {
            names.push_str(field.name().unwrap_or("?"));
        }
        Ok(names)
    }
    let router = Router::new()
        .route(
            "/form",
            any(|token: CsrfToken| async move { token.value().to_owned() }),
        )
        .route("/names", on_post(names))
        .layer(modern().defer("/names").build().unwrap());
    let Visit { cookie, token } = visit(&router).await;
    let part = |name: &str, value: &str| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let ask = |parts: &[String]| {
        let body = Body::from(parts.concat() + "--XX--\r\n");
        post("/names").cookie(&cookie).multipart("XX", body)
    };
    let (csrf, a, b) = (part("csrf_token", &token), part("a", "1"), part("b", "2"));
    let good = send(&router, ask(&[csrf.clone(), a.clone(), b.clone()])).await;
    assert_eq!(good.assert_passed().text(), "ab");
    send(&router, ask(&[a.clone(), csrf.clone(), b]))
        .await
        .assert_refused("token_missing");
    send(&router, ask(&[part("csrf_token", "x"), a.clone()]))
        .await
        .assert_refused("token_malformed");
    let long = part("csrf_token", &"x".repeat(5000));
    send(&router, ask(&[long, a.clone()]))
        .await
        .assert_refused("token_malformed");
    send(&router, ask(&[]))
        .await
        .assert_refused("token_missing");
    let by_header = send(&router, ask(&[a]).token(&token)).await;
    assert_eq!(by_header.assert_passed().text(), "a");
}
