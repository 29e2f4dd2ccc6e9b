//! Files for phones, and files from phones. Their bytes are rows of the database, so every process that shares it serves
//! every file. A file shows only when all of it is there.

pub mod token;

use contract::rest::{Direction, FileView, ThroughputRequest};
use contract::{FileId, PhoneId, Timestamp};
use futures_util::{Stream, StreamExt, stream};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

use self::token::{Grant, Purpose};
use super::error::{invalid, not_found};
use super::{Actor, App, Result, audit, tasks};
use crate::clock::now_ms;
use crate::db::entity::{file, file_chunk};

/// The largest file, in bytes: firmware of phones has 20 to 60 MB.
pub const MAX_FILE: u64 = 64 * 1024 * 1024;
/// Bytes of a part.
const PART: usize = 256 * 1024;
/// Files listed.
const LISTED: u64 = 1_000;

/// What a file is to be called.
pub struct New {
    pub name: String,
    pub file_type: String,
    /// The phone that sends it.
    pub phone: Option<PhoneId>,
}

fn check_name(name: &str) -> Result<()> {
    let bad = |c: char| c.is_control() || matches!(c, '/' | '\\' | '"');
    match name.is_empty() || name.chars().count() > 120 || name.chars().any(bad) || name.starts_with('.') {
        true => Err(invalid("name", "A file's name has 1 to 120 characters, no slash or quote, and no dot in front.")),
        false => Ok(()),
    }
}

/// Keeps a file as it comes in, part by part. What breaks off is removed.
///
/// # Errors
/// When it is larger than [`MAX_FILE`], breaks off, or is empty and not from a phone.
pub async fn store<E: std::fmt::Display>(
    app: &App,
    actor: &Actor,
    new: New,
    body: impl Stream<Item = std::result::Result<bytes::Bytes, E>> + Send,
) -> Result<FileView> {
    check_name(&new.name)?;
    tasks::file_type(&new.file_type)?;
    let id = Uuid::now_v7();
    let row = file::Model {
        id,
        name: new.name,
        file_type: new.file_type,
        size: 0,
        sha256: String::new(),
        created_at: now_ms(),
        created_by: actor.0.clone(),
        phone_id: new.phone.map(|phone| phone.0),
        complete: false,
    };
    let write = app.db.write_beside().await?;
    file::Entity::insert(row.clone().into_active_model()).exec(&write.tx).await?;
    write.commit().await?;
    // A phone's log may have nothing in it; a person who sends nothing made a mistake.
    let taken = match take(app, id, body).await {
        Ok((0, _)) if row.phone_id.is_none() => Err(invalid("body", "The file is empty.")),
        taken => taken,
    };
    match taken {
        Ok((size, sha256)) => {
            let row = file::Model { size, sha256, complete: true, ..row };
            let write = app.db.write_beside().await?;
            file::Entity::update_many()
                .col_expr(file::Column::Size, Expr::value(row.size))
                .col_expr(file::Column::Sha256, Expr::value(row.sha256.clone()))
                .col_expr(file::Column::Complete, Expr::value(true))
                .filter(file::Column::Id.eq(id))
                .exec(&write.tx)
                .await?;
            audit::record(&write.tx, actor, "file.store", &id.to_string(), row.name.clone()).await?;
            write.commit().await?;
            Ok(view(row))
        }
        Err(error) => {
            drop_file(app, id).await?;
            Err(error)
        }
    }
}

async fn take<E: std::fmt::Display>(
    app: &App,
    id: Uuid,
    body: impl Stream<Item = std::result::Result<bytes::Bytes, E>> + Send,
) -> Result<(i64, String)> {
    let mut body = std::pin::pin!(body);
    let (mut hash, mut size, mut part) = (Sha256::new(), 0u64, 0i32);
    let mut held: Vec<u8> = Vec::with_capacity(PART);
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| invalid("body", format!("The file broke off: {error}.")))?;
        size += bytes.len() as u64;
        if size > MAX_FILE {
            return Err(invalid("body", format!("The file is larger than {} MiB.", MAX_FILE / 1024 / 1024)));
        }
        hash.update(&bytes);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(PART - held.len()));
            held.extend_from_slice(now);
            rest = later;
            if held.len() == PART {
                keep_part(app, id, part, std::mem::replace(&mut held, Vec::with_capacity(PART))).await?;
                part += 1;
            }
        }
    }
    if !held.is_empty() {
        keep_part(app, id, part, held).await?;
    }
    Ok((size as i64, hex::encode(hash.finalize())))
}

/// One short transaction a part, so that nobody waits for a slow upload.
async fn keep_part(app: &App, id: Uuid, part: i32, bytes: Vec<u8>) -> Result<()> {
    let row = file_chunk::ActiveModel { file_id: Set(id), part: Set(part), bytes: Set(bytes), ..Default::default() };
    let write = app.db.write_beside().await?;
    file_chunk::Entity::insert(row).exec_without_returning(&write.tx).await?;
    write.commit().await?;
    Ok(())
}

