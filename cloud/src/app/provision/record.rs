//! What was fetched, written a moment later and many at once: an answer waits for no write, and takes no longer for a phone
//! that is known. Losing some in a crash does no harm: phones fetch again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contract::Mac;
use contract::event::EventKind;
use contract::rest::{JobState, SyncState};
use provisioning::agent::Agent;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::live::{Touched, touch};
use crate::app::{App, Result, heard, jobs, views};
use crate::clock::now_ms;
use crate::db::column::write_column;
use crate::db::entity::{bootstrap_fetch, event, job, phone, phone_file};

/// How often it is written.
const WRITE: Duration = Duration::from_millis(250);
/// What waits to be written; more is not remembered.
const HELD: usize = 8_192;
/// Rows in one statement.
const ROUND: usize = 200;
/// Fetches of phones nobody knows, of all properties; the property with most of them loses its oldest for more.
const MOST_BOOTSTRAPPED: u64 = 20_000;
/// Characters kept of what a phone calls itself.
const LONGEST: usize = 160;

/// A phone's file was fetched.
pub struct Fetched {
    pub phone: Uuid,
    pub at: i64,
    /// The version of its document then.
    pub version: i64,
    pub address: String,
    pub user_agent: String,
    pub agent: Option<Agent>,
    pub keys: Held,
    /// Not if it had this version.
    pub given: bool,
    /// Settings the file does not say.
    pub left_out: usize,
    /// What it asked for, without the path.
    pub name: String,
    /// Whether it showed who it is. TFTP shows nothing: anybody in a trusted network may have asked.
    pub proved: bool,
}

/// The passwords a phone may decrypt files with from now on; columns of its row.
#[derive(Clone)]
pub struct Held {
    /// Sealed.
    pub file_key: String,
    pub older_keys: String,
    pub key_at: i64,
    pub tag: String,
    pub turn: i64,
}

/// A first token that was taken away while its file is on the way.
pub struct FirstToken {
    pub phone: Uuid,
    pub sealed: String,
    pub hash: String,
    pub until: i64,
}

/// Somebody fetched a bootstrap file by this name.
pub struct Bootstrapped {
    pub mac: Mac,
    pub property: Uuid,
    pub address: String,
    pub user_agent: String,
}

/// Where fetches wait to be written.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    /// The last of each.
    fetched: BTreeMap<Uuid, Fetched>,
    bootstrapped: BTreeMap<String, Bootstrapped>,
    given_back: Vec<FirstToken>,
}

impl Recorder {
    pub(super) fn fetched(&self, one: Fetched) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = held.fetched.get(&one.phone).is_some_and(|other| other.proved && !one.proved);
        if held.fetched.len() < HELD && !known {
            held.fetched.insert(one.phone, one);
        }
    }

    pub(super) fn bootstrapped(&self, one: Bootstrapped) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.bootstrapped.len() < HELD {
            held.bootstrapped.insert(one.mac.compact(), one);
        }
    }

    pub(super) fn give_back(&self, token: FirstToken) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.given_back.len() < HELD {
            held.given_back.push(token);
        }
    }

    /// Fetches and first tokens that wait to be written.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let held = self.take();
        (held.fetched.len(), held.given_back.len())
    }

    /// Whether files are being handed over: each holds the recorder until it is out.
    fn is_out(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    fn take(&self) -> Waiting {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Files under way when the server stops have so long to get out.
const DRAIN: Duration = Duration::from_secs(5);

/// Writes until cancelled, and then what is left.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => {
                // What is on its way is let out, and is remembered too.
                let out = async {
                    while app.provision.record.is_out() {
                        tokio::time::sleep(WRITE).await;
                    }
                };
                let _ = tokio::time::timeout(DRAIN, out).await;
                true
            }
            () = tokio::time::sleep(WRITE) => false,
        };
        let held = app.provision.record.take();
        if let Err(error) = write_bootstrapped(&app, held.bootstrapped.into_values().collect()).await {
            tracing::error!(error = %error, "cannot remember who fetched bootstrap files");
        }
        if let Err(error) = write_given_back(&app, &held.given_back).await {
            tracing::error!(error = %error, "first tokens of files that did not get there are lost");
        }
        let all: Vec<Fetched> = held.fetched.into_values().collect();
        for round in all.chunks(ROUND) {
            if let Err(error) = write(&app, round).await {
                tracing::error!(error = %error, "cannot remember what phones fetched");
            }
        }
        if stopping {
            return;
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

async fn write_bootstrapped(app: &App, all: Vec<Bootstrapped>) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let write = app.db.write_beside().await?;
    let tx = &write.tx;
    let now = now_ms();
    let rows = all.into_iter().map(|one| bootstrap_fetch::ActiveModel {
        mac: Set(one.mac.compact()),
        property_id: Set(one.property),
        at: Set(now),
        address: Set(one.address),
        user_agent: Set(cut(&one.user_agent)),
    });
    let rows: Vec<_> = rows.collect();
    use bootstrap_fetch::Column::{Address, At, Mac, PropertyId, UserAgent};
    for round in rows.chunks(ROUND) {
        bootstrap_fetch::Entity::insert_many(round.to_vec())
            .on_conflict(OnConflict::column(Mac).update_columns([PropertyId, At, Address, UserAgent]).to_owned())
            .exec_without_returning(tx)
            .await?;
    }
    forget_most(tx, MOST_BOOTSTRAPPED).await?;
    write.commit().await?;
    Ok(())
}

