//! The site as a whole: what happens to every request, in order, and its life from start to end.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, StatusCode};
use mainstay::csrf::{Csrf, CsrfLayer, KeyRing};
use mainstay::handler::{Error, ErrorLayer, Format, StatusError};
use mainstay::scrypt;
use tokio::time::timeout;
use tower::ServiceBuilder;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::db::{self, Database};
use crate::env::{self, Env};
use crate::listen::{self, Stop};
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::visitors::{self, Visitor};
use crate::{attacker, keys, pages, routes};

/// Runs the site until it is told to stop.
pub(crate) async fn serve(settings: Settings) -> anyhow::Result<()> {
    let stop = Stop::on_signals()?;
    let listener = listen::inherit_or_bind(settings.listen).await?;
    let address = listener.local_addr()?;
    let origin = settings.origin_at(address)?;

    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&settings.data)
        .with_context(|| format!("making the folder {}", settings.data.display()))?;
    let csrf = csrf(&settings)?;
    let url = match &settings.database_url {
        Some(url) => url.clone(),
        None => db::sqlite_file(&settings.data.join("signup.db")).context("making the database")?,
    };
    let db = Database::open(&url).await.context("opening the database")?;
    forget_old_sessions(&db, &stop);

    let mut env = Env::new(db, settings)?;
    let villain = match env.settings.attacker {
        Some(address) => Some(listen::bind(address).await?),
        None => None,
    };
    if let Some(listener) = &villain {
        // The port that it got, for the link to it.
        let address = listener.local_addr()?;
        Arc::make_mut(&mut env.settings).attacker = Some(address);
        tracing::info!("the attacker's page is at {}", attacker::address(address));
    }
    let app = router(&env, csrf);
    tracing::info!(%address, "the site is at {origin}");

    let villain = async {
        match villain {
            Some(listener) => listen::serve(listener, attacker::site(&origin), stop.clone()).await,
            None => Ok(()),
        }
    };
    tokio::try_join!(listen::serve(listener, app, stop.clone()), villain)?;
    if timeout(Duration::from_secs(1), env.db.close())
        .await
        .is_err()
    {
        tracing::warn!("left while the database was in use");
    }
    tracing::info!("finished");
    Ok(())
}

/// The routes with everything around them. The layer that is added last sees a request first.
fn router(env: &Env, csrf: CsrfLayer) -> Router {
    let pages = routes::pages(env.settings.demo)
        .layer(csrf)
        .layer(from_fn_with_state(env.clone(), visitors::recognise))
        .layer(
            SessionManagerLayer::new(Sessions::new(env.db.pool()))
                .with_name(visitors::COOKIE)
                .with_same_site(SameSite::Lax)
                .with_expiry(Expiry::OnInactivity(time::Duration::weeks(2))),
        );
    pages
        .merge(routes::assets())
        .fallback(|| async { Error::from_status(StatusCode::NOT_FOUND) })
        .layer(DefaultBodyLimit::max(64 << 10))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            Duration::from_secs(30),
        ))
        .layer(errors())
        .layer(
            ServiceBuilder::new()
                // Ids are ours: one that a client sent could make the log say anything.
                .map_request(|mut request: Request<_>| {
                    request.headers_mut().remove("x-request-id");
                    request
                })
                .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
                // Its line about failures would be a second one beside the error layer's.
                .layer(TraceLayer::new_for_http().on_failure(()))
                .layer(PropagateRequestIdLayer::x_request_id()),
        )
        .layer(security_header(
            header::CONTENT_SECURITY_POLICY,
            CONTENT_SECURITY_POLICY,
        ))
        .layer(security_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(security_header(header::REFERRER_POLICY, "same-origin"))
        .layer(security_header(CROSS_ORIGIN_OPENER_POLICY, "same-origin"))
        // Pages show who is logged in: none is kept, not even for the way back after logging out.
        .layer(security_header(header::CACHE_CONTROL, "no-store"))
        .with_state(env.clone())
}

/// Logs each error once, and shows a page that says nothing of its cause.
fn errors() -> ErrorLayer {
    ErrorLayer::new()
        .default_format(Format::Html)
        .pages(pages::error)
        .buffers(env::buffers())
        .map_error(|error: &scrypt::Error| error.is_busy().then(too_busy))
        .map_error(|error: &sqlx::Error| matches!(error, sqlx::Error::PoolTimedOut).then(too_busy))
}

fn too_busy() -> StatusError {
    StatusError::new(StatusCode::SERVICE_UNAVAILABLE)
}

/// Refuses forged requests.
fn csrf(settings: &Settings) -> anyhow::Result<CsrfLayer> {
    let key = match &settings.csrf_key {
        Some(key) => key.clone(),
        None => keys::load_or_generate(&settings.data)?,
    };
    let mut csrf = Csrf::new(KeyRing::new(key)?).session(Visitor::binding);
    if let Some(origin) = &settings.origin {
        csrf = csrf.own_origin(origin);
    }
    Ok(csrf.build()?)
}

fn forget_old_sessions(db: &Database, stop: &Stop) {
    let sessions = Sessions::new(db.pool());
    listen::every(Duration::from_secs(3600), stop.clone(), move || {
        let sessions = sessions.clone();
        async move {
            match sessions.delete_expired().await {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "forgot sessions that had expired"),
                Err(error) => tracing::warn!(%error, "could not forget expired sessions"),
            }
        }
    });
}

fn security_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Everything from this site, and nothing inline.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");
