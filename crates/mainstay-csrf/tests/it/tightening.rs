//! Routes that are guarded more than others, whatever the router around the layer makes of them.

use axum::{Router, routing::any};
use http::Method;
use mainstay_csrf::{Csrf, CsrfLayer, CsrfToken, KeyRing, Tokens};
use tower::Layer;

use crate::support::{App, Ask, ask, get, post, send};

fn modern() -> Csrf {
    Csrf::new(KeyRing::generate())
}

fn cross_site(path: &str) -> Ask {
    get(path).header("sec-fetch-site", "cross-site")
}

fn same_origin(ask: Ask) -> Ask {
    ask.header("sec-fetch-site", "same-origin")
}

/// A service with `/logout` and a form, without any layer.
fn inner() -> Router {
    Router::new()
        .route("/logout", any(|| async { "signed out" }))
        .route("/user/{id}", any(|| async { "user" }))
        .route(
            "/form",
            any(|token: CsrfToken| async move { token.value().to_owned() }),
        )
}

/// Every way to put the layer around `/logout`, the name under which the route is protected, and the
/// path under which a browser finds it.
fn arrangements() -> Vec<(&'static str, Router, &'static str)> {
    let layer = |route: &str| modern().protect(route).build().unwrap();
    let whole =
        |layer: CsrfLayer, router: Router| Router::new().fallback_service(layer.layer(router));
    vec![
        (
            "on the router itself",
            inner().layer(layer("/logout")),
            "/logout",
        ),
        (
            "nested, by the whole path",
            Router::new()
                .nest("/account", inner())
                .layer(layer("/account/logout")),
            "/account/logout",
        ),
        (
            "nested with its layer, by its own name",
            Router::new().nest("/account", inner().layer(layer("/logout"))),
            "/account/logout",
        ),
        (
            "nested with its layer, by the whole path",
            Router::new().nest("/account", inner().layer(layer("/account/logout"))),
            "/account/logout",
        ),
        (
            "nested as a service",
            Router::new()
                .nest_service("/account", inner())
                .layer(layer("/account/logout")),
            "/account/logout",
        ),
        (
            "as a fallback",
            Router::new()
                .fallback_service(inner())
                .layer(layer("/logout")),
            "/logout",
        ),
        (
            "around the whole router",
            whole(layer("/logout"), inner()),
            "/logout",
        ),
        (
            "with a parameter of another name",
            inner().layer(layer("/user/{name}")),
            "/user/7",
        ),
        (
            "around the whole router, with a parameter",
            whole(layer("/user/{id}"), inner()),
            "/user/7",
        ),
        (
            "around the whole router, for all below",
            whole(layer("/user/{*rest}"), inner()),
            "/user/7",
        ),
    ]
}

#[tokio::test]
async fn a_protected_route_is_found_however_the_router_is_put_together() {
    for (what, router, path) in arrangements() {
        send(&router, cross_site(path))
            .await
            .assert_refused("cross_site");
        let ours = send(&router, same_origin(get(path))).await;
        assert_eq!(
            (ours.code(), ours.status.as_u16()),
            ("passed", 200),
            "{what}"
        );
        // Other routes are as they were.
        let other = path.replace("logout", "form").replace("user/7", "form");
        let answer = send(&router, cross_site(&other)).await;
        assert_eq!(answer.code(), "passed", "{what}");
    }
}

#[tokio::test]
async fn a_protected_path_is_known_in_other_spellings() {
    let layer = modern().protect("/logout").build().unwrap();
    let router = Router::new().fallback_service(layer.layer(inner()));
    for path in ["/logout", "/logout/", "/log%6Fut", "/logout?x=1"] {
        send(&router, cross_site(path))
            .await
            .assert_refused("cross_site");
    }
    for path in ["/logout/x", "/x/logout", "/logouts", "/LOGOUT", "/"] {
        assert_eq!(
            send(&router, cross_site(path)).await.code(),
            "passed",
            "{path}"
        );
    }
}

#[test]
fn a_route_in_the_spelling_of_another_router_is_a_mistake() {
    for route in ["/user/:id", "/files/*rest", "/a/{id", "logout"] {
        let error = modern().protect(route).build().unwrap_err();
        assert!(error.is_route(), "{route}: {error}");
    }
}

#[tokio::test]
async fn a_demanded_scope_is_demanded_of_pages_of_our_own_too() {
    let csrf = || {
        modern()
            .tokens(Tokens::UnlessSameOrigin)
            .require_scope("/hook/{id}")
    };
    let app = App::behind(csrf().build().unwrap());
    // The form of another page of ours, whose target somebody has changed.
    app.send(same_origin(post("/hook/7")))
        .await
        .assert_refused("cookie_missing");
    let visit = app.visit().await;
    app.send(
        same_origin(post("/hook/7"))
            .cookie(&visit.cookie)
            .token(&visit.token),
    )
    .await
    .assert_refused("token_scope");
    // Elsewhere the browser's word still does.
    app.send(same_origin(post("/do"))).await.assert_passed();

    let app = App::behind(csrf().protect("/hook/{id}").build().unwrap());
    app.send(same_origin(get("/hook/7")))
        .await
        .assert_refused("cookie_missing");
}

