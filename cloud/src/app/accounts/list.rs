//! SIP accounts as people see them, in pages. No password passes through here.

use std::collections::HashMap;

use contract::rest::{AccountUse, MAX_PAGE, SECRET_MASK, SipAccount, SipAccountPage};
use contract::{PhoneId, PropertyId, RoomId, SipAccountId, SipServerId};
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
};
use uuid::Uuid;

use super::{account, property};
use crate::app::error::invalid;
use crate::app::{App, Result, views};
use crate::db::entity::{phone, room, sip_account, sip_assignment, sip_server};

/// What a list shows.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub server: Option<Uuid>,
    /// Found in the user, or the start of the number of the room that has it.
    pub text: String,
    /// Only those somebody has, or only those nobody has.
    pub used: Option<bool>,
    pub offset: u64,
    pub limit: u32,
}

pub async fn list(app: &App, id: PropertyId, query: &Query) -> Result<SipAccountPage> {
    if query.limit == 0 || query.limit > MAX_PAGE {
        return Err(invalid("limit", format!("limit must be 1 to {MAX_PAGE}.")));
    }
    if query.text.chars().count() > 100 || query.text.chars().any(char::is_control) {
        return Err(invalid("q", "At most 100 characters, none of them a control character."));
    }
    let db = app.db.read();
    property(db, id.0).await?;
    let mut select = sip_account::Entity::find().filter(sip_account::Column::PropertyId.eq(id.0));
    if let Some(server) = query.server {
        select = select.filter(sip_account::Column::ServerId.eq(server));
    }
    let assigned = || sip_assignment::Entity::find().select_only().column(sip_assignment::Column::AccountId);
    match query.used {
        Some(true) => select = select.filter(sip_account::Column::Id.in_subquery(assigned().into_query())),
        Some(false) => select = select.filter(sip_account::Column::Id.not_in_subquery(assigned().into_query())),
        None => {}
    }
    let word = query.text.trim().to_lowercase();
    if !word.is_empty() {
        // `%` and `_` mean themselves here.
        let word = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let like = |text: String| LikeExpr::new(text).escape('\\');
        let lower = |column: sip_account::Column| Expr::expr(Func::lower(Expr::col((sip_account::Entity, column))));
        let rooms = room::Entity::find()
            .select_only()
            .column(room::Column::Id)
            .filter(room::Column::PropertyId.eq(id.0))
            .filter(Expr::expr(Func::lower(Expr::col(room::Column::Number))).like(like(format!("{word}%"))));
        let in_rooms = assigned().filter(sip_assignment::Column::RoomId.in_subquery(rooms.into_query()));
        select = select.filter(
            Condition::any()
                .add(lower(sip_account::Column::User).like(like(format!("%{word}%"))))
                .add(lower(sip_account::Column::AuthUser).like(like(format!("%{word}%"))))
                .add(sip_account::Column::Id.in_subquery(in_rooms.into_query())),
        );
    }
    let total = select.clone().count(db).await?;
    let rows = select
        // Numbers before longer numbers: "9" before "10".
        .order_by_asc(Expr::expr(Func::char_length(Expr::col((sip_account::Entity, sip_account::Column::User)))))
        .order_by_asc(sip_account::Column::User)
        .order_by_asc(sip_account::Column::Id)
        .offset(query.offset)
        .limit(u64::from(query.limit))
        .all(db)
        .await?;
    Ok(SipAccountPage { items: views_of(db, rows).await?, total, offset: query.offset })
}

pub async fn one(app: &App, id: PropertyId, which: SipAccountId) -> Result<SipAccount> {
    let db = app.db.read();
    let row = account(db, id.0, which.0).await?;
    view(db, row).await
}

/// An account as people see it.
pub async fn view(db: &impl ConnectionTrait, row: sip_account::Model) -> Result<SipAccount> {
    let found = views_of(db, vec![row]).await?.pop();
    found.ok_or_else(|| crate::app::error::not_found("SIP account"))
}

/// At most a page of accounts.
async fn views_of(db: &impl ConnectionTrait, rows: Vec<sip_account::Model>) -> Result<Vec<SipAccount>> {
    let uses = sip_assignment::Entity::find()
        .filter(sip_assignment::Column::AccountId.is_in(rows.iter().map(|row| row.id)))
        .all(db)
        .await?;
    let rooms: HashMap<Uuid, room::Model> = room::Entity::find()
        .filter(room::Column::Id.is_in(uses.iter().filter_map(|one| one.room_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|room| (room.id, room))
        .collect();
    let phones: HashMap<Uuid, phone::Model> = phone::Entity::find()
        .filter(phone::Column::Id.is_in(uses.iter().filter_map(|one| one.phone_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|phone| (phone.id, phone))
        .collect();
    let servers: HashMap<Uuid, String> = sip_server::Entity::find()
        .filter(sip_server::Column::Id.is_in(rows.iter().map(|row| row.server_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|server| (server.id, server.name))
        .collect();
    let mut by_account: HashMap<Uuid, Vec<AccountUse>> = HashMap::new();
    for one in uses {
        by_account.entry(one.account_id).or_default().push(AccountUse {
            room: one.room_id.map(RoomId),
            room_number: one.room_id.and_then(|id| rooms.get(&id)).map(|room| room.number.clone()),
            phone: one.phone_id.map(PhoneId),
            mac: one.phone_id.and_then(|id| phones.get(&id)).map(views::mac),
        });
    }
    Ok(rows
        .into_iter()
        .map(|row| SipAccount {
            id: SipAccountId(row.id),
            server: SipServerId(row.server_id),
            server_name: servers.get(&row.server_id).cloned().unwrap_or_default(),
            user: row.user,
            auth_user: row.auth_user,
            password: SECRET_MASK.to_owned(),
            display_name: row.display_name,
            slot: u8::try_from(row.slot).unwrap_or(1),
            shared: row.shared,
            used_by: by_account.remove(&row.id).unwrap_or_default(),
        })
        .collect())
}
