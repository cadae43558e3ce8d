//! A single-page site: its page is a static file, so scripts get the token from an endpoint, or by
//! way of a cookie as axios and Angular do it.
//!
//! Run with
//!
//! ```text
//! cargo run -p mainstay-csrf --example spa
//! ```

use std::{error::Error, io};

use axum::{
    Router,
    response::Html,
    routing::{get, post},
};
use mainstay_csrf::{Csrf, CsrfLayer, Error as CsrfError, KeyRing, token_as_json};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(&format!("http://{}/", listener.local_addr()?))?;
    Ok(axum::serve(listener, app(layer(KeyRing::generate())?)).await?)
}

/// Tokens in the cookie and header that axios and Angular use by themselves.
pub(crate) fn layer(keys: KeyRing) -> Result<CsrfLayer, CsrfError> {
    Csrf::new(keys)
        .cookie_to_header("XSRF-TOKEN", "X-XSRF-TOKEN")
        .build()
}

/// The whole service.
pub(crate) fn app(csrf: CsrfLayer) -> Router {
    Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/csrf", get(token_as_json))
        .route("/api/like", post(|| async { "liked\n" }))
        .layer(csrf)
}

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>Single page</title>
<button>Like</button> <output></output>
<script>
  document.querySelector('button').onclick = async () => {
    const { token, header } = await (await fetch('/csrf')).json();
    const response = await fetch('/api/like', { method: 'POST', headers: { [header]: token } });
    document.querySelector('output').textContent = await response.text();
  };
</script>
"#;

/// Tells whoever started us where we are.
fn announce(address: &str) -> io::Result<()> {
    use io::Write;

    writeln!(io::stdout(), "{address}")
}
