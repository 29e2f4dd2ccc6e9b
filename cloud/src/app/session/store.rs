//! CWMP sessions in the database: any process can serve any POST, and a restart loses none. A session is found by the
//! hash of its cookie and moves on by compare-and-swap; a phone has one at most.

use cwmp::AcsSession;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, sea_query::Expr,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::work::Work;
use crate::app::Result;
use crate::clock::now_ms;
use crate::db::entity::cwmp_session;
use crate::secrets::{random_token, token_hash};

/// What is kept between two POSTs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    pub acs: AcsSession,
    /// What waits for the phone's answer.
    pub work: Work,
    /// The phone is to get its credentials in this session.
    pub enrol: bool,
    /// The phone waits to be accepted and is to be asked to come often meanwhile.
    pub welcome: bool,
    /// Until when a POST of this session may be busy making the phone's account on an external broker, in ms; 0 = none is.
    pub account_until: i64,
    /// Jobs may be carried out: the phone has proved itself, or gets its credentials here.
    pub trusted: bool,
    /// When the Inform came, in ms since 1970: the newest of a phone's sessions counts.
    #[serde(default)]
    pub opened: i64,
    /// A request of the phone could not be kept, and it was told to send it once more.
    #[serde(default)]
    pub asked_again: bool,
    /// The name or address the phone reached us by.
    pub host: String,
    /// Scheme, host and port it reached us by, to make addresses of files of.
    #[serde(default)]
    pub base: String,
}

/// A session as loaded.
pub struct Session {
    id: String,
    seq: i64,
    pub phone: Uuid,
    pub state: State,
}

/// Begins a session, ending any the phone had. Returns the token that names it.
pub async fn begin(tx: &impl ConnectionTrait, phone: Uuid, state: &State, timeout_s: u32) -> Result<String> {
    let token = random_token();
    insert(tx, &token, phone, state, timeout_s).await?;
    Ok(token)
}

/// Gives a session that was in the phone's cookie its row, ending any older one. `None`: the phone has a newer one.
pub async fn take_up(
    tx: &impl ConnectionTrait,
    token: &str,
    phone: Uuid,
    state: State,
    timeout_s: u32,
) -> Result<Option<Session>> {
    let other = cwmp_session::Entity::find().filter(cwmp_session::Column::PhoneId.eq(phone)).one(tx).await?;
    let other: Option<State> = other.map(|row| serde_json::from_str(&row.state)).transpose()?;
    if other.is_some_and(|other| other.opened > state.opened) {
        return Ok(None);
    }
    let id = insert(tx, token, phone, &state, timeout_s).await?;
    Ok(Some(Session { id, seq: 0, phone, state }))
}

async fn insert(tx: &impl ConnectionTrait, token: &str, phone: Uuid, state: &State, timeout_s: u32) -> Result<String> {
    cwmp_session::Entity::delete_many().filter(cwmp_session::Column::PhoneId.eq(phone)).exec(tx).await?;
    let row = cwmp_session::Model {
        id: token_hash(token),
        phone_id: phone,
        seq: 0,
        state: serde_json::to_string(state)?,
        lease_until: lease(state, timeout_s),
    };
    let id = row.id.clone();
    cwmp_session::Entity::insert(row.into_active_model()).exec(tx).await?;
    Ok(id)
}

/// The session a token names, unless its time is over.
pub async fn load(tx: &impl ConnectionTrait, token: Option<&str>) -> Result<Option<Session>> {
    let Some(token) = token else { return Ok(None) };
    let found = cwmp_session::Entity::find_by_id(token_hash(token)).one(tx).await?;
    let Some(row) = found.filter(|row| row.lease_until >= now_ms()) else {
        return Ok(None);
    };
    let state = serde_json::from_str(&row.state)?;
    Ok(Some(Session { id: row.id, seq: row.seq, phone: row.phone_id, state }))
}

/// Whether a POST of the phone's session is busy making its account.
pub async fn makes_account(tx: &impl ConnectionTrait, phone: Uuid) -> Result<bool> {
    let found = cwmp_session::Entity::find().filter(cwmp_session::Column::PhoneId.eq(phone)).one(tx).await?;
    let state: Option<State> = found.map(|row| serde_json::from_str(&row.state)).transpose()?;
    Ok(state.is_some_and(|state| state.account_until > now_ms()))
}

/// Saves the next state. `false`: somebody else moved the session on, so this POST must not be answered.
pub async fn save(tx: &impl ConnectionTrait, session: &mut Session, timeout_s: u32) -> Result<bool> {
    let written = cwmp_session::Entity::update_many()
        .col_expr(cwmp_session::Column::Seq, Expr::value(session.seq + 1))
        .col_expr(cwmp_session::Column::State, Expr::value(serde_json::to_string(&session.state)?))
        .col_expr(cwmp_session::Column::LeaseUntil, Expr::value(lease(&session.state, timeout_s)))
        .filter(cwmp_session::Column::Id.eq(&session.id))
        .filter(cwmp_session::Column::Seq.eq(session.seq))
        .exec(tx)
        .await?;
    let ours = written.rows_affected == 1;
    session.seq += i64::from(ours);
    Ok(ours)
}

/// Ends a session. `false`: somebody else moved it on, so this POST must not be answered.
pub async fn end(tx: &impl ConnectionTrait, session: &Session) -> Result<bool> {
    let gone = cwmp_session::Entity::delete_by_id(&session.id)
        .filter(cwmp_session::Column::Seq.eq(session.seq))
        .exec(tx)
        .await?;
    Ok(gone.rows_affected == 1)
}

/// The phone whose session a token names, if it is still there.
pub async fn phone_of(db: &impl ConnectionTrait, token: &str) -> Result<Option<Uuid>> {
    Ok(cwmp_session::Entity::find_by_id(token_hash(token)).one(db).await?.map(|row| row.phone_id))
}

/// Sessions whose time is not over.
pub async fn running(tx: &impl ConnectionTrait) -> Result<u64> {
    Ok(cwmp_session::Entity::find().filter(cwmp_session::Column::LeaseUntil.gte(now_ms())).count(tx).await?)
}

/// Removes sessions whose phones fell silent. Their jobs come back by their own leases.
pub async fn sweep(tx: &impl ConnectionTrait) -> Result<u64> {
    let gone =
        cwmp_session::Entity::delete_many().filter(cwmp_session::Column::LeaseUntil.lt(now_ms())).exec(tx).await?;
    Ok(gone.rows_affected)
}

/// Strangers are not waited for longer than others: each holds a place.
fn lease(state: &State, timeout_s: u32) -> i64 {
    let seconds = if state.trusted { state.acs.patience(timeout_s) } else { timeout_s };
    now_ms() + i64::from(seconds) * 1000
}
