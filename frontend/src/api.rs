//! The typed client of `/api/v1`. It keeps the session, renews it once when the server says 401, sends an
//! `Idempotency-Key` with every change (and repeats a change whose answer was lost under the same key), and turns
//! every refusal into an [`ApiError`].

use std::rc::Rc;

use contract::rest::{Login, Refresh, Tokens};
use futures_util::lock::Mutex;
pub use gloo_net::http::Method;
use gloo_net::http::RequestBuilder;
use leptos::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;

pub use crate::error::ApiError;
use crate::error::refusal;
use crate::time;

const BASE: &str = "/api/v1";
const STORE: &str = "bellhop.session";
const EXPIRED: &str = "Your session has ended, so you were signed out. Sign in again to carry on where you were.";

/// What a request carries.
struct Body {
    kind: &'static str,
    value: JsValue,
    /// Of the file, where it has one.
    password: String,
}

/// The client. Cheap to copy; hand it into futures.
#[derive(Clone, Copy)]
pub struct Api {
    pub session: RwSignal<Option<Tokens>>,
    /// Shown on the sign-in page: why one is there.
    pub notice: RwSignal<Option<String>>,
    /// One renewal at a time: a refresh token counts once.
    turn: StoredValue<Rc<Mutex<()>>, LocalStorage>,
}

pub fn use_api() -> Api {
    expect_context()
}

impl Api {
    pub fn new() -> Self {
        let stored = window()
            .session_storage()
            .ok()
            .flatten()
            .and_then(|store| store.get_item(STORE).ok().flatten())
            .and_then(|text| serde_json::from_str(&text).ok());
        Self {
            session: RwSignal::new(stored),
            notice: RwSignal::new(None),
            turn: StoredValue::new_local(Rc::new(Mutex::new(()))),
        }
    }

    pub fn signed_in(self) -> bool {
        self.session.with(Option::is_some)
    }

    fn keep(self, tokens: Option<Tokens>) {
        if let Ok(Some(store)) = window().session_storage() {
            let text = tokens.as_ref().and_then(|tokens| serde_json::to_string(tokens).ok());
            let _ = match text {
                Some(text) => store.set_item(STORE, &text),
                None => store.remove_item(STORE),
            };
        }
        self.session.set(tokens);
    }

    fn end(self, notice: Option<&str>) {
        if self.session.with_untracked(Option::is_some) {
            self.notice.set(notice.map(str::to_owned));
            self.keep(None);
        }
    }

    pub async fn login(self, login: Login) -> Result<(), ApiError> {
        let answer = once(&Method::POST, "/login", Some(&to_json(&login)?), None, None).await?;
        self.notice.set(None);
        self.keep(Some(from_json(&answer)?));
        Ok(())
    }

    /// Ends the session here at once and on the server as soon as it hears of it.
    pub async fn logout(self) {
        if let Some(tokens) = self.session.get_untracked() {
            self.notice.set(None);
            self.keep(None);
            let body = to_json(&Refresh { refresh_token: tokens.refresh_token }).ok();
            let _ = once(&Method::POST, "/logout", body.as_ref(), Some(&tokens.access_token), None).await;
        }
    }

    async fn renew(self, stale: &str) -> Result<String, ApiError> {
        let turn = self.turn.get_value();
        let _turn = turn.lock().await;
        let Some(tokens) = self.session.get_untracked() else {
            return Err(ApiError::local("signed-out", "You are signed out", EXPIRED));
        };
        if tokens.access_token != stale {
            return Ok(tokens.access_token); // renewed while we waited
        }
        let body = to_json(&Refresh { refresh_token: tokens.refresh_token })?;
        match once(&Method::POST, "/refresh", Some(&body), None, None).await {
            Ok(answer) => {
                let tokens: Tokens = from_json(&answer)?;
                let access = tokens.access_token.clone();
                self.keep(Some(tokens));
                Ok(access)
            }
            Err(error) => {
                if (400..500).contains(&error.status()) {
                    self.end(Some(EXPIRED));
                }
                Err(error)
            }
        }
    }

    async fn send(self, method: Method, path: &str, body: Option<Body>) -> Result<Vec<u8>, ApiError> {
        let key = (method != Method::GET).then(|| uuid::Uuid::new_v4().to_string());
        let access = self.session.with_untracked(|s| s.as_ref().map(|tokens| tokens.access_token.clone()));
        let Some(mut access) = access else {
            return Err(ApiError::local("signed-out", "You are signed out", EXPIRED));
        };
        let (mut renewed, mut repeated) = (false, false);
        loop {
            match once(&method, path, body.as_ref(), Some(&access), key.as_deref()).await {
                Err(error) if error.status() == 401 && !renewed => {
                    renewed = true;
                    access = self.renew(&access).await?;
                }
                Err(error) if error.status() == 401 => {
                    self.end(Some(EXPIRED));
                    return Err(error);
                }
                Err(error) if error.0.kind == "unreachable" && !repeated => {
                    repeated = true;
                    time::sleep(600).await;
                }
                answer => return answer,
            }
        }
    }

