//! What the property's settings say to a claim. It was stored with what the phone said; so what is cut off here is decided
//! at the next start.

use contract::rest::{ClaimKind, ClaimReason, ClaimState};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{End, by_phone, end, give, id_of, kind, load, rules, state};
use crate::app::{Actor, App, Result, audit, rooms};
use crate::clock::now_ms;
use crate::db::entity::{claim, claim_settings, phone, room};
use crate::domain::claims::{Rules, Standing, Verdict, judge, judge_extension, words};

/// Claims decided in one round.
const ROUND: u64 = 100;
/// A claim nobody has answered for so long is over.
const WAITS_MS: i64 = 7 * 24 * 3_600_000;
/// What is over is shown for so long.
const KEPT_MS: i64 = 90 * 24 * 3_600_000;

/// Decides what is new, in the order in which it came. Returns how many there were.
pub async fn decide_new(app: &App) -> Result<usize> {
    let new: Vec<Uuid> = claim::Entity::find()
        .select_only()
        .column(claim::Column::Id)
        .filter(claim::Column::State.eq(ClaimState::New.as_str()))
        .order_by_asc(claim::Column::ReceivedAt)
        .order_by_asc(claim::Column::Id)
        .limit(ROUND)
        .into_tuple()
        .all(app.db.read())
        .await?;
    for id in &new {
        // The others do not wait for one that cannot be decided.
        if let Err(error) = decide(app, *id).await {
            tracing::error!(claim = %id, %error, "what a phone asked for could not be decided");
        }
    }
    Ok(new.len())
}

async fn decide(app: &App, id: Uuid) -> Result<()> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    let found = load(tx, id).await?;
    let Some((row, phone)) = found.filter(|(row, _)| state(row) == ClaimState::New) else { return Ok(()) };
    let actor = Actor::system();
    let mut wakes = vec![id_of(&phone)];
    let verdict = match kind(&row) {
        ClaimKind::Room => room(app, tx, &row, &phone).await?,
        ClaimKind::Extension => extension(app, tx, &phone).await?,
    };
    let (state, reason, room) = match verdict {
        Decided::Given { room, wakes: more } => {
            wakes.extend(more.into_iter().map(contract::PhoneId));
            (ClaimState::Accepted, None, Some(room))
        }
        Decided::Asked { room } => (ClaimState::Waiting, None, Some(room)),
        Decided::Refused(reason) => (ClaimState::Refused, Some(reason), None),
    };
    if state == ClaimState::Refused && kind(&row) == ClaimKind::Room && reason != Some(ClaimReason::Off) {
        // Where the property takes nothing, it stays a value that was changed at the phone, and a person decides.
        give::old_number(app, tx, &actor, &phone).await?;
    }
    let note = reason.map_or("", words);
    end(tx, &row, End { state, reason, note, by: &actor, room }).await?;
    let said = format!("{} {}: {} {note}", row.kind, row.number, state.as_str());
    audit::record_by_phone(tx, &by_phone(&phone), "claim.decide", &row.id.to_string(), said.trim()).await?;
    write.commit().await?;
    app.live.wake();
    app.nudge(wakes);
    Ok(())
}

enum Decided {
    Given { room: Uuid, wakes: Vec<Uuid> },
    Asked { room: Uuid },
    Refused(ClaimReason),
}

async fn room(app: &App, tx: &impl ConnectionTrait, row: &claim::Model, phone: &phone::Model) -> Result<Decided> {
    let Some(property) = phone.property_id else { return Ok(Decided::Refused(ClaimReason::NoProperty)) };
    let found = give::room_to_pick(tx, property, &row.number).await?;
    let number = found.as_ref().map_or(&row.number, |room| &room.number);
    let verdict = judged(tx, &rules(tx, property).await?, number, found.as_ref(), phone).await?;
    Ok(match (verdict, found) {
        (Verdict::Accept, Some(room)) => {
            let wakes = give::room(app, tx, &Actor::system(), phone, &room, true).await?;
            Decided::Given { room: room.id, wakes }
        }
        (Verdict::Ask, Some(room)) => Decided::Asked { room: room.id },
        (Verdict::Refuse(reason), _) => Decided::Refused(reason),
        (Verdict::Accept | Verdict::Ask, None) => Decided::Refused(ClaimReason::UnknownRoom),
    })
}

