//! Sessions in which nothing happens, as most do: a phone that is known comes, says what it said before, and nothing waits
//! for it. They cost one read, shared with whoever comes at the same moment, and a share in one write that remembers who
//! was heard; their state is in the phone's cookie ([`Pass`]). A session in which something happens gets its row, and then
//! is like any other.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cwmp::{AcsSession, EventCode, Inform};
use futures_util::FutureExt;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, FromQueryResult, JoinType, QueryFilter,
    QueryResult, QuerySelect, QueryTrait,
    sea_query::{Expr, UnionType},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Post;
use super::pass::Pass;
use crate::app::{App, enrol, heard, jobs};
use crate::clock::now_ms;
use crate::db::entity::{cwmp_session, phone, phone_document};
use crate::db::gather::Gather;
use crate::once::UsedOnce;
use crate::secrets::{Secrets, random};

/// How often it is written who was heard. Phones are marked offline after 90 seconds of silence at the soonest.
const WRITE_SEEN: Duration = Duration::from_millis(500);
/// That nothing waits for a phone is looked up with its Inform and believed for so long, in ms. What this process gives it
/// to do meanwhile is heeded all the same; of what another one gives it, it is told by its nudge.
const BELIEVED_MS: i64 = 1_000;
/// What an Inform may come for without anything being stored.
const QUIET: [EventCode; 2] = [EventCode::PERIODIC, EventCode::CONNECTION_REQUEST];

/// What this process keeps for quiet sessions. None of it is missed after a crash.
pub struct Desk {
    key: [u8; 32],
    /// Tells the passes of this process from those of others, and of its earlier lives.
    process: u64,
    known: Gather<String, Known>,
    waits: Gather<Uuid, bool>,
    state: Mutex<Here>,
    /// Passes of other processes that were used here.
    spent: UsedOnce,
}

#[derive(Default)]
struct Here {
    /// The newest quiet session of each phone, until it ends or gets its row.
    open: HashMap<Uuid, Open>,
    /// Phones that were heard since the last write.
    heard: HashSet<Uuid>,
}

struct Open {
    salt: u64,
    opened: i64,
    /// When its pass is no good any more.
    until: i64,
    /// Something is to be done for the phone.
    waits: bool,
}

/// A phone as the database knows it.
pub struct Known {
    pub phone: phone::Model,
    /// Its reported document.
    reported: Option<String>,
    in_session: bool,
    /// A job is due for it.
    due: bool,
}

impl FromQueryResult for Known {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            phone: phone::Model::from_query_result(row, prefix)?,
            reported: row.try_get(prefix, "its_reported")?,
            in_session: row.try_get::<Option<String>>(prefix, "its_session")?.is_some(),
            due: row.try_get(prefix, "its_due")?,
        })
    }
}