/// Keeps bootstrap fetches to `most`: who asks in one hotel for any number of addresses costs no other hotel a phone.
async fn forget_most(tx: &impl ConnectionTrait, most: u64) -> Result<()> {
    use bootstrap_fetch::Column::{At, Mac, PropertyId};
    let find = bootstrap_fetch::Entity::find;
    let over = find().count(tx).await?.saturating_sub(most);
    let by_property = find().select_only().column(PropertyId).group_by(PropertyId).order_by_desc(Mac.count());
    if over > 0
        && let Some(largest) = by_property.into_tuple::<Uuid>().one(tx).await?
    {
        let oldest = find().select_only().column(Mac).filter(PropertyId.eq(largest)).order_by_asc(At).limit(over);
        bootstrap_fetch::Entity::delete_many().filter(Mac.in_subquery(oldest.into_query())).exec(tx).await?;
    }
    Ok(())
}

/// Puts first tokens back whose file did not get there, unless another was made meanwhile.
async fn write_given_back(app: &App, all: &[FirstToken]) -> Result<()> {
    use phone_file::Column::{First, FirstHash, FirstUntil, PhoneId};
    if all.is_empty() {
        return Ok(());
    }
    let write = app.db.write_beside().await?;
    for token in all {
        phone_file::Entity::update_many()
            .col_expr(First, Expr::value(&token.sealed))
            .col_expr(FirstHash, Expr::value(&token.hash))
            .col_expr(FirstUntil, Expr::value(token.until))
            .filter(PhoneId.eq(token.phone))
            .filter(FirstHash.eq(""))
            .exec(&write.tx)
            .await?;
    }
    write.commit().await?;
    Ok(())
}

async fn write(app: &App, all: &[Fetched]) -> Result<()> {
    // A phone whose model is learned by this is configured anew, which is a change of many rows.
    let write = app.db.write().await?;
    let tx = &write.tx;
    let ids = all.iter().map(|one| one.phone);
    let phones: HashMap<Uuid, phone::Model> = phone::Entity::find()
        .filter(phone::Column::Id.is_in(ids))
        .all(tx)
        .await?
        .into_iter()
        .map(|p| (p.id, p))
        .collect();
    let mut seen = Vec::new();
    for one in all {
        // One removed meanwhile is nobody's.
        if let Some(phone) = phones.get(&one.phone) {
            seen.push((one, phone));
        }
    }
    if seen.is_empty() {
        return Ok(());
    }
    tell(tx, &seen).await?;
    let (proved, unproved): (Vec<_>, Vec<_>) = seen.iter().copied().partition(|(one, _)| one.proved);
    keep(tx, &proved).await?;
    keep_key(tx, &unproved).await?;
    let news = heard::files_fetched(app, tx, &proved).await?;
    let mut touched: Vec<Touched> = deliver(tx, &proved).await?;
    touched.extend(
        seen.iter().filter(|(one, _)| one.given || news.contains(&one.phone)).map(|(_, phone)| Touched::phone(phone)),
    );
    touch(tx, touched).await?;
    write.commit().await?;
    app.live.wake();
    Ok(())
}

