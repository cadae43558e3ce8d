//! Checks that the handler finishes: what it may see, what goes wrong, and who answers then.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    routing::{any, post as on_post},
};
use mainstay_csrf::{
    Csrf, CsrfDeferred, CsrfForm, CsrfToken, CsrfVerified, Failure, KeyRing, Place,
};
use serde::Deserialize;

use crate::support::{Visit, get, post, send};

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