impl Desk {
    pub fn new(secrets: &Secrets, db: &DatabaseConnection) -> Self {
        Self {
            key: secrets.derive("session-pass"),
            process: u64::from_be_bytes(random()),
            known: Gather::new(db.clone(), |db, macs| async move { find_known(&db, macs).await }.boxed()),
            waits: Gather::new(db.clone(), |db, phones| async move { find_waiting(&db, phones).await }.boxed()),
            state: Mutex::default(),
            spent: UsedOnce::default(),
        }
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The phone an Inform speaks of. `None`: not known, or not to be learned like this.
    pub async fn known(&self, inform: &Inform) -> Option<Known> {
        let mac = enrol::mac_of(inform).ok()?;
        self.known.ask(mac.compact()).await
    }

    /// Opens a session without a row, if the Inform of a phone that has proved itself needs none. Returns its token.
    pub fn open(&self, app: &App, post: &Post, known: &Known, inform: &Inform, acs: &AcsSession) -> Option<String> {
        let comes_as_always = inform.events.iter().all(|event| QUIET.contains(&event.code));
        if known.in_session
            || !comes_as_always
            || !heard::says_nothing_new(app, &known.phone, known.reported.as_deref(), inform, &post.client)
        {
            return None;
        }
        let (phone, salt, opened) = (known.phone.id, u64::from_be_bytes(random()), now_ms());
        let pass = Pass { opened, process: self.process, salt, phone, acs: acs.clone() };
        let until = pass.until(app.config.acs.session_timeout_s);
        let mut here = self.here();
        here.heard.insert(phone);
        here.open.insert(phone, Open { salt, opened, until, waits: known.due });
        drop(here);
        Some(pass.seal(&self.key, &post.client))
    }

    /// The pass a POST shows.
    pub fn pass(&self, app: &App, post: &Post) -> Option<Pass> {
        let timeout_s = app.config.acs.session_timeout_s;
        Pass::open(&self.key, post.session.as_deref()?, &post.client, now_ms(), timeout_s)
    }

    /// Whether the phone's turn comes to nothing, and its session to an end.
    pub async fn ends(&self, app: &App, pass: &Pass) -> bool {
        if pass.process == self.process {
            let mut here = self.here();
            match here.open.get(&pass.phone).filter(|open| open.salt == pass.salt) {
                // Ended already, or it has its row.
                None => return false,
                Some(open) if open.waits => return false,
                Some(open) if now_ms() - open.opened <= BELIEVED_MS => {
                    here.open.remove(&pass.phone);
                    return true;
                }
                Some(_) => {}
            }
        }
        let quiet = self.waits.ask(pass.phone).await == Some(false);
        quiet && self.spend(app, pass)
    }

    /// Uses a pass up: for once, in this process. In another one, its session or the fence of its job is in the way.
    pub fn spend(&self, app: &App, pass: &Pass) -> bool {
        if pass.process == self.process {
            let mut here = self.here();
            let known = here.open.get(&pass.phone).is_some_and(|open| open.salt == pass.salt);
            return known && here.open.remove(&pass.phone).is_some();
        }
        let until = pass.until(app.config.acs.session_timeout_s);
        self.spent.first(&name(pass), until, now_ms())
    }

    /// A pass was not used after all: what came of it was not kept, and the phone may show it again.
    pub fn give_back(&self, app: &App, pass: &Pass) {
        if pass.process == self.process {
            // A newer session of the phone stays.
            let until = pass.until(app.config.acs.session_timeout_s);
            let open = Open { salt: pass.salt, opened: pass.opened, until, waits: true };
            self.here().open.entry(pass.phone).or_insert(open);
        } else {
            self.spent.give_back(&name(pass));
        }
    }

    /// Phones have been given something to do.
    pub fn give(&self, phone: Uuid) {
        if let Some(open) = self.here().open.get_mut(&phone) {
            open.waits = true;
        }
    }

    async fn write_seen(&self, app: &App) {
        let now = now_ms();
        let heard = {
            let mut here = self.here();
            here.open.retain(|_, open| open.until >= now);
            std::mem::take(&mut here.heard)
        };
        if heard.is_empty() {
            return;
        }
        if let Err(error) = heard::seen(app, heard.into_iter().collect()).await {
            tracing::error!(%error, "cannot write which phones were heard");
        }
    }
}

/// Writes who was heard until cancelled, and then what is left.
pub async fn run(app: &App, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(WRITE_SEEN)).await.is_some() {
        app.desk.write_seen(app).await;
    }
    app.desk.write_seen(app).await;
}

fn name(pass: &Pass) -> String {
    format!("{:x} {:x}", pass.process, pass.salt)
}

async fn find_known(db: &DatabaseConnection, macs: Vec<String>) -> Result<HashMap<String, Known>, DbErr> {
    let document =
        phone::Entity::belongs_to(phone_document::Entity).from(phone::Column::Id).to(phone_document::Column::PhoneId);
    let session =
        phone::Entity::belongs_to(cwmp_session::Entity).from(phone::Column::Id).to(cwmp_session::Column::PhoneId);
    let found = phone::Entity::find()
        .join(JoinType::LeftJoin, document.into())
        .join(JoinType::LeftJoin, session.into())
        .column_as(phone_document::Column::Reported, "its_reported")
        .column_as(cwmp_session::Column::Id, "its_session")
        .expr_as(Expr::exists(jobs::due_of_phone().into_query()), "its_due")
        .filter(phone::Column::Mac.is_in(macs))
        .into_model::<Known>()
        .all(db)
        .await?;
    Ok(found.into_iter().map(|known| (known.phone.mac.clone(), known)).collect())
}

async fn find_waiting(db: &DatabaseConnection, phones: Vec<Uuid>) -> Result<HashMap<Uuid, bool>, DbErr> {
    let in_session = cwmp_session::Entity::find()
        .select_only()
        .column(cwmp_session::Column::PhoneId)
        .filter(cwmp_session::Column::PhoneId.is_in(phones.iter().copied()));
    let mut either = jobs::phones_of_due(&phones).into_query();
    either.union(UnionType::All, in_session.into_query());
    let mut found: HashMap<Uuid, bool> = phones.into_iter().map(|phone| (phone, false)).collect();
    for row in db.query_all(&either).await? {
        found.insert(row.try_get_by_index(0)?, true);
    }
    Ok(found)
}