async fn keep(tx: &impl ConnectionTrait, seen: &[(&Fetched, &phone::Model)]) -> Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = seen
        .iter()
        .map(|(one, _)| phone_file::ActiveModel {
            phone_id: Set(one.phone),
            fetched_at: Set(Some(one.at)),
            version: Set(one.version),
            address: Set(one.address.clone()),
            user_agent: Set(cut(&one.user_agent)),
            model: Set(one.agent.as_ref().map(|agent| agent.model.clone()).unwrap_or_default()),
            firmware: Set(one.agent.as_ref().and_then(|agent| agent.firmware.clone()).unwrap_or_default()),
            file_key: Set(one.keys.file_key.clone()),
            name: Set(cut(&one.name)),
            older_keys: Set(one.keys.older_keys.clone()),
            tag: Set(one.keys.tag.clone()),
            key_at: Set(one.keys.key_at),
            turn: Set(one.keys.turn),
            ..Default::default()
        })
        .collect();
    use phone_file::Column as Of;
    let columns = [Of::FetchedAt, Of::Version, Of::Address, Of::UserAgent, Of::Model, Of::Firmware, Of::Name];
    let keys = [Of::FileKey, Of::OlderKeys, Of::Tag, Of::KeyAt, Of::Turn];
    let columns: Vec<Of> = columns.into_iter().chain(keys).collect();
    phone_file::Entity::insert_many(rows)
        .on_conflict(OnConflict::column(Of::PhoneId).update_columns(columns).to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Who fetched without a proof may be the phone: then it may hold the next file's password from now on. Nothing else is
/// believed.
async fn keep_key(tx: &impl ConnectionTrait, seen: &[(&Fetched, &phone::Model)]) -> Result<()> {
    use phone_file::Column::{FileKey, KeyAt, OlderKeys, PhoneId, Tag};
    let texts = [
        (FileKey, (|keys| keys.file_key.clone()) as fn(&Held) -> String),
        (OlderKeys, |keys| keys.older_keys.clone()),
        (Tag, |keys| keys.tag.clone()),
    ];
    for (column, text) in texts {
        let values = seen.iter().map(|(one, _)| (one.phone, text(&one.keys))).collect();
        write_column::<phone_file::Entity, _>(tx, PhoneId, column, values).await?;
    }
    let times = seen.iter().map(|(one, _)| (one.phone, one.keys.key_at)).collect();
    write_column::<phone_file::Entity, _>(tx, PhoneId, KeyAt, times).await?;
    Ok(())
}

/// The events, for the phone's page.
async fn tell(tx: &impl ConnectionTrait, seen: &[(&Fetched, &phone::Model)]) -> Result<()> {
    let events: Vec<_> = seen
        .iter()
        .filter(|(one, _)| one.given)
        .map(|(one, phone)| event::ActiveModel {
            phone_id: Set(one.phone),
            property_id: Set(phone.property_id),
            // The phone's own begin with its first start, which is 1.
            boot: Set(0),
            seq: Set(one.at),
            kind: Set(EventKind::ConfigFetched.as_str().to_owned()),
            at: Set(one.at),
            received_at: Set(one.at),
            detail: Set(Some(match one.proved {
                true => format!("version {}, from {}", one.version, one.address),
                false => format!("version {}, from {} by TFTP, without proof", one.version, one.address),
            })),
            ..Default::default()
        })
        .collect();
    if !events.is_empty() {
        use event::Column::{Boot, PhoneId, Seq};
        event::Entity::insert_many(events)
            .on_conflict(OnConflict::columns([PhoneId, Boot, Seq]).do_nothing().to_owned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// For phones with nothing but files, fetching is all there ever is: their changes are done by it, and said to be no more
/// than fetched.
async fn deliver(tx: &impl ConnectionTrait, seen: &[(&Fetched, &phone::Model)]) -> Result<Vec<Touched>> {
    let only: HashMap<Uuid, (&Fetched, &phone::Model)> = seen
        .iter()
        .filter(|(_, phone)| views::only_files(phone))
        .map(|(one, phone)| (one.phone, (*one, *phone)))
        .collect();
    if only.is_empty() {
        return Ok(Vec::new());
    }
    let waiting = job::Entity::find()
        .filter(job::Column::PhoneId.is_in(only.keys().copied()))
        .filter(job::Column::Kind.eq(jobs::CONFIGURE))
        .filter(job::Column::State.is_in([JobState::Ready.as_str(), JobState::Superseded.as_str()]))
        .filter(job::Column::Step.ne(jobs::FETCHED))
        .all(tx)
        .await?;
    // Notes differ by how much a file cannot say.
    let mut by_note: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
    let (mut touched, mut done, mut behind, mut within) = (Vec::new(), HashSet::new(), HashSet::new(), Vec::new());
    for job in waiting {
        let Some((one, phone)) = only.get(&job.phone_id) else { continue };
        match (views::job_state(&job) == JobState::Superseded, job.version > one.version) {
            (true, true) => continue,
            // The file had what this wanted too: its change set is no less fetched.
            (true, false) => {
                within.push(job.id);
                continue;
            }
            (false, true) => {
                behind.insert(phone.id);
                continue;
            }
            (false, false) => {}
        }
        let note = match one.left_out {
            0 => "Fetched as a file; not verified.".to_owned(),
            more => format!("Fetched as a file; not verified. {more} settings cannot be said in one."),
        };
        by_note.entry(note).or_default().push(job.id);
        touched.push(Touched { job: Some(job.id), ..Touched::phone(phone) });
        done.insert(phone.id);
    }
    for (note, ids) in by_note {
        job::Entity::update_many()
            .col_expr(job::Column::State, Expr::value(JobState::Done.as_str()))
            .col_expr(job::Column::Step, Expr::value(jobs::FETCHED))
            .col_expr(job::Column::Note, Expr::value(note))
            .col_expr(job::Column::DoneAt, Expr::value(now_ms()))
            .filter(job::Column::Id.is_in(ids))
            .filter(job::Column::State.eq(JobState::Ready.as_str()))
            .exec(tx)
            .await?;
    }
    job::Entity::update_many()
        .col_expr(job::Column::Step, Expr::value(jobs::FETCHED))
        .filter(job::Column::Id.is_in(within))
        .exec(tx)
        .await?;
    phone::Entity::update_many()
        .col_expr(phone::Column::Sync, Expr::value(SyncState::Fetched.as_str()))
        .filter(phone::Column::Id.is_in(done.difference(&behind).copied()))
        .exec(tx)
        .await?;
    Ok(touched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::entity::{chain, property};

    #[tokio::test]
    async fn the_property_with_most_fetches_loses_its_oldest() {
        let (db, _folder) = crate::db::scratch(2).await;
        let tx = db.read();
        let [quiet, loud] = [1, 2].map(Uuid::from_u128);
        let chain = chain::ActiveModel { id: Set(quiet), name: Set("Harbour".to_owned()) };
        chain::Entity::insert(chain).exec(tx).await.unwrap();
        for id in [quiet, loud] {
            let property = property::ActiveModel {
                id: Set(id),
                chain_id: Set(quiet),
                code: Set(id.to_string()),
                name: Set(String::new()),
                time_zone: Set("UTC".to_owned()),
                brand_id: Set(None),
                phone: Set(String::new()),
                front_desk: Set(String::new()),
            };
            property::Entity::insert(property).exec(tx).await.unwrap();
        }
        for (property, at) in [(quiet, 1), (loud, 2), (loud, 3), (loud, 4)] {
            let fetch = bootstrap_fetch::ActiveModel {
                mac: Set(format!("c074ad00000{at}")),
                property_id: Set(property),
                at: Set(at),
                address: Set(String::new()),
                user_agent: Set(String::new()),
            };
            bootstrap_fetch::Entity::insert(fetch).exec(tx).await.unwrap();
        }
        for (most, left) in [(4, vec![1, 2, 3, 4]), (3, vec![1, 3, 4]), (2, vec![1, 4])] {
            forget_most(tx, most).await.unwrap();
            let rows = bootstrap_fetch::Entity::find().order_by_asc(bootstrap_fetch::Column::At).all(tx).await.unwrap();
            assert_eq!(rows.iter().map(|row| row.at).collect::<Vec<_>>(), left, "{most}");
        }
    }
}
