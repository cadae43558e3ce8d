use axum_core::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, header::CONTENT_TYPE};
use mainstay_bufpool::{BufferPool, PooledBuf};

use crate::{BoxError, Error, Format, Result};

/// Renders whole pages: put one in the state of your application.
///
/// The page is written into a pooled buffer and becomes a response only when it is whole. If the
/// closure fails half-way, the buffer goes back, nothing of it is sent, and the error takes the
/// usual way. The full buffer is sent without a copy and goes back when it is.
///
/// ```
/// use std::fmt::Write as _;
///
/// use axum_core::response::Response;
/// use mainstay_bufpool::BufferPool;
/// use mainstay_handler::{Renderer, Result};
///
/// fn hello(render: &Renderer, name: &str) -> Result<Response> {
///     render.html(|page| write!(page, "<h1>Hello, {name}</h1>"))
/// }
///
/// let render = Renderer::new(BufferPool::default());
/// assert_eq!(hello(&render, "Ada").unwrap().headers()["content-type"], "text/html; charset=utf-8");
/// ```
///
/// askama: `render.html(|page| template.render_into(page))`. minijinja:
/// `render.html(|page| template.render_to_write(context, page).map(drop))`. The closure's argument
/// is both a `fmt::Write` and an `io::Write`.
///
/// Rendering does not yield. A page that takes more than a millisecond of work belongs into
/// `spawn_blocking`, and so may this.
#[derive(Clone, Debug)]
pub struct Renderer {
    pool: BufferPool,
}

impl Renderer {
    /// Renders into buffers of this pool. Choose its size so that most pages fit.
    pub const fn new(pool: BufferPool) -> Self {
        Self { pool }
    }

    /// Renders a page of HTML.
    #[track_caller]
    pub fn html<E>(&self, page: impl FnOnce(&mut PooledBuf) -> Result<(), E>) -> Result<Response>
    where
        E: Into<BoxError> + 'static,
    {
        self.render(Format::Html.content_type(), page)
    }

    /// Renders a whole body of any type.
    #[track_caller]
    pub fn render<E>(
        &self,
        content_type: HeaderValue,
        body: impl FnOnce(&mut PooledBuf) -> Result<(), E>,
    ) -> Result<Response>
    where
        E: Into<BoxError> + 'static,
    {
        let mut buffer = self.pool.get();
        match body(&mut buffer) {
            Ok(()) => {
                Ok(([(CONTENT_TYPE, content_type)], Body::from(buffer.freeze())).into_response())
            }
            Err(cause) => Err(Error::new(cause).note("rendering the answer")),
        }
    }
}
