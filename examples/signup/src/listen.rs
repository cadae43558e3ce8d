//! The sockets that the site answers on, and when it stops.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use listenfd::ListenFd;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long requests may take to finish once the site has been asked to stop: less than the 10 seconds
/// after which a supervisor kills it.
const PATIENCE: Duration = Duration::from_secs(8);

/// The socket that was handed over (`LISTEN_FDS`), or one on `address`.
///
/// A socket that outlives the process keeps accepting while the site restarts: nobody is refused.
pub(crate) async fn inherit_or_bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    match ListenFd::from_env()
        .take_tcp_listener(0)
        .context("LISTEN_FDS")?
    {
        Some(listener) => {
            listener.set_nonblocking(true)?;
            Ok(TcpListener::from_std(listener)?)
        }
        None => bind(address).await,
    }
}

pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address}"))
}

/// Answers until `stop`, then lets running requests finish.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    mut stop: Stop,
) -> std::io::Result<()> {
    let mut impatient = stop.clone();
    let server =
        axum::serve(listener, app).with_graceful_shutdown(async move { stop.wait().await });
    tokio::select! {
        done = server => done,
        () = async {
            impatient.wait().await;
            tokio::time::sleep(PATIENCE).await;
        } => {
            tracing::warn!("leaving with requests unfinished");
            Ok(())
        }
    }
}

/// Is told when SIGTERM or SIGINT arrives.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens for the signals from now on.
    pub(crate) fn on_signals() -> std::io::Result<Self> {
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        let (send, receive) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = term.recv() => tracing::info!("SIGTERM: finishing"),
                _ = int.recv() => tracing::info!("SIGINT: finishing"),
            }
            let _ = send.send(true);
        });
        Ok(Self(receive))
    }

    pub(crate) async fn wait(&mut self) {
        // The sender only goes away after it has sent.
        let _ = self.0.wait_for(|&stop| stop).await;
    }
}

/// Does something now and every `period`, until `stop`.
pub(crate) fn every<F: Future<Output = ()> + Send>(
    period: Duration,
    mut stop: Stop,
    mut work: impl FnMut() -> F + Send + 'static,
) {
    tokio::spawn(async move {
        loop {
            work().await;
            if timeout(period, stop.wait()).await.is_ok() {
                return;
            }
        }
    });
}
