//! Headless Chromium.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::{DEADLINE, Process};
use crate::provision::{self, Programs};

/// A browser with an empty profile, behind a chromedriver of its own.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    _driver: Process,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser; `None` on a machine that has none, which has then been said.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        Self::with(json!({})).await
    }

    /// Starts a browser that runs no scripts.
    pub async fn start_without_scripts() -> anyhow::Result<Option<Self>> {
        Self::with(json!({ "profile.managed_default_content_settings.javascript": 2 })).await
    }

    async fn with(preferences: serde_json::Value) -> anyhow::Result<Option<Self>> {
        let Some(programs) = provision::programs()? else {
            return Ok(None);
        };
        let mut command = Command::new(&programs.chromedriver);
        command.arg("--port=0");
        let driver = Process::spawn(command)?;
        let line = driver.wait_for("started successfully on port ").await?;
        let port = line.trim_end_matches('.');
        let profile = tempfile::tempdir()?;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&programs, profile.path(), &preferences))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .context("starting chromium")?;
        Ok(Some(Self {
            client,
            _driver: driver,
            _profile: profile,
        }))
    }

    /// Opens a page and waits until it is loaded.
    pub async fn goto(&self, url: &str) -> anyhow::Result<()> {
        self.client
            .goto(url)
            .await
            .with_context(|| format!("opening {url}"))
    }

    /// Waits for an element, by its CSS selector.
    pub async fn see(&self, css: &str) -> anyhow::Result<Element> {
        let found = self
            .client
            .wait()
            .at_most(DEADLINE)
            .every(STEP)
            .for_element(Locator::Css(css))
            .await;
        match found {
            Ok(element) => Ok(element),
            Err(error) => {
                let page = self.client.source().await.unwrap_or_default();
                Err(error).with_context(|| format!("waiting for {css} in\n{page}"))
            }
        }
    }

    /// The text of an element, once it is there.
    pub async fn text(&self, css: &str) -> anyhow::Result<String> {
        Ok(self.see(css).await?.text().await?)
    }

    /// Types into a field.
    pub async fn fill(&self, css: &str, text: &str) -> anyhow::Result<()> {
        let field = self.see(css).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Clicks on something.
    pub async fn click(&self, css: &str) -> anyhow::Result<()> {
        Ok(self.see(css).await?.click().await?)
    }

    /// The address in the bar.
    pub async fn url(&self) -> anyhow::Result<String> {
        Ok(self.client.current_url().await?.to_string())
    }

    /// Everything else that a browser can do.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Closes the browser. Dropping kills it, too, but leaves no time to write its profile.
    pub async fn quit(self) -> anyhow::Result<()> {
        Ok(self.client.clone().close().await?)
    }
}

/// How often the page is asked for what a test waits for.
const STEP: Duration = Duration::from_millis(20);

/// Headless, as root, and silent: it asks nobody but the pages under test.
fn capabilities(
    programs: &Programs,
    profile: &Path,
    preferences: &serde_json::Value,
) -> Map<String, serde_json::Value> {
    let profile = format!("--user-data-dir={}", profile.display());
    let options = json!({
        "binary": programs.chromium,
        "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--window-size=1000,900", profile,
        ],
        "prefs": preferences,
    });
    Map::from_iter([("goog:chromeOptions".to_owned(), options)])
}
