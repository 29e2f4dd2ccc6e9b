//! What was heard of a phone: Informs, events, state reports, presence. All entrances meet here.

mod batch;
mod by_user;

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use contract::event::DeviceEvent;
use contract::mqtt::{Presence, StateReport};
use contract::rest::SyncState;
use cwmp::{EventCode, Inform};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use super::desired::{self, Change, push_again, refresh};
use super::live::{Touched, touch};
use super::provision::record::Fetched;
use super::{Actor, App, Result, claims, views};
use crate::clock::now_ms;
use crate::db::entity::{phone, phone_document};
use crate::domain::catalogue;
use crate::domain::document::Reported;
use crate::domain::phone_state::{Facts, RECONNECT_GRACE_MS, phone_state};

pub use batch::batch;

/// What a phone told, as it came in.
#[derive(Clone, Debug)]
pub enum Heard {
    Event(DeviceEvent),
    State(StateReport),
    Presence(Presence),
}

/// Whether our own agent runs on the phone.
pub fn is_ours(phone: &phone::Model) -> bool {
    phone.manufacturer == OUR_MANUFACTURER
}

/// The manufacturer our own phones give in their Inform.
pub const OUR_MANUFACTURER: &str = "Bellhop";

/// Recomputes what the phone is doing, after its row's facts changed. Returns whether that changed.
fn restate(row: &mut phone::Model, now: i64) -> bool {
    let accounts = views::accounts(row);
    let state = phone_state(
        &Facts {
            enrolment: views::enrolment(row),
            connected: row.connected,
            has_agent: !row.mqtt_hash.is_empty() && row.boot > 0,
            only_files: views::only_files(row),
            last_seen: row.last_seen,
            inform_interval_s: row.inform_interval_s,
            off_hook: row.off_hook,
            accounts: &accounts,
        },
        now,
    );
    let changed = row.state != state.as_str();
    if changed {
        row.state = state.as_str().to_owned();
        row.state_since = now;
    }
    changed
}

/// The phone as an Inform describes it. `peer` is the address it came from.
fn described(app: &App, phone: &phone::Model, inform: &Inform, peer: &str, now: i64) -> phone::Model {
    let mut row = phone.clone();
    let cut = |text: &str| text.chars().take(120).collect::<String>();
    row.inform_from = peer.to_owned();
    row.manufacturer = cut(&inform.device_id.manufacturer);
    row.oui = cut(&inform.device_id.oui);
    row.model = cut(&inform.device_id.product_class);
    // The number an announced phone must show stays the announced one until it has shown it.
    row.serial = cut(&inform.device_id.serial_number);
    for parameter in &inform.parameters {
        let text = cut(parameter.value.text.trim());
        match parameter.name.rsplit('.').next().unwrap_or_default() {
            "SoftwareVersion" => row.firmware = text,
            "HardwareVersion" => row.hardware = text,
            // Only a call to where the phone itself came from: no phone can make the server call somebody else.
            "ConnectionRequestURL" if url_host(&parameter.value.text) == peer.parse().ok() => {
                row.connection_request_url = parameter.value.text.chars().take(256).collect();
            }
            "ConnectionRequestURL" => row.connection_request_url = String::new(),
            // Where it may be called is decided when it is; that it speaks of one shows that it knows TR-069 Annex G.
            "UDPConnectionRequestAddress" => row.udp_address = if text.is_empty() { "none".to_owned() } else { text },
            "IPAddress" => row.ip = text,
            _ => {}
        }
    }
    row.inform_interval_s = app.config.acs.inform_interval_s as i32;
    row.last_seen = Some(now);
    row.last_inform = Some(now);
    restate(&mut row, now);
    row
}

/// Whether [`inform`] would store nothing but that the phone was heard. `reported` is the phone's reported document, as
/// stored.
pub fn says_nothing_new(app: &App, phone: &phone::Model, reported: Option<&str>, inform: &Inform, peer: &str) -> bool {
    if phone.last_inform.is_none() || views::sync(phone) == SyncState::Fetched {
        return false;
    }
    let mut row = described(app, phone, inform, peer, now_ms());
    (row.last_seen, row.last_inform) = (phone.last_seen, phone.last_inform);
    if row != *phone {
        return false;
    }
    let told = told(inform);
    let Some(reported) = reported.filter(|_| !told.is_empty()) else { return true };
    // As `serde_json` wrote it; inside a value the quotation marks would stand behind backslashes.
    told.iter().all(|(key, value)| {
        let entry = serde_json::to_string(&BTreeMap::from([(key, value)]));
        entry.is_ok_and(|entry| reported.contains(&entry[1..entry.len() - 1]))
    })
}

