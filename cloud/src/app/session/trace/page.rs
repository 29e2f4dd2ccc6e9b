//! Records as people are shown them.

use contract::rest::{SessionPage, SessionView, StepXml};
use contract::{PhoneId, Timestamp};
use sea_orm::{
    ColumnTrait, EntityTrait, Iterable, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};

use crate::app::error::{invalid, not_found};
use crate::app::{App, Result};
use crate::db::entity::{cwmp_trace, phone};

/// The newest first.
pub async fn page(app: &App, id: PhoneId, offset: u64, limit: u32) -> Result<SessionPage> {
    if limit == 0 || limit > 100 {
        return Err(invalid("limit", "limit must be 1 to 100."));
    }
    let db = app.db.read();
    phone::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("phone"))?;
    let select = cwmp_trace::Entity::find().filter(cwmp_trace::Column::PhoneId.eq(id.0));
    let total = select.clone().count(db).await?;
    // The messages are read one by one, by who looks at them.
    let shown = cwmp_trace::Column::iter().filter(|column| !matches!(column, cwmp_trace::Column::Messages));
    let rows = select
        .select_only()
        .columns(shown)
        .expr_as(Expr::value(""), "messages")
        .order_by_desc(cwmp_trace::Column::StartedAt)
        .order_by_desc(cwmp_trace::Column::Id)
        .offset(offset)
        .limit(u64::from(limit))
        .all(db)
        .await?;
    Ok(SessionPage { items: rows.into_iter().map(view).collect(), total, offset })
}

fn view(row: cwmp_trace::Model) -> SessionView {
    SessionView {
        id: row.id,
        started_at: Timestamp(row.started_at),
        ended_at: row.ended_at.map(Timestamp),
        events: serde_json::from_str(&row.events).unwrap_or_default(),
        outcome: row.outcome,
        bytes_in: u64::try_from(row.bytes_in).unwrap_or(0),
        bytes_out: u64::try_from(row.bytes_out).unwrap_or(0),
        steps: serde_json::from_str(&row.steps).unwrap_or_default(),
    }
}

/// The message of one step.
pub async fn step(app: &App, id: PhoneId, session: i64, index: usize) -> Result<StepXml> {
    let row = cwmp_trace::Entity::find_by_id(session)
        .filter(cwmp_trace::Column::PhoneId.eq(id.0))
        .one(app.db.read())
        .await?
        .ok_or_else(|| not_found("session"))?;
    let mut messages: Vec<Option<String>> = serde_json::from_str(&row.messages).unwrap_or_default();
    let xml = messages.get_mut(index).and_then(Option::take).ok_or_else(|| not_found("message"))?;
    Ok(StepXml { xml })
}
