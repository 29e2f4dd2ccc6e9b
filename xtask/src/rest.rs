//! A small client of the public REST API: the demo is made the way a customer would make it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20))).build().into()
}

/// Somebody answers there with 2xx.
pub fn answers(url: &str) -> bool {
    agent().get(url).call().is_ok_and(|answer| answer.status().is_success())
}

pub struct Api {
    agent: Agent,
    base: String,
    token: String,
}

impl Api {
    pub fn sign_in(base: &str, email: &str, password: &str) -> Result<Self> {
        let mut api = Api { agent: agent(), base: base.into(), token: String::new() };
        let tokens = api.post("/api/v1/login", &serde_json::json!({ "email": email, "password": password }))?;
        api.token = tokens["access_token"].as_str().context("the server gave no access token")?.to_owned();
        Ok(api)
    }

    pub fn get(&self, path: &str) -> Result<Value> {
        self.must("GET", path, None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.must("POST", path, Some(body))
    }

    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.must("PUT", path, Some(body))
    }

    /// A request the server may refuse because it is so already (409): then nothing.
    pub fn post_new(&self, path: &str, body: &Value) -> Result<Option<Value>> {
        match self.call("POST", path, Some(body))? {
            (409, _) => Ok(None),
            (status, text) => parse("POST", path, status, &text).map(Some),
        }
    }

    fn must(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let (status, text) = self.call(method, path, body)?;
        parse(method, path, status, &text)
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, String)> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        let text = body.map(Value::to_string).unwrap_or_default();
        let request = request.header("content-type", "application/json").body(text)?;
        let mut answer = self.agent.run(request).with_context(|| format!("{method} {path}"))?;
        Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
    }
}

fn parse(method: &str, path: &str, status: u16, text: &str) -> Result<Value> {
    if !(200..300).contains(&status) {
        bail!("{method} {path} answered {status}: {text}");
    }
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).with_context(|| format!("{method} {path} answered no JSON: {text}"))
}