#[tokio::test]
async fn a_demanded_scope_is_found_without_a_matched_route() {
    let layer = modern().require_scope("/logout").build().unwrap();
    let router = Router::new().fallback_service(layer.layer(inner()));
    let page = send(&router, get("/form")).await;
    let cookie = page.set_cookies()[0].split(';').next().unwrap().to_owned();
    send(
        &router,
        same_origin(post("/logout"))
            .cookie(&cookie)
            .token(&page.text()),
    )
    .await
    .assert_refused("token_scope");
}

#[tokio::test]
async fn an_upgrade_does_not_get_around_a_protected_route() {
    let csrf = modern().protect("/plain").trust_origin("https://ui.test");
    let app = App::behind(csrf.build().unwrap());
    let upgrade = |ask: Ask| ask.header("upgrade", "websocket");
    for (what, ask) in [
        (
            "from a trusted origin",
            get("/plain").header("origin", "https://ui.test"),
        ),
        ("from nowhere", get("/plain")),
    ] {
        let plain = app.send(ask).await;
        assert_eq!(plain.code(), "cookie_missing", "{what}");
    }
    app.send(upgrade(get("/plain").header("origin", "https://ui.test")))
        .await
        .assert_refused("cookie_missing");
    app.send(upgrade(get("/plain")))
        .await
        .assert_refused("cookie_missing");
    app.send(upgrade(same_origin(get("/plain"))))
        .await
        .assert_passed();
}

#[tokio::test]
async fn a_connect_that_starts_no_websocket_needs_a_token() {
    let app = App::behind(modern().build().unwrap());
    app.send(same_origin(ask(Method::CONNECT, "/do")))
        .await
        .assert_refused("cookie_missing");
    // RFC 8441, 5: the header that a handshake cannot do without.
    let handshake = || ask(Method::CONNECT, "/do").header("sec-websocket-version", "13");
    app.send(handshake().header("origin", "https://app.test"))
        .await
        .assert_passed();
    app.send(handshake().header("origin", "https://evil.test"))
        .await
        .assert_refused("origin_mismatch");
}

#[tokio::test]
async fn by_headers_only_a_protected_route_needs_some() {
    let app = App::behind(Csrf::headers_only().protect("/plain").build().unwrap());
    for (what, ask, code) in [
        ("ours", same_origin(get("/plain")), "passed"),
        (
            "ours, in an old browser",
            get("/plain").header("referer", "https://app.test/x"),
            "passed",
        ),
        ("foreign", cross_site("/plain"), "cross_site"),
        (
            "foreign, in an old browser",
            get("/plain").header("referer", "https://evil.test/"),
            "referer_mismatch",
        ),
        ("without any", get("/plain"), "headers_missing"),
        (
            "typed in",
            get("/plain").header("sec-fetch-site", "none"),
            "headers_missing",
        ),
    ] {
        assert_eq!(app.send(ask).await.code(), code, "{what}");
    }
}

#[tokio::test]
async fn by_headers_only_handshakes_and_trace_are_as_in_go() {
    let app = App::behind(Csrf::headers_only().build().unwrap());
    let handshake = || get("/do").header("upgrade", "websocket");
    // The scheme is not compared.
    app.send(handshake().header("origin", "http://app.test"))
        .await
        .assert_passed();
    app.send(handshake().header("origin", "http://evil.test"))
        .await
        .assert_refused("origin_mismatch");
    app.send(ask(Method::TRACE, "/do").header("sec-fetch-site", "cross-site"))
        .await
        .assert_refused("cross_site");

    let strict = App::behind(Csrf::headers_only().demand_headers(true).build().unwrap());
    strict
        .send(handshake())
        .await
        .assert_refused("headers_missing");
}

#[tokio::test]
async fn a_header_that_comes_twice_refuses_whichever_header_decides() {
    let app = App::behind(modern().own_origin("https://app.test").build().unwrap());
    let visit = app.visit().await;
    let good = |ask: Ask| ask.cookie(&visit.cookie).token(&visit.token);
    let handshake = || {
        get("/do")
            .header("upgrade", "websocket")
            .header("origin", "https://app.test")
    };
    for (what, ask) in [
        (
            "host, where metadata decides",
            same_origin(good(post("/do"))).header("host", "evil.test"),
        ),
        (
            "host, where the token decides",
            good(post("/do")).header("host", "app.test"),
        ),
        (
            "host of a handshake",
            handshake().header("host", "evil.test"),
        ),
        (
            "metadata of a handshake",
            same_origin(same_origin(handshake())),
        ),
        ("metadata", same_origin(same_origin(good(post("/do"))))),
    ] {
        assert_eq!(app.send(ask).await.code(), "origin_malformed", "{what}");
    }
    app.send(same_origin(good(post("/do"))))
        .await
        .assert_passed();
    app.send(same_origin(handshake())).await.assert_passed();
}
