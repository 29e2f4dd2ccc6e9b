//! Putting back what a backup package says: a phone's own layer, or all layers of a property. One transaction; what is not in
//! the package goes, and what cannot be put back is named with the reason.

use std::collections::{BTreeMap, HashMap, HashSet};

use contract::rest::{Aside, RestorePreview, SECRET_MASK};
use contract::{PhoneId, PropertyId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::backup::{Scopes, below, rows};
use super::import::SHOWN;
use super::package::{Value, unpack};
use crate::app::desired::{Change, accepted, refresh};
use crate::app::error::{invalid, not_found};
use crate::app::{Actor, App, Result, audit, views};
use crate::clock::now_ms;
use crate::db::entity::{layer_value, phone, property};
use crate::domain::catalogue;

/// Rows of one statement.
const ROUND: usize = 300;

/// A phone's own layer as the package has it. Room and property stay as they are.
pub async fn of_phone(
    app: &App,
    actor: &Actor,
    id: PhoneId,
    package: (Vec<u8>, String),
    apply: bool,
) -> Result<RestorePreview> {
    let phone = phone::Entity::find_by_id(id.0).one(app.db.read()).await?.ok_or_else(|| not_found("phone"))?;
    accepted(&phone)?;
    let scopes = Scopes::from([(phone.id, ("phone", phone.mac.clone()))]);
    let what = ("phone", phone.mac.clone(), id.to_string(), format!("Phone {}", views::mac(&phone)));
    restore(app, actor, what, scopes, vec![phone], package, apply).await
}

/// Every layer of a property, its rooms by their numbers and its phones by their MAC addresses.
pub async fn of_property(
    app: &App,
    actor: &Actor,
    id: PropertyId,
    package: (Vec<u8>, String),
    apply: bool,
) -> Result<RestorePreview> {
    let property = property::Entity::find_by_id(id.0).one(app.db.read()).await?.ok_or_else(|| not_found("property"))?;
    let (_, phones, scopes) = below(app, id.0).await?;
    let what = ("property", property.code, id.to_string(), property.name);
    restore(app, actor, what, scopes, phones, package, apply).await
}

/// What a layer is to hold.
struct Wanted {
    scope: Uuid,
    layer: &'static str,
    key: String,
    /// In clear; `None`: a secret that stays as it is.
    value: Option<String>,
    locked: bool,
    reason: String,
}

async fn restore(
    app: &App,
    actor: &Actor,
    (kind, subject, target, name): (&'static str, String, String, String),
    scopes: Scopes,
    phones: Vec<phone::Model>,
    (bytes, password): (Vec<u8>, String),
    apply: bool,
) -> Result<RestorePreview> {
    let unpacked = tokio::task::spawn_blocking(move || unpack(&bytes, kind, &password));
    let package = unpacked.await.map_err(anyhow::Error::from)??;
    if package.manifest.subject != subject {
        let other: String = package.manifest.subject.chars().filter(|c| !c.is_control()).take(60).collect();
        return Err(invalid("package", format!("The package is of {kind} {other}, not of {subject}.")));
    }
    let mut aside = Vec::new();
    let wanted = wanted(kind, &scopes, package.values, &package.secrets, &mut aside);
    let write = app.db.write().await?;
    let tx = &write.tx;
    let now: HashMap<(Uuid, String), layer_value::Model> =
        rows(app, &scopes).await?.into_iter().filter_map(|row| Some(((row.scope_id?, row.key.clone()), row))).collect();
    let (mut set, mut unchanged, mut kept) = (Vec::new(), 0, HashSet::new());
    for one in wanted {
        let place = (one.scope, one.key.clone());
        let before = now.get(&place);
        let open = |row: &layer_value::Model| app.secrets.open(&row.key, &row.value);
        let value = match (one.value, before) {
            (Some(value), _) => value,
            (None, Some(before)) => open(before)?,
            (None, None) => {
                let reason = "is a secret; give the package's password to put it back";
                aside.push(Aside { name: one.key, place: String::new(), reason: reason.to_owned() });
                continue;
            }
        };
        kept.insert(place);
        let same = before.is_some_and(|row| {
            row.locked == one.locked && row.reason == one.reason && open(row).is_ok_and(|before| before == value)
        });
        if same {
            unchanged += 1;
            continue;
        }
        let secret = catalogue::is_secret(&one.key);
        set.push(layer_value::ActiveModel {
            layer: Set(one.layer.to_owned()),
            scope_id: Set(Some(one.scope)),
            value: Set(if secret { app.secrets.seal(&one.key, &value)? } else { value }),
            key: Set(one.key),
            locked: Set(one.locked),
            reason: Set(one.reason),
            changed_at: Set(now_ms()),
            changed_by: Set(actor.0.clone()),
            ..Default::default()
        });
    }
    let gone: Vec<i64> = now.iter().filter(|(place, _)| !kept.contains(*place)).map(|(_, row)| row.id).collect();
    let changes = !set.is_empty() || !gone.is_empty();
    let mut answer = RestorePreview {
        set: count(set.len()),
        removed: count(gone.len()),
        unchanged,
        aside_total: count(aside.len()),
        aside,
        accepted: None,
    };
    answer.aside.truncate(SHOWN);
    if !apply || !changes {
        return Ok(answer);
    }
    let replaced = set.iter().filter_map(|row| {
        let place = (row.scope_id.clone().take()??, row.key.clone().take()?);
        now.get(&place).map(|row| row.id)
    });
    let gone: Vec<i64> = gone.into_iter().chain(replaced).collect();
    for round in gone.chunks(ROUND) {
        let rows = layer_value::Entity::delete_many();
        rows.filter(layer_value::Column::Id.is_in(round.iter().copied())).exec(tx).await?;
    }
    for round in set.chunks(ROUND) {
        layer_value::Entity::insert_many(round.to_vec()).exec_without_returning(tx).await?;
    }
    let detail = format!("{subject}: {} set, {} removed", answer.set, answer.removed);
    audit::record(tx, actor, &format!("{kind}.restore"), &target, detail).await?;
    let summary = format!("{name}: restored from a backup");
    let jobs = refresh(app, tx, phones, &Change { actor, summary }).await?;
    answer.accepted = Some(contract::rest::Accepted {
        phones: count(jobs.len()),
        jobs: jobs.iter().take(20).map(|job| views::job_view(job, None)).collect(),
        change_set: None,
    });
    write.commit().await?;
    app.live.wake();
    app.nudge(jobs.iter().map(|job| PhoneId(job.phone_id)));
    Ok(answer)
}

fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

/// The values of a package that have a place here and are allowed.
fn wanted(
    kind: &str,
    scopes: &Scopes,
    values: Vec<Value>,
    secrets: &BTreeMap<String, String>,
    aside: &mut Vec<Aside>,
) -> Vec<Wanted> {
    let by_name: HashMap<(&str, &str), (Uuid, &'static str)> =
        scopes.iter().map(|(id, (layer, of))| ((*layer, of.as_str()), (*id, *layer))).collect();
    let (mut wanted, mut seen) = (Vec::new(), HashSet::new());
    for value in values {
        // A phone's package shows the layers over it too, which are not its own to change.
        if kind == "phone" && value.layer != "phone" {
            continue;
        }
        let mut refuse = |reason: String| {
            let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(128).collect::<String>();
            aside.push(Aside {
                name: short(&value.key),
                place: short(&format!("{} {}", value.layer, value.of)),
                reason,
            });
        };
        let Some((scope, layer)) = by_name.get(&(value.layer.as_str(), value.of.as_str())).copied() else {
            refuse("is not here any more".to_owned());
            continue;
        };
        let Some(key) = catalogue::find(&value.key).map(|found| found.key()) else {
            refuse("is no setting we know".to_owned());
            continue;
        };
        let plain =
            if value.value == SECRET_MASK { secrets.get(&value.name()).cloned() } else { Some(value.value.clone()) };
        let plain = match plain.map(|plain| settings::validate(&key, &plain)).transpose() {
            Ok(plain) => plain,
            Err(error) => {
                refuse(error.to_string());
                continue;
            }
        };
        if !seen.insert((scope, key.clone())) {
            refuse("is there twice".to_owned());
            continue;
        }
        let reason = value.reason.chars().take(300).collect();
        wanted.push(Wanted { scope, layer, key, value: plain, locked: value.locked && layer != "phone", reason });
    }
    wanted
}
