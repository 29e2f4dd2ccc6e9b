//! Lists of phones, and one phone with everything about it.

use std::collections::{BTreeSet, HashMap};

use contract::PhoneId;
use contract::rest::*;
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, JoinType, Order, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::documents::Documents;
use super::error::{invalid, not_found};
use super::layers::reach;
use super::{App, Result, calls, provision, views};
use crate::db::entity::{event, job, phone, room};
use crate::domain::catalogue;

/// What a list shows.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub property: Option<Uuid>,
    /// Found in MAC, serial, model, firmware, IP or room number.
    pub text: String,
    pub state: Option<RoomState>,
    pub sync: Option<SyncState>,
    pub enrolment: Option<Enrolment>,
    /// Only phones of this change set,
    pub change: Option<Uuid>,
    /// and of these only those that are so far with it.
    pub reach: Option<ChangeReach>,
    pub sort: Option<PhoneSort>,
    pub descending: bool,
    pub offset: u64,
    pub limit: u32,
}

pub async fn list(app: &App, query: &Query) -> Result<PhonePage> {
    if query.limit == 0 || query.limit > MAX_PAGE {
        return Err(invalid("limit", format!("limit must be 1 to {MAX_PAGE}.")));
    }
    if query.text.chars().count() > 100 || query.text.chars().any(char::is_control) {
        return Err(invalid("q", "At most 100 characters, none of them a control character."));
    }
    let db = app.db.read();
    let mut select = phone::Entity::find().join(
        JoinType::LeftJoin,
        phone::Entity::belongs_to(room::Entity).from(phone::Column::RoomId).to(room::Column::Id).into(),
    );
    if let Some(property) = query.property {
        select = select.filter(phone::Column::PropertyId.eq(property));
    }
    if let Some(state) = query.state {
        select = select.filter(phone::Column::State.eq(state.as_str()));
    }
    if let Some(sync) = query.sync {
        select = select.filter(phone::Column::Sync.eq(sync.as_str()));
    }
    if let Some(enrolment) = query.enrolment {
        select = select.filter(phone::Column::Enrolment.eq(enrolment.as_str()));
    }
    match (query.change, query.reach) {
        (Some(set), reach) => select = select.filter(phone::Column::Id.in_subquery(reach::phones(set, reach))),
        (None, Some(_)) => return Err(invalid("reach", "How far phones are is asked of a change: give change, too.")),
        (None, None) => {}
    }
    for word in query.text.split_whitespace().take(5) {
        select = select.filter(matching(word));
    }
    let order = if query.descending { Order::Desc } else { Order::Asc };
    select = match query.sort.unwrap_or(PhoneSort::Room) {
        PhoneSort::Mac => select.order_by(phone::Column::Mac, order),
        // Numbers before longer numbers: "9" before "10".
        PhoneSort::Room => select
            .order_by(Expr::expr(Func::char_length(Expr::col((room::Entity, room::Column::Number)))), order.clone())
            .order_by(room::Column::Number, order),
        PhoneSort::Model => select.order_by(phone::Column::Model, order),
        PhoneSort::Firmware => select.order_by(phone::Column::Firmware, order),
        PhoneSort::State => select.order_by(phone::Column::State, order),
        PhoneSort::LastSeen => select.order_by(phone::Column::LastSeen, order),
    };
    // A last word that differs for every phone keeps pages from overlapping.
    select = select.order_by_asc(phone::Column::Mac);
    let total = select.clone().count(db).await?;
    let rows = select.offset(query.offset).limit(u64::from(query.limit)).all(db).await?;
    Ok(PhonePage { items: rows_of(app, rows).await?, total, offset: query.offset })
}

/// The row of a phone, if there is one.
pub async fn find(app: &App, id: PhoneId) -> Result<Option<phone::Model>> {
    Ok(phone::Entity::find_by_id(id.0).one(app.db.read()).await?)
}

/// Phones that phoned home unannounced, the newest first.
pub async fn new_phones(app: &App) -> Result<Vec<PhoneRow>> {
    let rows = phone::Entity::find()
        .filter(phone::Column::Enrolment.eq(Enrolment::New.as_str()))
        .order_by_desc(phone::Column::CreatedAt)
        .limit(u64::from(MAX_PAGE))
        .all(app.db.read())
        .await?;
    rows_of(app, rows).await
}

