//! The modern preset: cookie, token, origin.

use mainstay_csrf::{Csrf, KeyRing};

use crate::support::{App, get, post};

fn app() -> App {
    App::behind(Csrf::new(KeyRing::generate()).build().unwrap())
}

#[tokio::test]
async fn a_form_that_was_loaded_can_be_sent() {
    let app = app();
    let visit = app.visit().await;

    let body = format!("csrf_token={}&name=Ann+B", visit.token);
    let answer = app
        .send(post("/do").cookie(&visit.cookie).form(body.clone()))
        .await;

    answer.assert_passed();
    assert_eq!(answer.text(), body, "the handler got every byte");
    assert_eq!(app.calls(), 1);
}

#[tokio::test]
async fn a_script_sends_the_token_in_the_header_and_its_body_stays_untouched() {
    let app = app();
    let visit = app.visit().await;

    let ask = post("/do")
        .cookie(&visit.cookie)
        .token(&visit.token)
        .header("content-type", "application/json");
    let answer = app.send(ask.body("{\"a\":1}")).await;

    assert_eq!(answer.assert_passed().text(), "{\"a\":1}");
}

#[tokio::test]
async fn the_cookie_is_a_host_cookie_and_comes_once() {
    let app = app();
    let first = app.send(get("/form")).await;
    let set = first.set_cookies();

    assert_eq!(set.len(), 1);
    let (pair, attributes) = set[0].split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; Secure; SameSite=Lax");
    let (name, value) = pair.split_once('=').unwrap();
    assert_eq!((name, value.len()), ("__Host-csrf", 43));
    assert_eq!(first.all("vary"), ["Cookie"]);

    let second = app.send(get("/form").cookie(pair)).await;
    assert!(second.set_cookies().is_empty());
    assert_eq!(second.all("vary"), ["Cookie"]);
    assert_ne!(first.text(), second.text(), "never the same token twice");
}

#[tokio::test]
async fn a_page_that_asks_for_no_token_gets_neither_cookie_nor_vary() {
    let answer = app().send(get("/plain")).await;
    answer.assert_passed();
    assert!(answer.set_cookies().is_empty() && answer.all("vary").is_empty());
}

#[tokio::test]
async fn without_any_of_its_parts_a_request_is_refused_and_the_handler_does_not_run() {
    let app = app();
    let (visit, other) = (app.visit().await, app.visit().await);
    let (cookie, token) = (visit.cookie.as_str(), visit.token.as_str());
    let damaged = token.replacen(&token[40..44], "AAAA", 1);
    for (what, ask, code) in [
        ("nothing", post("/do"), "cookie_missing"),
        ("no cookie", post("/do").token(token), "cookie_missing"),
        ("no token", post("/do").cookie(cookie), "token_missing"),
        (
            "no field",
            post("/do").cookie(cookie).form("a=1"),
            "token_missing",
        ),
        (
            "empty field",
            post("/do").cookie(cookie).form("csrf_token="),
            "token_missing",
        ),
        (
            "query",
            post(&format!("/do?csrf_token={token}"))
                .cookie(cookie)
                .form("a=1"),
            "token_missing",
        ),
        (
            "json",
            post("/do")
                .cookie(cookie)
                .header("content-type", "application/json")
                .body(format!("csrf_token={token}")),
            "token_missing",
        ),
        (
            "rubbish",
            post("/do").cookie(cookie).token("rubbish"),
            "token_malformed",
        ),
        (
            "damaged",
            post("/do").cookie(cookie).token(&damaged),
            "token_mismatch",
        ),
        (
            "another's",
            post("/do").cookie(cookie).token(&other.token),
            "token_mismatch",
        ),
        (
            "another's cookie",
            post("/do").cookie(&other.cookie).token(token),
            "token_mismatch",
        ),
        (
            "bad cookie",
            post("/do").cookie("__Host-csrf=abc").token(token),
            "cookie_malformed",
        ),
        (
            "two cookies",
            post("/do")
                .cookie(&format!("{cookie}; {}", other.cookie))
                .token(token),
            "cookie_duplicate",
        ),
        (
            "cross-site",
            post("/do")
                .cookie(cookie)
                .token(token)
                .header("sec-fetch-site", "cross-site"),
            "cross_site",
        ),
        (
            "same-site",
            post("/do")
                .cookie(cookie)
                .token(token)
                .header("sec-fetch-site", "same-site"),
            "same_site",
        ),
        (
            "origin",
            post("/do")
                .cookie(cookie)
                .token(token)
                .header("origin", "https://evil.test"),
            "origin_mismatch",
        ),
        (
            "http",
            post("/do")
                .cookie(cookie)
                .token(token)
                .header("origin", "http://app.test"),
            "insecure_origin",
        ),
        (
            "referer",
            post("/do")
                .cookie(cookie)
                .token(token)
                .header("referer", "https://evil.test/x"),
            "referer_mismatch",
        ),
    ] {
        let answer = app.send(ask).await;
        assert_eq!(answer.code(), code, "{what}");
        assert_eq!(answer.status, 403, "{what}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.set_cookies().is_empty(), "{what}");
    }
    assert_eq!(app.calls(), 0);
    app.send(post("/do").cookie(cookie).token(token))
        .await
        .assert_passed();
}