async fn judged(
    tx: &impl ConnectionTrait,
    rules: &Rules,
    number: &str,
    found: Option<&room::Model>,
    phone: &phone::Model,
) -> Result<Verdict> {
    let standing = match found {
        None => Standing::NoRoom,
        Some(room) => match rooms::standing_in(tx, room.id).await? {
            None => Standing::Nobody,
            Some(there) if there.id == phone.id => Standing::Itself,
            Some(_) => Standing::Another,
        },
    };
    Ok(judge(rules, number, standing, now_ms()))
}

async fn extension(app: &App, tx: &impl ConnectionTrait, phone: &phone::Model) -> Result<Decided> {
    let Some(property) = phone.property_id else { return Ok(Decided::Refused(ClaimReason::NoProperty)) };
    let rules = rules(tx, property).await?;
    if let Some(reason) = judge_extension(&rules, now_ms()) {
        return Ok(Decided::Refused(reason));
    }
    if phone.room_id.is_none() {
        return picked(app, tx, property, &rules, phone).await;
    }
    Ok(match give::extension(app, tx, &Actor::system(), phone).await? {
        Some(room) => Decided::Given { room, wakes: Vec::new() },
        None => Decided::Refused(ClaimReason::NoExtension),
    })
}

/// A phone in no room picks by the number that is set at it, as the guide says: it takes the room, by the rules for one
/// that is dialled.
async fn picked(
    app: &App,
    tx: &impl ConnectionTrait,
    property: Uuid,
    rules: &Rules,
    phone: &phone::Model,
) -> Result<Decided> {
    let Some(number) = give::number_set(tx, phone.id).await? else {
        return Ok(Decided::Refused(ClaimReason::NoExtension));
    };
    let Some(room) = give::room_to_pick(tx, property, &number).await? else {
        return Ok(Decided::Refused(ClaimReason::UnknownRoom));
    };
    Ok(match judged(tx, rules, &room.number, Some(&room), phone).await? {
        Verdict::Accept => match give::picked(app, tx, &Actor::system(), phone, &room, true).await? {
            Some(wakes) => Decided::Given { room: room.id, wakes },
            None => Decided::Refused(ClaimReason::NoExtension),
        },
        Verdict::Ask => Decided::Asked { room: room.id },
        Verdict::Refuse(reason) => Decided::Refused(reason),
    })
}

/// What nobody answered is over after a week, or when the time for it is.
pub async fn sweep(app: &App) -> Result<()> {
    let now = now_ms();
    let waiting = claim::Entity::find()
        .filter(claim::Column::State.eq(ClaimState::Waiting.as_str()))
        .order_by_asc(claim::Column::ReceivedAt)
        .limit(1000)
        .all(app.db.read())
        .await?;
    if !waiting.is_empty() {
        let settings = claim_settings::Entity::find().filter(claim_settings::Column::Until.lte(now));
        let over = settings.all(app.db.read()).await?;
        for row in waiting {
            let closed = over.iter().any(|one| Some(one.property_id) == row.property_id);
            if closed || row.received_at < now - WAITS_MS {
                expire(app, row.id).await?;
            }
        }
    }
    Ok(())
}

/// Removes what is long over.
pub async fn prune(tx: &impl ConnectionTrait) -> Result<()> {
    claim::Entity::delete_many().filter(claim::Column::DecidedAt.lt(now_ms() - KEPT_MS)).exec(tx).await?;
    Ok(())
}

async fn expire(app: &App, id: Uuid) -> Result<()> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    let found = load(tx, id).await?;
    let Some((row, phone)) = found.filter(|(row, _)| state(row) == ClaimState::Waiting) else { return Ok(()) };
    let by = Actor::system();
    let note = "Nobody answered in time.";
    end(tx, &row, End { state: ClaimState::Expired, reason: None, note, by: &by, room: None }).await?;
    if kind(&row) == ClaimKind::Room {
        give::old_number(app, tx, &by, &phone).await?;
    }
    audit::record(tx, &by, "claim.expire", &row.id.to_string(), format!("{} {}", row.kind, row.number)).await?;
    write.commit().await?;
    app.live.wake();
    app.nudge([id_of(&phone)]);
    Ok(())
}
