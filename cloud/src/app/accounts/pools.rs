//! Pools of extensions of a property.

use std::collections::HashSet;

use contract::rest::{ExtensionPool, ExtensionPoolSpec};
use contract::{ExtensionPoolId, PropertyId, SipServerId};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::{property, server};
use crate::app::error::{conflict, invalid, not_found};
use crate::app::idempotency::Once;
use crate::app::tree::name;
use crate::app::{Actor, App, AppError, Result, audit};
use crate::db::entity::{extension_pool, room, sip_account};
use crate::db::is_duplicate;
use crate::domain::extensions::{MOST_NUMBERS, Pool, Span};

/// The most pools of a property, and the most reserved numbers and spans of a pool.
const MOST_POOLS: u64 = 100;
const MOST_RESERVED: usize = 200;

pub async fn list(app: &App, id: PropertyId) -> Result<Vec<ExtensionPool>> {
    let db = app.db.read();
    property(db, id.0).await?;
    let rows = extension_pool::Entity::find()
        .filter(extension_pool::Column::PropertyId.eq(id.0))
        .order_by_asc(extension_pool::Column::Name)
        .all(db)
        .await?;
    let used = used(db, id.0).await?;
    rows.iter().map(|row| view(row, &used)).collect()
}

pub async fn create(
    app: &App,
    actor: &Actor,
    once: &Once,
    id: PropertyId,
    wanted: ExtensionPoolSpec,
) -> Result<ExtensionPool> {
    let row = checked(Uuid::now_v7(), id.0, wanted)?;
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    property(tx, id.0).await?;
    server(tx, id.0, row.server_id).await?;
    let there = extension_pool::Entity::find().filter(extension_pool::Column::PropertyId.eq(id.0)).count(tx).await?;
    if there >= MOST_POOLS {
        let detail = format!("A property has at most {MOST_POOLS} pools. Remove one that is not used.");
        return Err(conflict("too-many-pools", "name", detail));
    }
    extension_pool::Entity::insert(row.clone().into_active_model()).exec(tx).await.map_err(taken)?;
    audit::record(tx, actor, "extension-pool.create", &row.id.to_string(), words(&row)).await?;
    let answer = view(&row, &used(tx, id.0).await?)?;
    once.keep(tx, &answer).await?;
    write.commit().await?;
    Ok(answer)
}

/// Changes a pool. Accounts that were made from it stay as they are.
pub async fn change(
    app: &App,
    actor: &Actor,
    once: &Once,
    id: PropertyId,
    which: ExtensionPoolId,
    wanted: ExtensionPoolSpec,
) -> Result<ExtensionPool> {
    let row = checked(which.0, id.0, wanted)?;
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    find(tx, id.0, which.0).await?;
    server(tx, id.0, row.server_id).await?;
    row.clone().into_active_model().reset_all().update(tx).await.map_err(taken)?;
    audit::record(tx, actor, "extension-pool.change", &row.id.to_string(), words(&row)).await?;
    let answer = view(&row, &used(tx, id.0).await?)?;
    once.keep(tx, &answer).await?;
    write.commit().await?;
    Ok(answer)
}

/// Removes a pool. Accounts that were made from it stay.
pub async fn remove(app: &App, actor: &Actor, id: PropertyId, which: ExtensionPoolId) -> Result<()> {
    let write = app.db.write().await?;
    let row = find(&write.tx, id.0, which.0).await?;
    extension_pool::Entity::delete_by_id(row.id).exec(&write.tx).await?;
    audit::record(&write.tx, actor, "extension-pool.remove", &row.id.to_string(), words(&row)).await?;
    Ok(write.commit().await?)
}

/// A pool of this property.
pub async fn find(tx: &impl ConnectionTrait, property: Uuid, id: Uuid) -> Result<extension_pool::Model> {
    let found =
        extension_pool::Entity::find_by_id(id).filter(extension_pool::Column::PropertyId.eq(property)).one(tx).await?;
    found.ok_or_else(|| not_found("extension pool"))
}

