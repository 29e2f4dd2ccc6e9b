//! Chromium, steered through chromedriver, looking at one server.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{LONG, wait};

const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,800",
];

/// A browser of its own, with an empty profile.
pub struct Browser {
    client: Client,
    http: reqwest::Client,
    base: String,
    /// `http://127.0.0.1:…/session/…`
    session: String,
    expected: BTreeSet<u16>,
    _profile: TempDir,
}

/// A built application and a chromedriver, which `cargo xtask test --only browser` provides.
fn given(variable: &str) -> String {
    match std::env::var(variable) {
        Ok(value) if !value.is_empty() => value,
        _ => {
            panic!("{variable} is not set. Run browser tests by `cargo xtask test --only browser`, which provides it.")
        }
    }
}

/// Where the built application is.
pub fn web_root() -> String {
    given("BELLHOP_WEB_ROOT")
}

/// The selector of a test id, or what is one already.
fn css(what: &str) -> String {
    if what.contains(['[', '#', '.', ' ', ':']) { what.to_owned() } else { format!("[data-testid=\"{what}\"]") }
}

impl Browser {
    pub async fn open(base: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted = json!({
            "goog:chromeOptions": { "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let driver = given("BELLHOP_WEBDRIVER");
        let Value::Object(wanted) = wanted else { unreachable!() };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(wanted).connect(&driver).await.expect("chromedriver starts Chromium");
        let id = client.session_id().await.unwrap().expect("a session");
        let http = tests::api::http_trusting(b"").no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        let session = format!("{driver}/session/{id}");
        Self { client, http, base: base.to_owned(), session, expected: BTreeSet::new(), _profile: profile }
    }

    /// Open and signed in through the form.
    pub async fn signed_in(base: &str, email: &str, password: &str) -> Self {
        let browser = Self::open(base).await;
        browser.sign_in(email, password).await;
        browser
    }

    pub async fn sign_in(&self, email: &str, password: &str) {
        self.goto("/login").await;
        self.fill("login-email", email).await;
        self.fill("login-password", password).await;
        self.click("login-submit").await;
        self.until("signed in", "!location.pathname.startsWith('/login')").await;
    }

    /// A path of the server.
    pub async fn goto(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.base)).await.unwrap();
    }

    pub async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    pub async fn back(&self) {
        self.client.back().await.unwrap();
    }

    /// Path and query.
    pub async fn address(&self) -> String {
        self.eval("location.pathname + location.search").await.as_str().unwrap_or_default().to_owned()
    }

    /// A JavaScript expression's value.
    pub async fn eval(&self, expression: &str) -> Value {
        self.client.execute(&format!("return ({expression});"), vec![]).await.unwrap()
    }

    /// Waits until an expression is true, and says how long that took.
    pub async fn until(&self, what: &str, expression: &str) -> Duration {
        self.until_within(LONG, what, expression).await
    }

    pub async fn until_within(&self, limit: Duration, what: &str, expression: &str) -> Duration {
        let script = format!("try {{ return !!({expression}); }} catch {{ return false; }}");
        let start = std::time::Instant::now();
        let look = async || self.client.execute(&script, vec![]).await.ok()?.as_bool()?.then_some(());
        if tests::wait::within(limit, look).await.is_none() {
            panic!("not within {:?}: {what} ({expression})\n{}", start.elapsed(), self.picture().await);
        }
        start.elapsed()
    }

    /// The first element that is there and to be seen.
    pub async fn find(&self, what: &str) -> Element {
        let selector = css(what);
        let look = async || {
            let found = self.client.find_all(Locator::Css(&selector)).await.ok()?;
            for element in found {
                if element.is_displayed().await.unwrap_or(false) {
                    return Some(element);
                }
            }
            None
        };
        match tests::wait::within(LONG, look).await {
            Some((element, _)) => element,
            None => {
                panic!("there is no {selector}\n{}", self.picture().await);
            }
        }
    }

    /// The first element that is there, to be seen or not, such as the input behind a button.
    pub async fn find_hidden(&self, what: &str) -> Element {
        let selector = css(what);
        wait(&format!("there is {selector}"), async || self.client.find(Locator::Css(&selector)).await.ok()).await
    }

    /// Clicks as soon as it can be clicked.
    pub async fn click(&self, what: &str) {
        wait(&format!("{what} can be clicked"), async || {
            let element = self.find(what).await;
            if !element.is_enabled().await.unwrap_or(false) {
                return None;
            }
            element.click().await.ok()
        })
        .await;
    }

    /// Replaces what an input holds, key by key.
    pub async fn fill(&self, what: &str, text: &str) {
        let input = self.find(what).await;
        input.click().await.unwrap();
        let clear = "arguments[0].select()";
        self.client.execute(clear, vec![serde_json::to_value(&input).unwrap()]).await.unwrap();
        let keys = if text.is_empty() { char::from(Key::Delete).to_string() } else { text.to_owned() };
        input.send_keys(&keys).await.unwrap();
    }

    /// Chooses in a `select`.
    pub async fn choose(&self, what: &str, value: &str) {
        self.find(what).await.select_by_value(value).await.unwrap();
    }

    /// Types where the focus is.
    pub async fn press(&self, key: impl Into<char>) {
        self.client.active_element().await.unwrap().send_keys(&key.into().to_string()).await.unwrap();
    }

    /// What an input holds.
    pub async fn value(&self, what: &str) -> String {
        self.find(what).await.prop("value").await.unwrap().unwrap_or_default()
    }

    /// Waits until an element's text holds this.
    pub async fn says(&self, what: &str, text: &str) -> Duration {
        let selector = css(what);
        let all = format!("[...document.querySelectorAll({selector:?})].some(e => e.innerText.includes({text:?}))");
        self.until(&format!("{what} says {text:?}"), &all).await
    }

    /// Waits until an element's attribute is this.
    pub async fn shows(&self, what: &str, attribute: &str, value: &str) -> Duration {
        let selector = css(what);
        let is = format!("document.querySelector({selector:?}).getAttribute({attribute:?}) === {value:?}");
        self.until(&format!("{what} shows {attribute}={value}"), &is).await
    }

    /// Waits until there is none.
    pub async fn gone(&self, what: &str) {
        let selector = css(what);
        self.until(&format!("{what} is gone"), &format!("!document.querySelector({selector:?})")).await;
    }

    /// From now on keeps every value an element's attribute takes; [`Browser::seen`] tells.
    pub async fn watch(&self, what: &str, attribute: &str) {
        let selector = css(what);
        let script = format!(
            "const look = () => {{ const e = document.querySelector({selector:?}); const v = e && e.getAttribute({attribute:?});
             if (v && window.seen[window.seen.length - 1] !== v) window.seen.push(v); }};
             window.seen = []; look();
             new MutationObserver(look).observe(document.body, {{ subtree: true, childList: true, attributes: true }});"
        );
        self.client.execute(&script, vec![]).await.unwrap();
    }

    pub async fn seen(&self) -> Vec<String> {
        serde_json::from_value(self.eval("window.seen").await).unwrap()
    }

    async fn ask(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.session)).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap_or_default());
        answer.json::<Value>().await.unwrap()["value"].clone()
    }

    /// A command of the DevTools protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.ask("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await
    }

    pub async fn screenshot(&self) -> Vec<u8> {
        self.client.screenshot().await.unwrap()
    }

    async fn console(&self) -> Vec<Value> {
        serde_json::from_value(self.ask("/se/log", &json!({ "type": "browser" })).await).unwrap()
    }

    /// What one would see, for whoever reads why a test failed.
    async fn picture(&self) -> String {
        let text = self.eval("document.body.innerText").await;
        let console: Vec<String> = self.console().await.iter().map(|entry| entry["message"].to_string()).collect();
        let (address, text) = (self.address().await, text.as_str().unwrap_or_default().to_owned());
        format!("at {address}:\n{text}\nconsole:\n{}", console.join("\n"))
    }

    /// Refused requests of this status are part of the test; the browser logs each as an error.
    pub fn expect(&mut self, status: u16) {
        self.expected.insert(status);
    }

    /// Fails if the browser logged an error: an exception, a violated content security policy, a refused request.
    pub async fn assert_no_errors(&self) {
        let entries = self.console().await;
        let expected = |message: &str| {
            self.expected.iter().any(|status| message.contains(&format!("responded with a status of {status}")))
        };
        let bad = entries.iter().filter(|entry| {
            let message = entry["message"].as_str().unwrap_or_default();
            let policy = message.contains("Content Security Policy");
            policy || (entry["level"] == "SEVERE" && !expected(message))
        });
        let bad: Vec<String> = bad.map(|entry| format!("{} {}", entry["level"], entry["message"])).collect();
        assert!(bad.is_empty(), "the browser's console:\n{}", bad.join("\n"));
    }
}

/// Also after a failed test: ends Chromium and waits for it, so that its profile can be removed.
impl Drop for Browser {
    fn drop(&mut self) {
        let Some((host, path)) = self.session.strip_prefix("http://").and_then(|url| url.split_once('/')) else {
            return;
        };
        let Ok(mut driver) = std::net::TcpStream::connect(host) else { return };
        let _ = driver.set_read_timeout(Some(Duration::from_secs(5)));
        let _ = write!(driver, "DELETE /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let _ = driver.read_to_string(&mut String::new());
    }
}
