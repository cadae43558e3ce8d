//! Tokens for one form.

use axum::{
    Router,
    routing::{any, get as on_get},
};
use http::Method;
use mainstay_csrf::{Csrf, CsrfLayer, CsrfToken, CsrfVerified, KeyRing};

use crate::support::{get, post, send};

fn layer() -> CsrfLayer {
    Csrf::new(KeyRing::generate())
        .scope("transfer", "/transfer/{id}")
        .scope("other", "/other")
        .require_scope("/transfer/{id}")
        .require_scope("/email")
        .build()
        .unwrap()
}

/// Each line of the answer is a token: for anything, for the action, for the scope.
async fn tokens(token: CsrfToken) -> String {
    let action = token.for_action(Method::POST, "/email");
    [
        token.value(),
        action.value(),
        token.scoped("transfer").value(),
        token.scoped("other").value(),
    ]
    .join("\n")
}

fn router() -> Router {
    let said = any(|verified: CsrfVerified| async move { format!("{:?}", verified.scope()) });
    Router::new()
        .route("/tokens", on_get(tokens))
        .route("/email", said.clone())
        .route("/transfer/{id}", said.clone())
        .route("/other", said.clone())
        .route("/free", said)
}

async fn visit(router: &Router, path: &str) -> (String, Vec<String>) {
    let page = send(router, get(path)).await;
    let cookie = page.set_cookies()[0].split(';').next().unwrap().to_owned();
    (cookie, page.text().lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn a_scoped_token_is_good_for_its_form_and_for_no_other() {
    let router = router().layer(layer());
    let (cookie, tokens) = visit(&router, "/tokens").await;
    let [global, action, transfer, other] = tokens.try_into().unwrap();
    for (token, method, path, result) in [
        (&global, "POST", "/free", "Any"),
        (&global, "POST", "/email", "token_scope"),
        (&global, "POST", "/transfer/7", "token_scope"),
        (&global, "POST", "/other", "Any"),
        (&action, "POST", "/email", "Action"),
        (&action, "POST", "/email?a=b", "Action"),
        (&action, "PUT", "/email", "token_mismatch"),
        (&action, "POST", "/free", "token_mismatch"),
        (&action, "POST", "/transfer/7", "token_mismatch"),
        (&transfer, "POST", "/transfer/7", "Named(\"transfer\")"),
        (&transfer, "DELETE", "/transfer/8", "Named(\"transfer\")"),
        (&transfer, "POST", "/email", "token_mismatch"),
        (&transfer, "POST", "/other", "token_mismatch"),
        (&other, "POST", "/other", "Named(\"other\")"),
        (&other, "POST", "/transfer/7", "token_mismatch"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = send(
            &router,
            crate::support::ask(method, path)
                .cookie(&cookie)
                .token(token),
        )
        .await;
        let found = if answer.code() == "passed" {
            answer.text()
        } else {
            answer.code().to_owned()
        };
        assert_eq!(found, result, "{path}");
    }
}

#[tokio::test]
async fn nested_routers_see_the_path_that_the_browser_sees() {
    let csrf = Csrf::new(KeyRing::generate()).build().unwrap();
    let form = |token: CsrfToken| async move {
        token
            .for_action(Method::POST, "/account/email")
            .value()
            .to_owned()
    };
    let said = any(|verified: CsrfVerified| async move { format!("{:?}", verified.scope()) });
    let inner = Router::new()
        .route("/form", on_get(form))
        .route("/email", said)
        .layer(csrf);
    let router = Router::new().nest("/account", inner);

    let (cookie, tokens) = visit(&router, "/account/form").await;
    let answer = send(
        &router,
        post("/account/email").cookie(&cookie).token(&tokens[0]),
    )
    .await;
    assert_eq!(answer.assert_passed().text(), "Action");
}

#[tokio::test]
async fn a_prefix_that_a_proxy_takes_off_is_put_back() {
    let csrf = Csrf::new(KeyRing::generate())
        .public_prefix("/app/")
        .build()
        .unwrap();
    let form = |token: CsrfToken| async move {
        token
            .for_action(Method::POST, "/app/free")
            .value()
            .to_owned()
    };
    let router = router().route("/form", on_get(form)).layer(csrf);
    let (cookie, tokens) = visit(&router, "/form").await;
    let answer = send(&router, post("/free").cookie(&cookie).token(&tokens[0])).await;
    assert_eq!(answer.assert_passed().text(), "Action");
}

#[tokio::test]
async fn scopes_work_without_a_router_too() {
    let csrf = Csrf::new(KeyRing::generate())
        .scope_when("even", |parts| parts.headers.contains_key("x-even"))
        .require_scope_when(|parts| parts.uri.path() == "/free")
        .build()
        .unwrap();
    let form = |token: CsrfToken| async move { token.scoped("even").value().to_owned() };
    let router = router().route("/form", on_get(form)).layer(csrf);
    let (cookie, tokens) = visit(&router, "/form").await;
    let ask = || post("/free").cookie(&cookie).token(&tokens[0]);
    send(&router, ask().header("x-even", ""))
        .await
        .assert_passed();
    send(&router, ask()).await.assert_refused("token_mismatch");
}
