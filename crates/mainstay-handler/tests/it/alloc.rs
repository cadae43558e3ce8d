//! A request that succeeds pays no allocation for the layer.

#![expect(unsafe_code, reason = "a global allocator cannot be written without")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    convert::Infallible,
    hint::black_box,
};

use axum::{body::Body, response::Response};
use http::Request;
use mainstay_handler::ErrorLayer;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    /// Of this thread alone: other tests run at the same time. Constant and without a destructor,
    /// so that reading it never allocates.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the same, and `at` came from `System`.
        unsafe { System.dealloc(at, layout) }
    }
}

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
    let before = ALLOCATIONS.get();
    let response = service.ready().await.unwrap().call(request).await.unwrap();
    let allocations = ALLOCATIONS.get() - before;
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
