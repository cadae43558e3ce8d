//! Failures to look at, in a demo.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use mainstay::handler::{Result, ResultExt as _};

use crate::attacker;
use crate::env::Env;
use crate::pages::{self, Layout, Row, page};

pub(super) fn routes() -> Router<Env> {
    Router::new()
        .route("/demo", get(index))
        .route("/demo/half-page", get(half_page))
        .route("/demo/database-error", get(database_error))
}

async fn index(State(env): State<Env>, layout: Layout) -> Result<Response> {
    let attacker = env.settings.attacker.map(attacker::address);
    page(&env.renderer, &pages::Demo { layout, attacker })
}

/// Fails when some 40 KiB are written already, more than any buffer on the way would hold back.
async fn half_page(State(env): State<Env>, layout: Layout) -> Result<Response> {
    let good = "A row of the report that was finished before it broke";
    let mut rows: Vec<Row> = (0..500).map(|_| Row(Ok(good))).collect();
    rows.push(Row(Err("the ledger ends in the middle of a row")));
    page(&env.renderer, &pages::HalfPage { layout, rows }).note("rendering the report")
}

async fn database_error(State(env): State<Env>) -> Result<String> {
    let entries = env.db.fail().await.note("counting what is in the ledger")?;
    Ok(entries.to_string())
}
