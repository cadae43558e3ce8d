//! The front page, and the list of members.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use mainstay::handler::{Result, ResultExt as _};

use crate::db::Member;
use crate::env::Env;
use crate::pages::{self, Layout, page};

/// The list shows this many.
const MOST: i64 = 200;

pub(super) fn routes() -> Router<Env> {
    Router::new()
        .route("/", get(home))
        .route("/members", get(members))
}

async fn home(State(env): State<Env>, layout: Layout) -> Result<Response> {
    page(&env.renderer, &pages::Home { layout })
}

async fn members(State(env): State<Env>, own: Member, layout: Layout) -> Result<Response> {
    let members = env
        .db
        .newest_members(MOST)
        .await
        .note("listing the members")?;
    let count = env.db.count_members().await.note("counting the members")?;
    page(
        &env.renderer,
        &pages::Members {
            layout,
            own: own.id,
            count,
            members,
        },
    )
}
