//! Middleware against cross-site request forgery, for forms and for scripts, for tower and axum.
//!
//! ```no_run
//! use axum::{Router, response::Html, routing::get};
//! use mainstay_csrf::{Csrf, CsrfToken, KeyRing};
//!
//! async fn form(token: CsrfToken) -> Html<String> {
//!     let field = token.field();
//!     Html(format!("<form method=post>{field}<input name=name><button>Send</button></form>"))
//! }
//!
//! async fn receive(body: String) -> String {
//!     body
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // `mainstay key` prints a key for the configuration.
//!     let keys = KeyRing::new(std::env::var("CSRF_KEY")?)?;
//!     let csrf = Csrf::new(keys).own_origin("https://app.example.com").build()?;
//!
//!     let app = Router::new().route("/", get(form).post(receive)).layer(csrf);
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     Ok(axum::serve(listener, app).await?)
//! }
//! ```
//!
//! # What happens to a request
//!
//! `GET`, `HEAD`, `OPTIONS` and `TRACE` pass. For every other request the browser's own headers are
//! asked first (`Sec-Fetch-Site`, then `Origin`, then `Referer`): if they say that another origin made
//! it, it is refused, and not one byte of its body is read. Then it has to bring a token that this
//! service issued to this browser, in the header `X-CSRF-Token` or in the form's field `csrf_token`.
//! Bodies are searched frame by frame, within a limit, and the handler gets every byte of them.
//!
//! # The customised case
//!
//! ```
//! use mainstay_csrf::{Csrf, KeyRing, Tokens};
//!
//! # fn main() -> Result<(), mainstay_csrf::Error> {
//! let csrf = Csrf::new(KeyRing::generate())
//!     .own_origin("https://app.example.com")
//!     .trust_origin("https://ui.example.com")
//!     .session_cookie("sid")                        // tokens end with the session
//!     .tokens(Tokens::UnlessSameOrigin)             // only where headers do not settle it
//!     .exempt("/hooks/{id}")
//!     .require_scope("/account/email")              // a token for this form, or none
//!     .observe(|code| { /* count it */ })
//!     .on_reject(|failure, _| (failure.status(), failure.to_string()))
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! Services without axum take the same layer; [`CsrfToken::of`] is how they get a token, and
//! [`CsrfLayer::for_any_body`] fits bodies such as hyper's.
//!
//! # When not to use it
//!
//! - For an API whose clients send `Authorization: Bearer`: a browser never does so by itself.
//! - Against cross-site scripting: a script that runs in your own page can read your tokens.
//! - To protect `GET`. What a link can do, do not do on `GET`.
#![forbid(unsafe_code)]

mod body;
mod builder;
mod check;
mod cookie;
mod deferred;
mod encoding;
#[cfg(feature = "axum")]
mod endpoint;
mod error;
mod escape;
mod extract;
mod failure;
#[cfg(feature = "axum")]
mod form;
mod future;
mod gorilla;
mod handle;
mod html;
mod key;
mod keys;
mod layer;
#[cfg(feature = "multipart")]
mod multipart;
mod origin;
mod policy;
mod record;
mod refusal;
mod route;
mod scope;
mod sender;
mod session;
mod token;
mod wire;

#[cfg(feature = "multipart")]
pub use self::multipart::{CsrfMultipart, CsrfMultipartError};
#[cfg(feature = "tower-sessions")]
pub use self::session::TowerSessions;
pub use self::{
    body::{MaybeReplay, Rejoin, Replay},
    builder::Csrf,
    check::Standing,
    cookie::SameSite,
    deferred::CsrfDeferred,
    error::Error,
    extract::{CsrfToken, CsrfVerified, MissingLayer, NotVerified},
    failure::{Failure, NoFailure, Place},
    future::ResponseFuture,
    html::{Field, Meta},
    key::Key,
    keys::KeyRing,
    layer::{AnyBody, CsrfLayer, CsrfService, Handover, InPlace},
    policy::Tokens,
    refusal::RefusalBody,
    scope::Scope,
    session::{Binding, SessionUnavailable},
};
#[cfg(feature = "axum")]
pub use self::{
    endpoint::token_as_json,
    form::{CsrfForm, CsrfFormRejection},
};

#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
