//! Pages of the tree for people.

use std::cmp::Ordering;
use std::collections::HashMap;

use contract::rest::{MAX_PAGE, ParameterNode, ParameterPage};
use contract::{PhoneId, Timestamp};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::{MAX_NODES, below, holding};
use crate::app::error::{invalid, not_found};
use crate::app::{App, Result, tasks};
use crate::db::entity::{phone, phone_parameter};
use crate::domain::catalogue;

/// What is asked of the tree.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// An object, ending in a dot; empty: the root.
    pub path: String,
    /// Not empty: what holds this anywhere below, instead of one level.
    pub search: String,
    /// Only what the last reading found changed, anywhere below.
    pub changed: bool,
    pub offset: u64,
    pub limit: u32,
}

pub async fn page(app: &App, id: PhoneId, query: &Query) -> Result<ParameterPage> {
    if query.limit == 0 || query.limit > MAX_PAGE {
        return Err(invalid("limit", format!("limit must be 1 to {MAX_PAGE}.")));
    }
    if !query.path.is_empty() {
        tasks::name("path", &query.path)?;
        if !query.path.ends_with('.') {
            return Err(invalid("path", "path is an object and ends in a dot, or is empty for the root."));
        }
    }
    let search = query.search.trim();
    if search.chars().count() > 100 || search.chars().any(char::is_control) {
        return Err(invalid("search", "At most 100 characters, none of them a control character."));
    }
    let db = app.db.read();
    phone::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("phone"))?;
    let mut select = phone_parameter::Entity::find().limit(MAX_NODES);
    if search.is_empty() && !query.changed {
        select = select
            .filter(phone_parameter::Column::PhoneId.eq(id.0))
            .filter(phone_parameter::Column::Parent.eq(&query.path));
    } else {
        select = select.filter(below(id.0, &query.path)).filter(phone_parameter::Column::Object.eq(false));
        for word in search.split_whitespace().take(5) {
            select = select.filter(holding(word));
        }
        if query.changed {
            select = select.filter(phone_parameter::Column::Previous.is_not_null());
        }
    }
    // Paths alone first: the values of a whole tree are much to hold.
    let select = select.select_only().column(phone_parameter::Column::Path).column(phone_parameter::Column::ReadAt);
    let mut found: Vec<(String, i64)> = select.into_tuple().all(db).await?;
    found.sort_by(|(a, _), (b, _)| natural(a, b));
    let total = found.len() as u64;
    let read_at = found.iter().map(|(_, at)| *at).filter(|at| *at > 0).max().map(Timestamp);
    let start = usize::try_from(query.offset).unwrap_or(usize::MAX).min(found.len());
    let end = start.saturating_add(query.limit as usize).min(found.len());
    let mut rows = phone_parameter::Entity::find()
        .filter(phone_parameter::Column::PhoneId.eq(id.0))
        .filter(phone_parameter::Column::Path.is_in(found[start..end].iter().map(|(path, _)| path)))
        .all(db)
        .await?;
    rows.sort_by(|a, b| natural(&a.path, &b.path));
    let objects = rows.iter().filter(|row| row.object).map(|row| row.path.as_str());
    let counts: Vec<(String, i64)> = phone_parameter::Entity::find()
        .select_only()
        .column(phone_parameter::Column::Parent)
        .column_as(phone_parameter::Column::Id.count(), "children")
        .filter(phone_parameter::Column::PhoneId.eq(id.0))
        .filter(phone_parameter::Column::Parent.is_in(objects))
        .group_by(phone_parameter::Column::Parent)
        .into_tuple()
        .all(db)
        .await?;
    let counts: HashMap<String, i64> = counts.into_iter().collect();
    let items = rows.iter().map(|row| node(row, counts.get(&row.path).copied().unwrap_or(0))).collect();
    Ok(ParameterPage { path: query.path.clone(), read_at, items, total, offset: query.offset })
}

fn node(row: &phone_parameter::Model, children: i64) -> ParameterNode {
    let key = if row.object { None } else { settings::key_of_path(&row.path) };
    ParameterNode {
        path: row.path.clone(),
        object: row.object,
        children: u32::try_from(children).unwrap_or(u32::MAX),
        writable: row.writable,
        value: row.value.clone(),
        xsd_type: row.xsd_type.clone(),
        notification: row.notification.and_then(|level| u32::try_from(level).ok()),
        read_at: (row.read_at > 0).then_some(Timestamp(row.read_at)),
        previous: row.previous.clone(),
        changed_at: row.changed_at.map(Timestamp),
        setting: key.filter(|key| catalogue::find(key).is_some()),
    }
}

/// `Line.2.` before `Line.10.`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, _) => Ordering::Less,
            (_, None) => Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u32>(), b.parse::<u32>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                _ => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::natural;

    #[test]
    fn instances_are_in_their_order() {
        let mut paths = vec!["D.Line.10.", "D.Line.2.", "D.Alpha", "D.Line.", "D.Line.2.Enable"];
        paths.sort_by(|a, b| natural(a, b));
        assert_eq!(paths, ["D.Alpha", "D.Line.", "D.Line.2.", "D.Line.2.Enable", "D.Line.10."]);
    }
}
