//! What a Rust web service needs between its handlers and production.
//!
//! Four libraries, each good alone and made for one another. This crate is all of them under one name.
//!
//! ```
//! use std::collections::HashMap;
//! use std::fmt::Write as _;
//! use std::sync::{Arc, Mutex, PoisonError};
//!
//! use axum::extract::{Form, State};
//! use axum::response::Response;
//! use axum::routing::{get, post};
//! use axum::Router;
//! use mainstay::bufpool::BufferPool;
//! use mainstay::csrf::{Csrf, CsrfToken, KeyRing};
//! use mainstay::handler::{Error, ErrorLayer, Renderer, Result};
//! use mainstay::scrypt::{AsyncHasher, Hasher};
//!
//! /// What handlers may use, as axum's state.
//! #[derive(Clone)]
//! struct Env {
//!     members: Arc<Mutex<HashMap<String, String>>>, // your database
//!     render: Renderer,                             // whole pages in pooled buffers
//!     hasher: AsyncHasher,                          // passwords, off the async threads
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Signup {
//!     name: String,
//!     password: String,
//! }
//!
//! async fn form(State(env): State<Env>, csrf: CsrfToken) -> Result<Response> {
//!     env.render.html(|page| {
//!         write!(
//!             page,
//!             r#"<form action="/signup" method="post">{}
//!                <input name="name"> <input name="password" type="password"> <button>Sign up</button>
//!                </form>"#,
//!             csrf.field()
//!         )
//!     })
//! }
//!
//! async fn sign_up(State(env): State<Env>, Form(form): Form<Signup>) -> Result<&'static str> {
//!     let hash = env.hasher.hash(form.password).await?; // any error is logged once, and tells nothing
//!     let mut members = env.members.lock().unwrap_or_else(PoisonError::into_inner);
//!     if members.contains_key(&form.name) {
//!         return Err(Error::conflict("somebody has that name")); // this text is for the client
//!     }
//!     members.insert(form.name, hash);
//!     Ok("welcome")
//! }
//!
//! fn app() -> Result<Router, Box<dyn std::error::Error>> {
//!     let env = Env {
//!         members: Arc::default(),
//!         render: Renderer::new(BufferPool::default()),
//!         hasher: AsyncHasher::new(Hasher::builder().build()?)?,
//!     };
//!     let csrf = Csrf::new(KeyRing::generate()).build()?; // replicas share a key from their settings
//!     Ok(Router::new()
//!         .route("/", get(form))
//!         .route("/signup", post(sign_up))
//!         .layer(csrf) // no handler sees a forged request
//!         .layer(ErrorLayer::new()) // every error gets its line in the log and its answer
//!         .with_state(env))
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #   check(app()?).await;
//! #   if true { return Ok(()) }
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
//!     axum::serve(listener, app()?).await?;
//!     Ok(())
//! }
//! #
//! # async fn check(app: Router) {
//! #     use axum::body::{to_bytes, Body};
//! #     use http::{Request, StatusCode};
//! #     use tower::ServiceExt as _;
//! #     let get = Request::get("/").header("host", "localhost").body(Body::empty()).unwrap();
//! #     let page = app.clone().oneshot(get).await.unwrap();
//! #     let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
//! #     let page = to_bytes(page.into_body(), 1 << 16).await.unwrap();
//! #     let page = String::from_utf8(page.to_vec()).unwrap();
//! #     let part = |name: &str| page.split(name).nth(1).unwrap().split('"').next().unwrap().to_owned();
//! #     let token = format!("{}={}&", part("name=\""), part("value=\""));
//! #     for (token, status) in [
//! #         ("", StatusCode::FORBIDDEN),
//! #         (token.as_str(), StatusCode::OK),
//! #         (token.as_str(), StatusCode::CONFLICT),
//! #     ] {
//! #         let post = Request::post("/signup")
//! #             .header("host", "localhost")
//! #             .header("cookie", &cookie)
//! #             .header("content-type", "application/x-www-form-urlencoded")
//! #             .body(Body::from(format!("{token}name=Ada&password=correct+horse")))
//! #             .unwrap();
//! #         assert_eq!(app.clone().oneshot(post).await.unwrap().status(), status);
//! #     }
//! # }
//! ```
//!
//! The same site with a database, sessions, settings and a supervisor is `examples/signup` in the
//! repository; `cargo xtask demo` runs it.
//!
//! # The parts
//!
//! | module | crate | |
//! |---|---|---|
//! | [`csrf`] | `mainstay-csrf` | refuses forged requests, on forms and scripts |
//! | [`handler`] | `mainstay-handler` | handlers return errors; one layer logs each once and answers |
//! | [`bufpool`] | `mainstay-bufpool` | pages are rendered whole, into buffers that are used again |
//! | [`scrypt`] | `mainstay-scrypt` | hashes passwords, within bounds, and upgrades old hashes |
//!
//! The fifth part is no library: `mainstayd` and `mainstayctl` (crate `mainstay-supervisor`) keep the
//! service running, with Supervisor's own configuration files and commands.
//!
//! # When not to use it
//!
//! When one part is enough: depend on its crate. This one adds nothing to them but its name, the queue
//! for password hashes (`mainstay-scrypt`'s feature `tokio`), and refusals of forged requests that are
//! errors like others (`mainstay-csrf`'s feature `handler`).
//!
//! # Features
//!
//! Those of the parts: `anyhow` ([`handler`]), `askama`, `maud`, `minijinja` and `tower-sessions`
//! ([`csrf`]). None is on by default.
#![forbid(unsafe_code)]

#[doc(inline)]
pub use {
    mainstay_bufpool as bufpool, mainstay_csrf as csrf, mainstay_handler as handler,
    mainstay_scrypt as scrypt,
};

/// The samples of the repository's front page compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct FrontPage;
