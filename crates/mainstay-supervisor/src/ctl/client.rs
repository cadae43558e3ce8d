//! The connection to the daemon: XML-RPC over one HTTP connection that is kept.

use std::future::pending;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::error::Error;
use super::server::Server;
use crate::rpc::{Value, xml};

/// A client of the daemon's API.
///
/// Its calls block: a command-line program does one thing after another. They wait as long as the
/// daemon takes, because starting and stopping programs takes as long as their owners configured.
#[derive(Debug)]
pub struct Client {
    pub(super) runtime: Runtime,
    pub(super) interrupts: Interrupts,
    pub(super) link: Link,
}

impl Client {
    /// A client of the server at `url`, which is not connected to before the first call.
    ///
    /// # Errors
    ///
    /// When the runtime cannot be started.
    pub fn new(url: &str) -> io::Result<Self> {
        Ok(Self {
            runtime: Builder::new_current_thread().enable_all().build()?,
            interrupts: Interrupts(None),
            link: Link {
                url: url.to_owned(),
                authorization: None,
                idle: None,
            },
        })
    }

    /// With a login, which is sent only when both halves are there.
    pub fn login(mut self, username: Option<String>, password: Option<String>) -> Self {
        self.set_login(username, password);
        self
    }

    /// Changes the login for later calls.
    pub fn set_login(&mut self, username: Option<String>, password: Option<String>) {
        let set = |part: Option<String>| part.filter(|text| !text.is_empty());
        self.link.authorization = set(username).zip(set(password)).and_then(|(name, word)| {
            let encoded = STANDARD.encode(format!("{name}:{word}"));
            let mut value = HeaderValue::try_from(format!("Basic {encoded}")).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
    }

    /// Talks to another server from now on.
    pub fn set_url(&mut self, url: &str) {
        self.link.url = url.to_owned();
        self.link.idle = None;
    }

    /// From now on Ctrl-C ends the call that is under way instead of the program.
    ///
    /// # Errors
    ///
    /// When the handler cannot be installed.
    pub fn catch_interrupts(&mut self) -> io::Result<()> {
        if self.interrupts.0.is_none() {
            let _inside = self.runtime.enter();
            self.interrupts.0 = Some(signal(SignalKind::interrupt())?);
        }
        Ok(())
    }

    /// Calls a method and waits for its result.
    ///
    /// # Errors
    ///
    /// A fault, an answer that is no answer, or no connection.
    pub fn call(&mut self, method: &str, params: &[Value]) -> Result<Value, Error> {
        let Self {
            runtime,
            interrupts,
            link,
        } = self;
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = interrupts.next() => {
                    // The answer may still come, and would be taken for that of the next call.
                    link.idle = None;
                    Err(Error::interrupted())
                }
                result = link.call(method, params) => result,
            }
        })
    }

    /// The server's URL, as it was given.
    pub fn url(&self) -> &str {
        &self.link.url
    }
}

/// Ctrl-C, once somebody wants to know.
#[derive(Debug)]
pub(super) struct Interrupts(Option<Signal>);

impl Interrupts {
    /// Waits for Ctrl-C. Cancel safe.
    pub(super) async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => pending().await,
        }
    }
}

/// The way to one server, with the connection that is kept between calls.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) url: String,
    authorization: Option<HeaderValue>,
    idle: Option<SendRequest<Full<Bytes>>>,
}

impl Link {
    /// Not cancel safe: a call that is dropped leaves its answer on the connection.
    pub(super) async fn call(&mut self, method: &str, params: &[Value]) -> Result<Value, Error> {
        let document = Bytes::from(xml::write_call(method, params));
        let response = self.post(document).await?;
        if response.status() != StatusCode::OK {
            return Err(Error::status(&response));
        }
        let body = response.into_body().collect().await?.to_bytes();
        xml::parse_response(&body)
            .map_err(Error::unreadable)?
            .map_err(|(code, text)| Error::fault(code, text))
    }

    /// Opens an endless answer on a connection of its own.
    pub(super) async fn get(&self, path: &str) -> Result<Response<Incoming>, Error> {
        let server = self.server()?;
        let request = self
            .request(&server)
            .method("GET")
            .uri(path)
            .header(ACCEPT, "*/*")
            .body(Full::default())
            .map_err(io::Error::other)?;
        Ok(connect(&server).await?.send_request(request).await?)
    }

    async fn post(&mut self, document: Bytes) -> Result<Response<Incoming>, Error> {
        let server = self.server()?;
        let kept = self.idle.take();
        let request = || {
            self.request(&server)
                .method("POST")
                .uri("/RPC2")
                .header(CONTENT_TYPE, "text/xml")
                .header(ACCEPT, "text/xml")
                .body(Full::new(document.clone()))
                .map_err(io::Error::other)
        };

        // A server may close a connection that has been idle. Then the call goes out again, once,
        // on a new one; Python's client does the same.
        if let Some(mut kept) = kept
            && kept.ready().await.is_ok()
        {
            match kept.send_request(request()?).await {
                Ok(response) => {
                    self.idle = Some(kept);
                    return Ok(response);
                }
                Err(error) if error.is_parse() => return Err(error.into()),
                Err(_closed) => {}
            }
        }
        let request = request()?;
        let mut fresh = connect(&server).await?;
        let response = fresh.send_request(request).await?;
        self.idle = Some(fresh);
        Ok(response)
    }

    fn server(&self) -> Result<Server, Error> {
        Server::parse(&self.url)
    }

    fn request(&self, server: &Server) -> http::request::Builder {
        let request = Request::builder().header(HOST, server.authority().to_string());
        match &self.authorization {
            Some(login) => request.header(AUTHORIZATION, login),
            None => request,
        }
    }
}

async fn connect(server: &Server) -> Result<SendRequest<Full<Bytes>>, Error> {
    match server {
        Server::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(Error::connect)?;
            handshake(stream).await
        }
        Server::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await;
            let stream = stream.map_err(Error::connect)?;
            // Requests are single small writes; waiting to fill a segment only delays them.
            stream.set_nodelay(true)?;
            handshake(stream).await
        }
    }
}

async fn handshake<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its error reaches us through the request that it fails, so nothing is lost here.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}
