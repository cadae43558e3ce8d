//! Bodies through a real server: a buffer is back when the client has the page, and also when the
//! client leaves half-way.

use std::{future::Future, time::Duration};

use axum::{Router, body::Body, routing::get};
use mainstay_bufpool::{BufferPool, Sizing};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

async fn serve(pool: BufferPool, len: usize) -> TcpStream {
    let app = Router::new().route(
        "/",
        get(move || async move {
            let mut page = pool.get();
            page.resize(len, b'x');
            Body::from(page.freeze())
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    let mut client = TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    client
}

async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    timeout(Duration::from_secs(10), async {
        while !holds().await {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("waited in vain for: {what}"));
}

#[tokio::test]
async fn the_buffer_is_back_when_the_page_is_sent() {
    let pool = BufferPool::builder().size(Sizing::Fixed(64 << 10)).build();
    let mut client = serve(pool.clone(), 64 << 10).await;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();

    let text = String::from_utf8(answer).unwrap();
    assert!(text.contains("content-length: 65536\r\n"));
    assert!(text.ends_with("xxxx"));
    until("the buffer to be back", async || pool.stats().in_use == 0).await;
    assert_eq!((pool.stats().kept, pool.stats().misses), (1, 1));
}

#[tokio::test]
async fn the_buffer_is_back_when_the_client_leaves_half_way() {
    // More than a socket's buffers hold, so that the body is still there when the client leaves.
    const LARGE: usize = 32 << 20;
    let pool = BufferPool::builder().size(Sizing::Fixed(LARGE)).build();
    let mut client = serve(pool.clone(), LARGE).await;
    client.read_exact(&mut [0; 1000]).await.unwrap();
    assert_eq!(pool.stats().in_use, 1);

    drop(client);
    until("the buffer to be back", async || pool.stats().in_use == 0).await;
    assert_eq!(pool.stats().kept, 1);
}

#[test]
fn a_runtime_that_stops_with_bodies_in_flight_leaks_none() {
    const LARGE: usize = 32 << 20;
    let pool = BufferPool::builder().size(Sizing::Fixed(LARGE)).build();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let client = runtime.block_on(async {
        let mut client = serve(pool.clone(), LARGE).await;
        client.read_exact(&mut [0; 1000]).await.unwrap();
        client
    });
    assert_eq!(pool.stats().in_use, 1);
    drop(runtime);
    assert_eq!((pool.stats().in_use, pool.stats().kept), (0, 1));
    drop(client);
}
