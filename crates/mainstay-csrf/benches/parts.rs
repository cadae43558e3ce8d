//! What the single steps cost. `cargo bench -p mainstay-csrf --bench parts`

#![allow(missing_docs, clippy::unwrap_used)]

use axum::body::Body;
use bytes::Bytes;
use divan::{Bencher, black_box};
use http::Request;
use mainstay_csrf::{Csrf, CsrfLayer, CsrfToken, KeyRing};
use tower::{Layer, Service, ServiceExt, service_fn};

fn main() {
    divan::main();
}

/// A page, and what it takes to post to it.
fn visit(layer: &CsrfLayer) -> (String, String) {
    let page = service_fn(async |request: Request<Body>| {
        let token = CsrfToken::of(&request).unwrap().value().to_owned();
        Ok::<_, std::convert::Infallible>(http::Response::new(Body::from(token)))
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let response = layer
            .layer(page)
            .oneshot(Request::new(Body::empty()))
            .await
            .unwrap();
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let token = axum::body::to_bytes(response.into_body(), 1000)
            .await
            .unwrap();
        (cookie, String::from_utf8(token.to_vec()).unwrap())
    })
}

/// The search in multipart bodies whose field comes behind so many bytes of another.
#[divan::bench(args = [0, 1_000, 60_000])]
fn multipart_search(bencher: Bencher<'_, '_>, before: usize) {
    let layer = Csrf::new(KeyRing::generate()).build().unwrap();
    let (cookie, token) = visit(&layer);
    let body = Bytes::from(format!(
        "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{}\r\n--X\r\n\
         Content-Disposition: form-data; name=\"csrf_token\"\r\n\r\n{token}\r\n--X--\r\n",
        "a".repeat(before)
    ));
    search(
        bencher,
        &layer,
        &cookie,
        "multipart/form-data; boundary=X",
        &body,
    );
}

/// The same in urlencoded ones.
#[divan::bench(args = [0, 1_000, 60_000])]
fn urlencoded_search(bencher: Bencher<'_, '_>, before: usize) {
    let layer = Csrf::new(KeyRing::generate()).build().unwrap();
    let (cookie, token) = visit(&layer);
    let body = Bytes::from(format!("a={}&csrf_token={token}", "a".repeat(before)));
    search(
        bencher,
        &layer,
        &cookie,
        "application/x-www-form-urlencoded",
        &body,
    );
}

fn search(bencher: Bencher<'_, '_>, layer: &CsrfLayer, cookie: &str, media: &str, body: &Bytes) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut service = layer.layer(service_fn(async |request: Request<Body>| {
        black_box(&request);
        Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty()))
    }));
    bencher
        .counter(divan::counter::BytesCount::from(body.len()))
        .with_inputs(|| {
            Request::post("/do")
                .header("host", "app.test")
                .header("cookie", cookie)
                .header("content-type", media)
                .body(Body::from(body.clone()))
                .unwrap()
        })
        .bench_local_values(|request| {
            let response = runtime.block_on(service.call(request)).unwrap();
            assert!(response.status().is_success());
            response
        });
}
