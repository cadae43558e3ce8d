use std::{error::Error as StdError, fmt};

use axum::extract::{
    FromRequest, Multipart, Request,
    multipart::{Field, MultipartError, MultipartRejection},
};
use axum_core::{
    body::Body,
    response::{IntoResponse, Response},
};

use crate::{CsrfDeferred, Failure, MissingLayer, Place, body::Tape};

/// axum's `Multipart` that verifies as it parses, for routes with
/// [`Csrf::defer`](crate::Csrf::defer).
///
/// Nothing is looked at before the handler asks for the first field, and no field is yielded before
/// the token: put it first in the form. On other routes it is axum's `Multipart`, which yields the
/// token's field like any other.
///
/// Under [`Csrf::report_only`](crate::Csrf::report_only) every field is yielded but a token that
/// comes first.
pub struct CsrfMultipart {
    inner: Multipart,
    deferred: CsrfDeferred,
    /// The body, to begin again with a first field that is not the token; only where the request
    /// goes on without one.
    tape: Option<Tape>,
}

impl CsrfMultipart {
    /// The next field, once the token was good.
    ///
    /// # Errors
    ///
    /// The [`Failure`] when the first field is not a good token, and whatever is wrong with the body.
    ///
    /// Not cancel safe: what was read of a field is lost.
    pub async fn next_field(&mut self) -> Result<Option<Field<'_>>, CsrfMultipartError> {
        if self.deferred.is_open() {
            self.verify().await?;
        } else {
            // Asked again after a refusal, it refuses again.
            self.deferred
                .refused()
                .map_err(CsrfMultipartError::Refused)?;
        }
        Ok(self.inner.next_field().await?)
    }

    async fn verify(&mut self) -> Result<(), CsrfMultipartError> {
        let tape = self.tape.take();
        let token = match first(&mut self.inner, &self.deferred).await {
            Ok(token) => token,
            Err(error) => {
                // The answer is axum's, whatever comes of the check.
                let _ = self
                    .deferred
                    .refuse_if_open(|| Failure::unreadable(error.status()));
                return Err(error.into());
            }
        };
        let verdict = self
            .deferred
            .verify(token.as_deref().unwrap_or_default(), Place::Multipart);
        self.deferred
            .settle(verdict)
            .map_err(CsrfMultipartError::Refused)?;
        let Some(tape) = tape else { return Ok(()) };
        if token.is_some() {
            tape.stop();
        } else if let Some(request) = tape.rewind(self.deferred.parts()) {
            let inner = Multipart::from_request(request, &()).await;
            self.inner = inner.map_err(CsrfMultipartError::Rejected)?;
        }
        Ok(())
    }
}

/// The value of the first field, if that is the token.
async fn first(
    form: &mut Multipart,
    deferred: &CsrfDeferred,
) -> Result<Option<String>, MultipartError> {
    match form.next_field().await? {
        Some(field) if is_token(&field, deferred) => read(field).await.map(Some),
        _ => Ok(None),
    }
}

fn is_token(field: &Field<'_>, deferred: &CsrfDeferred) -> bool {
    field.name() == Some(deferred.field()) && field.file_name().is_none()
}

/// A value longer than any token is none.
async fn read(mut field: Field<'_>) -> Result<String, MultipartError> {
    const LIMIT: usize = 1024;

    let mut value = Vec::new();
    while let Some(chunk) = field.chunk().await? {
        if value.len() + chunk.len() > LIMIT {
            return Ok("(too long)".to_owned());
        }
        value.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&value).into_owned())
}

impl fmt::Debug for CsrfMultipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfMultipart")
            .field("deferred", &self.deferred)
            .finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequest<S> for CsrfMultipart {
    type Rejection = CsrfMultipartError;

    async fn from_request(request: Request, state: &S) -> Result<Self, CsrfMultipartError> {
        let (parts, body) = request.into_parts();
        let deferred = CsrfDeferred::of(&parts).map_err(CsrfMultipartError::Layer)?;
        let (body, tape) = if deferred.is_open() && deferred.reports_only() {
            let tape = Tape::new(body);
            (Body::new(tape.clone()), Some(tape))
        } else {
            (body, None)
        };
        let request = Request::from_parts(parts, body);
        let inner = Multipart::from_request(request, state).await;
        let inner = inner.map_err(|rejection| {
            // As in the layer, a body that cannot hold a token is a request without one.
            let place = Place::Header;
            let _ = deferred.refuse_if_open(|| Failure::TokenMissing { place });
            CsrfMultipartError::Rejected(rejection)
        })?;
        Ok(Self {
            inner,
            deferred,
            tape,
        })
    }
}

/// Why there is no field, or no [`CsrfMultipart`] at all.
#[derive(Debug)]
#[non_exhaustive]
pub enum CsrfMultipartError {
    /// The first field is not a good token.
    Refused(Failure),
    /// The body breaks off or is none.
    Body(MultipartError),
    /// The request is not a multipart form.
    Rejected(MultipartRejection),
    /// No CSRF layer is around the handler.
    Layer(MissingLayer),
}

impl From<MultipartError> for CsrfMultipartError {
    fn from(error: MultipartError) -> Self {
        Self::Body(error)
    }
}

impl fmt::Display for CsrfMultipartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(failure) => failure.fmt(f),
            Self::Body(error) => error.fmt(f),
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Layer(missing) => missing.fmt(f),
        }
    }
}

impl StdError for CsrfMultipartError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Body(error) => error.source(),
            Self::Rejected(rejection) => rejection.source(),
            Self::Refused(_) | Self::Layer(_) => None,
        }
    }
}

impl IntoResponse for CsrfMultipartError {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(failure) => failure.into_response(),
            Self::Body(error) => error.into_response(),
            Self::Rejected(rejection) => rejection.into_response(),
            Self::Layer(missing) => missing.into_response(),
        }
    }
}
