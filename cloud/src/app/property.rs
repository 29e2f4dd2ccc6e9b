//! Changes of a property; its phones follow.

use contract::PropertyId;
use contract::rest::{Accepted, PropertyChange};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel};

use super::desired::targets;
use super::error::{invalid, not_found};
use super::idempotency::Once;
use super::tree::{name, time_zone};
use super::{Actor, App, Result, audit, groups};
use crate::db::entity::{brand, phone, property};

/// Changes what is given.
pub async fn change(app: &App, actor: &Actor, once: &Once, id: PropertyId, wanted: PropertyChange) -> Result<Accepted> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    let old = property::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("property"))?;
    let mut row = old.clone().into_active_model();
    let mut said = Vec::new();
    if let Some(wanted) = wanted.name {
        let new = name("name", &wanted)?;
        said.push(format!("name {} → {new}", old.name));
        row.name = Set(new);
    }
    // One that was taken before may stand.
    if let Some(zone) = wanted.time_zone.filter(|zone| *zone != old.time_zone) {
        let zone = time_zone(&zone)?;
        said.push(format!("time zone {} → {zone}", old.time_zone));
        row.time_zone = Set(zone);
    }
    if let Some(number) = wanted.phone {
        let new = number_to_dial("phone", &number)?;
        said.push(format!("phone {} → {new}", old.phone));
        row.phone = Set(new);
    }
    if let Some(number) = wanted.front_desk {
        let new = number_to_dial("front_desk", &number)?;
        said.push(format!("front desk {} → {new}", old.front_desk));
        row.front_desk = Set(new);
    }
    if let Some(wanted) = wanted.brand {
        let found = match wanted {
            Some(wanted) => {
                let found = brand::Entity::find_by_id(wanted.0).one(tx).await?.ok_or_else(|| not_found("brand"))?;
                if found.chain_id != old.chain_id {
                    return Err(invalid("brand", "This is a brand of another chain."));
                }
                Some(found)
            }
            None => None,
        };
        said.push(format!("brand {}", found.as_ref().map_or("none", |found| &found.name)));
        row.brand_id = Set(found.map(|found| found.id));
    }
    let new = match row.is_changed() {
        true => row.update(tx).await?,
        false => old,
    };
    let said = said.join(", ");
    audit::record(tx, actor, "property.change", &id.to_string(), said.clone()).await?;
    let phones = targets::load(tx, phone::Column::PropertyId.eq(id.0)).await?;
    groups::follow(app, actor, write, once, phones, format!("{}: {said}", new.name), Vec::new()).await
}

/// A number as a person writes it: digits, blanks and the signs between them.
fn number_to_dial(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '+' | '*' | '#' | '-' | ' ' | '(' | ')' | '.' | '/');
    if text.chars().count() > 40 || !text.chars().all(allowed) {
        return Err(invalid(field, "A number has at most 40 digits, blanks and + * # - ( ) . /"));
    }
    Ok(text.to_owned())
}
