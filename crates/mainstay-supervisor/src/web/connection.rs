//! Accepting connections, and what each of them may cost.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nix::sys::resource::{Resource, getrlimit};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::app::Site;
use super::pace::{Answering, Paced, Pulse, Seats};
use super::upload::Upload;

/// A socket that listens.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

/// Accepts connections until told to close, then waits for those there are.
pub(super) fn accept(
    listener: Listener,
    site: Site,
    closing: watch::Receiver<bool>,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let listener = match listener {
        Listener::Tcp(listener) => AsyncListener::Tcp(TcpListener::from_std(listener)?),
        Listener::Unix(listener) => AsyncListener::Unix(UnixListener::from_std(listener)?),
    };
    Ok(run(listener, site, closing, most_connections()))
}

enum AsyncListener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

async fn run(listener: AsyncListener, site: Site, closing: watch::Receiver<bool>, places: usize) {
    let places = Arc::new(Semaphore::new(places));
    let seats = Arc::new(Seats::default());
    let mut connections = JoinSet::new();
    // Accepted, and without a place yet.
    let mut waiting = None;
    loop {
        tokio::select! {
            () = closed(closing.clone()) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if waiting.is_none() => match accepted {
                Ok(stream) => {
                    if places.available_permits() == 0 {
                        seats.make_room();
                    }
                    waiting = Some(stream);
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    // Out of descriptors, most often: it passes when somebody leaves.
                    tracing::error!(%error, "cannot accept a connection");
                    seats.make_room();
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            },
            // Those who were busy when it came may have fallen silent since.
            () = tokio::time::sleep(PATIENCE), if waiting.is_some() => seats.make_room(),
            Ok(place) = Arc::clone(&places).acquire_owned(), if waiting.is_some() => {
                if let Some((stream, peer)) = waiting.take() {
                    let site = site.visited_by(&peer);
                    let serving = serve(stream, site, Arc::clone(&seats), closing.clone());
                    connections.spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

impl AsyncListener {
    /// A connection, and who is at its other end.
    async fn accept(&self) -> io::Result<(Stream, String)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are written whole; waiting for more only delays them.
                stream.set_nodelay(true)?;
                // Peers that vanish without a word would hold their places for ever.
                let keepalive = TcpKeepalive::new().with_time(SILENCE);
                SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
                Ok((Box::new(stream), peer.to_string()))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let peer = match stream.peer_cred() {
                    Ok(cred) => format!("uid {}", cred.uid()),
                    Err(_) => "unix".to_owned(),
                };
                Ok((Box::new(stream), peer))
            }
        }
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}
type Stream = Box<dyn Io>;

/// Has its seat from now on, not from the first poll: who accepts many at once counts on that.
fn serve(
    stream: impl Io,
    site: Site,
    seats: Arc<Seats>,
    closing: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send {
    let pulse = Arc::new(Pulse::default());
    let seat = seats.take(&pulse);
    let number = seat.number;
    let of_requests = Arc::clone(&pulse);
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let in_flight = of_requests.begin(&seats, number);
        let answer = site.clone().answer(request.map(Upload::body));
        async move {
            let answer = answer.await.map(|body| Answering::new(body, in_flight));
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        // `Paced` knows better who dawdles.
        .header_read_timeout(None)
        .max_buf_size(LARGEST_HEAD)
        .half_close(true)
        .serve_connection(
            TokioIo::new(Paced::new(stream, Arc::clone(&pulse))),
            service,
        );
    async move {
        let _seat = seat;
        let mut connection = pin!(connection);
        tokio::select! {
            result = connection.as_mut() => return log(result),
            () = pulse.asked_to_leave() => return,
            () = closed(closing) => {}
        }
        if !pulse.is_idle() {
            connection.as_mut().graceful_shutdown();
            log(connection.await);
        }
    }
}

/// Returns when the servers are closed, in whatever way.
pub(super) async fn closed(mut closing: watch::Receiver<bool>) {
    // An error says that they were dropped.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Clients come and go as they like; that is for whoever looks closely.
fn log(result: Result<(), hyper::Error>) {
    if let Err(error) = result {
        tracing::debug!(error = &error as &dyn std::error::Error, "connection ended");
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotConnected
    )
}

/// Each server's own: a crowd at the TCP port does not keep anybody from the unix socket. Where few
/// descriptors may be open, most of them are left to the programs.
fn most_connections() -> usize {
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or_default();
    let share = usize::try_from(limit / 4).unwrap_or(MOST_CONNECTIONS);
    share.clamp(FEWEST_CONNECTIONS, MOST_CONNECTIONS)
}

const MOST_CONNECTIONS: usize = 512;
const FEWEST_CONNECTIONS: usize = 8;
/// The line and the headers of a request.
const LARGEST_HEAD: usize = 64 * 1024;
/// After so long without a word, ask whether the peer is still there.
const SILENCE: Duration = Duration::from_secs(300);
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);
/// Between two looks for somebody who can leave.
const PATIENCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::time::Instant;

    use super::*;

    /// The client's end of a connection that is being served, and the server's life.
    fn connect() -> (DuplexStream, watch::Sender<bool>) {
        let (client, server) = tokio::io::duplex(1024);
        let closing = watch::Sender::new(false);
        let router = Router::new()
            .route("/", get(async || "OK"))
            .route(
                "/echo",
                axum::routing::post(async |body: bytes::Bytes| body),
            )
            .route("/slow", get(async || std::future::pending::<()>().await));
        tokio::spawn(serve(
            server,
            Site::of(router),
            Arc::default(),
            closing.subscribe(),
        ));
        (client, closing)
    }

    async fn ask(client: &mut DuplexStream) {
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"OK") {
            assert_ne!(client.read_buf(&mut answer).await.unwrap(), 0, "closed");
        }
    }

    async fn closes_within(client: &mut DuplexStream, limit: Duration) -> bool {
        let mut rest = Vec::new();
        tokio::time::timeout(limit, client.read_to_end(&mut rest))
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_or_dawdles_has_a_minute() {
        for beginning in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"] {
            let (mut client, _closing) = connect();
            client.write_all(beginning).await.unwrap();
            let start = Instant::now();
            assert!(closes_within(&mut client, Duration::from_secs(61)).await);
            assert!(start.elapsed() >= Duration::from_secs(59));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_answered_may_stay_but_not_dawdle() {
        let (mut client, _closing) = connect();
        for _ in 0..3 {
            ask(&mut client).await;
            assert!(!closes_within(&mut client, Duration::from_secs(100_000)).await);
        }
        client.write_all(b"GET / HT").await.unwrap();
        assert!(closes_within(&mut client, Duration::from_secs(61)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_take_its_time() {
        let (mut client, _closing) = connect();
        client
            .write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        assert!(!closes_within(&mut client, Duration::from_secs(100_000)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_in_has_a_minute() {
        let (mut client, _closing) = connect();
        client
            .write_all(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
            .await
            .unwrap();
        let start = Instant::now();
        let mut answer = Vec::new();
        loop {
            tokio::select! {
                // Never silent for long.
                () = tokio::time::sleep(Duration::from_secs(5)) => {
                    client.write_all(b"x").await.unwrap();
                }
                read = client.read_buf(&mut answer) => {
                    assert_ne!(read.unwrap(), 0, "closed without a word");
                    break;
                }
            }
        }
        assert!(answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
        assert!(start.elapsed() >= Duration::from_secs(59));
        assert!(start.elapsed() <= Duration::from_secs(61));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_take_his_answer_gives_way_when_places_are_wanted() {
        let seats = Arc::new(Seats::default());
        let (mut client, server) = tokio::io::duplex(1024);
        let closing = watch::Sender::new(false);
        let router = Router::new().route("/large", get(async || "x".repeat(1 << 20)));
        let serving = tokio::spawn(serve(
            server,
            Site::of(router),
            Arc::clone(&seats),
            closing.subscribe(),
        ));
        client
            .write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        // As long as he may still be busy, and as long as nobody else wants the place.
        tokio::time::sleep(Duration::from_secs(5)).await;
        seats.make_room();
        tokio::time::sleep(Duration::from_secs(1000)).await;
        assert!(!serving.is_finished());

        seats.make_room();

        tokio::time::timeout(Duration::from_secs(1), serving)
            .await
            .expect("he stays")
            .unwrap();
    }

    #[tokio::test]
    async fn who_comes_while_all_are_busy_has_the_first_place_that_can_be_had() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = AsyncListener::Unix(UnixListener::bind(&path).unwrap());
        let (release, released) = watch::channel(false);
        let (begun, mut beginnings) = tokio::sync::mpsc::channel(3);
        let router = Router::new().route("/", get(async || "OK")).route(
            "/slow",
            get(async move || {
                begun.send(()).await.unwrap();
                closed(released).await;
                "OK"
            }),
        );
        let closing = watch::Sender::new(false);
        tokio::spawn(run(listener, Site::of(router), closing.subscribe(), 3));
        let mut busy = Vec::new();
        for _ in 0..3 {
            let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
            client
                .write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
                .await
                .unwrap();
            // Before that he is one of those who have not said anything yet.
            beginnings.recv().await.unwrap();
            busy.push(client);
        }
        let mut late = tokio::net::UnixStream::connect(&path).await.unwrap();
        late.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        let mut reading = pin!(late.read_to_end(&mut answer));
        let early = tokio::time::timeout(3 * PATIENCE, reading.as_mut()).await;
        assert!(early.is_err(), "there was no place");

        release.send_replace(true);

        tokio::time::timeout(Duration::from_secs(10), reading)
            .await
            .expect("nobody made room")
            .unwrap();
        assert!(answer.ends_with(b"OK"));
        drop(busy);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_does_not_wait_for_the_silent() {
        let (mut fresh, closing) = connect();
        closing.send_replace(true);
        assert!(closes_within(&mut fresh, Duration::from_secs(1)).await);
        let (mut idle, closing) = connect();
        ask(&mut idle).await;
        closing.send_replace(true);
        assert!(closes_within(&mut idle, Duration::from_secs(1)).await);
    }
}
