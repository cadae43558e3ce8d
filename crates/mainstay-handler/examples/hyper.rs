//! Without a router: an environment, a function that returns errors, and the layer around it, on
//! plain hyper.
//!
//! Run with `cargo run -p mainstay-handler --example hyper`, then
//! `curl -i http://127.0.0.1:3000/` and `curl -i http://127.0.0.1:3000/nobody`

#![allow(missing_docs)]

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use mainstay_handler::{Error, ErrorLayer, Format, Handler, Result};
use tokio::net::TcpListener;
use tower_layer::Layer as _;

#[derive(Debug, Default)]
pub struct Env {
    visits: AtomicU64,
}

async fn visit(env: Arc<Env>, request: Request<Incoming>) -> Result<String> {
    match request.uri().path() {
        "/" => Ok(format!(
            "visit {}\n",
            env.visits.fetch_add(1, Ordering::Relaxed) + 1
        )),
        path => Err(Error::not_found(format!("there is nothing at {path}"))),
    }
}

pub async fn serve(listener: TcpListener, env: Arc<Env>) -> io::Result<()> {
    let service = ErrorLayer::new()
        .default_format(Format::Text)
        .layer(Handler::new(env, visit));
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!("connection: {error}");
            }
        });
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    tracing_subscriber::fmt().init();
    serve(TcpListener::bind("127.0.0.1:3000").await?, Arc::default()).await
}
