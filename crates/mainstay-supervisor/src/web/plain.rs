//! Answers for programs: the original's error page and headers.

use axum::body::Body;
use http::header::{CONTENT_TYPE, SERVER};
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// The error page of the original, which is what its clients have always been shown.
pub(super) fn error(status: StatusCode) -> Response<Body> {
    explained(status, "")
}

/// The same with a paragraph for people, which must be plain text.
pub(super) fn explained(status: StatusCode, why: &'static str) -> Response<Body> {
    let why = match why {
        "" => String::new(),
        why => format!("<p>{why}\r\n"),
    };
    let (code, reason) = (
        status.as_u16(),
        status.canonical_reason().unwrap_or("Error"),
    );
    let page = format!(
        "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n\
         <h1>Error response</h1>\r\n<p>Error code {code}.\r\n<p>Message: {reason}.\r\n\
         {why}</body>\r\n"
    );
    let mut response = Response::new(Body::from(page));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

/// What every answer carries: clients that look at the name look for this one, and no answer may be
/// taken for another type than it says.
pub(super) const COMMON_HEADERS: [(HeaderName, HeaderValue); 2] = [
    (SERVER, HeaderValue::from_static("Medusa/1.12")),
    (
        http::header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
];

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn the_error_page_is_the_originals() {
        let response = error(StatusCode::NOT_FOUND);

        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n\
             <h1>Error response</h1>\r\n<p>Error code 404.\r\n<p>Message: Not Found.\r\n</body>\r\n"
        );
    }
}
