//! Binding to sessions.

use std::borrow::Cow;

use axum::{Extension, Router, routing::any};
use http::request::Parts;
use mainstay_csrf::{Binding, Csrf, Failure, KeyRing, SessionUnavailable};

use crate::support::{App, Ask, Visit, get, post, send};

fn app() -> App {
    App::behind(
        Csrf::new(KeyRing::generate())
            .session_cookie("sid")
            .build()
            .unwrap(),
    )
}

fn with_session(ask: Ask, cookie: &str, session: &str) -> Ask {
    match (cookie, session) {
        (cookie, "") => ask.cookie(cookie),
        ("", session) => ask.cookie(&format!("sid={session}")),
        (cookie, session) => ask.cookie(&format!("{cookie}; sid={session}")),
    }
}

#[tokio::test]
async fn a_token_is_good_in_its_own_session_only() {
    let app = app();
    for (before, after, code) in [
        ("", "", "passed"),
        ("ann", "ann", "passed"),
        // Signed in meanwhile, in another tab: honest, and told so.
        ("", "ann", "stale_session"),
        // These cannot be told from an attack, because nobody remembers the session before.
        ("ann", "", "token_mismatch"),
        ("ann", "bob", "token_mismatch"),
    ] {
        let Visit { cookie, token } = app.visit_with(with_session(get("/form"), "", before)).await;
        let ask = with_session(post("/do"), &cookie, after).token(&token);
        assert_eq!(
            app.send(ask).await.code(),
            code,
            "{before:?} then {after:?}"
        );
    }
}

#[tokio::test]
async fn two_session_cookies_are_a_session_of_their_own() {
    let app = app();
    let Visit { cookie, token } = app.visit_with(get("/form").cookie("sid=ann")).await;
    let both = post("/do")
        .cookie(&format!("{cookie}; sid=ann; sid=bob"))
        .token(&token);
    app.send(both).await.assert_refused("token_mismatch");
}

/// Remembers the session before in a header, as a session store would.
struct WithMemory;

impl Binding for WithMemory {
    fn current<'a>(&self, parts: &'a Parts) -> Result<Option<Cow<'a, [u8]>>, SessionUnavailable> {
        Ok(parts
            .headers
            .get("x-session")
            .map(|value| value.as_bytes().into()))
    }

    fn previous<'a>(&self, parts: &'a Parts) -> Option<Cow<'a, [u8]>> {
        parts
            .headers
            .get("x-previous")
            .map(|value| value.as_bytes().into())
    }
}

#[tokio::test]
async fn a_remembered_session_tells_honest_visitors() {
    let app = App::behind(
        Csrf::new(KeyRing::generate())
            .session_binding(WithMemory)
            .build()
            .unwrap(),
    );
    let Visit { cookie, token } = app
        .visit_with(get("/form").header("x-session", "ann"))
        .await;
    let ask = || post("/do").cookie(&cookie).token(&token);
    app.send(ask().header("x-session", "ann"))
        .await
        .assert_passed();
    app.send(ask().header("x-previous", "ann"))
        .await
        .assert_refused("stale_session");
    let next = ask()
        .header("x-session", "ann2")
        .header("x-previous", "ann");
    app.send(next).await.assert_refused("stale_session");
    let stranger = ask().header("x-session", "bob").header("x-previous", "eve");
    app.send(stranger).await.assert_refused("token_mismatch");
}

#[tokio::test]
async fn an_empty_session_is_not_no_session() {
    let app = App::behind(
        Csrf::new(KeyRing::generate())
            .session_binding(WithMemory)
            .build()
            .unwrap(),
    );
    let Visit { cookie, token } = app.visit_with(get("/form").header("x-session", "")).await;
    let ask = || post("/do").cookie(&cookie).token(&token);
    app.send(ask().header("x-session", ""))
        .await
        .assert_passed();
    app.send(ask()).await.assert_refused("token_mismatch");
}

struct Unavailable;

impl Binding for Unavailable {
    fn current<'a>(&self, _: &'a Parts) -> Result<Option<Cow<'a, [u8]>>, SessionUnavailable> {
        Err(SessionUnavailable::new("the session layer"))
    }
}

#[tokio::test]
async fn layers_in_the_wrong_order_are_loud() {
    let app = App::behind(
        Csrf::new(KeyRing::generate())
            .session_binding(Unavailable)
            .build()
            .unwrap(),
    );
    assert_eq!(
        app.send(get("/form")).await.status,
        500,
        "no token can be issued"
    );
    app.send(get("/plain")).await.assert_passed();
    let cookie = format!("__Host-csrf={}", "A".repeat(43));
    let answer = app.send(post("/do").cookie(&cookie).token("x")).await;
    answer.assert_refused("session_unavailable");
    assert_eq!(answer.status, 500);
}

#[cfg(feature = "tower-sessions")]
mod tower_sessions {
    use ::tower_sessions::{MemoryStore, Session, SessionManagerLayer};
    use axum::{Router, routing::any};
    use mainstay_csrf::{Csrf, CsrfToken, KeyRing, TowerSessions};

