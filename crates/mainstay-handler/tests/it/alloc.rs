//! A request that succeeds pays no allocation for the layer.

use std::{convert::Infallible, hint::black_box};

use axum::{body::Body, response::Response};
use http::Request;
use mainstay_handler::ErrorLayer;
use test_support::allocations::{Counting, so_far};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

#[global_allocator]
static COUNTING: Counting = Counting;

async fn allocations<S>(service: &mut S) -> usize
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    let request = Request::get("/u/7")
        .header("accept", "text/html")
        .header("x-request-id", "01J9Z")
        .body(Body::empty())
        .unwrap();
    // The first clone of bytes that were made from a `Vec` allocates their counter. Those that hyper
    // hands out are slices of its read buffer, and shared from the start.
    let _shared = (request.uri().clone(), request.headers().clone());
    let before = so_far();
    let response = service.ready().await.unwrap().call(request).await.unwrap();
    let allocations = so_far() - before;
    drop(black_box(response));
    allocations
}

#[tokio::test]
async fn success_allocates_nothing() {
    let mut bare =
        service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::from("fine"))));
    let mut layered = ErrorLayer::new().layer(bare);
    for _ in 0..2 {
        let without = allocations(&mut bare).await;
        assert!(without > 0, "it does count: a body is boxed");
        assert_eq!(allocations(&mut layered).await, without);
    }
}
