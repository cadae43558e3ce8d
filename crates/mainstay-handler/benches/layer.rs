//! What the layer costs a request that succeeds, and what an answered error costs in each format.
//! `cargo bench -p mainstay-handler`

#![allow(missing_docs, clippy::unwrap_used)]

use axum::{Router, body::Body, routing::get};
use divan::{Bencher, black_box};
use http::Request;
use mainstay_handler::{Error, ErrorLayer};
use tower::{Service as _, ServiceExt};

fn main() {
    divan::main();
}

fn app() -> Router {
    Router::new()
        .route("/fine", get(async || "fine"))
        .route("/u/{id}", get(async || Error::not_found("no such user")))
}

fn drive(bencher: Bencher<'_, '_>, mut app: Router, path: &str, accept: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    bencher
        .with_inputs(|| {
            Request::get(path)
                .header("accept", accept)
                .body(Body::empty())
                .unwrap()
        })
        .bench_local_values(|request| {
            runtime.block_on(async {
                let ready = ServiceExt::<Request<Body>>::ready(&mut app).await.unwrap();
                black_box(ready.call(request).await.unwrap())
            })
        });
}

#[divan::bench]
fn success_without_the_layer(bencher: Bencher<'_, '_>) {
    drive(bencher, app(), "/fine", "*/*");
}

/// `Router::layer` has a cost of its own, which is not this layer's.
#[divan::bench]
fn success_with_a_layer_that_does_nothing(bencher: Bencher<'_, '_>) {
    drive(
        bencher,
        app().layer(tower::util::MapRequestLayer::new(|it: Request<Body>| it)),
        "/fine",
        "*/*",
    );
}

#[divan::bench]
fn success_with_the_layer(bencher: Bencher<'_, '_>) {
    drive(bencher, app().layer(ErrorLayer::new()), "/fine", "*/*");
}

#[divan::bench(args = ["text/html", "application/json", "text/plain"])]
fn not_found(bencher: Bencher<'_, '_>, accept: &str) {
    drive(bencher, app().layer(ErrorLayer::new()), "/u/7", accept);
}
