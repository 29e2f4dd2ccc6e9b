//! The live stream. A change writes a row naming what changed in its own transaction; the hub reads new rows, loads
//! what they name as it is now, and hands it to every open stream. A stream that was lost resumes from the table.

mod cursor;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use contract::live::LiveChange;
use contract::rest::ClaimView;
use contract::{PhoneId, PropertyId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::cursor::Cursor;
use super::{App, Result, views};
use crate::clock::now_ms;
use crate::db::entity::{claim, event, job, live, phone, room};

/// The most rows a resuming stream is sent; beyond it, it is told to load everything again.
const RESUME_LIMIT: u64 = 2_000;
/// Rows remembered that came late.
const MOST_LATE: usize = 2_000;
/// Another process may have written; its rows are found at the latest after this long.
const POLL: Duration = Duration::from_millis(500);
/// How long after a change its neighbours are waited for.
const GATHER: Duration = Duration::from_millis(20);

/// Rows written by one statement; SQLite takes 32,766 parameters.
const ROWS: usize = 4_000;

/// A change with the id a client resumes after.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: i64,
    pub change: Arc<LiveChange>,
}

/// Where streams subscribe.
pub struct Hub {
    sender: broadcast::Sender<Sent>,
    written: Notify,
    /// Rows that came after higher ones, each with the highest before it: for streams that come back.
    late: Mutex<VecDeque<(i64, i64)>>,
}

impl Hub {
    pub fn new() -> Self {
        Self { sender: broadcast::channel(4096).0, written: Notify::new(), late: Mutex::default() }
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Sent> {
        self.sender.subscribe()
    }

    /// Rows were committed: read them now rather than at the next poll.
    pub fn wake(&self) {
        self.written.notify_one();
    }

    fn late(&self) -> std::sync::MutexGuard<'_, VecDeque<(i64, i64)>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn came_late(&self, rows: Vec<(i64, i64)>) {
        let mut late = self.late();
        late.extend(rows);
        let over = late.len().saturating_sub(MOST_LATE);
        late.drain(..over);
    }

    /// Ids up to `after` of rows that came after it.
    fn below(&self, after: i64) -> Vec<i64> {
        let late = self.late();
        late.iter().filter(|(id, high)| *id <= after && *high >= after).map(|(id, _)| *id).collect()
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

/// What changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Touched {
    pub property: Option<Uuid>,
    pub room: Option<Uuid>,
    pub phone: Option<Uuid>,
    pub job: Option<Uuid>,
    pub event: Option<i64>,
    pub claim: Option<Uuid>,
    /// The phone named is no more.
    pub gone: bool,
}

impl Touched {
    /// A phone, with its room and property if it has them.
    pub fn phone(phone: &phone::Model) -> Self {
        Self { property: phone.property_id, room: phone.room_id, phone: Some(phone.id), ..Self::default() }
    }
}

/// Writes the rows, in the transaction of the change.
pub async fn touch(
    tx: &impl ConnectionTrait,
    touched: impl IntoIterator<Item = Touched>,
) -> std::result::Result<(), DbErr> {
    let at = now_ms();
    let rows: Vec<live::ActiveModel> = touched
        .into_iter()
        .map(|touched| live::ActiveModel {
            at: Set(at),
            property_id: Set(touched.property),
            phone_id: Set(touched.phone),
            room_id: Set(touched.room),
            job_id: Set(touched.job),
            event_id: Set(touched.event),
            claim_id: Set(touched.claim),
            gone: Set(touched.gone),
            ..Default::default()
        })
        .collect();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        live::Entity::insert_many(rows.by_ref().take(ROWS)).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// The newest id, from which a stream opened now continues.
pub async fn newest(app: &App) -> Result<i64> {
    let row = live::Entity::find().order_by_desc(live::Column::Id).one(app.db.read()).await?;
    Ok(row.map_or(0, |row| row.id))
}

/// Reads new rows and hands them out until cancelled.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    // What is there already was sent, or is resumed from the table.
    let mut cursor = match newest(&app).await {
        Ok(high) => Cursor::at(high),
        Err(error) => {
            tracing::error!(%error, "cannot read the live table");
            Cursor::at(0)
        }
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            // Changes come in bursts: one look for all of them.
            () = app.live.written.notified() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(POLL) => {}
        }
        match read_new(&app, &mut cursor).await {
            Ok(sent) => sent.into_iter().for_each(|sent| {
                // No stream is open: nobody to tell.
                let _ = app.live.sender.send(sent);
            }),
            Err(error) => tracing::error!(%error, "cannot read the live table"),
        }
    }
}

async fn read_new(app: &App, cursor: &mut Cursor) -> Result<Vec<Sent>> {
    let rows = live::Entity::find().filter(cursor.unread()).order_by_asc(live::Column::Id).limit(5_000);
    let rows = rows.all(app.db.read()).await?;
    app.live.came_late(cursor.read(rows.iter().map(|row| row.id), Instant::now()));
    load(app, rows).await
}

