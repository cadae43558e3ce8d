//! An API: every error is a problem document, rejected bodies included, and an error type of one's
//! own knows its status.
//!
//! Run with `cargo run -p mainstay-handler --example api`, then
//! `curl -i http://127.0.0.1:3000/users --json '{"name": "ada"}'`

#![allow(missing_docs)]

use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::FromRequest, extract::State, routing::post};
use http::StatusCode;
use mainstay_handler::{ErrorLayer, Format, HttpError, Problem, Result};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default)]
pub struct Env {
    names: Arc<Mutex<HashSet<String>>>,
}

pub fn app(env: Env) -> Router {
    Router::new()
        .route("/users", post(create))
        .layer(
            ErrorLayer::new()
                .recognize::<SignupError>()
                .only(Format::Problem),
        )
        .with_state(env)
}

async fn create(
    State(env): State<Env>,
    ApiJson(user): ApiJson<User>,
) -> Result<(StatusCode, axum::Json<User>)> {
    // `?` takes the error as it is; the layer knows its type.
    insert(&env, &user.name)?;
    Ok((StatusCode::CREATED, axum::Json(user)))
}

/// Below HTTP: knows nothing of statuses but what its error says of itself.
fn insert(env: &Env, name: &str) -> Result<(), SignupError> {
    if name.is_empty() {
        return Err(SignupError::Invalid { field: "name" });
    }
    let mut names = env.names.lock().map_err(|_| SignupError::Broken)?;
    match names.insert(name.to_owned()) {
        true => Ok(()),
        false => Err(SignupError::Taken),
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SignupError {
    #[error("that name is taken")]
    Taken,
    #[error("the {field} is missing")]
    Invalid { field: &'static str },
    #[error("the list of names was left half changed")]
    Broken,
}

impl HttpError for SignupError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Taken => StatusCode::CONFLICT,
            Self::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn problem(&self, problem: &mut Problem) {
        if let Self::Invalid { field } = self {
            problem.set_member("field", *field);
        }
    }
}

#[derive(Debug, Deserialize, Serialize)]
pub struct User {
    name: String,
}

/// `axum::Json`, whose rejections are errors like all others.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(mainstay_handler::Error))]
struct ApiJson<T>(T);

#[tokio::main]
async fn main() -> io::Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .init();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(Env::default())).await
}
