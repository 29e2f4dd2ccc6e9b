//! How calls sounded, from what phones measured of them (the telemetry of kind `call`, kept as long as that).

use std::collections::HashMap;

use contract::mqtt::{CallQuality, Item};
use contract::rest::{CallSummary, CallView, PhoneCalls};
use contract::{PhoneId, PropertyId, Timestamp};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use uuid::Uuid;

use super::error::not_found;
use super::{App, Result};
use crate::clock::now_ms;
use crate::db::entity::{phone, property, room, telemetry};

/// The kind, as [`Item::kind`] has it.
const KIND: &str = "call";
/// Calls shown of a phone.
const OF_PHONE: u64 = 20;
/// What a property's summary looks back on.
const DAY_MS: i64 = 24 * 3_600_000;
/// Calls a summary is made of at the most, the newest: more would not change a mean much.
const OF_PROPERTY: u64 = 10_000;
const WORST: usize = 10;

/// The last calls of a phone, newest first.
pub async fn of_phone(db: &impl ConnectionTrait, phone: Uuid) -> Result<Vec<CallView>> {
    let rows = telemetry::Entity::find()
        .filter(telemetry::Column::PhoneId.eq(phone))
        .filter(telemetry::Column::Kind.eq(KIND))
        .order_by_desc(telemetry::Column::At)
        .limit(OF_PHONE)
        .all(db)
        .await?;
    Ok(rows.iter().filter_map(|row| view(row.at, &row.value)).collect())
}

fn read(value: &str) -> Option<CallQuality> {
    match serde_json::from_str(value).ok()? {
        Item::Call(call) => Some(call),
        _ => None,
    }
}

fn view(at: i64, value: &str) -> Option<CallView> {
    let call = read(value)?;
    Some(CallView {
        at: Timestamp(at),
        account: call.account,
        duration_s: call.duration_s,
        codec: call.codec,
        mos: call.mos,
        loss_percent: call.loss_percent,
        jitter_ms: call.jitter_ms,
        round_trip_ms: call.round_trip_ms,
        delay_ms: call.delay_ms,
        remote_mos: call.remote_mos,
    })
}

/// Sums over some calls.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    calls: u32,
    mos: f64,
    loss: f64,
}

impl Sum {
    fn add(&mut self, call: &CallQuality) {
        self.calls += 1;
        self.mos += f64::from(call.mos);
        self.loss += f64::from(call.loss_percent);
    }

    fn mean(&self, sum: f64) -> f32 {
        (sum / f64::from(self.calls.max(1))) as f32
    }
}

/// How a property's calls sounded in the last 24 hours.
pub async fn of_property(app: &App, id: PropertyId) -> Result<CallSummary> {
    let db = app.db.read();
    property::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("property"))?;
    let phones = phone::Entity::find()
        .select_only()
        .column(phone::Column::Id)
        .filter(phone::Column::PropertyId.eq(id.0))
        .into_query();
    let rows: Vec<(Uuid, String)> = telemetry::Entity::find()
        .select_only()
        .columns([telemetry::Column::PhoneId, telemetry::Column::Value])
        .filter(telemetry::Column::PhoneId.in_subquery(phones))
        .filter(telemetry::Column::Kind.eq(KIND))
        .filter(telemetry::Column::At.gte(now_ms() - DAY_MS))
        .order_by_desc(telemetry::Column::At)
        .limit(OF_PROPERTY)
        .into_tuple()
        .all(db)
        .await?;
    let (mut all, mut each) = (Sum::default(), HashMap::<Uuid, Sum>::new());
    for (phone, value) in rows {
        if let Some(call) = read(&value) {
            all.add(&call);
            each.entry(phone).or_default().add(&call);
        }
    }
    let mut worst: Vec<(Uuid, Sum)> = each.into_iter().collect();
    worst.sort_by(|(a, one), (b, other)| one.mean(one.mos).total_cmp(&other.mean(other.mos)).then(a.cmp(b)));
    worst.truncate(WORST);
    let rooms: HashMap<Uuid, String> = phone::Entity::find()
        .select_only()
        .column(phone::Column::Id)
        .column(room::Column::Number)
        .join(
            JoinType::InnerJoin,
            phone::Entity::belongs_to(room::Entity).from(phone::Column::RoomId).to(room::Column::Id).into(),
        )
        .filter(phone::Column::Id.is_in(worst.iter().map(|(phone, _)| *phone)))
        .into_tuple::<(Uuid, String)>()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let worst = worst.into_iter().map(|(phone, sum)| PhoneCalls {
        phone: PhoneId(phone),
        room_number: rooms.get(&phone).cloned(),
        calls: sum.calls,
        mos: sum.mean(sum.mos),
        loss_percent: sum.mean(sum.loss),
    });
    Ok(CallSummary { calls: all.calls, mos: (all.calls > 0).then(|| all.mean(all.mos)), worst: worst.collect() })
}
