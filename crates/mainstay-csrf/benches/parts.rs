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

/// What no check can do without: the floor under the numbers of `cost`.
mod floor {
    use std::{sync::Arc, time::SystemTime};

    use base64_simd::{Out, URL_SAFE_NO_PAD};
    use divan::{Bencher, black_box};
    use hmac::{Hmac, KeyInit, Mac};
    use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
    use sha2::Sha256;

    /// Three blocks, from a prepared key: as many as a token of ours and a cookie of gorilla's take.
    #[divan::bench]
    fn mac(bencher: Bencher<'_, '_>) {
        let key = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        bencher.bench_local(|| {
            let mut mac = key.clone();
            mac.update(&black_box([1; 101]));
            mac.finalize().into_bytes()
        });
    }

    #[divan::bench]
    fn random() -> [u8; 16] {
        let mut bytes = [0; 16];
        rand::fill(&mut bytes);
        bytes
    }

    #[divan::bench]
    fn clock() -> SystemTime {
        SystemTime::now()
    }

    #[divan::bench]
    fn base64_of_a_token_read() -> [u8; 54] {
        let mut bytes = [0; 54];
        let room = Out::from_slice(&mut bytes);
        let read = URL_SAFE_NO_PAD.decode(black_box(&[b'A'; 72]), room);
        assert!(read.is_ok());
        bytes
    }

    #[divan::bench]
    fn base64_of_a_token_written() -> String {
        URL_SAFE_NO_PAD.encode_to_string(black_box([7; 54]))
    }

    fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        for name in [
            "host",
            "user-agent",
            "accept",
            "cookie",
            "origin",
            "sec-fetch-site",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
        }
        headers
    }

    #[divan::bench(args = ["origin", "sec-fetch-site", "x-csrf-token"])]
    fn header_looked_up(bencher: Bencher<'_, '_>, name: &'static str) {
        let (headers, name) = (headers(), HeaderName::from_static(name));
        bencher.bench_local(|| black_box(&headers).get(black_box(&name)).is_some());
    }

    #[divan::bench]
    fn header_appended(bencher: Bencher<'_, '_>) {
        bencher
            .with_inputs(|| {
                HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("x"))])
            })
            .bench_local_refs(|headers| {
                headers.append(header::VARY, HeaderValue::from_static("Cookie"))
            });
    }

    /// What the layer tells the handler, and asks when the response comes back.
    #[divan::bench]
    fn extension(bencher: Bencher<'_, '_>) {
        #[derive(Clone)]
        struct Handle(#[expect(dead_code, reason = "has the size of ours")] Arc<[u8; 200]>);
        bencher.bench_local(|| {
            let mut extensions = Extensions::new();
            let handle = Handle(Arc::new([0; 200]));
            extensions.insert(());
            extensions.insert(handle.clone());
            (extensions, handle)
        });
    }

    #[divan::bench]
    fn extension_of_others() -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(());
        extensions
    }
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
