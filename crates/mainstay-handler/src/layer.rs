use std::{
    convert::Infallible,
    error::Error as StdError,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode};
use mainstay_bufpool::{BufferPool, Sizing};
use tower_layer::Layer;
use tower_service::Service;
use tracing::Level;

use crate::{
    BoxError, DefaultPages, Error, ErrorEvent, ErrorPages, Format, HttpError, Origin, PanicError,
    ResponseFuture, StatusError, answer::Seen, rules::Rules,
};

/// The one place where errors are logged and answered.
///
/// Put it around the router, after its last `.route` and `.fallback`: `Router::layer` covers what
/// was added before it.
///
/// ```text
///   TraceLayer               .on_failure(()), or it logs every 5xx a second time
///   └─ CompressionLayer      compresses the error pages too
///      └─ ErrorLayer
///         └─ TimeoutLayer, LoadShedLayer, CsrfLayer, …     may fail, and are answered
///            └─ routes
/// ```
///
/// A clone is cheap, and each method that changes it leaves other clones alone.
#[derive(Clone)]
#[must_use]
pub struct ErrorLayer {
    config: Arc<Config>,
}

/// # Making one
impl ErrorLayer {
    /// For production: nothing private is ever in an answer.
    pub fn new() -> Self {
        Self {
            config: Arc::new(Config::default()),
        }
    }

    /// Whether answers show the chain of causes, the location and the backtrace. Default: no.
    pub fn development(self, yes: bool) -> Self {
        self.set(|config| config.development = yes)
    }
}

/// # Which errors are known
impl ErrorLayer {
    /// Knows errors of this type of yours, wherever they are in the chain of causes.
    pub fn recognize<E: HttpError>(self) -> Self {
        self.set(|config| config.rules.recognize::<E>())
    }

    /// Maps errors of someone else's type, wherever they are in the chain of causes. `None` means
    /// that this one is not known.
    ///
    /// ```
    /// use std::io;
    ///
    /// use http::StatusCode;
    /// use mainstay_handler::{Error, ErrorLayer, StatusError};
    ///
    /// let layer = ErrorLayer::new().map_error(|error: &io::Error| match error.kind() {
    ///     io::ErrorKind::TimedOut => Some(StatusError::new(StatusCode::SERVICE_UNAVAILABLE)),
    ///     _ => None,
    /// });
    /// let error = Error::new(io::Error::from(io::ErrorKind::TimedOut));
    /// assert_eq!(layer.resolve(&error), StatusCode::SERVICE_UNAVAILABLE);
    /// ```
    pub fn map_error<E, F>(self, map: F) -> Self
    where
        E: StdError + 'static,
        F: Fn(&E) -> Option<StatusError> + Send + Sync + 'static,
    {
        self.set(|config| config.rules.map_error(map))
    }

    /// With which status this error would be answered. For tests.
    pub fn resolve(&self, error: &Error) -> StatusCode {
        self.config.rules.resolve(error).status
    }
}

/// # How answers look
impl ErrorLayer {
    /// Your own pages in place of [`DefaultPages`].
    pub fn pages(self, pages: impl ErrorPages) -> Self {
        self.set(|config| config.pages = Arc::new(pages))
    }

    /// Renders answers into buffers of this pool. Default: a small one of the layer's own.
    pub fn buffers(self, pool: BufferPool) -> Self {
        self.set(|config| config.pool = pool)
    }

    /// The format when the client has no wish, or none that can be met. Default:
    /// [`Format::Problem`].
    pub fn default_format(self, format: Format) -> Self {
        self.set(|config| config.default_format = format)
    }

    /// Always this format, whatever the client asks for: a pure API or a pure site.
    pub fn only(self, format: Format) -> Self {
        self.set(|config| config.only = Some(format))
    }

    /// What becomes of plain errors of others: axum's 404 and 405, a refused token, a body that is
    /// too large. Default: [`Rewrite::Short`].
    pub fn rewrite(self, policy: Rewrite) -> Self {
        self.set(|config| config.rewrite = policy)
    }

    /// Whether the messages of axum's rejections end after their fixed sentence, without serde's
    /// words about the field and the type. Default: no.
    pub fn terse_rejections(self, yes: bool) -> Self {
        self.set(|config| config.rules.terse = yes)
    }
}

/// # What else happens
impl ErrorLayer {
    /// The request header that holds the request's id. Default: `x-request-id`.
    ///
    /// An id longer than 128 bytes, or with anything but visible ASCII in it, is passed over.
    pub fn request_id(self, header: HeaderName) -> Self {
        self.set(|config| config.request_id = header)
    }

    /// Whether a panic is answered as a 500. Default: yes. Otherwise it goes on, and hyper cuts
    /// the connection.
    ///
    /// Not caught are panics while a body is streamed, when the headers are gone, and any in a
    /// program built with `panic = "abort"`. State behind a mutex that the panic has poisoned is
    /// the application's business.
    pub fn catch_panics(self, yes: bool) -> Self {
        self.set(|config| config.catch_panics = yes)
    }

