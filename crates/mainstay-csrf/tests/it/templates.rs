//! The helpers in each template engine.

use axum::{Router, response::Html, routing::any};
use mainstay_csrf::CsrfToken;

use crate::{
    helpers::{modern, pair},
    support::{get, post, send},
};

/// A page made by each engine, whose field must have come through unescaped.
async fn check_page(router: Router) {
    let page = send(&router, get("/page")).await;
    let cookie = pair(&page, "__Host-csrf").unwrap();
    let text = page.text();
    let field = text
        .split("<input type=\"hidden\" name=\"csrf_token\" value=\"")
        .nth(1);
    let field = field
        .unwrap_or_else(|| panic!("{text}"))
        .split("\">")
        .next()
        .unwrap();
    let meta = text.split("<meta name=\"csrf-token\" content=\"").nth(1);
    let meta = meta
        .unwrap_or_else(|| panic!("{text}"))
        .split("\">")
        .next()
        .unwrap();
    assert_eq!((field, field.len()), (meta, 72));
    send(
        &router,
        post("/do")
            .cookie(&cookie)
            .form(format!("csrf_token={field}")),
    )
    .await
    .assert_passed();
}

#[tokio::test]
async fn askama_takes_the_helpers_for_ready_html() {
    use askama::Template;

    #[derive(Template)]
    #[template(
        source = "{{ token.meta() }}<form>{{ token.field() }}</form>",
        ext = "html"
    )]
    struct Page {
        token: CsrfToken,
    }

    async fn page(token: CsrfToken) -> Html<String> {
        Html(Page { token }.render().unwrap())
    }
    check_page(
        Router::new()
            .route("/page", any(page))
            .route("/do", any(|| async {}))
            .layer(modern().build().unwrap()),
    )
    .await;
}

#[tokio::test]
async fn maud_takes_the_helpers_for_ready_html() {
    async fn page(token: CsrfToken) -> Html<String> {
        use maud::Render;

        // What `html! { (token.meta()) form { (token.field()) } }` comes to.
        let mut page = token.meta().render().into_string();
        token.field().render_to(&mut page);
        Html(page)
    }
    check_page(
        Router::new()
            .route("/page", any(page))
            .route("/do", any(|| async {}))
            .layer(modern().build().unwrap()),
    )
    .await;
}

#[tokio::test]
async fn minijinja_takes_the_helpers_for_ready_html() {
    async fn page(token: CsrfToken) -> Html<String> {
        let mut engine = minijinja::Environment::new();
        engine
            .add_template("page.html", "{{ meta }}<form>{{ field }}</form>")
            .unwrap();
        let values = std::collections::BTreeMap::from([
            ("meta", minijinja::Value::from(token.meta())),
            ("field", minijinja::Value::from(token.field())),
        ]);
        Html(
            engine
                .get_template("page.html")
                .unwrap()
                .render(values)
                .unwrap(),
        )
    }
    check_page(
        Router::new()
            .route("/page", any(page))
            .route("/do", any(|| async {}))
            .layer(modern().build().unwrap()),
    )
    .await;
}
