//! A page whose script posts JSON, with the token from `<meta>` in a header.
//!
//! Run with
//!
//! ```text
//! cargo run -p mainstay-csrf --example fetch
//! ```

use std::{error::Error, io};

use axum::{
    Json, Router,
    response::Html,
    routing::{get, post},
};
use mainstay_csrf::{Csrf, CsrfLayer, CsrfToken, KeyRing};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(&format!("http://{}/", listener.local_addr()?))?;
    Ok(axum::serve(listener, app(Csrf::new(KeyRing::generate()).build()?)).await?)
}

/// The whole service.
pub(crate) fn app(csrf: CsrfLayer) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/api/greet", post(greet))
        .layer(csrf)
}

async fn page(token: CsrfToken) -> Html<String> {
    Html(PAGE.replace("<!-- token -->", &token.meta().to_string()))
}

async fn greet(Json(asked): Json<Value>) -> Json<Value> {
    Json(json!({ "greeting": format!("Hello, {}!", asked["name"].as_str().unwrap_or("you")) }))
}

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<!-- token -->
<title>Fetch</title>
<button>Greet</button> <output></output>
<script>
  const token = document.querySelector('meta[name="csrf-token"]').content;
  document.querySelector('button').onclick = async () => {
    const response = await fetch('/api/greet', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': token },
      body: JSON.stringify({ name: 'Ann' }),
    });
    const text = response.ok ? (await response.json()).greeting : await response.text();
    document.querySelector('output').textContent = text;
  };
</script>
"#;

/// Tells whoever started us where we are.
fn announce(address: &str) -> io::Result<()> {
    use io::Write;

    writeln!(io::stdout(), "{address}")
}
