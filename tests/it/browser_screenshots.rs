//! The pictures in docs/screenshots: `cargo xtask screenshots`.

mod hotel;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tests::process::{EMAIL, PASSWORD};

use super::browser_settings::{field, in_the_middle, seek};
use crate::support::TestServer;
use crate::support::browser::{Browser, web_root};
use hotel::{Hotels, SHOWN};

/// More is no picture for a repository.
const MOST_BYTES: usize = 150_000;
const SIZES: [(&str, u32, u32); 2] = [("wide", 1280, 800), ("narrow", 390, 844)];
const THEMES: [&str; 2] = ["light", "dark"];

/// Opens the newest session that has orders in it.
const OPENED: &str = "(document.querySelector('[data-testid=step]') ||
    document.querySelector('[data-testid=session]:nth-child(2) button').click())";

/// The page whose picture is taken with a change reviewed.
const PUSH: &str = "push";
const REVIEWED: [(&str, &str, &str); 2] = [
    ("ring volume", "audio.volume.ring", "7"),
    ("sip server", "account.1.sip.server.1.address", "sip2.meridian.example"),
];

/// Changes settings, and opens what that would do.
async fn review(browser: &Browser) {
    for (words, key, value) in REVIEWED {
        seek(browser, words, key).await;
        in_the_middle(browser, key).await;
        browser.fill(&field(key, "setting-value"), value).await;
    }
    browser.click("review").await;
    let shown = format!("document.querySelectorAll('[data-testid=preview-key]').length === {}", REVIEWED.len());
    browser.until("the preview", &shown).await;
}

async fn pictures(browser: &Browser, folder: &Path, page: &str, path: &str, ready: &str) {
    for (size, width, height) in SIZES {
        let narrow = size == "narrow";
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": narrow });
        browser.devtools("Emulation.setDeviceMetricsOverride", screen).await;
        for theme in THEMES {
            let features = json!([
                { "name": "prefers-color-scheme", "value": theme },
                { "name": "prefers-reduced-motion", "value": "reduce" },
            ]);
            browser.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
            browser.goto(path).await;
            browser.until(page, ready).await;
            if page == PUSH {
                review(browser).await;
            }
            if page != "login" {
                browser.shows("live-indicator", "data-live", "on").await;
            }
            // No caret blinking in it.
            browser.until("calm", "document.activeElement.blur() || document.fonts.status === 'loaded'").await;
            tokio::time::sleep(Duration::from_millis(250)).await;
            let wider = browser.eval("document.documentElement.scrollWidth > innerWidth").await;
            assert_eq!(wider, json!(false), "{page} is wider than a {size} screen");
            let png = browser.screenshot().await;
            assert!(png.len() < MOST_BYTES, "{page} {theme} {size}: {} bytes", png.len());
            std::fs::write(folder.join(format!("{page}-{theme}-{size}.png")), png).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes docs/screenshots; run it by `cargo xtask screenshots`"]
async fn every_page() {
    let folder = PathBuf::from(std::env::var_os("BELLHOP_SCREENSHOTS").expect("BELLHOP_SCREENSHOTS names a folder"));
    std::fs::create_dir_all(&folder).unwrap();
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotels = Hotels::open(&server).await;
    let (property, room, phone) = (hotels.harbour.property, hotels.harbour.room(SHOWN), hotels.shown);

    let browser = Browser::open(server.api.base()).await;
    pictures(&browser, &folder, "login", "/login", "document.querySelector('#password')").await;
    browser.sign_in(EMAIL, PASSWORD).await;
    let shows = |testid: &str, count: usize| {
        format!(
            "document.querySelectorAll('[data-testid={testid}]').length >= {count} && !document.querySelector('.bones')"
        )
    };
    let pages = [
        ("properties", "/properties".to_owned(), shows("property-card", 3)),
        ("board", format!("/p/{property}/rooms"), shows("room-cell", 40)),
        ("room", format!("/p/{property}/rooms/{room}"), shows("sync-state", 1)),
        ("phones", format!("/p/{property}/phones"), shows("phone-row", 30)),
        ("phone", format!("/phones/{phone}"), shows("job", 1)),
        ("phone-configuration", format!("/phones/{phone}/configuration"), shows("value-row", 8)),
        ("phone-parameters", format!("/phones/{phone}/parameters?path=Device.LAN.IPAddress"), shows("pane-value", 1)),
        ("phone-sessions", format!("/phones/{phone}/sessions"), format!("{} && {OPENED}", shows("session", 3))),
        ("phone-diagnostics", format!("/phones/{phone}/diagnostics"), shows("ping-chart", 1)),
        ("phone-tasks", format!("/phones/{phone}/tasks"), shows("job", 5)),
        ("new-phones", "/new-phones".to_owned(), shows("new-phone-row", 2)),
        ("settings", format!("/p/{property}/settings"), shows("field", 5)),
        (PUSH, format!("/p/{property}/settings"), shows("field", 5)),
        ("layers", "/layers".to_owned(), shows("layer-count", 4)),
        ("history", format!("/p/{property}/settings?view=history"), shows("change-set", 2)),
        ("accounts", format!("/p/{property}/accounts"), shows("server-new", 1)),
        ("claims", format!("/p/{property}/claims"), shows("claim-rules", 1)),
        ("provisioning", format!("/p/{property}/provisioning"), shows("provisioning-form", 1)),
        ("import", format!("/p/{property}/import"), shows("gdms-sign-in", 1)),
        ("backup", format!("/p/{property}/backup"), shows("backup-keep", 1)),
    ];
    for (page, path, ready) in pages {
        pictures(&browser, &folder, page, &path, &ready).await;
    }
    browser.assert_no_errors().await;
}
