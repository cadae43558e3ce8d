//! The stylesheet, the script and the icon: part of the program, so that there is nothing to
//! install and nothing to load from elsewhere.

use axum::Router;
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

/// The files.
pub(super) fn router() -> Router {
    FILES
        .iter()
        .fold(Router::new(), |router, (path, kind, content)| {
            let headers = [
                (CONTENT_TYPE, *kind),
                (CACHE_CONTROL, "private, max-age=86400"),
            ];
            router.route(path, get(move || async move { (headers, *content) }))
        })
}

const STYLE: &str = include_str!("../../../assets/mainstay.css");
const SCRIPT: &str = include_str!("../../../assets/mainstay.js");
const ICON: &str = include_str!("../../../assets/icon.svg");

const FILES: [(&str, &str, &str); 3] = [
    ("/assets/mainstay.css", "text/css; charset=utf-8", STYLE),
    (
        "/assets/mainstay.js",
        "text/javascript; charset=utf-8",
        SCRIPT,
    ),
    ("/assets/icon.svg", "image/svg+xml", ICON),
];

/// Goes into the files' addresses, so that a browser does not keep those of another version.
pub(super) const VERSION: u32 = {
    let mut hash = 0x811c_9dc5_u32;
    let mut file = 0;
    while file < FILES.len() {
        let content = FILES[file].2.as_bytes();
        let mut at = 0;
        while at < content.len() {
            // FNV-1a, which can be computed by the compiler.
            hash = (hash ^ content[at] as u32).wrapping_mul(0x0100_0193);
            at += 1;
        }
        file += 1;
    }
    hash
};
