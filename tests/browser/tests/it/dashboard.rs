//! mainstayd's dashboard: the list, and its buttons.

use std::time::Duration;

use anyhow::{Context as _, Result};
use browser_tests::{Browser, Daemon};
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn lists_the_program_and_stops_starts_and_restarts_it() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    press_all_buttons(&browser).await?;
    browser.quit().await
}

#[tokio::test]
async fn its_buttons_need_no_scripts() -> Result<()> {
    let Some(browser) = Browser::start_without_scripts().await? else {
        return Ok(());
    };
    press_all_buttons(&browser).await?;
    browser.quit().await
}

async fn press_all_buttons(browser: &Browser) -> Result<()> {
    let daemon = Daemon::start().await?;
    browser.goto(&daemon.url_with_login("/")).await?;
    browser.goto(&daemon.url("/")).await?;
    browser.see(&row("RUNNING")).await?;
    let first = pid(browser).await?;

    browser.click("button[aria-label='Stop sleeper']").await?;
    browser.see(&row("STOPPED")).await?;
    browser.click("button[aria-label='Start sleeper']").await?;
    browser.see(&row("RUNNING")).await?;
    let second = pid(browser).await?;
    assert_ne!(second, first);

    browser
        .click("button[aria-label='Restart sleeper']")
        .await?;
    wait_for_another_pid(browser, second).await?;
    browser.see(&row("RUNNING")).await?;
    Ok(())
}

/// The row looks the same before and after a restart, but for this.
async fn wait_for_another_pid(browser: &Browser, old: u32) -> Result<()> {
    let changed = async {
        while pid(browser).await.is_ok_and(|pid| pid == old) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), changed)
        .await
        .context("the pid stays the same")
}

fn row(state: &str) -> String {
    format!("tr[data-key='sleeper'][data-state='{state}']")
}

async fn pid(browser: &Browser) -> Result<u32> {
    Ok(browser.text("tr[data-key='sleeper'] .pid").await?.parse()?)
}