/// Stores what an Inform says of its phone. `peer` is the address it came from. What is stored here is compared in
/// [`says_nothing_new`].
pub async fn inform(
    app: &App,
    tx: &impl ConnectionTrait,
    phone: phone::Model,
    inform: &Inform,
    peer: &str,
) -> Result<phone::Model> {
    let mut row = described(app, &phone, inform, peer, now_ms());
    let learned_model = row.model != phone.model;
    let shown = |row: &phone::Model| {
        (row.state.clone(), row.model.clone(), row.firmware.clone(), row.ip.clone(), row.serial.clone())
    };
    let visible = shown(&row) != shown(&phone);
    save(tx, &phone, &row).await?;
    let told = take_values(tx, &row, inform).await?;
    if visible || told {
        touch(tx, [Touched::phone(&row)]).await?;
    }
    if learned_model && row.property_id.is_some() {
        // Which settings exist depends on the model: one it lacks would spoil the whole change.
        let change = Change { actor: &Actor::system(), summary: format!("Settings of a {}", row.model) };
        let known = row.desired_version;
        if !refresh(app, tx, vec![row.clone()], &change).await?.is_empty() {
            row.desired_version = known + 1;
        }
    }
    // It only fetched that as a file; now it can be asked.
    if views::sync(&phone) == SyncState::Fetched && row.desired_version == phone.desired_version {
        let summary = format!("Phone {}: verify what it fetched as a file", views::mac(&row));
        row.desired_version = push_again(app, tx, &Actor::system(), row.id, summary).await?.version;
        row.sync = SyncState::Pending.as_str().to_owned();
    }
    Ok(row)
}

/// Remembers that phones fetched their files. What a phone says of itself by it counts where no Inform says more. Returns
/// the phones of which this was news.
pub async fn files_fetched(
    app: &App,
    tx: &impl ConnectionTrait,
    seen: &[(&Fetched, &phone::Model)],
) -> Result<HashSet<Uuid>> {
    let mut news = HashSet::new();
    let mut learned = Vec::new();
    let mut as_always = Vec::new();
    for (one, phone) in seen {
        let mut row = (*phone).clone();
        row.last_seen = Some(one.at);
        if phone.last_inform.is_none() {
            row.inform_interval_s = app.config.provision.fetch_interval_s as i32;
            row.ip = one.address.clone();
            if let Some(agent) = &one.agent {
                row.model = agent.model.clone();
                row.firmware = agent.firmware.clone().unwrap_or(row.firmware);
                row.hardware = agent.hardware.clone().unwrap_or(row.hardware);
            }
        }
        restate(&mut row, one.at);
        if (phone::Model { last_seen: phone.last_seen, ..row.clone() }) == **phone {
            as_always.push(phone.id);
            continue;
        }
        save(tx, phone, &row).await?;
        news.insert(row.id);
        if row.model != phone.model {
            learned.push(row);
        }
    }
    phone::Entity::update_many()
        .col_expr(phone::Column::LastSeen, Expr::value(now_ms()))
        .filter(phone::Column::Id.is_in(as_always))
        .exec(tx)
        .await?;
    if let Some(first) = learned.first() {
        let summary = format!("Settings of a {}", first.model);
        refresh(app, tx, learned, &Change { actor: &Actor::system(), summary }).await?;
    }
    Ok(news)
}

/// Remembers that phones were heard which said nothing new: one write for all of them.
pub async fn seen(app: &App, mut phones: Vec<Uuid>) -> Result<()> {
    // In the order in which everybody locks them.
    phones.sort_unstable();
    let write = app.db.write_beside().await?;
    let now = now_ms();
    for round in phones.chunks(500) {
        let mut locked = phone::Entity::find().select_only().column(phone::Column::Id);
        locked = locked.filter(phone::Column::Id.is_in(round.iter().copied())).order_by_asc(phone::Column::Id);
        QuerySelect::query(&mut locked).lock(LockType::NoKeyUpdate);
        phone::Entity::update_many()
            .col_expr(phone::Column::LastSeen, Expr::value(now))
            .col_expr(phone::Column::LastInform, Expr::value(now))
            .filter(phone::Column::Id.in_subquery(locked.into_query()))
            .exec(&write.tx)
            .await?;
    }
    write.commit().await?;
    Ok(())
}

/// The settings an Inform names, as far as they may be kept.
fn told(inform: &Inform) -> Reported {
    let told = inform.parameters.iter().filter_map(|one| catalogue::from_wire(&one.name, &one.value.text));
    told.filter(|(key, _)| !catalogue::is_secret(key)).collect()
}

