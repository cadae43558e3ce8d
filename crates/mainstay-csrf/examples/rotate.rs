//! What changes while forms are open: the visitor signs in, and the operator changes the key.
//!
//! Run with
//!
//! ```text
//! cargo run -p mainstay-csrf --example rotate
//! ```
//!
//! `POST /login` gives the browser a new cookie, so that a token which was seen before is worth
//! nothing after. `POST /new-key` signs with a new key from then on, and open forms stay good;
//! `POST /retire` stops accepting the old ones.

use std::{error::Error, io};

use axum::{
    Router,
    extract::State,
    response::Html,
    routing::{get, post},
};
use mainstay_csrf::{Csrf, CsrfToken, Error as CsrfError, Key, KeyRing};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(&format!("http://{}/", listener.local_addr()?))?;
    Ok(axum::serve(listener, app(KeyRing::generate())?).await?)
}

/// The whole service; the ring is shared with the layer.
pub(crate) fn app(keys: KeyRing) -> Result<Router, CsrfError> {
    let csrf = Csrf::new(keys.clone()).build()?;
    Ok(Router::new()
        .route("/", get(page))
        .route("/login", post(login))
        .route("/new-key", post(new_key))
        .route("/retire", post(retire))
        .with_state(keys)
        .layer(csrf))
}

async fn page(token: CsrfToken) -> Html<String> {
    let field = token.field();
    let button =
        |to| format!("<form method=\"post\" action=\"{to}\">{field}<button>{to}</button></form>\n");
    let buttons: String = ["/login", "/new-key", "/retire"].map(button).concat();
    Html(format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Rotate</title>\n{buttons}"
    ))
}

async fn login(token: CsrfToken) -> Html<String> {
    // The token that goes with the new cookie; those of the pages before are void.
    let token = token.rotate();
    Html(format!("signed in {}\n", token.field()))
}

async fn new_key(State(keys): State<KeyRing>) -> &'static str {
    match keys.rotate(Key::generate()) {
        Ok(()) => "signing with a new key\n",
        Err(_) => "no new key\n",
    }
}

async fn retire(State(keys): State<KeyRing>) -> &'static str {
    keys.retire();
    "the old keys are retired\n"
}

/// Tells whoever started us where we are.
fn announce(address: &str) -> io::Result<()> {
    use io::Write;

    writeln!(io::stdout(), "{address}")
}
