//! HTTP and HTTPS: Basic and Digest, redirects by the rules of every download.

use reqwest::header::{AUTHORIZATION, USER_AGENT};
use reqwest::{Response, StatusCode};

use super::super::place::Place;
use super::{FetchError, Growing, Options, SILENCE};
use crate::cpe::auth::Login;
use crate::cpe::http::{client, innermost, redirected, target};

const MOST_REDIRECTS: u32 = 5;
const MOST_CHALLENGES: u32 = 2;

pub(super) async fn fetch(place: &Place, options: &Options) -> Result<Vec<u8>, FetchError> {
    let mut response = open(place, options).await?;
    let most = options.most_bytes;
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Err(FetchError::TooLong(most));
    }
    let mut file = Growing::new(options)?;
    loop {
        let piece = tokio::time::timeout(SILENCE, response.chunk()).await.map_err(|_| FetchError::silent())?;
        // A body shorter than its length is an error here as well.
        match piece.map_err(|error| FetchError::Passing(format!("it broke off: {}", innermost(&error))))? {
            Some(piece) => file.add(&piece)?,
            None => return file.finish(),
        }
    }
}

/// The answer that holds the file, behind redirects and challenges.
async fn open(place: &Place, options: &Options) -> Result<Response, FetchError> {
    let client = client(&options.tls).map_err(|error| FetchError::Refused(error.to_string()))?;
    let mut url = place.url().clone();
    let mut login = Login::new(place.login.user.clone(), place.login.password.clone());
    if options.at_once {
        login.indicate();
    }
    let (mut redirects, mut challenges) = (0, 0);
    loop {
        let mut request = client.get(url.clone()).timeout(options.longest).header(USER_AGENT, &options.agent);
        if let Some(authorization) = login.header("GET", &target(&url), b"") {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = tokio::time::timeout(SILENCE, request.send())
            .await
            .map_err(|_| FetchError::Passing("no answer in time".to_owned()))?
            .map_err(|error| FetchError::Passing(innermost(&error)))?;
        let status = response.status();
        match status {
            StatusCode::OK => return Ok(response),
            StatusCode::UNAUTHORIZED if challenges < MOST_CHALLENGES && login.challenged_by(response.headers()) => {
                challenges += 1;
            }
            _ if status.is_redirection() && redirects < MOST_REDIRECTS => {
                redirects += 1;
                let to = redirected(&url, response.headers())
                    .ok_or_else(|| FetchError::Refused("it redirects to where a phone does not go".to_owned()))?;
                if to.origin() != url.origin() {
                    // The password was for the first server.
                    login = Login::new(String::new(), String::new());
                }
                url = to;
            }
            _ => return Err(refused(status, place.login.user.is_empty())),
        }
    }
}

fn refused(status: StatusCode, no_user: bool) -> FetchError {
    let text = format!("the server answered HTTP {}", status.as_u16());
    match status.as_u16() {
        404 | 410 => FetchError::Missing,
        401 if no_user => FetchError::Refused(format!("{text}: it wants a user and password, and none is set")),
        401 => FetchError::Refused(format!("{text}: it refuses the user or password")),
        408 | 429 | 500..=599 => FetchError::Passing(text),
        _ => FetchError::Refused(text),
    }
}
