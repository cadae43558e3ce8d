//! The pages: each a template in `templates/` and what it shows.

use std::fmt;

use askama::Template;
use axum::extract::FromRequestParts;
use http::request::Parts;
use mainstay::csrf::CsrfToken;
use mainstay::handler::{BoxError, Error, ErrorView, Renderer, Result};

use crate::db::Member;
use crate::env::Env;
use crate::visitors::Visitor;

/// Renders a whole page, or nothing of it.
#[track_caller]
pub(crate) fn page(renderer: &Renderer, page: &impl Template) -> Result<axum::response::Response> {
    renderer.html(|buffer| page.render_into(buffer))
}

/// What all pages show around their own content.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    member: Option<Visit>,
    demo: bool,
}

/// A member who is here, with the token for the button that logs out.
#[derive(Clone, Debug)]
struct Visit {
    member: Member,
    csrf: CsrfToken,
}

impl FromRequestParts<Env> for Layout {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, env: &Env) -> Result<Self> {
        let Ok(visitor) = Visitor::from_request_parts(parts, env).await;
        // Only a page with a form asks for a token: those of strangers set no cookie.
        let member = match visitor.member {
            Some(member) => {
                let csrf = CsrfToken::from_request_parts(parts, env).await?;
                Some(Visit { member, csrf })
            }
            None => None,
        };
        Ok(Self {
            member,
            demo: env.settings.demo,
        })
    }
}

#[derive(Debug, Template)]
#[template(path = "home.html")]
pub(crate) struct Home {
    pub(crate) layout: Layout,
}

#[derive(Debug, Template)]
#[template(path = "signup.html")]
pub(crate) struct Signup<'a> {
    pub(crate) layout: Layout,
    pub(crate) csrf: CsrfToken,
    pub(crate) min_length: usize,
    pub(crate) form: SignupForm<'a>,
}

/// What was typed, but for the password, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct SignupForm<'a> {
    pub(crate) name: &'a str,
    pub(crate) errors: SignupErrors,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct SignupErrors {
    pub(crate) name: Option<&'static str>,
    pub(crate) password: Option<String>,
}

impl SignupErrors {
    pub(crate) fn len(&self) -> usize {
        usize::from(self.name.is_some()) + usize::from(self.password.is_some())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[derive(Debug, Template)]
#[template(path = "login.html")]
pub(crate) struct Login<'a> {
    pub(crate) layout: Layout,
    pub(crate) csrf: CsrfToken,
    pub(crate) name: &'a str,
    pub(crate) welcome: bool,
    pub(crate) problem: Option<&'a str>,
}

#[derive(Debug, Template)]
#[template(path = "members.html")]
pub(crate) struct Members {
    pub(crate) layout: Layout,
    pub(crate) own: i64,
    pub(crate) count: i64,
    pub(crate) members: Vec<Member>,
}

#[derive(Debug, Template)]
#[template(path = "demo.html")]
pub(crate) struct Demo {
    pub(crate) layout: Layout,
    pub(crate) attacker: Option<String>,
}

/// A page whose last row cannot be read.
#[derive(Debug, Template)]
#[template(path = "half-page.html")]
pub(crate) struct HalfPage {
    pub(crate) layout: Layout,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug)]
pub(crate) struct Row(pub(crate) Result<&'static str, &'static str>);

impl Row {
    fn text(&self) -> Result<&'static str, std::io::Error> {
        self.0.map_err(std::io::Error::other)
    }
}

#[derive(Debug, Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    status: u16,
    title: &'a str,
    headline: &'a str,
    message: Option<&'a str>,
    request_id: Option<&'a str>,
}

/// The page for a request that failed. It knows nothing of the cause, so it cannot tell.
pub(crate) fn error(view: &ErrorView<'_>, out: &mut dyn fmt::Write) -> Result<(), BoxError> {
    let headline = match view.status.as_u16() {
        403 => "This request was turned away.",
        404 => "There is nothing at this address.",
        405 => "This address does not take that.",
        503 => "Too much at once. Please try again in a moment.",
        400..500 => "That did not work.",
        _ => "Something broke on our side.",
    };
    ErrorPage {
        status: view.status.as_u16(),
        title: view.title,
        headline,
        message: view.message,
        request_id: view.request_id,
    }
    .render_into(&mut Adapter(out))?;
    Ok(())
}

/// askama wants a sized writer.
struct Adapter<'a>(&'a mut dyn fmt::Write);

impl fmt::Write for Adapter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(text)
    }
}

#[derive(Debug, Template)]
#[template(path = "attacker.html")]
pub(crate) struct Attacker<'a> {
    pub(crate) target: &'a str,
}