/// What a stream missed after `after`, or `None` when it is too much or too long ago.
pub async fn missed(app: &App, after: i64) -> Result<Option<Vec<Sent>>> {
    let oldest = live::Entity::find().order_by_asc(live::Column::Id).one(app.db.read()).await?;
    if oldest.is_some_and(|oldest| oldest.id > after + 1) {
        return Ok(None);
    }
    let rows = live::Entity::find()
        .filter(Condition::any().add(live::Column::Id.gt(after)).add(live::Column::Id.is_in(app.live.below(after))))
        .order_by_asc(live::Column::Id)
        .limit(RESUME_LIMIT + 1)
        .all(app.db.read())
        .await?;
    if rows.len() as u64 > RESUME_LIMIT {
        return Ok(None);
    }
    load(app, rows).await.map(Some)
}

/// Loads what rows name, each thing once, under the newest row that names it.
async fn load(app: &App, rows: Vec<live::Model>) -> Result<Vec<Sent>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let db = app.db.read();
    let ids = |pick: fn(&live::Model) -> Option<Uuid>| rows.iter().filter_map(pick).collect::<BTreeSet<Uuid>>();
    let mut phones: HashMap<Uuid, phone::Model> = HashMap::new();
    let room_ids = ids(|row| row.room_id);
    let phone_ids = ids(|row| row.phone_id);
    for chunk in chunks(&phone_ids) {
        phones.extend(
            phone::Entity::find().filter(phone::Column::Id.is_in(chunk)).all(db).await?.into_iter().map(|p| (p.id, p)),
        );
    }
    let mut by_room: HashMap<Uuid, phone::Model> = HashMap::new();
    let mut rooms: HashMap<Uuid, room::Model> = HashMap::new();
    let mut wanted_rooms = room_ids.clone();
    wanted_rooms.extend(phones.values().filter_map(|phone| phone.room_id));
    for chunk in chunks(&wanted_rooms) {
        rooms.extend(
            room::Entity::find()
                .filter(room::Column::Id.is_in(chunk.clone()))
                .all(db)
                .await?
                .into_iter()
                .map(|r| (r.id, r)),
        );
        let there = phone::Entity::find().filter(phone::Column::RoomId.is_in(chunk)).all(db).await?;
        by_room.extend(there.into_iter().filter_map(|phone| Some((phone.room_id?, phone))));
    }
    let mut jobs: HashMap<Uuid, job::Model> = HashMap::new();
    for chunk in chunks(&ids(|row| row.job_id)) {
        jobs.extend(
            job::Entity::find().filter(job::Column::Id.is_in(chunk)).all(db).await?.into_iter().map(|j| (j.id, j)),
        );
    }
    let event_ids: Vec<i64> = rows.iter().filter_map(|row| row.event_id).collect();
    let mut events: HashMap<i64, event::Model> = HashMap::new();
    for chunk in event_ids.chunks(500) {
        let found = event::Entity::find().filter(event::Column::Id.is_in(chunk.to_vec())).all(db).await?;
        events.extend(found.into_iter().map(|event| (event.id, event)));
    }
    let mut claims: HashMap<Uuid, ClaimView> = HashMap::new();
    for chunk in chunks(&ids(|row| row.claim_id)) {
        let found = claim::Entity::find().filter(claim::Column::Id.is_in(chunk)).all(db).await?;
        claims.extend(super::claims::views(db, &found).await?.into_iter().map(|claim| (claim.id.0, claim)));
    }
    let names = views::Names::load(db).await?;

    // The newest row of each thing carries it; older ones would only repeat it.
    let mut done: BTreeSet<(u8, Uuid)> = BTreeSet::new();
    let mut first_time = |kind: u8, id: Uuid| done.insert((kind, id));
    let mut sent = Vec::with_capacity(rows.len());
    for row in rows.into_iter().rev() {
        let change = LiveChange {
            property: row.property_id.map(PropertyId),
            room: row
                .room_id
                .filter(|id| first_time(0, *id))
                .and_then(|id| rooms.get(&id))
                .map(|room| views::room_card(room, by_room.get(&room.id), &names)),
            phone: row.phone_id.filter(|id| !row.gone && first_time(1, *id)).and_then(|id| phones.get(&id)).map(
                |phone| {
                    let room = phone.room_id.and_then(|id| rooms.get(&id));
                    views::phone_row(phone, room, &names)
                },
            ),
            gone: row.phone_id.filter(|_| row.gone).map(PhoneId),
            job: row.job_id.filter(|id| first_time(2, *id)).and_then(|id| jobs.get(&id)).map(|job| {
                let room = phones.get(&job.phone_id).and_then(|phone| rooms.get(&phone.room_id?));
                views::job_view(job, room)
            }),
            event: row.event_id.and_then(|id| events.get(&id)).and_then(views::event_view),
            claim: row.claim_id.filter(|id| first_time(3, *id)).and_then(|id| claims.get(&id)).cloned(),
            reload: false,
        };
        if change.room.is_some()
            || change.phone.is_some()
            || change.gone.is_some()
            || change.job.is_some()
            || change.event.is_some()
            || change.claim.is_some()
        {
            sent.push(Sent { id: row.id, change: Arc::new(change) });
        }
    }
    sent.reverse();
    Ok(sent)
}

fn chunks(ids: &BTreeSet<Uuid>) -> Vec<Vec<Uuid>> {
    let all: Vec<Uuid> = ids.iter().copied().collect();
    all.chunks(500).map(<[Uuid]>::to_vec).collect()
}