/// The numbers of a stored pool.
pub fn numbers(row: &extension_pool::Model) -> Result<Pool> {
    let span = |text: &str| Span::parse(text).map_err(|error| anyhow::anyhow!("pool {}: {error}", row.id));
    let reserved = row.reserved.split(',').filter(|text| !text.is_empty());
    let whole = Span::new(&row.first, &row.last).map_err(|error| anyhow::anyhow!("pool {}: {error}", row.id))?;
    Ok(Pool { span: whole, reserved: reserved.map(span).collect::<std::result::Result<_, _>>()? })
}

fn checked(id: Uuid, property: Uuid, wanted: ExtensionPoolSpec) -> Result<extension_pool::Model> {
    let (first, last) = (wanted.first.trim(), wanted.last.trim());
    for (field, number) in [("first", first), ("last", last)] {
        Span::new(number, number).map_err(|detail| invalid(field, detail))?;
    }
    // Each is a number: what is wrong now is the last beside the first.
    let span = Span::new(first, last).map_err(|detail| invalid("last", detail))?;
    if span.count() > MOST_NUMBERS {
        return Err(invalid("last", format!("A pool has at most {MOST_NUMBERS} numbers; make several.")));
    }
    if wanted.reserved.len() > MOST_RESERVED {
        let detail = format!("At most {MOST_RESERVED} numbers and spans; a span such as 1900-1999 is one.");
        return Err(invalid("reserved", detail));
    }
    let spans = wanted.reserved.iter().map(|text| Span::parse(text.trim()));
    let reserved = spans.collect::<std::result::Result<Vec<_>, _>>().map_err(|detail| invalid("reserved", detail))?;
    Ok(extension_pool::Model {
        id,
        property_id: property,
        server_id: wanted.server.0,
        name: name("name", &wanted.name)?,
        first: first.to_owned(),
        last: last.to_owned(),
        reserved: reserved.iter().map(Span::to_string).collect::<Vec<_>>().join(","),
    })
}

/// Numbers of a property that are somebody's.
async fn used(db: &impl ConnectionTrait, property: Uuid) -> Result<HashSet<String>> {
    let mut used: HashSet<String> = sip_account::Entity::find()
        .select_only()
        .column(sip_account::Column::User)
        .filter(sip_account::Column::PropertyId.eq(property))
        .into_tuple::<String>()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let rooms = room::Entity::find()
        .select_only()
        .column(room::Column::Extension)
        .filter(room::Column::PropertyId.eq(property))
        .filter(room::Column::Extension.ne(""));
    used.extend(rooms.into_tuple::<String>().all(db).await?);
    Ok(used)
}

fn taken(error: sea_orm::DbErr) -> AppError {
    match is_duplicate(&error) {
        true => conflict("name-taken", "name", "Another pool of this property has this name."),
        false => error.into(),
    }
}

fn words(row: &extension_pool::Model) -> String {
    format!("{}: {} to {}", row.name, row.first, row.last)
}

fn view(row: &extension_pool::Model, used: &HashSet<String>) -> Result<ExtensionPool> {
    let pool = numbers(row)?;
    let size = pool.numbers().count();
    Ok(ExtensionPool {
        id: ExtensionPoolId(row.id),
        name: row.name.clone(),
        server: SipServerId(row.server_id),
        first: row.first.clone(),
        last: row.last.clone(),
        reserved: row.reserved.split(',').filter(|text| !text.is_empty()).map(str::to_owned).collect(),
        size: u32::try_from(size).unwrap_or(u32::MAX),
        used: used.iter().filter(|number| pool.offers(number)).count().try_into().unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_span_stands_at_the_number_that_is_wrong() {
        let field = |first: &str, last: &str| {
            let (first, last, name) = (first.to_owned(), last.to_owned(), "Rooms".to_owned());
            let spec = ExtensionPoolSpec { name, server: SipServerId(Uuid::nil()), first, last, reserved: Vec::new() };
            match checked(Uuid::nil(), Uuid::nil(), spec) {
                Err(AppError::Refused(problem)) => problem.field.unwrap_or_default(),
                other => format!("{other:?}"),
            }
        };
        assert_eq!(field("6000", "abc"), "last");
        assert_eq!(field("six", "6099"), "first");
        assert_eq!(field("6000", "699"), "last", "of another length");
        assert_eq!(field("6099", "6000"), "last");
    }
}
