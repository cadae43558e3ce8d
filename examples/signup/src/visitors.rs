//! Who is asking: looked up once for each request to a page, before the CSRF check.

use std::borrow::Cow;
use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{Redirect, Response};
use http::HeaderName;
use http::header::SET_COOKIE;
use http::request::Parts;
use mainstay::handler::{Error, Result, ResultExt as _};
use tower_sessions::Session;

use crate::db::Member;
use crate::env::Env;

/// The cookie that carries a session's id. Its prefix has browsers refuse it from anybody but this very
/// host over https (or loopback).
pub(crate) const COOKIE: &str = "__Host-session";

/// Where a session keeps the member's id.
const MEMBER: &str = "member";

/// The person behind a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visitor {
    /// Who is logged in.
    pub(crate) member: Option<Member>,
    /// The session of the login.
    session: Option<[u8; 16]>,
}

/// A middleware that finds out who is asking and leaves it in the request's extensions.
pub(crate) async fn recognise(
    State(env): State<Env>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let visitor = Visitor::of(&session, &env).await?;
    request.extensions_mut().insert(visitor);
    Ok(next.run(request).await)
}

impl Visitor {
    async fn of(session: &Session, env: &Env) -> Result<Self> {
        let Some(id) = session
            .get::<i64>(MEMBER)
            .await
            .note("who is this visitor")?
        else {
            return Ok(Self::default());
        };
        let member = env
            .db
            .member(id)
            .await
            .note("looking up the member of a session")?;
        let session = member
            .as_ref()
            .and(session.id())
            .map(|id| id.0.to_le_bytes());
        Ok(Self { member, session })
    }

    /// What form tokens are bound to: the session of who is logged in.
    ///
    /// Everybody else's tokens are bound to the browser alone, by its cookie. A session that has ended or
    /// that nobody is logged in with counts as none, or else the first form after it would be refused.
    pub(crate) fn binding(parts: &Parts) -> Option<Cow<'_, [u8]>> {
        let visitor = parts.extensions.get::<Self>()?;
        visitor.session.as_ref().map(|id| id[..].into())
    }
}

/// Begins the session of a member. It gets a new id, so that one planted before is worth nothing.
pub(crate) async fn log_in(session: &Session, member: &Member) -> Result<()> {
    session.cycle_id().await.note("starting a session")?;
    session.insert(MEMBER, member.id).await?;
    // Saved here and not by the layer on the way out, whose failures no handler could return.
    session.save().await.note("starting a session")
}

/// Ends the session. The answer is the header that has the browser forget it.
pub(crate) async fn log_out(session: &Session) -> Result<[(HeaderName, String); 1]> {
    session.flush().await.note("ending a session")?;
    // The layer removes cookies without saying Secure, which browsers do not accept for `__Host-` names.
    Ok([(
        SET_COOKIE,
        format!("{COOKIE}=; Path=/; Secure; HttpOnly; Max-Age=0"),
    )])
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// As an argument of a handler: only for members. Others are sent to the login.
impl<S: Sync> FromRequestParts<S> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Ok(visitor) = Visitor::from_request_parts(parts, state).await;
        visitor
            .member
            .ok_or_else(|| Error::respond(Redirect::to("/auth/login")))
    }
}