/// Settings an Inform names are what the phone reports from now on: so somebody's change at the phone shows ("4 VALUE
/// CHANGE"). Returns whether that is news.
async fn take_values(tx: &impl ConnectionTrait, phone: &phone::Model, inform: &Inform) -> Result<bool> {
    let told = told(inform);
    if told.is_empty() {
        return Ok(false);
    }
    let Some(document) = desired::of(tx, phone.id).await? else { return Ok(false) };
    let before: Reported = serde_json::from_str(&document.reported)?;
    let mut now = before.clone();
    now.extend(told);
    if now == before {
        return Ok(false);
    }
    phone_document::Entity::update_many()
        .col_expr(phone_document::Column::Reported, Expr::value(serde_json::to_string(&now)?))
        .col_expr(phone_document::Column::ReportedAt, Expr::value(now_ms()))
        .filter(phone_document::Column::PhoneId.eq(phone.id))
        .exec(tx)
        .await?;
    let changed = inform.events.iter().any(|event| event.code == EventCode::VALUE_CHANGE);
    let dialled = now.get(catalogue::ROOM_NUMBER).filter(|now| before.get(catalogue::ROOM_NUMBER) != Some(*now));
    if let Some(number) = dialled.filter(|_| changed) {
        claims::by_value(tx, phone, number).await?;
    }
    Ok(true)
}

/// A phone's row, nobody else's until the transaction ends. It is locked before all else that belongs to the phone: its
/// session, its documents, its jobs.
pub async fn locked(tx: &impl ConnectionTrait, phone: Uuid) -> Result<Option<phone::Model>> {
    Ok(phone::Entity::find_by_id(phone).lock(LockType::NoKeyUpdate).one(tx).await?)
}

/// The IP address a URL names, if it names one.
pub fn url_host(url: &str) -> Option<IpAddr> {
    let url = url::Url::parse(url).ok()?;
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

/// Writes the columns that differ, and no other: an Inform and a report may come at the same moment.
async fn save(tx: &impl ConnectionTrait, old: &phone::Model, new: &phone::Model) -> Result<()> {
    if old == new {
        return Ok(());
    }
    let mut row = old.clone().into_active_model();
    macro_rules! set {
        ($($column:ident)*) => {$(
            if old.$column != new.$column {
                row.$column = Set(new.$column.clone());
            }
        )*};
    }
    set! {
        manufacturer oui model serial firmware hardware connection_request_url inform_from udp_address ip inform_interval_s last_seen last_inform
        state state_since connected off_hook accounts boot state_seq uptime_s
        set_by_user user_protection user_changes
    }
    row.update(tx).await?;
    Ok(())
}

/// After a start with the embedded broker nobody is connected yet; phones have the grace time to come back before they
/// count as offline.
pub async fn forget_connections(app: &App) -> Result<()> {
    let write = app.db.write().await?;
    phone::Entity::update_many()
        .col_expr(phone::Column::Connected, Expr::value(false))
        .col_expr(phone::Column::LastSeen, Expr::value(now_ms()))
        .filter(phone::Column::Connected.eq(true))
        .exec(&write.tx)
        .await?;
    write.commit().await?;
    Ok(())
}

/// Marks phones offline that were silent for longer than they may be.
pub async fn sweep_silent(app: &App) -> Result<usize> {
    let now = now_ms();
    let offline = contract::rest::RoomState::Offline.as_str();
    let candidates = phone::Entity::find()
        .filter(phone::Column::Connected.eq(false))
        .filter(phone::Column::State.ne(offline))
        .filter(phone::Column::LastSeen.lt(now - RECONNECT_GRACE_MS))
        .all(app.db.read())
        .await?;
    let mut changed: Vec<phone::Model> = Vec::new();
    for mut row in candidates {
        if restate(&mut row, now) {
            changed.push(row);
        }
    }
    if changed.is_empty() {
        return Ok(0);
    }
    let write = app.db.write().await?;
    for row in &changed {
        phone::Entity::update_many()
            .col_expr(phone::Column::State, Expr::value(row.state.clone()))
            .col_expr(phone::Column::StateSince, Expr::value(now))
            .filter(phone::Column::Id.eq(row.id))
            .filter(phone::Column::Connected.eq(false))
            // Not one that was heard meanwhile.
            .filter(phone::Column::LastSeen.eq(row.last_seen))
            .exec(&write.tx)
            .await?;
    }
    touch(&write.tx, changed.iter().map(Touched::phone)).await?;
    write.commit().await?;
    app.live.wake();
    Ok(changed.len())
}

#[cfg(test)]
mod tests {
    use super::url_host;

    #[test]
    fn only_an_address_counts_as_a_phones_host() {
        assert_eq!(url_host("http://10.0.0.2:7547/x"), "10.0.0.2".parse().ok());
        assert_eq!(url_host("http://[fe80::1]:7547/x"), "fe80::1".parse().ok());
        for url in ["http://phone.example/x", "nonsense", ""] {
            assert_eq!(url_host(url), None, "{url}");
        }
    }
}
