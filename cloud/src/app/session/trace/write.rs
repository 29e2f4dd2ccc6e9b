//! From exchanges to rows: steps in words, and messages with their secrets masked.

use std::collections::BTreeSet;

use contract::Timestamp;
use contract::rest::SessionStep;
use cwmp::{Envelope, Limits, Message, decode_post};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::mask::mask;
use super::{Exchange, Open};
use crate::app::session::store;
use crate::app::{App, Result};
use crate::clock::now_ms;
use crate::db::entity::{cwmp_trace, phone};

/// Sessions kept of a phone.
const KEPT: u64 = 20;
/// How long one is kept, in milliseconds: a week.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// Bytes kept of one message, and of one session's together.
const MESSAGE: usize = 64 * 1024;
const MESSAGES: usize = 512 * 1024;

/// Writes sessions that are over, in one transaction. The flag: it ended, rather than fell silent.
pub async fn write(app: &App, over: Vec<(String, Open, bool)>) -> Result<()> {
    let mut rows = Vec::with_capacity(over.len());
    for (session, mut one, ended) in over {
        if one.phone.is_none() {
            one.phone = store::phone_of(app.db.read(), &session).await?;
        }
        if let Some(phone) = one.phone {
            rows.push(row(phone, &one, ended));
        }
    }
    let write = app.db.write_beside().await?;
    let wanted: BTreeSet<Uuid> = rows.iter().filter_map(|row| row.phone_id.try_as_ref().copied()).collect();
    // A phone may have been removed meanwhile.
    let there: BTreeSet<Uuid> = phone::Entity::find()
        .select_only()
        .column(phone::Column::Id)
        .filter(phone::Column::Id.is_in(wanted))
        .into_tuple::<Uuid>()
        .all(&write.tx)
        .await?
        .into_iter()
        .collect();
    rows.retain(|row| row.phone_id.try_as_ref().is_some_and(|phone| there.contains(phone)));
    if rows.is_empty() {
        return Ok(());
    }
    cwmp_trace::Entity::insert_many(rows).exec_without_returning(&write.tx).await?;
    for phone in there {
        keep_newest(&write.tx, phone).await?;
    }
    write.commit().await?;
    Ok(())
}

