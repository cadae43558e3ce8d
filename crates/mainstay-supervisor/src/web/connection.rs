//! Accepting connections, and what each of them may cost.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

/// A socket that listens.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

/// Accepts connections until told to close, then waits for those there are.
pub(super) fn accept(
    listener: Listener,
    router: Router,
    closing: watch::Receiver<bool>,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let listener = match listener {
        Listener::Tcp(listener) => AsyncListener::Tcp(TcpListener::from_std(listener)?),
        Listener::Unix(listener) => AsyncListener::Unix(UnixListener::from_std(listener)?),
    };
    Ok(run(listener, router, closing))
}

enum AsyncListener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

async fn run(listener: AsyncListener, router: Router, closing: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            // Whoever comes when all places are taken waits in the kernel's queue.
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((listener.accept().await, place))
        };
        tokio::select! {
            () = closed(closing.clone()) => break,
            Some(_) = connections.join_next() => {}
            Some((accepted, place)) = next => match accepted {
                Ok(stream) => {
                    connections.spawn(serve(stream, router.clone(), place, closing.clone()));
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    // Out of descriptors, most often: it passes when somebody leaves.
                    tracing::error!(%error, "cannot accept a connection");
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

impl AsyncListener {
    async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Answers are written whole; waiting for more only delays them.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}
type Stream = Box<dyn Io>;

async fn serve(
    stream: Stream,
    router: Router,
    _place: OwnedSemaphorePermit,
    closing: watch::Receiver<bool>,
) {
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(LONGEST_WAIT_FOR_A_REQUEST)
        .max_buf_size(LARGEST_HEAD)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        result = connection.as_mut() => return log(result),
        () = closed(closing) => connection.as_mut().graceful_shutdown(),
    }
    log(connection.await);
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

/// Each server's own: a crowd at the TCP port does not keep anybody from the unix socket.
const MOST_CONNECTIONS: usize = 512;
/// The line and the headers of a request.
const LARGEST_HEAD: usize = 64 * 1024;
/// From the opening, or the end of the answer before, to the end of the next request's headers.
const LONGEST_WAIT_FOR_A_REQUEST: Duration = Duration::from_secs(60);
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);