fn matching(word: &str) -> Condition {
    // `%` and `_` mean themselves here.
    let escape = |text: &str| text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let like = |text: String| sea_orm::sea_query::LikeExpr::new(text).escape('\\');
    let anywhere = format!("%{}%", escape(word));
    let mut any = Condition::any().add(
        Expr::expr(Func::lower(Expr::col((room::Entity, room::Column::Number))))
            .like(like(format!("{}%", escape(word)))),
    );
    for column in [phone::Column::Serial, phone::Column::Model, phone::Column::Firmware, phone::Column::Ip] {
        any = any.add(Expr::expr(Func::lower(Expr::col((phone::Entity, column)))).like(like(anywhere.clone())));
    }
    let digits: String = word.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    if !digits.is_empty() {
        any = any.add(Expr::col((phone::Entity, phone::Column::Mac)).like(like(format!("%{}%", escape(&digits)))));
    }
    any
}

async fn rows_of(app: &App, phones: Vec<phone::Model>) -> Result<Vec<PhoneRow>> {
    let db = app.db.read();
    let rooms: HashMap<Uuid, room::Model> = room::Entity::find()
        .filter(room::Column::Id.is_in(phones.iter().filter_map(|phone| phone.room_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|room| (room.id, room))
        .collect();
    let names = views::Names::load(db).await?;
    Ok(phones
        .iter()
        .map(|phone| views::phone_row(phone, phone.room_id.and_then(|id| rooms.get(&id)), &names))
        .collect())
}

pub async fn detail(app: &App, id: PhoneId) -> Result<PhoneDetail> {
    let db = app.db.read();
    let phone = phone::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("phone"))?;
    let room = match phone.room_id {
        Some(id) => room::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    let jobs = job::Entity::find()
        .filter(job::Column::PhoneId.eq(phone.id))
        .order_by_desc(job::Column::CreatedAt)
        .order_by_desc(job::Column::Id)
        .limit(50)
        .all(db)
        .await?;
    let events = event::Entity::find()
        .filter(event::Column::PhoneId.eq(phone.id))
        .order_by_desc(event::Column::Id)
        .limit(100)
        .all(db)
        .await?;
    let names = views::Names::load(db).await?;
    Ok(PhoneDetail {
        phone: views::phone_row(&phone, room.as_ref(), &names),
        connected: phone.connected,
        accounts: views::accounts(&phone),
        uptime_s: phone.uptime_s.and_then(|seconds| u64::try_from(seconds).ok()),
        desired_version: phone.desired_version,
        applied_version: phone.applied_version,
        values: values(app, &phone).await?,
        jobs: jobs.iter().map(|job| views::job_view(job, room.as_ref())).collect(),
        events: events.iter().filter_map(views::event_view).collect(),
        calls: calls::of_phone(db, phone.id).await?,
        fetched: provision::fetched(db, phone.id).await?,
    })
}

/// Desired against reported, key by key.
async fn values(app: &App, phone: &phone::Model) -> Result<Vec<EffectiveValue>> {
    let documents = Documents::load(app.db.read(), phone).await?;
    let Documents { desired, reported, .. } = &documents;
    let keys: BTreeSet<&String> = desired.keys().chain(reported.keys()).collect();
    let mut values = Vec::with_capacity(keys.len());
    for key in keys {
        let (title, page) = catalogue::title_and_page(key);
        let secret = catalogue::is_secret(key);
        let masked = |value: &String| if secret { SECRET_MASK.to_owned() } else { value.clone() };
        let effective = desired.get(key);
        let state = documents.state(&app.secrets, key)?.unwrap_or(ValueState::InSync);
        values.push(EffectiveValue {
            key: key.clone(),
            title,
            page,
            desired: effective.map(|effective| masked(&effective.value)),
            layer: effective.map(|effective| effective.layer),
            locked: effective.is_some_and(|effective| effective.locked),
            secret,
            reported: reported.get(key).map(masked),
            state,
        });
    }
    Ok(values)
}
