//! A page that fails half-way is never sent, and its buffer is back.

use std::{fmt, io};

use http::HeaderValue;
use mainstay_bufpool::{BufferPool, Sizing};
use mainstay_handler::{BoxError, ErrorLayer, ErrorView, Format, Renderer, Result};

use crate::support::{Log, get, through};

#[tokio::test]
async fn a_template_that_fails_after_64_kib_yields_a_whole_500() {
    let log = Log::start();
    let pool = BufferPool::builder().size(Sizing::Fixed(128 << 10)).build();
    let render = Renderer::new(pool.clone());
    let result = render.html(|page| {
        page.resize(64 << 10, b'x');
        Err(io::Error::other("the row is gone"))
    });
    let layer = ErrorLayer::new().only(Format::Html);
    let answer = through(&layer, result, get("/")).await;

    assert_eq!(answer.status, 500);
    assert!(answer.body.starts_with("<!doctype html>") && answer.body.ends_with("</html>\n"));
    assert!(!answer.body.contains("xxx") && !answer.body.contains("row"));
    let line = log.only();
    assert_eq!(
        line.message(),
        "HTTP 500 - rendering the answer: the row is gone"
    );
    assert!(
        line.field("location").contains("half_page.rs"),
        "of the caller"
    );

    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.kept, stats.returned), (0, 1, 1));
}

#[tokio::test]
async fn a_template_that_panics_gives_its_buffer_back() {
    let pool = BufferPool::default();
    let render = Renderer::new(pool.clone());
    let died = std::panic::catch_unwind(|| {
        render.html(|page| -> Result<(), io::Error> {
            page.push(1);
            std::panic::resume_unwind(Box::new("template"))
        })
    });
    assert!(died.is_err());
    assert_eq!((pool.stats().in_use, pool.stats().kept), (0, 1));
}

#[tokio::test]
async fn a_whole_page_is_sent_from_its_buffer() {
    let pool = BufferPool::default();
    let render = Renderer::new(pool.clone());
    let csv = HeaderValue::from_static("text/csv");
    let result = render.render(csv, |out| io::Write::write_all(out, b"a,b\n1,2\n"));
    assert_eq!(pool.stats().in_use, 1, "the body holds it");
    let answer = through(&ErrorLayer::new(), result, get("/")).await;
    assert_eq!(
        (answer.header("content-type"), &*answer.body),
        ("text/csv", "a,b\n1,2\n")
    );
    assert_eq!((pool.stats().in_use, pool.stats().kept), (0, 1));
}

/// What may go wrong in an error page, what of it is logged.
#[tokio::test]
async fn an_error_page_that_fails_is_replaced_whole() {
    type Page = fn(&ErrorView<'_>, &mut dyn fmt::Write) -> Result<(), BoxError>;
    let cases: [(Page, &str); 4] = [
        (
            |_, out| {
                out.write_str("half")?;
                Err("no such template".into())
            },
            "rendering the error page failed: no such template",
        ),
        (
            |_, out| {
                out.write_str("half")?;
                std::panic::resume_unwind(Box::new("index out of bounds"))
            },
            "rendering the error page failed: panicked: index out of bounds",
        ),
        (
            |_, out| {
                loop {
                    out.write_str("half")?;
                }
            },
            "rendering the error page failed: it is larger than 1048576 bytes",
        ),
        (
            |_, out| {
                // Holds on after the error, and then writes what would fit.
                let _ = out.write_str(&"half".repeat(1 << 20));
                let _ = out.write_str("half");
                Ok(())
            },
            "rendering the error page failed: it is larger than 1048576 bytes",
        ),
    ];
    for (page, logged) in cases {
        let log = Log::start();
        let pool = BufferPool::default();
        let layer = ErrorLayer::new()
            .only(Format::Html)
            .pages(page)
            .buffers(pool.clone());
        let error = mainstay_handler::Error::not_found("no user 7");
        let answer = through(&layer, error, get("/u/7")).await;

        assert_eq!(answer.status, 404);
        assert!(answer.body.contains("no user 7") && !answer.body.contains("half"));
        let lines = log.lines();
        let messages: Vec<_> = lines.iter().map(|line| line.message()).collect();
        assert_eq!(messages, ["HTTP 404 - no user 7", logged]);
        assert_eq!(pool.stats().in_use, 0);
    }
}
