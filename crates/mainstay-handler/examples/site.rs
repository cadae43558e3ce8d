//! Pages for people: a list, a profile, an error page of the site's own, a page that fails half-way
//! and one that panics.
//!
//! Run with `cargo run -p mainstay-handler --example site`, then open http://127.0.0.1:3000/

#![allow(missing_docs)]

use std::{
    fmt::{self, Write as _},
    io,
};

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use http::StatusCode;
use mainstay_bufpool::{BufferPool, Sizing};
use mainstay_handler::{
    BoxError, Error, ErrorLayer, ErrorView, Format, OptionExt as _, Renderer, Result,
    ResultExt as _, escape, install_panic_hook,
};
use tower_http::trace::TraceLayer;

/// What handlers need, passed to them as axum's state. No globals.
#[derive(Clone, Debug)]
pub struct Env {
    pub members: &'static [&'static str],
    pub render: Renderer,
}

pub fn env(pool: BufferPool) -> Env {
    Env {
        members: &["Ada", "Grace", "Barbara"],
        render: Renderer::new(pool),
    }
}

pub fn app(env: Env) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/u/{id}", get(profile))
        .route("/half", get(half))
        .route("/panic", get(panics))
        .fallback(|| async { Error::from_status(StatusCode::NOT_FOUND) })
        // Inside the trace, so that its span is around the error's line; after the fallback, which
        // would escape it otherwise.
        .layer(
            ErrorLayer::new()
                .default_format(Format::Html)
                .pages(error_page),
        )
        // The layer has logged each error already.
        .layer(TraceLayer::new_for_http().on_failure(()))
        .with_state(env)
}

async fn index(State(env): State<Env>) -> Result<Response> {
    env.render.html(|page| {
        write!(page, "<title>Members</title><h1>Members</h1><ul>")?;
        for (id, name) in env.members.iter().enumerate() {
            write!(page, "<li><a href=\"/u/{id}\">{}</a>", escape(name))?;
        }
        write!(
            page,
            "</ul><p>Try <a href=\"/u/9\">nobody</a>, <a href=\"/u/x\">no number</a>, "
        )?;
        write!(
            page,
            "<a href=\"/half\">half a page</a>, <a href=\"/panic\">a panic</a>."
        )
    })
}

async fn profile(State(env): State<Env>, Path(id): Path<usize>) -> Result<Response> {
    let name = env
        .members
        .get(id)
        .or_not_found()
        .public("There is no such member.")?;
    env.render
        .html(|page| write!(page, "<title>{name}</title><h1>{name}</h1>"))
}

/// The client gets a whole error page, and nothing of this one.
async fn half(State(env): State<Env>) -> Result<Response> {
    env.render
        .html(|page| {
            write!(page, "<h1>Report</h1>")?;
            Err(BoxError::from("the disk is on fire"))
        })
        .note("writing the report")
}

async fn panics(State(env): State<Env>) -> &'static str {
    env.members[env.members.len()]
}

fn error_page(view: &ErrorView<'_>, page: &mut dyn fmt::Write) -> Result<(), BoxError> {
    write!(page, "<title>{0}</title><h1>{0}</h1>", escape(view.title))?;
    if let Some(message) = view.message {
        write!(page, "<p>{}</p>", escape(message))?;
    }
    Ok(write!(page, "<p><a href=\"/\">To the members</a></p>")?)
}

#[tokio::main]
async fn main() -> io::Result<()> {
    tracing_subscriber::fmt().init();
    install_panic_hook();
    let pool = BufferPool::builder().size(Sizing::Fixed(16 << 10)).build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(env(pool))).await
}
