//! What handlers and templates get.

use axum::{Router, routing::any};
use mainstay_csrf::{Csrf, CsrfToken, KeyRing};

use crate::support::{Answer, get, post, send};

pub(crate) fn modern() -> Csrf {
    Csrf::new(KeyRing::generate())
}

pub(crate) fn pair(answer: &Answer, name: &str) -> Option<String> {
    let set = answer.set_cookies();
    let set = set
        .iter()
        .find(|set| set.starts_with(&format!("{name}=")))?;
    Some(set.split(';').next().unwrap().to_owned())
}

#[tokio::test]
async fn a_handler_that_takes_a_token_outside_of_the_layer_answers_500() {
    let bare: Router = Router::new()
        .route("/form", any(|_: CsrfToken| async {}))
        .route(
            "/maybe",
            any(|token: Option<CsrfToken>| async move { token.is_none().to_string() }),
        );
    assert_eq!(send(&bare, get("/form")).await.status, 500);
    assert_eq!(send(&bare, get("/maybe")).await.text(), "true");
}

#[tokio::test]
async fn rotation_makes_a_new_cookie_and_voids_the_old_tokens() {
    let router = Router::new()
        .route(
            "/form",
            any(|token: CsrfToken| async move { token.value().to_owned() }),
        )
        .route(
            "/login",
            any(|token: CsrfToken| async move { token.rotate().value().to_owned() }),
        )
        .route("/do", any(|| async {}))
        .layer(modern().build().unwrap());
    let page = send(&router, get("/form")).await;
    let (cookie, token) = (pair(&page, "__Host-csrf").unwrap(), page.text());

    let login = send(&router, post("/login").cookie(&cookie).token(&token)).await;
    let rotated = pair(login.assert_passed(), "__Host-csrf").unwrap();
    assert_ne!(rotated, cookie);
    assert_eq!(login.set_cookies().len(), 1);

    send(&router, post("/do").cookie(&rotated).token(&login.text()))
        .await
        .assert_passed();
    send(&router, post("/do").cookie(&rotated).token(&token))
        .await
        .assert_refused("token_mismatch");
}

#[tokio::test]
async fn keys_rotate_while_forms_are_open() {
    let keys = KeyRing::generate();
    let router = Router::new()
        .route(
            "/form",
            any(|token: CsrfToken| async move { token.value().to_owned() }),
        )
        .route("/do", any(|| async {}))
        .layer(Csrf::new(keys.clone()).build().unwrap());
    let page = send(&router, get("/form")).await;
    let (cookie, token) = (pair(&page, "__Host-csrf").unwrap(), page.text());
    let ask = || post("/do").cookie(&cookie).token(&token);

    keys.rotate([7; 32]).unwrap();
    send(&router, ask()).await.assert_passed();
    let fresh = send(&router, get("/form").cookie(&cookie)).await.text();
    keys.retire();
    send(&router, ask())
        .await
        .assert_refused("token_key_unknown");
    send(&router, post("/do").cookie(&cookie).token(&fresh))
        .await
        .assert_passed();
}

#[tokio::test]
async fn the_json_endpoint_is_for_pages_of_this_origin() {
    let router = Router::new()
        .route("/csrf", axum::routing::get(mainstay_csrf::token_as_json))
        .route("/do", any(|| async {}))
        .layer(modern().build().unwrap());
    let answer = send(
        &router,
        get("/csrf").header("sec-fetch-site", "same-origin"),
    )
    .await;
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(
        (&json["header"], &json["field"]),
        (&"x-csrf-token".into(), &"csrf_token".into())
    );
    let cookie = pair(&answer, "__Host-csrf").unwrap();
    send(
        &router,
        post("/do")
            .cookie(&cookie)
            .token(json["token"].as_str().unwrap()),
    )
    .await
    .assert_passed();

    for (name, value, code) in [
        ("sec-fetch-site", "cross-site", "cross_site"),
        ("sec-fetch-site", "same-site", "same_site"),
        ("origin", "https://evil.test", "origin_mismatch"),
    ] {
        let refused = send(&router, get("/csrf").header(name, value)).await;
        refused.assert_refused(code);
        assert!(refused.set_cookies().is_empty() && !refused.text().contains("token\""));
    }
}

#[tokio::test]
async fn a_response_header_can_carry_the_token() {
    let router = Router::new()
        .route("/form", any(|_: CsrfToken| async {}))
        .route("/plain", any(|| async {}))
        .layer(modern().token_in_response_header(true).build().unwrap());
    let page = send(&router, get("/form")).await;
    let token = page.header("x-csrf-token").unwrap();
    let cookie = pair(&page, "__Host-csrf").unwrap();
    send(&router, post("/plain").cookie(&cookie).token(token))
        .await
        .assert_passed();
    assert_eq!(
        send(&router, get("/plain")).await.header("x-csrf-token"),
        None
    );
}

#[tokio::test]
async fn cookie_to_header_is_what_axios_and_angular_expect() {
    let csrf = modern()
        .session_cookie("sid")
        .cookie_to_header("XSRF-TOKEN", "X-XSRF-TOKEN");
    let router = Router::new()
        .fallback(any(|| async {}))
        .layer(csrf.build().unwrap());
    // A static page that asks for nothing.
    let page = send(&router, get("/index.html")).await;
    let set = page.set_cookies();
    let readable = set
        .iter()
        .find(|set| set.starts_with("XSRF-TOKEN="))
        .unwrap();
    assert!(
        readable.ends_with("; Path=/; Secure; SameSite=Lax"),
        "{readable}"
    );
    let (host, xsrf) = (
        pair(&page, "__Host-csrf").unwrap(),
        pair(&page, "XSRF-TOKEN").unwrap(),
    );
    let token = xsrf.split_once('=').unwrap().1;
    let both = format!("{host}; {xsrf}");

    send(
        &router,
        post("/do").cookie(&both).header("x-xsrf-token", token),
    )
    .await
    .assert_passed();
    // The cookie alone is what a forged request brings, too.
    send(&router, post("/do").cookie(&both))
        .await
        .assert_refused("token_missing");

    let again = send(&router, get("/index.html").cookie(&both)).await;
    assert!(again.set_cookies().is_empty(), "a good one stays");

    // The session changed: the token is stale, and the next page brings a new one.
    let signed_in = format!("{both}; sid=ann");
    let stale = post("/do").cookie(&signed_in).header("x-xsrf-token", token);
    send(&router, stale).await.assert_refused("stale_session");
    let next = send(&router, get("/x").cookie(&signed_in)).await;
    assert_eq!(pair(&next, "__Host-csrf"), None);
    let fresh = pair(&next, "XSRF-TOKEN").unwrap();
    let ask = post("/do").cookie(&format!("{host}; {fresh}; sid=ann"));
    send(
        &router,
        ask.header("x-xsrf-token", fresh.split_once('=').unwrap().1),
    )
    .await
    .assert_passed();
}
