//! Messages that could not be read: counted and kept with their reason, bounded.

use std::sync::Mutex;

use contract::Timestamp;
use contract::rest::{QuarantinePage, Quarantined};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{App, Result};
use crate::clock::now_ms;
use crate::db::entity::quarantine;

/// Bytes kept of a message.
const SAMPLE: usize = 2048;
/// Messages kept; the oldest go first.
const KEPT: i64 = 10_000;

/// Keeps a message that could not be read.
pub async fn keep(app: &App, source: &str, reason: &str, message: &[u8]) -> Result<()> {
    if source.starts_with("acs ") && !FLOOD.admits(now_ms()) {
        return Ok(());
    }
    // What a phone says of itself may stand in them.
    let short = |text: &str, most| printable(text).chars().take(most).collect::<String>();
    let (source, reason) = (short(source, 200), short(reason, 500));
    tracing::warn!(source, reason, bytes = message.len(), "quarantined a message");
    let sample = without_values(&printable(&String::from_utf8_lossy(&message[..message.len().min(SAMPLE)])));
    let write = app.db.write_beside().await?;
    let row = quarantine::ActiveModel {
        at: Set(now_ms()),
        source: Set(source),
        reason: Set(reason),
        sample: Set(sample),
        ..Default::default()
    };
    let id = quarantine::Entity::insert(row).exec(&write.tx).await?.last_insert_id;
    quarantine::Entity::delete_many().filter(quarantine::Column::Id.lte(id - KEPT)).exec(&write.tx).await?;
    write.commit().await?;
    Ok(())
}

fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() && character != '\n' { '·' } else { character }).collect()
}

/// Parameter values of a CWMP message may be passwords, so none is kept.
fn without_values(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("Value").map(|at| at + "Value".len()) {
        let (before, after) = rest.split_at(start);
        kept.push_str(before);
        rest = after;
        // Only an element's text, not `ParameterValueStruct` or a closing tag.
        let opens = before.rfind('<').is_some_and(|at| !before[at..].contains(['/', '>']));
        let boundary = after.starts_with(['>', ' ', '\t', '\n']);
        if let (true, true, Some(end)) = (opens, boundary, after.find('>')) {
            kept.push_str(&after[..=end]);
            let value = &after[end + 1..];
            let length = value.find('<').unwrap_or(value.len());
            if length > 0 {
                kept.push('…');
            }
            rest = &value[length..];
        }
    }
    kept + rest
}

/// Keeps a stranger who sends rubbish from filling the disk and the writer's queue: beyond some messages a second they are
/// counted in the log alone.
struct Flood(Mutex<(i64, u32)>);

static FLOOD: Flood = Flood(Mutex::new((0, 0)));
const PER_SECOND: u32 = 20;

impl Flood {
    fn admits(&self, now: i64) -> bool {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (second, seen) = &mut *state;
        if now / 1000 != *second {
            if *seen > PER_SECOND {
                tracing::warn!(messages = *seen - PER_SECOND, "more messages that do not read were not kept");
            }
            (*second, *seen) = (now / 1000, 0);
        }
        *seen += 1;
        *seen <= PER_SECOND
    }
}

/// The newest first.
pub async fn list(app: &App, limit: u64) -> Result<QuarantinePage> {
    let total = quarantine::Entity::find().count(app.db.read()).await?;
    let rows = quarantine::Entity::find().order_by_desc(quarantine::Column::Id).limit(limit).all(app.db.read()).await?;
    let items = rows
        .into_iter()
        .map(|row| Quarantined {
            id: row.id,
            at: Timestamp(row.at),
            source: row.source,
            reason: row.reason,
            sample: row.sample,
        })
        .collect();
    Ok(QuarantinePage { total, items })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_parameter_value() {
        let text = "<ParameterValueStruct><Name>Device.Password</Name><Value xsi:type=\"x\">pw-1207</Value></ParameterValueStruct><a:Value>x</a:Value><Value/>";
        let kept = without_values(text);
        assert!(!kept.contains("pw-1207") && !kept.contains(">x<"), "{kept}");
        assert!(kept.contains("Device.Password") && kept.ends_with("<Value/>"), "{kept}");
        assert_eq!(without_values("<Value>cut off"), "<Value>…");
    }

    #[test]
    fn a_flood_is_counted_not_kept() {
        let flood = Flood(Mutex::new((0, 0)));
        assert_eq!((0..100).filter(|_| flood.admits(5_000)).count(), PER_SECOND as usize);
        assert!(flood.admits(6_000));
    }
}
