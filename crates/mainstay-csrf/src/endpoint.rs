use std::sync::Arc;

use axum_core::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};

use crate::{CsrfToken, escape::Json, handle::Grip, refusal};

/// A handler that answers with a token as JSON, for single-page sites that load no page from here:
///
/// ```
/// # use axum::{Router, routing::get};
/// let app: Router = Router::new().route("/csrf", get(mainstay_csrf::token_as_json));
/// ```
///
/// `{"token":"…","header":"x-csrf-token","field":"csrf_token"}`, never cached, and refused to pages
/// of other origins even where CORS is too generous. That holds under
/// [`Csrf::report_only`](crate::Csrf::report_only) too: here a secret is kept, and nobody's request is
/// lost.
pub async fn token_as_json(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if let Some(Grip(handle)) = parts.extensions.get::<Grip>()
        && let Err(failure) = handle.policy.origins.judge(&parts)
    {
        let policy = Arc::clone(&handle.policy);
        policy.record(&failure, &parts);
        return refusal::in_place(&policy, failure, parts).await;
    }
    let request = Request::from_parts(parts, axum_core::body::Body::empty());
    let token = match CsrfToken::of(&request) {
        Ok(token) => token,
        Err(missing) => return missing.into_response(),
    };
    let json = format!(
        "{{\"token\":\"{}\",\"header\":\"{}\",\"field\":\"{}\"}}\n",
        token.value(),
        token.header_name(),
        Json(token.field_name()),
    );
    let mut response = json.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
