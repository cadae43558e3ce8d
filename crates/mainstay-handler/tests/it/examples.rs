//! The examples do what they say.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "its `main` is not called from here"
)]
#[path = "../../examples/api.rs"]
mod api;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "its `main` is not called from here"
)]
#[path = "../../examples/hyper.rs"]
mod hyper;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "its `main` is not called from here"
)]
#[path = "../../examples/site.rs"]
mod site;

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use mainstay_bufpool::BufferPool;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::support::{Log, get_as, send};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn the_site() {
    let pool = BufferPool::default();
    let app = site::app(site::env(pool.clone()));
    for (path, status, part) in [
        ("/", 200, "<a href=\"/u/0\">Ada</a>"),
        ("/u/1", 200, "<h1>Grace</h1>"),
        ("/u/9", 404, "<p>There is no such member.</p>"),
        ("/u/x", 400, "<h1>Bad Request</h1>"),
        ("/nowhere", 404, "To the members"),
        ("/half", 500, "<h1>Internal Server Error</h1>"),
        ("/panic", 500, "<h1>Internal Server Error</h1>"),
    ] {
        let answer = send(app.clone(), get_as(path, BROWSER)).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body.contains(part), "{path}: {}", answer.body);
        assert!(!answer.body.contains("fire") && !answer.body.contains("Report"));
    }
    assert_eq!(pool.stats().in_use, 0);
}

#[tokio::test]
async fn the_api() {
    let app = api::app(api::Env::default());
    for (body, status, detail) in [
        (r#"{"name": "ada"}"#, 201, None),
        (r#"{"name": "ada"}"#, 409, Some("that name is taken")),
        (r#"{"name": ""}"#, 422, Some("the name is missing")),
        (
            "{",
            400,
            Some("Failed to parse the request body as JSON: EOF while parsing"),
        ),
    ] {
        let request = Request::post("/users")
            .header("content-type", "application/json")
            .header("accept", "text/html")
            .body(Body::from(body))
            .unwrap();
        let answer = send(app.clone(), request).await;
        assert_eq!(answer.status, status, "{body}");
        if let Some(detail) = detail {
            assert!(
                answer.detail().unwrap().starts_with(detail),
                "{}",
                answer.body
            );
        }
        if status == 422 {
            assert_eq!(answer.json()["field"], "name");
        }
    }
}

#[tokio::test]
async fn plain_hyper() {
    let log = Log::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(hyper::serve(listener, Arc::default()));
    for (path, status, body) in [
        ("/", "200 OK", "visit 1\n"),
        ("/", "200 OK", "visit 2\n"),
        (
            "/nobody",
            "404 Not Found",
            "404 Not Found\nthere is nothing at /nobody\n",
        ),
    ] {
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{answer}"
        );
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{answer}");
    }
    let ours: Vec<_> = log
        .lines()
        .into_iter()
        .filter(|line| line.target == "mainstay::http")
        .collect();
    assert_eq!(ours.len(), 1);
}
