//! Putting back what a backup package says: a phone's own layer, or all layers of a property. One transaction, with a change
//! set a layer as if a person had set it; what is not in the package goes, and what cannot be put back is named.

use std::collections::{BTreeMap, HashMap, HashSet};

use contract::rest::{Accepted, Aside, RestorePreview, RestoredLayer, SECRET_MASK};
use contract::{PhoneId, PropertyId};
use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;

use super::backup::{Scopes, below, rows};
use super::import::SHOWN;
use super::package::{Value, layer_name, unpack};
use crate::app::desired::accepted;
use crate::app::error::{invalid, not_found};
use crate::app::layers::{self, Edit, New, Purpose, Scope};
use crate::app::{Actor, App, AppError, Result, audit};
use crate::db::entity::{layer_value, phone, property};
use crate::domain::catalogue;

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
    restore(app, actor, ("phone", phone.mac, id.to_string()), scopes, package, apply).await
}

/// Every layer of a property, its room types by their names, its rooms by their numbers and its phones by their MAC addresses.
pub async fn of_property(
    app: &App,
    actor: &Actor,
    id: PropertyId,
    package: (Vec<u8>, String),
    apply: bool,
) -> Result<RestorePreview> {
    let property = property::Entity::find_by_id(id.0).one(app.db.read()).await?.ok_or_else(|| not_found("property"))?;
    let scopes = below(app, id.0).await?.scopes;
    restore(app, actor, ("property", property.code, id.to_string()), scopes, package, apply).await
}

/// What a layer is to hold.
struct Wanted {
    scope: Uuid,
    key: String,
    /// In clear; `None`: a secret that stays as it is.
    value: Option<String>,
    locked: bool,
    reason: String,
}

async fn restore(
    app: &App,
    actor: &Actor,
    (kind, subject, target): (&'static str, String, String),
    scopes: Scopes,
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
    let (mut unchanged, mut kept) = (0, HashSet::new());
    let mut edits: HashMap<Uuid, Vec<Edit>> = HashMap::new();
    for one in wanted {
        let place = (one.scope, one.key.clone());
        let before = match now.get(&place) {
            Some(row) => Some((app.secrets.open_setting(&row.key, &row.value)?, row)),
            None => None,
        };
        let text = match (one.value, &before) {
            (Some(text), _) => text,
            (None, Some((text, _))) => text.clone().into_owned(),
            (None, None) => {
                let at = scopes.get(&one.scope).map(|(layer, of)| layer_name(layer, of)).unwrap_or_default();
                aside.push(refused(one.key, at, "is a secret; give the package's password to put it back"));
                continue;
            }
        };
        kept.insert(place);
        let same =
            before.is_some_and(|(before, row)| row.locked == one.locked && row.reason == one.reason && before == text);
        if same {
            unchanged += 1;
            continue;
        }
        let new = New { text, locked: one.locked, reason: one.reason };
        edits.entry(one.scope).or_default().push(Edit { key: one.key, value: Some(new) });
    }
    let mut removed = 0;
    // Only where the package knows what was there: what was made or renamed since keeps its values.
    let known = |scope: &Uuid| {
        scopes.get(scope).is_some_and(|(layer, of)| match &package.manifest.layers {
            Some(layers) => layers.contains(&layer_name(layer, of)),
            None => *layer != "room-type",
        })
    };
    for (scope, key) in now.into_keys().filter(|at| !kept.contains(at) && known(&at.0)) {
        removed += 1;
        edits.entry(scope).or_default().push(Edit { key, value: None });
    }
    let mut answer = RestorePreview {
        set: 0,
        removed,
        unchanged,
        layers: Vec::new(),
        aside: Vec::new(),
        aside_total: 0,
        would: None,
        accepted: None,
    };
    let mut applied = Vec::new();
    // From the outermost inwards: a lock that is put back counts for what is below.
    let mut all: Vec<(Scope, Vec<Edit>)> =
        edits.into_iter().filter_map(|(id, edits)| Some((Scope::of(scopes.get(&id)?.0, Some(id))?, edits))).collect();
    all.sort_by_key(|(scope, _)| scope.layer());
    for (scope, edits) in all {
        let name = scopes.get(&scope.id()).map(|(_, of)| of.clone()).unwrap_or_default();
        let edits = without_locked(tx, (scope, &name), edits, &mut aside).await?;
        let set = count(edits.iter().filter(|edit| edit.value.is_some()).count());
        answer.set += set;
        if !edits.is_empty() && answer.layers.len() < SHOWN {
            let removed = count(edits.len()) - set;
            answer.layers.push(RestoredLayer { layer: scope.layer(), name, set, removed });
        }
        if !edits.is_empty() {
            let purpose = Purpose { comment: format!("Restored from the backup of {subject}"), ..Purpose::default() };
            applied.push(layers::apply(app, tx, actor, scope, edits, purpose).await?);
        }
    }
    answer.aside_total = count(aside.len());
    aside.truncate(SHOWN);
    answer.aside = aside;
    if applied.is_empty() {
        return Ok(answer);
    }
    if !apply {
        let phones: HashSet<Uuid> = applied.iter().flat_map(|one| one.phones().iter().copied()).collect();
        let phones: Vec<Uuid> = phones.into_iter().collect();
        answer.would = Some(layers::taken_back(app, write, &phones).await?);
        return Ok(answer);
    }
    let detail = format!("{subject}: {} set, {} removed", answer.set, answer.removed);
    audit::record(tx, actor, &format!("{kind}.restore"), &target, detail).await?;
    write.commit().await?;
    let (mut phones, mut jobs) = (HashSet::new(), HashMap::new());
    for one in applied {
        one.tell(app);
        phones.extend(one.phones().iter().copied());
        // Of a phone that several layers changed the last job does it all.
        jobs.extend(one.accepted.jobs.into_iter().map(|job| (job.phone, job)));
    }
    let jobs = jobs.into_values().take(20).collect();
    let accepted = Accepted { phones: count(phones.len()), jobs, change_set: None, preview: None };
    answer.accepted = Some(accepted);
    Ok(answer)
}

fn refused(name: String, place: String, reason: &str) -> Aside {
    Aside { name, place, reason: reason.to_owned() }
}

/// Puts aside what a layer above has locked.
async fn without_locked(
    tx: &impl ConnectionTrait,
    (scope, name): (Scope, &str),
    edits: Vec<Edit>,
    aside: &mut Vec<Aside>,
) -> Result<Vec<Edit>> {
    let set = |edits: &[Edit]| edits.iter().filter(|edit| edit.value.is_some()).map(|edit| edit.key.clone()).collect();
    if layers::locks::refuse(tx, scope, set(&edits)).await.is_ok() {
        return Ok(edits);
    }
    let mut taken = Vec::new();
    for edit in edits {
        match layers::locks::refuse(tx, scope, set(std::slice::from_ref(&edit))).await {
            Ok(()) => taken.push(edit),
            Err(AppError::Refused(problem)) => {
                aside.push(refused(edit.key, layer_name(scope.layer().as_str(), name), &problem.detail))
            }
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
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
        let plain = match plain.map(|plain| layers::canonical(&key, &plain)).transpose() {
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
        wanted.push(Wanted { scope, key, value: plain, locked: value.locked && layer != "phone", reason });
    }
    wanted
}