    pub async fn get<T: DeserializeOwned>(self, path: &str) -> Result<T, ApiError> {
        from_json(&self.send(Method::GET, path, None).await?)
    }

    /// Like [`Api::get`], for loaders that make the path.
    pub async fn get_owned<T: DeserializeOwned>(self, path: String) -> Result<T, ApiError> {
        self.get(&path).await
    }

    pub async fn post<B: Serialize, T: DeserializeOwned>(self, path: &str, body: &B) -> Result<T, ApiError> {
        from_json(&self.send(Method::POST, path, Some(to_json(body)?)).await?)
    }

    pub async fn put<B: Serialize, T: DeserializeOwned>(self, path: &str, body: &B) -> Result<T, ApiError> {
        from_json(&self.send(Method::PUT, path, Some(to_json(body)?)).await?)
    }

    pub async fn patch<B: Serialize, T: DeserializeOwned>(self, path: &str, body: &B) -> Result<T, ApiError> {
        from_json(&self.send(Method::PATCH, path, Some(to_json(body)?)).await?)
    }

    /// `POST` of a file's bytes as they are.
    pub async fn upload<T: DeserializeOwned>(self, path: &str, file: &web_sys::File) -> Result<T, ApiError> {
        self.upload_locked(path, file, "").await
    }

    /// The same for a file that is encrypted with a password, or has parts that are; empty: none.
    pub async fn upload_locked<T: DeserializeOwned>(
        self,
        path: &str,
        file: &web_sys::File,
        password: &str,
    ) -> Result<T, ApiError> {
        let body = Body { kind: "application/octet-stream", value: file.into(), password: password.to_owned() };
        from_json(&self.send(Method::POST, path, Some(body)).await?)
    }

    /// The bytes of a file.
    pub async fn bytes(self, path: &str) -> Result<Vec<u8>, ApiError> {
        self.send(Method::GET, path, None).await
    }

    /// `POST` answered with a file's bytes.
    pub async fn post_for_bytes<B: Serialize>(self, path: &str, body: &B) -> Result<Vec<u8>, ApiError> {
        self.send(Method::POST, path, Some(to_json(body)?)).await
    }

    /// `POST` of a change whose answer's body does not matter.
    pub async fn tell<B: Serialize>(self, path: &str, body: &B) -> Result<(), ApiError> {
        self.tell_by(Method::POST, path, body).await
    }

    /// The same by another method.
    pub async fn tell_by<B: Serialize>(self, method: Method, path: &str, body: &B) -> Result<(), ApiError> {
        self.send(method, path, Some(to_json(body)?)).await.map(drop)
    }

    /// `POST` without a body, answer ignored.
    pub async fn nudge(self, path: &str) -> Result<(), ApiError> {
        self.send(Method::POST, path, None).await.map(drop)
    }

    /// `POST` without a body.
    pub async fn ask<T: DeserializeOwned>(self, path: &str) -> Result<T, ApiError> {
        from_json(&self.send(Method::POST, path, None).await?)
    }

    /// `DELETE` whose answer says what follows from it.
    pub async fn remove<T: DeserializeOwned>(self, path: &str) -> Result<T, ApiError> {
        from_json(&self.send(Method::DELETE, path, None).await?)
    }

    pub async fn delete(self, path: &str) -> Result<(), ApiError> {
        self.send(Method::DELETE, path, None).await.map(drop)
    }
}

fn to_json(body: &impl Serialize) -> Result<Body, ApiError> {
    let text = serde_json::to_string(body).map_err(|_| ApiError::unreadable())?;
    Ok(Body { kind: "application/json", value: text.into(), password: String::new() })
}

fn from_json<T: DeserializeOwned>(answer: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(answer).map_err(|error| {
        leptos::logging::warn!("unreadable answer: {error}");
        ApiError::unreadable()
    })
}

async fn once(
    method: &Method,
    path: &str,
    body: Option<&Body>,
    access: Option<&str>,
    key: Option<&str>,
) -> Result<Vec<u8>, ApiError> {
    let mut request =
        RequestBuilder::new(&format!("{BASE}{path}")).method(method.clone()).header("Accept", "application/json");
    if let Some(access) = access {
        request = request.header("Authorization", &format!("Bearer {access}"));
    }
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    if let Some(body) = body.filter(|body| !body.password.is_empty()) {
        // Headers are Latin-1: anything else goes encoded.
        request = request.header("X-File-Password", &format!("UTF-8''{}", quote(&body.password)));
    }
    let request = match body {
        Some(body) => request.header("Content-Type", body.kind).body(body.value.clone()),
        None => request.build(),
    };
    let response = request.map_err(|_| ApiError::unreadable())?.send().await.map_err(|_| ApiError::unreachable())?;
    if let Some(date) = response.headers().get("date") {
        time::learn_server_date(&date);
    }
    if response.ok() {
        response.binary().await.map_err(|_| ApiError::unreachable())
    } else {
        Err(refusal(response).await)
    }
}

/// Writes a value for a path segment or query.
pub fn quote(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}
