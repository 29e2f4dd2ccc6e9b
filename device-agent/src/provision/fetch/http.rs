//! HTTP and HTTPS: Basic and Digest, redirects by the rules of every download.

use std::time::{Duration, SystemTime};

use reqwest::header::{AUTHORIZATION, HeaderMap, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode};

use super::super::place::Place;
use super::{FetchError, Growing, Options, SILENCE};
use crate::cpe::auth::{self, Login};
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
    let mut who = if place.login.user.is_empty() { Who::Nobody } else { Who::User };
    let (mut redirects, mut challenges) = (0, 0);
    loop {
        let mut request = client.get(url.clone()).timeout(options.longest).header(USER_AGENT, &options.agent);
        let authorization = login.header("GET", &target(&url), b"");
        let shown = authorization.is_some();
        if let Some(authorization) = authorization {
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
                    if who == Who::User {
                        who = Who::Withheld;
                    }
                }
                url = to;
            }
            _ => return Err(refused(status, response.headers(), who, shown)),
        }
    }
}

/// Whether user and password are in play.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// None is set.
    Nobody,
    User,
    /// A redirect led to another server, which gets none.
    Withheld,
}

/// `shown`: the request had user and password with it.
fn refused(status: StatusCode, headers: &HeaderMap, who: Who, shown: bool) -> FetchError {
    let text = format!("the server answered HTTP {}", status.as_u16());
    match status.as_u16() {
        404 | 410 => FetchError::Missing,
        401 => {
            let asked: Vec<&str> =
                headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
            let why = match who {
                Who::Nobody => "it wants a user and password, and none is set",
                Who::Withheld => {
                    "a redirect led to another server, which gets no user and password; \
                                  set the path to that server"
                }
                Who::User if !auth::is_known(&asked) => "it asks for a kind of login this phone does not have",
                Who::User => "it refuses the user or password",
            };
            FetchError::Refused(format!("{text}: {why}"))
        }
        // Stores that do not list their files say so of those that are not there.
        403 if !shown => FetchError::Hidden(text),
        408 | 429 | 500..=599 => match retry_after(headers, SystemTime::now()) {
            Some(wait) => FetchError::Later(text, wait),
            None => FetchError::Passing(text),
        },
        _ => FetchError::Refused(text),
    }
}

/// RFC 9110 §10.2.3: seconds, or a date. The caller bounds it.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[(reqwest::header::HeaderName, &'static str)]) -> HeaderMap {
        values.iter().map(|(name, value)| (name.clone(), reqwest::header::HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_401_says_whose_fault_it_is() {
        let basic = headers(&[(WWW_AUTHENTICATE, "Basic realm=\"a\"")]);
        let windows = headers(&[(WWW_AUTHENTICATE, "Negotiate"), (WWW_AUTHENTICATE, "NTLM")]);
        for (asked, who, why) in [
            (&basic, Who::Nobody, "none is set"),
            (&basic, Who::User, "refuses the user or password"),
            (&windows, Who::User, "a kind of login this phone does not have"),
            (&basic, Who::Withheld, "a redirect led to another server"),
        ] {
            let refused = refused(StatusCode::UNAUTHORIZED, asked, who, false);
            assert!(matches!(&refused, FetchError::Refused(text) if text.contains(why)), "{refused:?}");
        }
    }

    #[test]
    fn a_403_is_a_refusal_only_of_somebody() {
        let refused = |who, shown| refused(StatusCode::FORBIDDEN, &HeaderMap::new(), who, shown);
        let text = "the server answered HTTP 403".to_owned();
        assert_eq!(refused(Who::Nobody, false), FetchError::Hidden(text.clone()));
        assert_eq!(refused(Who::Withheld, false), FetchError::Hidden(text.clone()));
        assert_eq!(refused(Who::User, false), FetchError::Hidden(text.clone()), "it was never asked who it is");
        assert_eq!(refused(Who::User, true), FetchError::Refused(text));
    }

    #[test]
    fn the_server_says_when_to_come_again() {
        let at = |value| refused(StatusCode::SERVICE_UNAVAILABLE, &headers(&[(RETRY_AFTER, value)]), Who::User, true);
        let text = "the server answered HTTP 503".to_owned();
        assert_eq!(at("45"), FetchError::Later(text.clone(), Duration::from_secs(45)));
        for nonsense in ["soon", "-3", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(at(nonsense), FetchError::Passing(text.clone()), "{nonsense}");
        }
        let date = headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT")]);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        assert_eq!(retry_after(&date, now), Some(Duration::from_secs(7)));
    }
}