async fn keep_newest(tx: &impl ConnectionTrait, phone: Uuid) -> Result<()> {
    let oldest: Option<i64> = cwmp_trace::Entity::find()
        .select_only()
        .column(cwmp_trace::Column::Id)
        .filter(cwmp_trace::Column::PhoneId.eq(phone))
        .order_by_desc(cwmp_trace::Column::Id)
        .offset(KEPT)
        .limit(1)
        .into_tuple()
        .one(tx)
        .await?;
    if let Some(oldest) = oldest {
        cwmp_trace::Entity::delete_many()
            .filter(cwmp_trace::Column::PhoneId.eq(phone))
            .filter(cwmp_trace::Column::Id.lte(oldest))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Removes records that are too old.
pub async fn prune(tx: &impl ConnectionTrait) -> Result<()> {
    cwmp_trace::Entity::delete_many().filter(cwmp_trace::Column::StartedAt.lt(now_ms() - KEPT_MS)).exec(tx).await?;
    Ok(())
}

fn row(phone: Uuid, open: &Open, ended: bool) -> cwmp_trace::ActiveModel {
    let keep_messages = open.did_something();
    let (mut steps, mut messages, mut kept, mut events) = (Vec::new(), Vec::new(), 0, Vec::new());
    let (mut bytes_in, mut bytes_out, mut fault) = (0, 0, None);
    for one in &open.exchanges {
        let took_ms = one.took.as_secs_f64() * 1000.0;
        let begun = one.at - took_ms as i64;
        bytes_in += one.request.len() as i64;
        bytes_out += one.response.len() as i64;
        for (from_phone, body) in [(true, &one.request[..]), (false, &one.response[..])] {
            let decoded = decode_post(body, &Limits::default());
            if let (true, Ok(Some(Envelope { body: Message::Inform(inform), .. }))) = (from_phone, &decoded) {
                events = inform.events.iter().map(|event| event.code.as_str().to_owned()).collect();
            }
            if let Ok(Some(Envelope { body: Message::Fault(told), .. })) = &decoded {
                fault = Some(format!("{} ({})", told.code.text(), told.code.0));
            }
            let (name, summary) = words(&decoded, one, from_phone);
            let text = (keep_messages && !body.is_empty() && decoded.is_ok() && body.len() <= MESSAGE)
                .then(|| std::str::from_utf8(body).ok().map(mask))
                .flatten()
                .filter(|text| kept + text.len() <= MESSAGES);
            kept += text.as_ref().map_or(0, String::len);
            steps.push(SessionStep {
                at: Timestamp(if from_phone { begun } else { one.at }),
                from_phone,
                name,
                summary,
                bytes: body.len() as u64,
                took_ms: (!from_phone).then_some((took_ms * 1000.0).round() / 1000.0),
                xml: text.is_some(),
            });
            messages.push(text);
        }
    }
    let last = open.exchanges.last().map_or(0, |one| one.status);
    let outcome = match (ended, last, fault, keep_messages) {
        (false, ..) => "The phone fell silent, or goes on elsewhere.".to_owned(),
        (true, 204, Some(fault), _) => format!("Ended, with a fault: {fault}."),
        (true, 204, None, true) => "Ended; all that was asked is answered.".to_owned(),
        (true, 204, None, false) => "Ended; there was nothing to do.".to_owned(),
        (true, status, ..) => format!("Ended by HTTP {status}."),
    };
    let started = open.exchanges.first().map_or(open.last, |one| one.at - one.took.as_millis() as i64);
    cwmp_trace::ActiveModel {
        id: NotSet,
        phone_id: Set(phone),
        started_at: Set(started),
        ended_at: Set(ended.then_some(open.last)),
        events: Set(serde_json::to_string(&events).unwrap_or_default()),
        outcome: Set(outcome),
        bytes_in: Set(bytes_in),
        bytes_out: Set(bytes_out),
        steps: Set(serde_json::to_string(&steps).unwrap_or_default()),
        messages: Set(if keep_messages { serde_json::to_string(&messages).unwrap_or_default() } else { String::new() }),
    }
}

/// The name of a step, and what it was about.
fn words(
    decoded: &std::result::Result<Option<Envelope>, cwmp::CwmpError>,
    exchange: &Exchange,
    from_phone: bool,
) -> (String, String) {
    match decoded {
        Ok(Some(envelope)) => (envelope.body.name().to_owned(), about(&envelope.body)),
        Ok(None) | Err(_) if !from_phone && exchange.status != 200 && exchange.status != 204 => {
            let why = String::from_utf8_lossy(&exchange.response);
            (format!("HTTP {}", exchange.status), why.trim().chars().take(200).collect())
        }
        Ok(None) => {
            let what = if from_phone { "Anything for me?" } else { "Nothing more." };
            ("empty".to_owned(), what.to_owned())
        }
        Err(error) => ("unreadable".to_owned(), error.to_string()),
    }
}

fn about(message: &Message) -> String {
    let some = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let text = match message {
        Message::Inform(inform) => inform.events.iter().map(|event| event.code.as_str()).collect::<Vec<_>>().join(", "),
        Message::SetParameterValues(set) => some(set.parameters.len(), "value"),
        Message::GetParameterValues(get) => match get.names.as_slice() {
            [one] => one.clone(),
            many => some(many.len(), "name"),
        },
        Message::GetParameterValuesResponse(answer) => some(answer.parameters.len(), "value"),
        Message::GetParameterNames(get) if get.next_level => format!("one level of {}", get.path),
        Message::GetParameterNames(get) => format!("all below {}", get.path),
        Message::GetParameterNamesResponse(answer) => some(answer.parameters.len(), "name"),
        Message::SetParameterAttributes(set) => some(set.parameters.len(), "parameter"),
        Message::GetParameterAttributes(get) => some(get.names.len(), "name"),
        Message::GetParameterAttributesResponse(answer) => some(answer.parameters.len(), "parameter"),
        Message::AddObject(add) => add.object_name.clone(),
        Message::AddObjectResponse(answer) => format!("number {}", answer.instance_number.get()),
        Message::DeleteObject(delete) => delete.object_name.clone(),
        Message::Download(order) => order.file_type.clone(),
        Message::Upload(order) => order.file_type.clone(),
        Message::ScheduleDownload(order) => order.file_type.clone(),
        Message::ScheduleInform(order) => format!("in {} s", order.delay_seconds),
        Message::GetRpcMethodsResponse(answer) => some(answer.methods.len(), "method"),
        Message::GetQueuedTransfersResponse(answer) => some(answer.transfers.len(), "transfer"),
        Message::GetAllQueuedTransfersResponse(answer) => some(answer.transfers.len(), "transfer"),
        Message::TransferComplete(told) if told.fault.is_success() => "done".to_owned(),
        Message::TransferComplete(told) => format!("{} ({})", told.fault.code.text(), told.fault.code.0),
        Message::RequestDownload(told) => told.file_type.clone(),
        Message::Fault(fault) => format!("{} ({})", fault.code.text(), fault.code.0),
        _ => String::new(),
    };
    text.chars().take(200).collect()
}
