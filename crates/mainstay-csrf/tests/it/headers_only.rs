//! Go's decision table, and tower-http's port of it as an oracle.

use axum::{Router, body::Body, routing::any};
use http::{Method, Request};
use mainstay_csrf::{Csrf, Failure};
use tower::ServiceExt;

use crate::support::{App, ask, get, post, send};

fn app() -> App {
    App::behind(
        Csrf::headers_only()
            .trust_origin("https://ui.test")
            .build()
            .unwrap(),
    )
}

const SITES: [Option<&str>; 7] = [
    None,
    Some(""),
    Some("same-origin"),
    Some("none"),
    Some("same-site"),
    Some("cross-site"),
    Some("Same-Origin"),
];

const ORIGINS: [Option<&str>; 12] = [
    None,
    Some(""),
    Some("https://app.test"),
    Some("http://app.test"),
    Some("https://app.test:443"),
    Some("https://app.test:8443"),
    Some("https://APP.test"),
    Some("https://evil.test"),
    Some("https://ui.test"),
    Some("http://ui.test"),
    Some("null"),
    Some("rubbish"),
];

/// The table of Go 1.25, row by row.
fn go(site: Option<&str>, origin: Option<&str>) -> bool {
    let trusted = origin == Some("https://ui.test");
    match site {
        Some("same-origin" | "none") => true,
        None | Some("") => match origin {
            None | Some("") => true,
            Some("https://app.test" | "http://app.test") => true,
            _ => trusted,
        },
        Some(_) => trusted,
    }
}

#[tokio::test]
async fn every_row_is_as_in_go() {
    let app = app();
    for method in [
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::from_bytes(b"post").unwrap(),
    ] {
        for site in SITES {
            for origin in ORIGINS {
                let mut ask = ask(method.clone(), "/do");
                if let Some(site) = site {
                    ask = ask.header("sec-fetch-site", site);
                }
                if let Some(origin) = origin {
                    ask = ask.header("origin", origin);
                }
                let answer = app.send(ask).await;
                let passed = answer.code() == "passed";
                assert_eq!(
                    passed,
                    go(site, origin),
                    "{method} {site:?} {origin:?}: {}",
                    answer.code()
                );
                assert!(answer.set_cookies().is_empty() && answer.all("vary").is_empty());
            }
        }
    }
}

#[tokio::test]
async fn tower_http_agrees() {
    let theirs = tower_http::csrf::CsrfLayer::new()
        .add_trusted_origin("https://ui.test")
        .unwrap();
    let theirs = Router::new().fallback(any(|| async { "ok" })).layer(theirs);
    let ours = app();
    for method in [
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::POST,
        Method::DELETE,
    ] {
        for site in SITES {
            for origin in ORIGINS {
                let request = || {
                    let mut request = Request::builder()
                        .method(&method)
                        .uri("/do")
                        .header("host", "app.test");
                    for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                        if let Some(value) = value {
                            request = request.header(name, value);
                        }
                    }
                    request.body(Body::empty()).unwrap()
                };
                let they = theirs.clone().oneshot(request()).await.unwrap().status();
                let we = ours.send(request()).await.status;
                assert_eq!(we, they, "{method} {site:?} {origin:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_reason_is_told() {
    for (site, origin, code) in [
        (Some("cross-site"), None, "cross_site"),
        (Some("same-site"), Some("https://app.test"), "same_site"),
        (Some("unknown"), None, "cross_site"),
        (None, Some("https://evil.test"), "origin_mismatch"),
        (None, Some("null"), "origin_mismatch"),
        (None, Some("rubbish"), "origin_malformed"),
    ] {
        let mut ask = post("/do");
        for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
            if let Some(value) = value {
                ask = ask.header(name, value);
            }
        }
        app().send(ask).await.assert_refused(code);
    }
}

#[tokio::test]
async fn headers_that_come_twice_are_refused() {
    let twice = |name: &str, value: &str| post("/do").header(name, value).header(name, value);
    app()
        .send(twice("sec-fetch-site", "same-origin"))
        .await
        .assert_refused("origin_malformed");
    app()
        .send(twice("origin", "https://app.test"))
        .await
        .assert_refused("origin_malformed");
    let hosts = twice("host", "app.test").header("sec-fetch-site", "same-origin");
    app().send(hosts).await.assert_refused("origin_malformed");
}

#[tokio::test]
async fn the_headers_can_be_demanded() {
    let app = App::behind(Csrf::headers_only().demand_headers(true).build().unwrap());
    app.send(post("/do"))
        .await
        .assert_refused("headers_missing");
    app.send(post("/do").header("sec-fetch-site", "same-origin"))
        .await
        .assert_passed();
    app.send(post("/do").header("origin", "https://app.test"))
        .await
        .assert_passed();
    app.send(get("/do")).await.assert_passed();
}

#[tokio::test]
async fn a_configured_origin_is_compared_with_its_scheme() {
    let app = App::behind(
        Csrf::headers_only()
            .own_origin("https://www.test")
            .build()
            .unwrap(),
    );
    app.send(post("/do").header("origin", "https://www.test"))
        .await
        .assert_passed();
    app.send(post("/do").header("origin", "http://www.test"))
        .await
        .assert_refused("insecure_origin");
    app.send(post("/do").header("origin", "https://app.test"))
        .await
        .assert_refused("origin_mismatch");
}

#[tokio::test]
async fn there_is_no_token_and_the_same_template_works() {
    let router: Router = Router::new()
        .route(
            "/form",
            any(|token: mainstay_csrf::CsrfToken| async move {
                format!("[{}{}{}]", token.field(), token.meta(), token.value())
            }),
        )
        .layer(Csrf::headers_only().build().unwrap());
    let answer = send(&router, get("/form")).await;
    assert_eq!(answer.text(), "[]");
    assert!(answer.set_cookies().is_empty() && answer.all("vary").is_empty());
}

#[test]
fn the_codes_are_those_of_the_origin_layer() {
    assert!(Failure::HeadersMissing.is_foreign());
}
