//! The live stream as server-sent events. `id:` is what a lost stream resumes after.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use contract::PropertyId;
use contract::live::LiveChange;
use contract::rest::LiveTicket;
use futures_util::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use utoipa::IntoParams;

use super::extract::Caller;
use crate::app::live::{Sent, missed};
use crate::app::{App, Result, people};
use crate::secrets::random_fraction;

/// A ticket that opens the live stream within a minute.
#[utoipa::path(post, path = "/api/v1/live/ticket", tag = "live", security(("token" = [])),
    responses((status = 200, body = LiveTicket)))]
pub async fn ticket(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<LiveTicket>> {
    Ok(Json(LiveTicket { ticket: people::live_ticket(&app, caller.me.id).await? }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct StreamQuery {
    ticket: String,
    /// Only what concerns this property.
    property: Option<PropertyId>,
    /// The last id seen; what came after it is sent first. The header Last-Event-ID says the same.
    after: Option<i64>,
}

/// Changes as they happen.
#[utoipa::path(get, path = "/api/v1/live", tag = "live", params(StreamQuery),
    responses((status = 200, content_type = "text/event-stream", body = LiveChange)))]
pub async fn stream(
    State(app): State<Arc<App>>,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    people::authenticate(&app, &query.ticket, people::LIVE).await?;
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    // Subscribed before the table is read: a change is seen twice rather than never.
    let new = BroadcastStream::new(app.live.subscribe());
    let old = match header.or(query.after) {
        Some(after) => missed(&app, after).await?.unwrap_or_else(|| vec![reload(after)]),
        None => Vec::new(),
    };
    let property = query.property;
    let wanted = move |sent: &Sent| {
        property.is_none() || sent.change.property.is_none() || sent.change.property == property || sent.change.reload
    };
    let changes = stream::iter(old)
        .chain(new.map(|sent| match sent {
            Ok(sent) => sent,
            // The reader is slower than changes come.
            Err(BroadcastStreamRecvError::Lagged(_)) => reload(0),
        }))
        .filter(move |sent| std::future::ready(wanted(sent)))
        .map(|sent| Ok(event(&sent)));
    // The browser hears at once that the stream is open, and waits a random while before it comes back.
    let retry = Duration::from_millis(500 + (random_fraction() * 2000.0) as u64);
    let hello = stream::once(std::future::ready(Ok(Event::default().comment("open").retry(retry))));
    // Whoever may no longer sign in gets no new ticket when the stream ends.
    let life = Duration::from_secs(60 * u64::from(app.config.auth.access_minutes));
    let changes = hello.chain(changes).take_until(Box::pin(tokio::time::sleep(life)));
    Ok(Sse::new(changes).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn reload(id: i64) -> Sent {
    Sent { id, change: Arc::new(LiveChange { reload: true, ..LiveChange::default() }) }
}

fn event(sent: &Sent) -> Event {
    Event::default().id(sent.id.to_string()).data(serde_json::to_string(&*sent.change).unwrap_or_default())
}
