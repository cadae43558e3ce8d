//! The site and the dashboard in a real browser.
//!
//! [`Browser`] is headless Chromium behind its own chromedriver, [`Site`] is the signup site with a
//! database of its own; both end when they are dropped. The tests are in `tests/it`:
//!
//! ```no_run
//! use browser_tests::{Browser, Site};
//!
//! # async fn test() -> anyhow::Result<()> {
//! let Some(browser) = Browser::start().await? else { return Ok(()) };
//! let site = Site::start().await?;
//! browser.goto(&site.url("/signup")).await?;
//! browser.fill("#name", "Ada").await?;
//! browser.click("main form button").await?;
//! browser.see(".why").await?;
//! browser.quit().await
//! # }
//! ```
//!
//! A machine without Chromium gets it from Debian when the tests run as root there. Elsewhere they are
//! skipped, and say so; with `CI=true` that is a failure.
#![forbid(unsafe_code)]

mod browser;
mod daemon;
mod process;
mod provision;
pub mod scripts;
mod site;

pub use crate::browser::Browser;
pub use crate::daemon::Daemon;
pub use crate::site::Site;
