//! A client of the REST API that shows whatever the server answers.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use contract::problem::Problem;
use contract::rest::Tokens;
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::certificates::Pair;

/// Whoever is signed in, or nobody.
#[derive(Clone)]
pub struct Api {
    pub http: reqwest::Client,
    base: String,
    token: Arc<Mutex<String>>,
}

/// What the server said.
#[derive(Debug)]
pub struct Answer {
    pub asked: String,
    pub status: u16,
    pub content_type: String,
    pub text: String,
}

impl Answer {
    /// The body of a 2xx answer.
    ///
    /// # Errors
    /// Another status, or another body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        ensure!((200..300).contains(&self.status), "{}: {} {}", self.asked, self.status, self.text);
        serde_json::from_str(&self.text).with_context(|| format!("{}: {}", self.asked, self.text))
    }

    /// The body of a 2xx answer.
    ///
    /// # Panics
    /// If it is another answer.
    #[track_caller]
    pub fn ok<T: DeserializeOwned>(&self) -> T {
        match self.json() {
            Ok(body) => body,
            Err(error) => panic!("{error:#}"),
        }
    }

    /// The problem document of a refusal with this status.
    ///
    /// # Panics
    /// If it is another answer.
    #[track_caller]
    pub fn refused(&self, status: u16) -> Problem {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        assert_eq!(self.content_type, "application/problem+json", "{}: {}", self.asked, self.text);
        match serde_json::from_str::<Problem>(&self.text) {
            Ok(problem) => {
                assert_eq!(problem.status, status, "{}: {}", self.asked, self.text);
                assert!(!problem.detail.is_empty() && !problem.title.is_empty(), "{}: {}", self.asked, self.text);
                problem
            }
            Err(error) => panic!("{}: no problem document ({error}): {}", self.asked, self.text),
        }
    }
}

impl Api {
    /// Not signed in.
    pub fn new(base: impl Into<String>) -> Self {
        Self { http: client(), base: base.into(), token: Arc::default() }
    }

    /// # Errors
    /// If the server does not want us.
    pub async fn sign_in(base: impl Into<String>, email: &str, password: &str) -> Result<Self> {
        let api = Self::new(base);
        api.login(email, password).await?;
        Ok(api)
    }

    /// # Errors
    /// If the server does not want us.
    pub async fn login(&self, email: &str, password: &str) -> Result<Tokens> {
        let body = json!({ "email": email, "password": password });
        let tokens: Tokens = self.try_send(Method::POST, "/api/v1/login", Some(&body), &[]).await?.json()?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = tokens.access_token.clone();
        Ok(tokens)
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn token(&self) -> String {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same server, asked with this token; empty: without one.
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { http: self.http.clone(), base: self.base.clone(), token: Arc::new(Mutex::new(token.into())) }
    }

    /// With the token, if there is one.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match self.token() {
            token if token.is_empty() => request,
            token => request.bearer_auth(token),
        }
    }

    /// # Errors
    /// If no answer comes.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        let asked = format!("{method} {path}");
        let mut request = self.request(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.with_context(|| asked.clone())?;
        let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        Ok(Answer {
            asked,
            status: answer.status().as_u16(),
            content_type: content_type.unwrap_or_default().to_owned(),
            text: answer.text().await?,
        })
    }

    /// # Panics
    /// If no answer comes.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        match self.try_send(method, path, body, &[]).await {
            Ok(answer) => answer,
            Err(error) => panic!("no answer: {error:#}"),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    pub async fn post(&self, path: &str, body: impl Serialize) -> Answer {
        self.send(Method::POST, path, Some(&value(body))).await
    }

    pub async fn put(&self, path: &str, body: impl Serialize) -> Answer {
        self.send(Method::PUT, path, Some(&value(body))).await
    }

    pub async fn patch(&self, path: &str, body: impl Serialize) -> Answer {
        self.send(Method::PATCH, path, Some(&value(body))).await
    }
}

fn value(body: impl Serialize) -> Value {
    serde_json::to_value(body).unwrap_or_default()
}

/// A client to be built that trusts these authorities (PEM) over TLS. reqwest has no TLS of its own here: a client that
/// does not begin like this panics when it is built.
pub fn http_trusting(authorities: &[u8]) -> reqwest::ClientBuilder {
    http_as(authorities, None)
}

/// The same, with a certificate of its own to show.
///
/// # Panics
/// If the certificate cannot be used.
pub fn http_as(authorities: &[u8], own: Option<&Pair>) -> reqwest::ClientBuilder {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let certificates = |pem: &[u8]| -> Vec<_> { CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect() };
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(certificates(authorities));
    let config =
        rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has TLS 1.2 and 1.3")
            .with_root_certificates(roots);
    let config = match own {
        None => config.with_no_client_auth(),
        Some(own) => {
            let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).expect("a private key");
            let chain = certificates(own.certificate.as_bytes());
            config.with_client_auth_cert(chain, key).expect("a certificate and its key")
        }
    };
    reqwest::Client::builder().tls_backend_preconfigured(config)
}

fn client() -> reqwest::Client {
    http_trusting(b"")
        .no_proxy()
        // A kept connection may be to a server that was killed meanwhile.
        .pool_max_idle_per_host(0)
        .timeout(std::time::Duration::from_secs(60))
        .build()
        .expect("an HTTP client")
}
