//! The signup site: from the form to the list and out again, and the attacker's page.

use anyhow::Result;
use browser_tests::{Browser, Site};
use fantoccini::Locator;

const PASSWORD: &str = "correct horse battery";

#[tokio::test]
async fn signs_up_logs_in_by_script_sees_itself_logs_out_and_sees_the_attacker_fail() -> Result<()>
{
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let site = Site::start().await?;
    sign_up(&browser, &site, "Ada Lovelace").await?;
    assert_eq!(
        browser.text(".notice.good").await?,
        "Your account is ready. Log in with it."
    );

    // The script tells of a mistake without leaving the page, and so keeps the name.
    browser.fill("#name", "ada lovelace").await?;
    browser.fill("#password", "wrong wrong wrong").await?;
    browser.click("main form button").await?;
    browser.see("#problem:not([hidden])").await?;
    assert_eq!(
        browser.text("#problem").await?,
        "This name and password do not go together."
    );
    let name = browser.see("#name").await?.prop("value").await?;
    assert_eq!(name.as_deref(), Some("ada lovelace"));
    let requests = browser
        .client()
        .execute("return performance.getEntriesByType('resource').filter(r => r.initiatorType === 'fetch').length", vec![])
        .await?;
    assert_eq!(requests, 1, "it went by fetch");

    browser.fill("#password", PASSWORD).await?;
    browser.click("main form button").await?;
    assert_own_row(&browser, &site, "Ada Lovelace").await?;

    log_out(&browser, &site).await?;
    let members_before = browser.url().await?;
    assert_eq!(members_before, site.url("/"));

    browser.goto(site.attacker()).await?;
    browser.click("button").await?;
    assert_eq!(browser.text(".kicker").await?, "403 Forbidden");
    assert_eq!(browser.url().await?, site.url("/signup/post"));
    // Refused for where it came from, before anybody looked for a token.
    site.wait_for_log("code=\"cross_site\"").await?;

    // Logged in again, the list has nobody new.
    browser.goto(&site.url("/auth/login")).await?;
    log_in(&browser, "Ada Lovelace").await?;
    assert_own_row(&browser, &site, "Ada Lovelace").await?;
    assert_eq!(
        browser
            .client()
            .find_all(Locator::Css(".members li"))
            .await?
            .len(),
        1
    );
    browser.quit().await
}

#[tokio::test]
async fn works_without_scripts() -> Result<()> {
    let Some(browser) = Browser::start_without_scripts().await? else {
        return Ok(());
    };
    let site = Site::start().await?;
    sign_up(&browser, &site, "Grace Hopper").await?;

    browser.fill("#name", "Grace Hopper").await?;
    browser.fill("#password", "wrong wrong wrong").await?;
    browser.click("main form button").await?;
    // The same sentence, on a page of its own: with the form's address and the name still there.
    browser.see("#problem:not([hidden])").await?;
    let name = browser.see("#name").await?.prop("value").await?;
    assert_eq!(name.as_deref(), Some("Grace Hopper"));

    log_in(&browser, "Grace Hopper").await?;
    assert_own_row(&browser, &site, "Grace Hopper").await?;
    log_out(&browser, &site).await?;
    browser.quit().await
}

#[tokio::test]
async fn a_form_from_before_the_login_is_refused_after_it() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let site = Site::start().await?;
    sign_up(&browser, &site, "Ada Lovelace").await?;
    let old = browser
        .see("main input[type=hidden]")
        .await?
        .attr("value")
        .await?;
    log_in(&browser, "Ada Lovelace").await?;
    assert_own_row(&browser, &site, "Ada Lovelace").await?;

    // The button of the bar, with the token of the page before.
    let script = "const field = document.querySelector('.top input[type=hidden]');
                  field.value = arguments[0]; field.form.submit();";
    browser
        .client()
        .execute(script, vec![serde_json::json!(old)])
        .await?;
    assert_eq!(browser.text(".kicker").await?, "403 Forbidden");

    browser.goto(&site.url("/members")).await?;
    assert_own_row(&browser, &site, "Ada Lovelace").await?;
    browser.quit().await
}

async fn sign_up(browser: &Browser, site: &Site, name: &str) -> Result<()> {
    browser.goto(&site.url("/")).await?;
    browser.click(".top nav a.button").await?;
    browser.fill("#name", name).await?;
    browser.fill("#password", PASSWORD).await?;
    browser.click("main form button").await?;
    browser.see(".notice.good").await?;
    assert_eq!(browser.url().await?, site.url("/auth/login?welcome"));
    Ok(())
}

async fn log_in(browser: &Browser, name: &str) -> Result<()> {
    browser.fill("#name", name).await?;
    browser.fill("#password", PASSWORD).await?;
    browser.click("main form button").await
}

async fn assert_own_row(browser: &Browser, site: &Site, name: &str) -> Result<()> {
    assert_eq!(browser.text(".members li[aria-current] .name").await?, name);
    assert_eq!(browser.url().await?, site.url("/members"));
    Ok(())
}

async fn log_out(browser: &Browser, site: &Site) -> Result<()> {
    browser.click(".top form button").await?;
    browser.see(".hero").await?;
    browser.goto(&site.url("/members")).await?;
    assert_eq!(
        browser.url().await?,
        site.url("/auth/login"),
        "the list is for members"
    );
    browser.goto(&site.url("/")).await
}
