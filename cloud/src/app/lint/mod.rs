//! What is wrong with the configuration of phones: the rules of `settings::lint` over what each phone is to be, with the
//! facts they need. [`Context`] is loaded once for many phones; a preview asks it about documents nobody has yet.

mod alone;
pub mod change;
mod context;
pub mod emergency;
mod groups;

use std::collections::HashMap;

use contract::rest::{LintFinding, LintRule, LintSeverity, PhoneLint, PropertyLint};
use contract::{PhoneId, PropertyId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use settings::lint::{Finding, Rule, Severity};
use uuid::Uuid;

pub use context::Context;
use context::name;
use groups::{Groups, Named};

use super::error::not_found;
use super::{App, Result, desired, views};
use crate::db::entity::{phone, phone_document, property, room};
use crate::domain::document::Reported;
use crate::domain::layers::Desired;

/// What is wrong with one phone.
pub async fn of_phone(app: &App, id: PhoneId) -> Result<PhoneLint> {
    let db = app.db.read();
    let phone = phone::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("phone"))?;
    let (wanted, reported) = match desired::of(db, phone.id).await? {
        Some(document) => read(&document)?,
        None => Default::default(),
    };
    let mut context = Context::of_property(app, db, phone.property_id).await?;
    context.load_neighbours(db, &phone, &wanted).await?;
    let findings = context.check(app, phone.id, &wanted, &reported)?;
    Ok(PhoneLint { phone: id, findings: findings.into_iter().map(view).collect() })
}

/// What is wrong in a property, rule by rule.
pub async fn of_property(app: &App, id: PropertyId) -> Result<PropertyLint> {
    let db = app.db.read();
    property::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("property"))?;
    let phones = phone::Entity::find().filter(phone::Column::PropertyId.eq(id.0)).all(db).await?;
    let rooms: HashMap<Uuid, String> = room::Entity::find()
        .filter(room::Column::PropertyId.eq(id.0))
        .all(db)
        .await?
        .into_iter()
        .map(|room| (room.id, room.number))
        .collect();
    let of_property = phone::Entity::find()
        .select_only()
        .column(phone::Column::Id)
        .filter(phone::Column::PropertyId.eq(id.0))
        .into_query();
    let mut documents = HashMap::new();
    for row in
        phone_document::Entity::find().filter(phone_document::Column::PhoneId.in_subquery(of_property)).all(db).await?
    {
        documents.insert(row.phone_id, read(&row)?);
    }
    let number = |phone: &phone::Model| phone.room_id.and_then(|room| rooms.get(&room)).cloned();
    let mut context = Context::of_property(app, db, Some(id.0)).await?;
    for phone in &phones {
        if let Some((wanted, _)) = documents.get(&phone.id) {
            context.add(phone.id, &name(&phone.mac, number(phone).as_deref()), wanted);
        }
    }
    let mut groups = Groups::default();
    let nothing = Default::default();
    for phone in &phones {
        let (wanted, reported) = documents.get(&phone.id).unwrap_or(&nothing);
        let room = number(phone);
        let named = Named { id: PhoneId(phone.id), mac: views::mac(phone), room_number: room.as_deref() };
        groups.add(&named, context.check(app, phone.id, wanted, reported)?);
    }
    Ok(PropertyLint { phones: phones.len() as u32, groups: groups.done() })
}

fn read(document: &phone_document::Model) -> Result<(Desired, Reported)> {
    Ok((serde_json::from_str(&document.desired)?, serde_json::from_str(&document.reported)?))
}

/// A finding as the REST API shows it.
pub fn view(finding: Finding) -> LintFinding {
    LintFinding { rule: words(finding.rule), keys: finding.keys, what: finding.what }
}

fn words(rule: &Rule) -> LintRule {
    let severity = match rule.severity {
        Severity::Danger => LintSeverity::Danger,
        Severity::Warning => LintSeverity::Warning,
        Severity::Hint => LintSeverity::Hint,
    };
    let text = str::to_owned;
    LintRule { id: text(rule.id), severity, title: text(rule.title), why: text(rule.why), remedy: text(rule.remedy) }
}
