//! `CsrfVerified`: where there is one, and what is said where there is none.

use axum::{Router, routing::any};
use mainstay_csrf::{Csrf, CsrfDeferred, CsrfVerified, KeyRing, Place, token_as_json};

use crate::{
    answers::Log,
    helpers::{modern, pair},
    support::{get, post, send},
};

fn router(csrf: Csrf) -> Router {
    Router::new()
        .route("/token", any(token_as_json))
        .route(
            "/proof",
            any(|verified: CsrfVerified| async move {
                let failure = verified.failure().map_or("none", |failure| failure.code());
                format!("{failure} {:?} {:?}", verified.standing(), verified.place())
            }),
        )
        .route(
            "/late",
            any(|deferred: CsrfDeferred, _: CsrfVerified| async move {
                drop(deferred.verify("", Place::Form));
            }),
        )
        .layer(csrf.build().unwrap())
}

#[tokio::test]
async fn where_there_is_no_proof_the_log_says_why() {
    let bare = Router::new().route("/proof", any(|_: CsrfVerified| async {}));
    let layered = router(modern().defer("/late"));
    let exempt = router(modern().exempt("/proof"));
    let bearer = router(modern().exempt_without_credentials(true));
    let json = send(&layered, get("/token")).await;
    let cookie = pair(&json, "__Host-csrf").unwrap();
    for (router, ask, why) in [
        (&bare, post("/proof"), "no CSRF layer"),
        (&layered, get("/proof"), "its method is safe"),
        (&exempt, post("/proof"), "is exempt"),
        (&bearer, post("/proof"), "is exempt"),
        (
            &layered,
            post("/late").cookie(&cookie),
            "its route is deferred",
        ),
    ] {
        let log = Log::default();
        let guard = log.listen();
        let answer = send(router, ask).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text().as_str()),
            (500, "this request was not checked")
        );
        let lines = log.lines();
        let errors: Vec<_> = lines.iter().filter(|line| line.contains("ERROR")).collect();
        assert_eq!(errors.len(), 1, "{why}: {lines:?}");
        assert!(errors[0].contains(why), "{why}: {lines:?}");
        drop(guard);
    }
}

#[tokio::test]
async fn report_only_gives_a_proof_that_says_what_was_wrong() {
    let keys = KeyRing::generate();
    let reporting = router(Csrf::new(keys.clone()).report_only(true));
    let json = send(&reporting, get("/token")).await;
    let cookie = pair(&json, "__Host-csrf").unwrap();
    let token: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    let full = || {
        post("/proof")
            .cookie(&cookie)
            .token(token["token"].as_str().unwrap())
    };
    for (ask, text) in [
        (full(), "none Unknown Some(Header)"),
        (
            full().header("sec-fetch-site", "cross-site"),
            "cross_site Unknown None",
        ),
        (post("/proof"), "cookie_missing Unknown None"),
        (
            post("/proof").cookie(&cookie).form("a=1"),
            "token_missing Unknown Some(Form)",
        ),
    ] {
        let answer = send(&reporting, ask).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text().as_str()),
            (200, text)
        );
    }
    // What was not checked at all has none here either.
    assert_eq!(send(&reporting, get("/proof")).await.status, 500);
    let exempt = router(Csrf::new(keys.clone()).report_only(true).exempt("/proof"));
    assert_eq!(send(&exempt, post("/proof")).await.status, 500);
    // And a token is a secret whatever becomes of requests.
    let stolen = get("/token").header("sec-fetch-site", "cross-site");
    send(&reporting, stolen).await.assert_refused("cross_site");
}
