//! A form that posts to itself, with each preset.
//!
//! Run with
//!
//! ```text
//! cargo run -p mainstay-csrf --example form -- --preset modern --port 3000
//! ```
//!
//! `--preset` is `modern`, `gorilla` or `headers-only`, `--key` 64 hexadecimal digits (a new key
//! without it), `--accept` a key that is still accepted, `--port` the port (any free one without it). `/form` answers `ok` to a request that
//! got through; send it urlencoded, as multipart, or with the token in a header.

use std::{env, error::Error, io};

use axum::{Router, response::Html, routing::get};
use mainstay_csrf::{Csrf, CsrfLayer, CsrfToken, Key, KeyRing};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(env::args().skip(1))?;
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    let address = listener.local_addr()?;
    announce(&format!("http://{address}/form"))?;
    Ok(axum::serve(listener, app(options.layer()?)).await?)
}

/// The whole service.
pub(crate) fn app(csrf: CsrfLayer) -> Router {
    Router::new()
        .route("/form", get(form).post(receive))
        .layer(csrf)
}

async fn form(token: CsrfToken) -> Html<String> {
    let (field, meta) = (token.field(), token.meta());
    Html(format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n{meta}\n<title>Form</title>\n\
         <form method=\"post\">{field}<input name=\"name\"><button>Send</button></form>\n\
         <form method=\"post\" enctype=\"multipart/form-data\">{field}<input type=\"file\" \
         name=\"file\"><button>Upload</button></form>\n"
    ))
}

async fn receive() -> &'static str {
    "ok\n"
}

/// What was said on the command line.
#[derive(Debug)]
pub(crate) struct Options {
    preset: String,
    keys: KeyRing,
    port: u16,
}

impl Options {
    /// Reads pairs of a name and a value.
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let (mut preset, mut port) = ("modern".to_owned(), 0);
        let (mut key, mut accepted) = (Key::generate(), Vec::new());
        let mut args = args.into_iter();
        while let Some(name) = args.next() {
            let value = args
                .next()
                .ok_or_else(|| format!("`{name}` needs a value"))?;
            match name.as_str() {
                "--preset" => preset = value,
                "--key" => key = value.parse()?,
                "--accept" => accepted.push(value),
                "--port" => port = value.parse()?,
                _ => return Err(format!("`{name}` is not an option").into()),
            }
        }
        let keys = accepted
            .into_iter()
            .try_fold(KeyRing::from(key), KeyRing::accept)?;
        Ok(Self { preset, keys, port })
    }

    /// The layer of the preset.
    pub(crate) fn layer(&self) -> Result<CsrfLayer, Box<dyn Error>> {
        let csrf = match self.preset.as_str() {
            "modern" => Csrf::new(self.keys.clone()),
            "gorilla" => Csrf::gorilla(self.keys.clone()),
            "headers-only" => Csrf::headers_only(),
            other => return Err(format!("`{other}` is not a preset").into()),
        };
        Ok(csrf.build()?)
    }
}

/// Tells whoever started us where we are.
fn announce(address: &str) -> io::Result<()> {
    use io::Write;

    writeln!(io::stdout(), "{address}")
}
