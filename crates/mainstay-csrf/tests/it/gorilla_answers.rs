//! The default answers of the gorilla preset, which are gorilla's to the byte. What it says is kept in
//! step by the exchange with a real one in the compatibility tests.

use mainstay_csrf::{Csrf, KeyRing};

use crate::support::{App, Ask, Visit, post};

const NOT_FOUND: &str = "CSRF token not found in request";
const INVALID: &str = "CSRF token invalid";

fn app(csrf: Csrf) -> App {
    App::behind(csrf.build().unwrap())
}

fn multipart(token: &str) -> String {
    format!(
        "--XX\r\nContent-Disposition: form-data; name=\"gorilla.csrf.Token\"\r\n\r\n{token}\r\n--XX--\r\n"
    )
}

#[tokio::test]
async fn without_a_good_cookie_it_matters_whether_a_token_came() {
    let keys = KeyRing::generate();
    let app = app(Csrf::gorilla(keys));
    let Visit { token, .. } = app.visit().await;
    let escaped = token
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let form = |token: &str| format!("a=1&gorilla.csrf.Token={token}");
    for (cookie, code) in [
        ("", "cookie_missing"),
        ("_gorilla_csrf=x", "cookie_malformed"),
    ] {
        let ask = || post("/do").cookie(cookie);
        for (what, ask, text) in [
            ("nothing", ask(), NOT_FOUND),
            (
                "another type",
                ask().header("content-type", "application/json").body("{}"),
                NOT_FOUND,
            ),
            ("a form without it", ask().form("a=1"), NOT_FOUND),
            ("an empty field", ask().form(form("")), NOT_FOUND),
            ("a field", ask().form(form(&escaped)), INVALID),
            ("a header", ask().token(&token), INVALID),
            ("both", ask().token(&token).form("a=1"), INVALID),
            ("a part", ask().multipart("XX", multipart(&token)), INVALID),
            ("no part", ask().multipart("XX", "--XX--\r\n"), NOT_FOUND),
            (
                "a compressed form",
                ask()
                    .form(form(&escaped))
                    .header("content-encoding", "gzip"),
                NOT_FOUND,
            ),
        ] {
            let answer = app.send(ask).await;
            answer.assert_refused(code);
            assert_eq!(
                answer.text(),
                format!("Forbidden - {text}\n"),
                "{what}, {code}"
            );
            assert!(answer.set_cookies().is_empty(), "{what}: still lazy");
        }
    }
    assert_eq!(app.calls(), 0);
}

#[tokio::test]
async fn what_is_answered_otherwise_elsewhere_is_a_403() {
    let app = app(Csrf::gorilla(KeyRing::generate()));
    let Visit { cookie, .. } = app.visit().await;
    let encoded = post("/do").cookie(&cookie).form("a=1");
    let answer = app.send(encoded.header("content-encoding", "gzip")).await;
    answer.assert_refused("body_encoded");
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (403, format!("Forbidden - {NOT_FOUND}\n"))
    );
}

#[tokio::test]
async fn a_referer_is_told_from_an_origin() {
    let app = app(Csrf::gorilla(KeyRing::generate()));
    let Visit { cookie, token } = app.visit().await;
    let full = || -> Ask { post("/do").cookie(&cookie).token(&token) };
    for (ask, text) in [
        (
            full().header("referer", "http://app.test/"),
            "referer invalid",
        ),
        (
            full().header("referer", "https://evil.test/"),
            "referer invalid",
        ),
        (
            full()
                .header("origin", "")
                .header("referer", "http://app.test/"),
            "origin invalid",
        ),
        (
            full().header("referer", "https://app.test:x/"),
            "referer not supplied",
        ),
        (full().header("origin", "http://app.test"), "origin invalid"),
        (
            full()
                .header("origin", "http://app.test")
                .header("referer", "http://app.test/"),
            "origin invalid",
        ),
    ] {
        let answer = app.send(ask).await;
        assert_eq!(answer.text(), format!("Forbidden - {text}\n"));
    }
}
