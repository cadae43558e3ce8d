//! An upload of any size that is never in memory as a whole: the token's field comes first, so the
//! check needs no more than the first bytes, and the rest streams to the handler.
//!
//! Run with
//!
//! ```text
//! cargo run -p mainstay-csrf --example upload
//! ```

use std::{error::Error, io};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Multipart, multipart::MultipartError},
    response::Html,
    routing::get,
};
use mainstay_csrf::{Csrf, CsrfLayer, CsrfToken, KeyRing};
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
        .route("/", get(form).post(receive))
        .layer(DefaultBodyLimit::disable())
        .layer(csrf)
}

async fn form(token: CsrfToken) -> Html<String> {
    // Before the file: what comes before the token has to be read before it is found.
    let field = token.field();
    Html(format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Upload</title>\n\
         <form method=\"post\" enctype=\"multipart/form-data\">{field}<input type=\"file\" \
         name=\"file\"><button>Upload</button></form>\n"
    ))
}

async fn receive(mut form: Multipart) -> Result<String, MultipartError> {
    let mut bytes = 0;
    while let Some(mut field) = form.next_field().await? {
        let is_file = field.file_name().is_some();
        while let Some(chunk) = field.chunk().await? {
            bytes += if is_file { chunk.len() } else { 0 };
        }
    }
    Ok(format!("{bytes} bytes\n"))
}

/// Tells whoever started us where we are.
fn announce(address: &str) -> io::Result<()> {
    use io::Write;

    writeln!(io::stdout(), "{address}")
}