async fn drop_file(app: &App, id: Uuid) -> Result<()> {
    let write = app.db.write_beside().await?;
    file::Entity::delete_by_id(id).exec(&write.tx).await?;
    write.commit().await?;
    Ok(())
}

/// The newest first.
pub async fn list(app: &App) -> Result<Vec<FileView>> {
    let rows = file::Entity::find()
        .filter(file::Column::Complete.eq(true))
        .order_by_desc(file::Column::CreatedAt)
        .order_by_desc(file::Column::Id)
        .limit(LISTED)
        .all(app.db.read())
        .await?;
    Ok(rows.into_iter().map(view).collect())
}

/// A file that is there as a whole.
pub async fn find(app: &App, id: FileId) -> Result<file::Model> {
    let found = file::Entity::find_by_id(id.0).filter(file::Column::Complete.eq(true)).one(app.db.read()).await?;
    found.ok_or_else(|| not_found("file"))
}

pub async fn remove(app: &App, actor: &Actor, id: FileId) -> Result<()> {
    let row = find(app, id).await?;
    let write = app.db.write_beside().await?;
    audit::record(&write.tx, actor, "file.remove", &id.to_string(), row.name).await?;
    file::Entity::delete_by_id(id.0).exec(&write.tx).await?;
    write.commit().await?;
    Ok(())
}

/// The bytes from `start` to `end` (exclusive), part by part as they are read.
pub fn bytes(
    app: Arc<App>,
    id: Uuid,
    start: u64,
    end: u64,
) -> impl Stream<Item = std::io::Result<bytes::Bytes>> + Send {
    stream::try_unfold(start, move |at| {
        let app = app.clone();
        async move {
            if at >= end {
                return Ok(None);
            }
            let part = i32::try_from(at / PART as u64).unwrap_or(i32::MAX);
            let found = file_chunk::Entity::find()
                .filter(file_chunk::Column::FileId.eq(id))
                .filter(file_chunk::Column::Part.eq(part))
                .one(app.db.read())
                .await
                .map_err(std::io::Error::other)?;
            // Removed while it was sent.
            let Some(row) = found else { return Err(std::io::Error::from(std::io::ErrorKind::NotFound)) };
            let from = (at % PART as u64) as usize;
            let to = row.bytes.len().min(from + (end - at) as usize);
            if from >= to {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
            }
            Ok(Some((bytes::Bytes::from(row.bytes).slice(from..to), at + (to - from) as u64)))
        }
    })
}

/// Where a phone fetches a file that is kept here. `base` is scheme and host, as the phone reaches us.
pub fn fetch_url(app: &App, base: &str, phone: Uuid, file: FileId, until: i64) -> String {
    let grant = Grant { phone, subject: file.0, until };
    format!("{}/files/{file}/{}", base_of(app, base), token::issue(&app.secrets, Purpose::Fetch, grant))
}

/// Where a phone sends the file a job asked for.
pub fn send_url(app: &App, base: &str, phone: Uuid, job: Uuid, until: i64) -> String {
    let grant = Grant { phone, subject: job, until };
    format!("{}/files/upload/{}", base_of(app, base), token::issue(&app.secrets, Purpose::Send, grant))
}

/// Where a phone measures how fast it can fetch `bytes` (0: 10 MB) or send.
pub fn test_url(app: &App, base: &str, phone: Uuid, job: Uuid, test: &ThroughputRequest) -> String {
    const BYTES: u64 = 10_000_000;
    let grant = Grant { phone, subject: job, until: now_ms() + 3_600_000 };
    let address = format!("{}/files/test/{}", base_of(app, base), token::issue(&app.secrets, Purpose::Test, grant));
    match (test.direction, test.bytes) {
        (Direction::Upload, _) => address,
        (Direction::Download, 0) => format!("{address}/{BYTES}"),
        (Direction::Download, bytes) => format!("{address}/{bytes}"),
    }
}

fn base_of<'a>(app: &'a App, reached: &'a str) -> &'a str {
    match app.config.server.public_url.as_str() {
        "" => reached,
        public => public,
    }
}

/// Removes what broke off and was not cleared away: the process ended in the middle.
pub async fn sweep(tx: &impl sea_orm::ConnectionTrait) -> Result<()> {
    file::Entity::delete_many()
        .filter(file::Column::Complete.eq(false))
        .filter(file::Column::CreatedAt.lt(now_ms() - 3_600_000))
        .exec(tx)
        .await?;
    Ok(())
}

pub fn view(row: file::Model) -> FileView {
    FileView {
        id: FileId(row.id),
        name: row.name,
        file_type: row.file_type,
        size: u64::try_from(row.size).unwrap_or(0),
        sha256: row.sha256,
        created_at: Timestamp(row.created_at),
        created_by: row.created_by,
        phone: row.phone_id.map(PhoneId),
    }
}