    /// The level at which errors of a status are logged; `None` for not at all. Default: 5xx at
    /// `ERROR`, 4xx at `DEBUG`.
    pub fn log_level(self, level: fn(StatusCode) -> Option<Level>) -> Self {
        self.set(|config| config.log_level = level)
    }

    /// Calls this for each answered error, after it was logged: to count it, or to report it
    /// somewhere. May be said again for another.
    pub fn on_error(self, hook: impl Fn(&ErrorEvent<'_>) + Send + Sync + 'static) -> Self {
        self.set(|config| config.hooks.push(Arc::new(hook)))
    }

    fn set(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

impl Default for ErrorLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ErrorLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorLayer")
            .field("config", &self.config)
            .finish()
    }
}

/// What becomes of plain errors of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rewrite {
    /// Sent as they are. Those of 500 and above are still logged.
    None,
    /// Those with no body, or up to 4 KiB of `text/plain`, are answered like errors of your own. A
    /// 4xx's text is taken for its message; a 5xx's goes to the log alone.
    Short,
}

/// In a response's extensions: leave its body alone, whatever the [`Rewrite`] policy says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verbatim;

impl<S> Layer<S> for ErrorLayer {
    type Service = ErrorService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ErrorService {
            inner,
            config: Arc::clone(&self.config),
            failed: None,
        }
    }
}

/// A service whose errors are answered by an [`ErrorLayer`]; it never fails itself.
pub struct ErrorService<S> {
    inner: S,
    config: Arc<Config>,
    /// Why the inner service will not take the next call. It is kept until that call, because
    /// only then there is a request to answer.
    failed: Option<Failure>,
}

impl<S> ErrorService<S> {
    /// The service inside.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service inside, alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, RB> Service<Request<B>> for ErrorService<S>
where
    S: Service<Request<B>, Response = Response<RB>>,
    S::Error: Into<BoxError>,
    RB: http_body::Body<Data = Bytes> + Send + 'static,
    RB::Error: Into<BoxError>,
{
    type Response = axum_core::response::Response;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.failed.is_some() {
            return Poll::Ready(Ok(()));
        }
        let Self {
            inner,
            config,
            failed,
        } = self;
        *failed = match config.guard(|| inner.poll_ready(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(()))) => None,
            Ok(Poll::Ready(Err(error))) => Some(Failure::of_service(error)),
            Err(panic) => Some(panic),
        };
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let config = Arc::clone(&self.config);
        let seen = Seen::of(&request, &config);
        let called = match self.failed.take() {
            Some(failure) => Err(failure),
            None => config.guard(|| self.inner.call(request)),
        };
        ResponseFuture::new(called, seen, config)
    }
}

impl<S: Clone> Clone for ErrorService<S> {
    /// The clone finds out for itself whether the inner service is ready.
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            config: Arc::clone(&self.config),
            failed: None,
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for ErrorService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// An error that did not come as a response.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) origin: Origin,
}

impl Failure {
    pub(crate) fn of_service(error: impl Into<BoxError>) -> Self {
        Self {
            error: Error::new(error.into()),
            origin: Origin::Service,
        }
    }
}

/// Settings of a layer.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) rules: Rules,
    pub(crate) pages: Arc<dyn ErrorPages>,
    pub(crate) pool: BufferPool,
    pub(crate) default_format: Format,
    pub(crate) only: Option<Format>,
    pub(crate) rewrite: Rewrite,
    pub(crate) request_id: HeaderName,
    pub(crate) development: bool,
    catch_panics: bool,
    pub(crate) log_level: fn(StatusCode) -> Option<Level>,
    pub(crate) hooks: Vec<Arc<Hook>>,
}

type Hook = dyn Fn(&ErrorEvent<'_>) + Send + Sync;

impl Config {
    /// Runs code of the application, whose panics are errors like any other.
    ///
    /// `AssertUnwindSafe` holds because what panicked is dropped and never called again: the
    /// future at once; a service by whoever owns it, after this one request.
    pub(crate) fn guard<T>(&self, work: impl FnOnce() -> T) -> Result<T, Failure> {
        if !self.catch_panics {
            return Ok(work());
        }
        catch_unwind(AssertUnwindSafe(work)).map_err(|payload| Failure {
            error: Error::known(PanicError::new(&*payload)),
            origin: Origin::Panic,
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            pages: Arc::new(DefaultPages),
            pool: BufferPool::builder()
                .keep(16)
                .size(Sizing::Fixed(4 << 10))
                .build(),
            default_format: Format::Problem,
            only: None,
            rewrite: Rewrite::Short,
            request_id: HeaderName::from_static("x-request-id"),
            development: false,
            catch_panics: true,
            log_level: default_level,
            hooks: Vec::new(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("rules", &self.rules)
            .field("default_format", &self.default_format)
            .field("only", &self.only)
            .field("rewrite", &self.rewrite)
            .field("request_id", &self.request_id)
            .field("development", &self.development)
            .field("catch_panics", &self.catch_panics)
            .finish_non_exhaustive()
    }
}

fn default_level(status: StatusCode) -> Option<Level> {
    Some(if status.is_server_error() {
        Level::ERROR
    } else {
        Level::DEBUG
    })
}