    use crate::support::{Answer, get, post, send};

    fn router() -> Router {
        let csrf = Csrf::new(KeyRing::generate())
            .session_binding(TowerSessions)
            .build()
            .unwrap();
        Router::new()
            .route(
                "/form",
                any(|token: CsrfToken| async move { token.value().to_owned() }),
            )
            .route(
                "/login",
                any(|session: Session| async move {
                    session.cycle_id().await.unwrap();
                    session.insert("name", "ann").await.unwrap();
                }),
            )
            .fallback(any(|| async {}))
            .layer(csrf)
            .layer(SessionManagerLayer::new(MemoryStore::default()))
    }

    fn pairs(answer: &Answer) -> Vec<String> {
        let set = answer.set_cookies();
        set.iter()
            .map(|set| set.split(';').next().unwrap().to_owned())
            .collect()
    }

    #[tokio::test]
    async fn signing_in_makes_open_forms_stale() {
        let router = router();
        let page = send(&router, get("/form")).await;
        let (csrf, token) = (pairs(&page).remove(0), page.text());
        let login = send(&router, post("/login").cookie(&csrf).token(&token)).await;
        let session = pairs(login.assert_passed()).remove(0);
        let both = format!("{csrf}; {session}");

        let stale = send(&router, post("/do").cookie(&both).token(&token)).await;
        stale.assert_refused("stale_session");

        let fresh = send(&router, get("/form").cookie(&both)).await.text();
        send(&router, post("/do").cookie(&both).token(&fresh))
            .await
            .assert_passed();
        send(&router, post("/do").cookie(&csrf).token(&fresh))
            .await
            .assert_refused("token_mismatch");
    }

    #[tokio::test]
    async fn without_its_layer_it_is_loud() {
        let csrf = Csrf::new(KeyRing::generate())
            .session_binding(TowerSessions)
            .build()
            .unwrap();
        let router: Router = Router::new().fallback(any(|| async {})).layer(csrf);
        let cookie = format!("__Host-csrf={}", "A".repeat(43));
        let answer = send(&router, post("/do").cookie(&cookie).token("x")).await;
        answer.assert_refused("session_unavailable");
        assert!(answer.status.is_server_error());
    }
}

#[derive(Clone)]
struct Visitor(Option<Vec<u8>>);

/// A service whose session layer stands outside of ours, or nowhere at all.
fn with_extension(visitor: Option<Visitor>) -> Router {
    let csrf = Csrf::new(KeyRing::generate())
        .session_extension(|visitor: &Visitor| visitor.0.as_deref().map(Cow::Borrowed));
    let router = Router::new()
        .route("/do", any(|| async {}))
        .layer(csrf.build().unwrap());
    match visitor {
        Some(visitor) => router.layer(Extension(visitor)),
        None => router,
    }
}

#[tokio::test]
async fn a_session_layer_in_the_wrong_place_is_told_from_a_visitor_without_a_session() {
    let ask = || post("/do").cookie(&format!("__Host-csrf={}", "A".repeat(43)));
    for (visitor, code) in [
        (None, "session_unavailable"),
        (Some(Visitor(None)), "token_missing"),
        (Some(Visitor(Some(b"ann".to_vec()))), "token_missing"),
    ] {
        send(&with_extension(visitor), ask())
            .await
            .assert_refused(code);
    }
    let refused = send(&with_extension(None), ask()).await;
    assert_eq!(refused.status.as_u16(), 500);
    let why = refused.response.extensions().get::<Failure>().unwrap();
    assert!(why.to_string().contains("Visitor"), "{why}");
}

#[tokio::test]
async fn tokens_can_be_bound_to_the_session_alone() {
    let csrf = Csrf::new(KeyRing::generate())
        .session_cookie("sid")
        .session_only(true);
    let app = App::behind(csrf.build().unwrap());

    let Visit { cookie, token } = app.visit_with(get("/form").cookie("sid=ann")).await;
    assert_eq!(cookie, "", "there is no cookie of ours");
    let ask = |session: &str| post("/do").cookie(session).token(&token);
    app.send(ask("sid=ann")).await.assert_passed();
    app.send(ask("sid=bob"))
        .await
        .assert_refused("token_mismatch");
    // Two first visits side by side: both forms are good.
    let second = app.visit_with(get("/form").cookie("sid=ann")).await;
    app.send(ask("sid=ann")).await.assert_passed();
    app.send(post("/do").cookie("sid=ann").token(&second.token))
        .await
        .assert_passed();

    // Without a session there is nothing to bind to, and one visitor's token would be every
    // visitor's.
    let stranger = app.visit().await;
    assert_eq!(stranger.cookie, "");
    app.send(post("/do").token(&stranger.token))
        .await
        .assert_refused("cookie_missing");
    // A page with a token is the session's own, for caches.
    let page = app.send(get("/form").cookie("sid=ann")).await;
    assert_eq!(page.header("vary"), Some("Cookie"));
}
