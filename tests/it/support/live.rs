//! The live stream, read as a browser reads it.

use std::time::Duration;

use contract::PropertyId;
use contract::live::LiveChange;
use contract::rest::LiveTicket;
use reqwest::{Method, Response};

use super::{Api, LONG};

pub struct Live {
    response: Response,
    buffer: String,
    /// The last id seen.
    pub last: i64,
    /// Everything received, as it came.
    pub raw: String,
}

pub async fn ticket(api: &Api) -> String {
    api.post("/api/v1/live/ticket", ()).await.ok::<LiveTicket>().ticket
}

impl Live {
    /// Everything of a property from now on, or after an id.
    pub async fn open(api: &Api, property: Option<PropertyId>, after: Option<i64>) -> Self {
        let mut query = format!("?ticket={}", ticket(api).await);
        if let Some(property) = property {
            query.push_str(&format!("&property={property}"));
        }
        if let Some(after) = after {
            query.push_str(&format!("&after={after}"));
        }
        Self::open_with(api, &query, None).await
    }

    pub async fn open_with(api: &Api, query: &str, last_event_id: Option<i64>) -> Self {
        let mut request = api.with_token("").request(Method::GET, &format!("/api/v1/live{query}"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut live = Self { response, buffer: String::new(), last: 0, raw: String::new() };
        // "open": from here on nothing is missed.
        while !live.buffer.contains("\n\n") {
            assert!(live.more(LONG).await, "the stream opens");
        }
        live
    }

    /// False: nothing came in time, or the stream ended.
    async fn more(&mut self, limit: Duration) -> bool {
        match tokio::time::timeout(limit, self.response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let text = String::from_utf8_lossy(&chunk).into_owned();
                self.raw.push_str(&text);
                self.buffer.push_str(&text);
                true
            }
            _ => false,
        }
    }

    /// The next change, or `None` if none comes in time.
    pub async fn next(&mut self, limit: Duration) -> Option<(i64, LiveChange)> {
        loop {
            while let Some(end) = self.buffer.find("\n\n") {
                let block: String = self.buffer.drain(..end + 2).collect();
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let (Some(id), Some(data)) = (field("id:"), field("data:")) else { continue };
                self.last = id.parse().unwrap();
                return Some((self.last, serde_json::from_str(data).unwrap()));
            }
            if !self.more(limit).await {
                return None;
            }
        }
    }

    /// The first change from now on that `wanted` takes.
    pub async fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(&LiveChange) -> Option<T>) -> T {
        let deadline = tokio::time::Instant::now() + LONG;
        loop {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            match self.next(left).await {
                Some((_, change)) => {
                    if let Some(found) = wanted(&change) {
                        return found;
                    }
                }
                None => panic!("the live stream does not tell: {what}; it said:\n{}", self.raw),
            }
        }
    }
}
