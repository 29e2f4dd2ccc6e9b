//! A file goes: one PUT.

use std::time::Duration;

use cwmp::FaultCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, StatusCode, Url};

use super::Transfer;
use super::fetch::Failure;
use crate::clock::Backoff;
use crate::cpe::auth::Login;
use crate::cpe::http::{innermost, redirected, target};

/// One PUT with its answer.
const LONGEST: Duration = Duration::from_secs(120);
const TRIES: u32 = 3;
const MOST_REDIRECTS: u32 = 5;

/// Sends `body` to the address of `transfer`.
///
/// # Errors
/// With the fault code that fits.
pub async fn send(client: &Client, transfer: &Transfer, body: String) -> Result<(), Failure> {
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10));
    for tried in 1.. {
        match once(client, transfer, &body).await {
            Err(failure) if failure.again && tried < TRIES => {
                tracing::debug!(why = %failure.text, tried, "an upload is tried again");
                tokio::time::sleep(backoff.next()).await;
            }
            ended => return ended,
        }
    }
    Ok(())
}

async fn once(client: &Client, transfer: &Transfer, body: &str) -> Result<(), Failure> {
    let mut url = Url::parse(&transfer.url).map_err(|_| Failure::new(FaultCode::INVALID_ARGUMENTS, "the address"))?;
    let mut login = Login::new(transfer.username.clone(), transfer.password.0.clone());
    let (mut redirects, mut challenges) = (0, 0);
    loop {
        let target = target(&url);
        let mut request = client.put(url.clone()).timeout(LONGEST).header(CONTENT_TYPE, "text/plain; charset=utf-8");
        if let Some(authorization) = login.header("PUT", &target, body.as_bytes()) {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request.body(body.to_owned()).send().await.map_err(|error| {
            let code = if error.is_connect() { FaultCode::FILE_SERVER_UNREACHABLE } else { FaultCode::UPLOAD_FAILED };
            Failure { again: true, ..Failure::new(code, innermost(&error)) }
        })?;
        let status = response.status();
        match status {
            _ if status.is_success() => return Ok(()),
            StatusCode::UNAUTHORIZED if challenges < 2 && login.challenged_by(response.headers()) => challenges += 1,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT if redirects < MOST_REDIRECTS => {
                redirects += 1;
                let to = redirected(&url, response.headers());
                let to =
                    to.ok_or_else(|| Failure::new(FaultCode::UPLOAD_FAILED, "redirected to where we do not go"))?;
                if to.origin() != url.origin() {
                    login = Login::new(String::new(), String::new());
                }
                url = to;
            }
            _ => {
                let text = format!("the server answered HTTP {}", status.as_u16());
                return Err(match status.as_u16() {
                    401 | 403 => Failure::new(FaultCode::FILE_AUTH_FAILED, text),
                    code => Failure { again: code >= 500, ..Failure::new(FaultCode::UPLOAD_FAILED, text) },
                });
            }
        }
    }
}
