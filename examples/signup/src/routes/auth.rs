//! Logging in, by the page's script or by a plain form, and logging out.

use axum::extract::{FromRequest, RawQuery, Request, State};
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use mainstay::csrf::CsrfToken;
use mainstay::handler::{Error, Result, ResultExt as _};
use mainstay::scrypt::Verdict;
use serde::Deserialize;
use serde_json::json;
use tower_sessions::Session;

use super::Secret;
use crate::db::{Account, Member};
use crate::env::Env;
use crate::names::Name;
use crate::pages::{self, Layout, page};
use crate::visitors::{self, Visitor};

/// The same whether the name or the password is wrong: it does not tell who is a member.
const REFUSED: &str = "This name and password do not go together.";

pub(super) fn routes() -> Router<Env> {
    Router::new()
        .route("/auth/login", get(form).post(log_in))
        .route("/auth/logout", post(log_out))
}

async fn form(
    State(env): State<Env>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
    layout: Layout,
    csrf: CsrfToken,
) -> Result<Response> {
    if visitor.member.is_some() {
        return Ok(Redirect::to("/members").into_response());
    }
    let welcome = query.as_deref() == Some("welcome");
    page(
        &env.renderer,
        &pages::Login {
            layout,
            csrf,
            name: "",
            welcome,
            problem: None,
        },
    )
}

async fn log_in(
    State(env): State<Env>,
    session: Session,
    layout: Layout,
    csrf: CsrfToken,
    attempt: Attempt,
) -> Result<Response> {
    let Some(member) = check(&env, &attempt.credentials).await? else {
        tracing::info!("a login was refused");
        let answer = match attempt.by {
            By::Script => Json(json!({ "message": REFUSED })).into_response(),
            By::Form => {
                let name = &attempt.credentials.name;
                let problem = Some(REFUSED);
                let login = pages::Login {
                    layout,
                    csrf,
                    name,
                    welcome: false,
                    problem,
                };
                page(&env.renderer, &login)?
            }
        };
        return Ok((StatusCode::UNAUTHORIZED, answer).into_response());
    };
    visitors::log_in(&session, &member).await?;
    Ok(match attempt.by {
        By::Script => Json(json!({ "next": "/members" })).into_response(),
        By::Form => Redirect::to("/members").into_response(),
    })
}

async fn log_out(session: Session) -> Result<Response> {
    let forget = visitors::log_out(&session).await?;
    Ok((AppendHeaders(forget), Redirect::to("/")).into_response())
}

/// The member who is meant, if that is the password.
async fn check(env: &Env, credentials: &Credentials) -> Result<Option<Member>> {
    let password = credentials.password.text();
    if !credentials.password.is_possible() {
        return Ok(None);
    }
    let key = Name::key_of(&credentials.name);
    let Some(account) = env.db.account(&key).await.note("looking up an account")? else {
        // As much work as for a name that is there, so that the time does not tell either.
        let _ = env
            .hasher
            .dummy_verify(password)
            .await
            .note("checking a password")?;
        return Ok(None);
    };
    match env
        .hasher
        .verify(password, &account.password)
        .await
        .note("checking a password")?
    {
        Verdict::Match { rehash } => {
            if rehash.is_some() {
                upgrade(env, &account, password).await;
            }
            Ok(Some(account.member))
        }
        Verdict::Mismatch => Ok(None),
    }
}

/// Hashes a password anew with today's parameters. A failure is no reason to refuse the login.
async fn upgrade(env: &Env, account: &Account, password: &str) {
    let member = &account.member;
    let upgraded: Result<()> = async {
        let hash = env.hasher.hash(password).await?;
        Ok(env
            .db
            .upgrade_password(member, &account.password, &hash)
            .await?)
    }
    .await;
    match upgraded {
        Ok(()) => tracing::info!(member = member.id, "upgraded the hash of a password"),
        Err(error) => {
            tracing::warn!(member = member.id, error = %error.cause(), "could not upgrade a hash");
        }
    }
}

/// Name and password, as the form or the script sends them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Credentials {
    name: String,
    password: Secret,
}

#[derive(Debug)]
struct Attempt {
    by: By,
    credentials: Credentials,
}

#[derive(Clone, Copy, Debug)]
enum By {
    Form,
    Script,
}

impl FromRequest<Env> for Attempt {
    type Rejection = Error;

    async fn from_request(request: Request, env: &Env) -> Result<Self> {
        let json = request
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
        Ok(if json {
            let Json(credentials) = Json::from_request(request, env).await?;
            Self {
                by: By::Script,
                credentials,
            }
        } else {
            let Form(credentials) = Form::from_request(request, env).await?;
            Self {
                by: By::Form,
                credentials,
            }
        })
    }
}
