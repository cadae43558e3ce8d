//! Signing up: a form, shown again with what is wrong until it is right.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use http::StatusCode;
use mainstay::csrf::CsrfToken;
use mainstay::handler::{Result, ResultExt as _};
use serde::Deserialize;

use super::Secret;
use crate::env::Env;
use crate::names::Name;
use crate::pages::{self, Layout, SignupErrors, SignupForm, page};

pub(super) fn routes() -> Router<Env> {
    Router::new()
        .route("/signup", get(form))
        .route("/signup/post", post(submit))
}

async fn form(State(env): State<Env>, layout: Layout, csrf: CsrfToken) -> Result<Response> {
    show(&env, layout, csrf, SignupForm::default())
}

/// What the form sends. What is missing counts as empty, and is told like any other mistake.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Submission {
    name: String,
    password: Secret,
}

async fn submit(
    State(env): State<Env>,
    layout: Layout,
    csrf: CsrfToken,
    Form(typed): Form<Submission>,
) -> Result<Response> {
    let errors = match typed.check(env.settings.passwords.min_length) {
        Ok(name) => match join(&env, &name, &typed.password).await? {
            Joined::Welcome => return Ok(Redirect::to("/auth/login?welcome").into_response()),
            Joined::Taken => SignupErrors {
                name: Some("Somebody has that name already."),
                password: None,
            },
        },
        Err(errors) => errors,
    };
    let page = show(
        &env,
        layout,
        csrf,
        SignupForm {
            name: &typed.name,
            errors,
        },
    )?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

enum Joined {
    Welcome,
    Taken,
}

async fn join(env: &Env, name: &Name, password: &Secret) -> Result<Joined> {
    // Asked before the hash is made, which costs more than all the rest; the database decides.
    if env
        .db
        .is_taken(name)
        .await
        .note("looking whether a name is taken")?
    {
        return Ok(Joined::Taken);
    }
    let hash = env
        .hasher
        .hash(password.text())
        .await
        .note("hashing a new password")?;
    let added = env
        .db
        .add_member(name, &hash)
        .await
        .note("adding a member")?;
    Ok(added.map_or(Joined::Taken, |member| {
        tracing::info!(member = member.id, "a new member");
        Joined::Welcome
    }))
}

impl Submission {
    fn check(&self, min_length: usize) -> Result<Name, SignupErrors> {
        let name = Name::parse(&self.name);
        let password = self.check_password(min_length);
        match (name, password) {
            (Ok(name), None) => Ok(name),
            (name, password) => Err(SignupErrors {
                name: name.err(),
                password,
            }),
        }
    }

    fn check_password(&self, min_length: usize) -> Option<String> {
        let password = self.password.text();
        if password.chars().count() < min_length {
            return Some(format!("A password has at least {min_length} characters."));
        }
        if !self.password.is_possible() {
            return Some(format!(
                "A password has at most {} characters, and no NUL.",
                Secret::LONGEST
            ));
        }
        if Name::key_of(password) == Name::key_of(&self.name) {
            return Some("Your name is the first thing that somebody would try.".to_owned());
        }
        None
    }
}

fn show(env: &Env, layout: Layout, csrf: CsrfToken, form: SignupForm<'_>) -> Result<Response> {
    let min_length = env.settings.passwords.min_length;
    page(
        &env.renderer,
        &pages::Signup {
            layout,
            csrf,
            min_length,
            form,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_fields_are_told_at_once() {
        let errors = Submission::default().check(10).unwrap_err();
        assert_eq!(errors.len(), 2);
    }

    #[test]
    fn what_a_password_has_to_be() {
        for (name, password, good) in [
            ("Ada", "123456789", false),
            ("Ada", "1234567890", true),
            ("Ada", "ääääääääää", true),
            ("Ada Lovelace", "ada  LOVELACE", false),
        ] {
            let typed = Submission {
                name: name.into(),
                password: Secret::new(password),
            };
            assert_eq!(typed.check(10).is_ok(), good, "{name} {password}");
        }
        let long = "x".repeat(Secret::LONGEST + 1);
        let typed = Submission {
            name: "Ada".into(),
            password: Secret::new(&long),
        };
        assert!(typed.check(10).unwrap_err().password.is_some());
    }
}
