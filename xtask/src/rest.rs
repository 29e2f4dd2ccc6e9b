//! A small client of the public REST API: the demo is made the way a customer would make it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
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
        let mut api = Api {
            agent: agent(),
            base: base.into(),
            token: String::new(),
        };
        let tokens = api.post(
            "/api/v1/auth/login",
            &serde_json::json!({ "email": email, "password": password }),
        )?;
        api.token = tokens["access_token"]
            .as_str()
            .context("the server gave no access token")?
            .to_owned();
        Ok(api)
    }

    pub fn get(&self, path: &str) -> Result<Value> {
        self.call("GET", path, None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call("POST", path, Some(body))
    }

    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.call("PUT", path, Some(body))
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        let text = body.map(Value::to_string).unwrap_or_default();
        let request = request.header("content-type", "application/json").body(text)?;
        let mut answer = self.agent.run(request).with_context(|| format!("{method} {path}"))?;
        let text = answer.body_mut().read_to_string()?;
        if !answer.status().is_success() {
            bail!("{method} {path} answered {}: {text}", answer.status());
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("{method} {path} answered no JSON: {text}"))
    }
}
