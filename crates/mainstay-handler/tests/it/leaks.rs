//! Nothing private is ever in an answer, whatever fails and however it is asked for.

use std::{fmt, io};

use axum::response::IntoResponse as _;
use http::{HeaderValue, Request, StatusCode};
use mainstay_handler::{
    BoxError, Error, ErrorLayer, ErrorView, Format, HttpError, Renderer, ResultExt as _,
    StatusError,
};
use proptest::prelude::*;
use tower::{Layer as _, service_fn};

use crate::support::{Answer, failing, send, through};

#[derive(Clone, Debug)]
enum Leak {
    Cause,
    Note,
    SetStatus(u16),
    SourceOfStatusError(u16),
    DisplayOfKnown5xx,
    Mapped(u16),
    Panic,
    Service,
    Foreign5xx(u16),
    HalfPage,
    FailingErrorPage,
    PanickingErrorPage,
    Member,
}

fn leak() -> impl Strategy<Value = Leak> {
    let error = 400..600_u16;
    prop_oneof![
        Just(Leak::Cause),
        Just(Leak::Note),
        (200..600_u16).prop_map(Leak::SetStatus),
        error.clone().prop_map(Leak::SourceOfStatusError),
        Just(Leak::DisplayOfKnown5xx),
        error.prop_map(Leak::Mapped),
        Just(Leak::Panic),
        Just(Leak::Service),
        (500..600_u16).prop_map(Leak::Foreign5xx),
        Just(Leak::HalfPage),
        Just(Leak::FailingErrorPage),
        Just(Leak::PanickingErrorPage),
        Just(Leak::Member),
    ]
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Known5xx(String);

impl HttpError for Known5xx {
    fn status(&self) -> StatusCode {
        StatusCode::BAD_GATEWAY
    }
}

async fn provoke(
    leak: &Leak,
    marker: &str,
    layer: ErrorLayer,
    request: Request<axum::body::Body>,
) -> Answer {
    let status = |status| StatusCode::from_u16(status).unwrap();
    let cause = || io::Error::other(marker.to_owned());
    let error = match *leak {
        Leak::Cause => Error::new(cause()),
        Leak::Note => Error::not_found("public").note(marker),
        Leak::SetStatus(code) => Error::new(cause()).with_status(status(code)),
        Leak::SourceOfStatusError(code) => {
            Error::new(StatusError::new(status(code)).with_source(cause()))
        }
        Leak::DisplayOfKnown5xx => Error::known(Known5xx(marker.to_owned())),
        Leak::Mapped(code) => {
            let layer = layer.map_error(move |_: &io::Error| {
                Some(StatusError::new(StatusCode::from_u16(code).unwrap()))
            });
            return through(&layer, Error::new(cause()), request).await;
        }
        Leak::Panic => {
            let marker = marker.to_owned();
            let service = service_fn(move |_| {
                let marker = marker.clone();
                async move {
                    std::panic::resume_unwind(Box::new(marker));
                    #[expect(unreachable_code, reason = "says what would have been returned")]
                    Ok::<axum::response::Response, std::convert::Infallible>(().into_response())
                }
            });
            return send(layer.layer(service), request).await;
        }
        Leak::Service => return failing(&layer, cause(), request).await,
        Leak::Foreign5xx(code) => {
            return through(&layer, (status(code), marker.to_owned()), request).await;
        }
        Leak::HalfPage => {
            let renderer = Renderer::new(mainstay_bufpool::BufferPool::default());
            let result = renderer.html(|page| {
                page.extend(marker.as_bytes());
                Err(cause())
            });
            result.or_conflict().unwrap_err()
        }
        Leak::FailingErrorPage => {
            let marker = marker.to_owned();
            let layer = layer.pages(
                move |_: &ErrorView<'_>, out: &mut dyn fmt::Write| -> Result<(), BoxError> {
                    out.write_str(&marker)?;
                    Err(marker.clone().into())
                },
            );
            return through(&layer, Error::new(cause()), request).await;
        }
        Leak::PanickingErrorPage => {
            let marker = marker.to_owned();
            let layer = layer.pages(
                move |_: &ErrorView<'_>, out: &mut dyn fmt::Write| -> Result<(), BoxError> {
                    out.write_str(&marker)?;
                    std::panic::resume_unwind(Box::new(marker.clone()));
                },
            );
            return through(&layer, Error::new(cause()), request).await;
        }
        Leak::Member => Error::new(cause()).with_member("safe", 1),
    };
    through(&layer, error, request).await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_answer_holds_anything_private(
        leak in leak(),
        marker in "[a-z]{24}",
        accept in prop_oneof![
            Just("text/html"), Just("text/plain"), Just("application/json"), Just("*/*"), Just("?"),
        ],
        only in prop_oneof![
            Just(None), Just(Some(Format::Html)), Just(Some(Format::Problem)), Just(Some(Format::Text)),
        ],
        path in "/[a-z]{0,8}",
    ) {
        let mut layer = ErrorLayer::new();
        if let Some(format) = only {
            layer = layer.only(format);
        }
        let request = Request::get(path)
            .header("accept", HeaderValue::from_static(accept))
            .header("x-request-id", "id-1")
            .body(axum::body::Body::empty())
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(provoke(&leak, &marker, layer, request));
        prop_assert!(answer.status.as_u16() >= 400);
        prop_assert!(!answer.body.is_empty());
        prop_assert!(!format!("{answer:?}").contains(&marker), "{:?}", answer);
    }
}
