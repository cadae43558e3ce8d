//! Through real sockets: HTTP/1.1 as bytes, HTTP/2 by hyper's client.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::ws::{WebSocket, WebSocketUpgrade},
    routing::{any, post},
};
use bytes::Bytes;
use http::{Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{client::conn::http2, ext::Protocol};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mainstay_csrf::{Csrf, CsrfToken, KeyRing};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const DEADLINE: Duration = Duration::from_secs(20);
/// A masked text for a WebSocket, and the same without its mask (RFC 6455, 5.7).
const HELLO: [u8; 11] = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
const ECHO: &[u8; 7] = b"\x81\x05Hello";

/// A service on a port of its own.
async fn serve() -> SocketAddr {
    let app: Router = Router::new()
        .route(
            "/form",
            any(|token: CsrfToken| async move { token.value().to_owned() }),
        )
        .route(
            "/do",
            post(|body: Body| async move {
                match body.collect().await {
                    Ok(body) => {
                        let trailer = body
                            .trailers()
                            .and_then(|trailers| trailers.get("x-sum"))
                            .cloned();
                        let sum = trailer.map(|sum| format!("+{}", sum.to_str().unwrap()));
                        format!("{}{}", body.to_bytes().len(), sum.unwrap_or_default())
                    }
                    Err(error) => error.to_string(),
                }
            }),
        )
        .route(
            "/socket",
            any(|upgrade: WebSocketUpgrade| async move { upgrade.on_upgrade(echo) }),
        )
        .layer(Csrf::new(KeyRing::generate()).build().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

/// A connection that speaks HTTP/1.1 byte by byte.
struct Line {
    stream: TcpStream,
    address: SocketAddr,
}

impl Line {
    async fn open(address: SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            address,
        }
    }

    /// Cookie and token of a page.
    async fn visit(&mut self) -> (String, String) {
        let host = self.address;
        self.send(&format!("GET /form HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await;
        let (head, token) = self.answer().await;
        let cookie = head
            .split("set-cookie: ")
            .nth(1)
            .unwrap()
            .split(';')
            .next()
            .unwrap();
        (cookie.to_owned(), token)
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// A head and as much body as it promises.
    async fn answer(&mut self) -> (String, String) {
        let mut text = Vec::new();
        loop {
            let seen = String::from_utf8(text.clone()).unwrap();
            if let Some((head, body)) = seen.split_once("\r\n\r\n") {
                let length = head.split("content-length: ").nth(1).map_or(0, |rest| {
                    rest.split("\r\n").next().unwrap().parse::<usize>().unwrap()
                });
                if body.len() >= length {
                    return (head.to_owned(), body.to_owned());
                }
            }
            let mut buffer = [0; 4096];
            let read = timeout(DEADLINE, self.stream.read(&mut buffer))
                .await
                .expect("an answer")
                .unwrap();
            assert!(read > 0, "closed after {seen:?}");
            text.extend_from_slice(&buffer[..read]);
        }
    }
}

#[tokio::test]
async fn a_form_over_http1_in_single_bytes() {
    let address = serve().await;
    let mut line = Line::open(address).await;
    let (cookie, token) = line.visit().await;
    let body = format!("a=1&csrf_token={token}&b=2");
    let head = format!(
        "POST /do HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    line.stream.set_nodelay(true).unwrap();
    for byte in (head + &body).chars() {
        line.send(&byte.to_string()).await;
        tokio::task::yield_now().await;
    }
    let (head, text) = line.answer().await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head} {text}");
    assert_eq!(text, body.len().to_string());
}

#[tokio::test]
async fn chunks_and_trailers_over_http1() {
    let address = serve().await;
    let mut line = Line::open(address).await;
    let (cookie, token) = line.visit().await;
    let field = format!("csrf_token={token}");
    line.send(&format!(
        "POST /do HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nTrailer: x-sum\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{field}\r\n4\r\n&a=1\r\n0\r\nx-sum: 7\r\n\r\n",
        field.len()
    ))
    .await;
    let (head, text) = line.answer().await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head} {text}");
    assert_eq!(text, format!("{}+7", field.len() + 4));
}

#[tokio::test]
async fn a_refusal_comes_without_100_continue_and_a_search_with_it() {
    let address = serve().await;
    let mut line = Line::open(address).await;
    let (cookie, token) = line.visit().await;
    let body = format!("csrf_token={token}");
    let head = |extra: &str| {
        format!(
            "POST /do HTTP/1.1\r\nHost: {address}\r\n{extra}Cookie: {cookie}\r\nExpect: 100-continue\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
    };
    line.send(&head("Origin: https://evil.test\r\n")).await;
    let (refusal, _) = line.answer().await;
    assert!(refusal.starts_with("HTTP/1.1 403"), "{refusal}");

    let mut line = Line::open(address).await;
    line.send(&head("")).await;
    let (go_on, rest) = line.answer().await;
    assert!(go_on.starts_with("HTTP/1.1 100"), "{go_on} {rest}");
    line.send(&body).await;
    let (head, text) = line.answer().await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head} {text}");
}

#[tokio::test]
async fn a_large_upload_is_refused_while_it_is_still_being_sent() {
    let address = serve().await;
    let (cookie, _) = Line::open(address).await.visit().await;
    for (extra, status, sent) in [
        // Nothing of the body is needed.
        ("Sec-Fetch-Site: cross-site\r\n", "HTTP/1.1 403", 0),
        // The search ends at its limit of 64 KiB.
        ("", "HTTP/1.1 403", 100_000),
    ] {
        let mut line = Line::open(address).await;
        line.send(&format!(
            "POST /do HTTP/1.1\r\nHost: {address}\r\n{extra}Cookie: {cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000000000\r\n\r\n"
        ))
        .await;
        line.send(&"a".repeat(sent)).await;
        let (head, text) = line.answer().await;
        assert!(head.starts_with(status), "{head} {text}");
    }
}

type Sent = BoxBody<Bytes, Infallible>;

#[tokio::test]
async fn a_websocket_over_http1_is_opened_by_our_own_pages_only() {
    let address = serve().await;
    let handshake = |origin: &str| {
        format!(
            "GET /socket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: {origin}\r\n\r\n"
        )
    };
    for foreign in ["https://evil.test", "null"] {
        let mut line = Line::open(address).await;
        line.send(&handshake(foreign)).await;
        let (head, _) = line.answer().await;
        assert!(head.starts_with("HTTP/1.1 403 "), "{foreign}: {head}");
    }

    let mut line = Line::open(address).await;
    line.send(&handshake(&format!("http://{address}"))).await;
    let (head, _) = line.answer().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    says_hello(&mut line.stream).await;
}

#[tokio::test]
async fn a_websocket_over_http2_is_opened_by_our_own_pages_only() {
    let address = serve().await;
    let mut client = http2(address).await;
    // Not before the server has said that it knows them.
    let page = Request::get(format!("http://{address}/form"))
        .body(Full::default().boxed())
        .unwrap();
    assert_eq!(client.send_request(page).await.unwrap().status(), 200);
    let handshake = |origin: &str| {
        Request::connect(format!("http://{address}/socket"))
            .extension(Protocol::from_static("websocket"))
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::ORIGIN, origin)
            .body(Full::default().boxed())
            .unwrap()
    };
    for foreign in ["https://evil.test", "null"] {
        let refusal = client.send_request(handshake(foreign)).await.unwrap();
        assert_eq!(refusal.status(), 403, "{foreign}");
    }

    let own = format!("http://{address}");
    let opened = client.send_request(handshake(&own)).await.unwrap();
    assert_eq!(opened.status(), 200);
    says_hello(&mut TokioIo::new(hyper::upgrade::on(opened).await.unwrap())).await;
}

/// What is sent through an open WebSocket comes back.
async fn says_hello(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    stream.write_all(&HELLO).await.unwrap();
    let mut echo = [0; ECHO.len()];
    let read = stream.read_exact(&mut echo);
    timeout(DEADLINE, read).await.expect("an echo").unwrap();
    assert_eq!(&echo, ECHO);
}

async fn http2(address: SocketAddr) -> http2::SendRequest<Sent> {
    let stream = TcpStream::connect(address).await.unwrap();
    let io = TokioIo::new(stream);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn text(response: Response<hyper::body::Incoming>) -> String {
    let body = timeout(DEADLINE, response.into_body().collect())
        .await
        .expect("a body")
        .unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn forms_over_http2_with_split_cookies_and_the_authority_as_host() {
    let address = serve().await;
    let mut client = http2(address).await;
    let page = Request::get(format!("http://{address}/form"))
        .body(Full::default().boxed())
        .unwrap();
    let page = client.send_request(page).await.unwrap();
    let cookie = page.headers()[header::SET_COOKIE]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let token = text(page).await;

    let ask = |origin: String| {
        // HTTP/2 may send cookies one by one, and frames cut wherever they like.
        let pieces = ["a=1&csrf_tok", "en=", &token[..10], &token[10..], "&b=2"];
        let frames: Vec<_> = pieces
            .iter()
            .map(|piece| Bytes::copy_from_slice(piece.as_bytes()))
            .collect();
        Request::post(format!("http://{address}/do"))
            .header(header::ORIGIN, origin)
            .header(header::COOKIE, "other=1")
            .header(header::COOKIE, &cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Frames(frames.into_iter()).boxed())
            .unwrap()
    };
    let good = client
        .send_request(ask(format!("http://{address}")))
        .await
        .unwrap();
    assert_eq!(good.status(), 200);
    assert_eq!(text(good).await, (token.len() + 19).to_string());
    let bad = client
        .send_request(ask("https://evil.test".to_owned()))
        .await
        .unwrap();
    assert_eq!(bad.status(), 403);
    assert!(
        text(bad).await.contains(&address.to_string()),
        "the authority is what was expected"
    );
}

#[tokio::test]
async fn an_upload_over_http2_is_refused_early_and_the_connection_lives_on() {
    let address = serve().await;
    let mut client = http2(address).await;
    let endless = Frames(std::iter::repeat_with(|| Bytes::from(vec![b'a'; 16_384])));
    let ask = Request::post(format!("http://{address}/do"))
        .header("sec-fetch-site", "cross-site")
        .body(endless.boxed())
        .unwrap();
    let refusal = timeout(DEADLINE, client.send_request(ask))
        .await
        .expect("an answer")
        .unwrap();
    assert_eq!(refusal.status(), 403);
    let page = Request::get(format!("http://{address}/form"))
        .body(Full::default().boxed())
        .unwrap();
    assert_eq!(client.send_request(page).await.unwrap().status(), 200);
}

/// A body of one frame for each item.
struct Frames<I>(I);

impl<I: Iterator<Item = Bytes> + Unpin> http_body::Body for Frames<I> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(|data| Ok(Frame::data(data))))
    }
}
