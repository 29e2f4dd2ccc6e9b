//! The tree of parameters a phone showed: kept as it was last read, with what changed since. Of a secret only whether
//! there is one is kept.

mod page;

use std::collections::{BTreeMap, BTreeSet};

use contract::rest::SECRET_MASK;
use cwmp::{ParameterAttribute, ParameterInfo, ParameterValue};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LikeExpr, OnConflict},
};
use uuid::Uuid;

use super::Result;
use crate::clock::now_ms;
use crate::db::entity::phone_parameter;
use crate::domain::catalogue;

pub use page::{Query, page};

/// Nodes kept of one phone. The largest trees of phones have some 10,000.
pub const MAX_NODES: u64 = 20_000;
/// Characters kept of a value.
const MAX_VALUE: usize = 32 * 1024;
/// Bytes kept of one phone's values in all.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Values up to so many bytes are not counted: as many as there can be leave room for [`LONG_BYTES`].
const SHORT: usize = 256;
/// Bytes of the longer ones.
const LONG_BYTES: usize = MAX_BYTES - MAX_NODES as usize * SHORT;
/// Bytes of what a value was before; of a longer one only that it changed is kept.
const MAX_PREVIOUS: usize = 1024;
/// Rows of one statement, below the databases' limits on parameters.
const ROWS: usize = 200;

/// Whether the value of a parameter is nobody's business: by the catalogue where it knows the parameter, else by name.
pub fn is_secret(path: &str) -> bool {
    let known = settings::key_of_path(path).and_then(|key| catalogue::find(&key));
    if let Some(found) = known {
        return found.setting.secret;
    }
    let leaf = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    ["password", "passphrase", "passwd", "secret", "privatekey", "presharedkey"].iter().any(|word| leaf.contains(word))
        || matches!(leaf.as_str(), "key" | "wepkey" | "psk" | "pin")
}

/// The object a node lies in: `Device.LAN.` for `Device.LAN.MACAddress` and for `Device.LAN.Stats.`.
pub fn parent(path: &str) -> &str {
    let inner = path.strip_suffix('.').unwrap_or(path);
    inner.rfind('.').map_or("", |dot| &path[..=dot])
}

/// What is below `path`, itself included.
fn below(phone: Uuid, path: &str) -> Condition {
    let below = Condition::all().add(phone_parameter::Column::PhoneId.eq(phone));
    match path {
        "" => below,
        object if object.ends_with('.') => below.add(starts_with(object)),
        one => below.add(phone_parameter::Column::Path.eq(one)),
    }
}

/// `_` and `%` mean themselves.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn starts_with(path: &str) -> Expr {
    Expr::col(phone_parameter::Column::Path).like(LikeExpr::new(format!("{}%", escaped(path))).escape('\\'))
}

/// Rows by path, as they are.
type Rows = BTreeMap<String, phone_parameter::Model>;

async fn load(tx: &impl ConnectionTrait, phone: Uuid, paths: &BTreeSet<&str>) -> Result<Rows> {
    let paths: Vec<&str> = paths.iter().copied().collect();
    let mut rows = Rows::new();
    for part in paths.chunks(ROWS) {
        let found = phone_parameter::Entity::find()
            .filter(phone_parameter::Column::PhoneId.eq(phone))
            .filter(phone_parameter::Column::Path.is_in(part.iter().copied()))
            .all(tx)
            .await?;
        rows.extend(found.into_iter().map(|row| (row.path.clone(), row)));
    }
    Ok(rows)
}

fn blank(phone: Uuid, path: &str) -> phone_parameter::Model {
    phone_parameter::Model {
        id: 0,
        phone_id: phone,
        parent: parent(path).to_owned(),
        object: path.ends_with('.'),
        path: path.to_owned(),
        writable: false,
        value: None,
        xsd_type: String::new(),
        notification: None,
        read_at: 0,
        previous: None,
        changed_at: None,
    }
}

async fn save(tx: &impl ConnectionTrait, rows: Vec<phone_parameter::Model>) -> Result<()> {
    use phone_parameter::Column::{ChangedAt, Notification, Path, PhoneId, Previous, ReadAt, Value, Writable, XsdType};
    for part in rows.chunks(ROWS) {
        let rows = part.iter().cloned().map(|row| phone_parameter::ActiveModel {
            id: NotSet,
            phone_id: Set(row.phone_id),
            path: Set(row.path),
            parent: Set(row.parent),
            object: Set(row.object),
            writable: Set(row.writable),
            value: Set(row.value),
            xsd_type: Set(row.xsd_type),
            notification: Set(row.notification),
            read_at: Set(row.read_at),
            previous: Set(row.previous),
            changed_at: Set(row.changed_at),
        });
        phone_parameter::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::columns([PhoneId, Path])
                    .update_columns([Writable, Value, XsdType, Notification, ReadAt, Previous, ChangedAt])
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// A path as it can be kept: a phone's names are checked like anybody's.
pub fn fits(path: &str) -> bool {
    super::tasks::name("path", path).is_ok()
}

/// Names the phone showed. Objects above them are added where they are missing. Returns how many there are in all; names
/// beyond [`MAX_NODES`] are left out.
pub async fn learn_names(tx: &impl ConnectionTrait, phone: Uuid, names: &[ParameterInfo]) -> Result<u64> {
    let known = phone_parameter::Entity::find().filter(phone_parameter::Column::PhoneId.eq(phone)).count(tx).await?;
    let room = usize::try_from(MAX_NODES.saturating_sub(known)).unwrap_or(0);
    let mut wanted: BTreeMap<&str, Option<bool>> = BTreeMap::new();
    for one in names.iter().filter(|one| fits(&one.name)) {
        if wanted.len() as u64 > MAX_NODES {
            break;
        }
        wanted.insert(&one.name, Some(one.writable));
        let mut above = parent(&one.name);
        while !above.is_empty() && !wanted.contains_key(above) {
            wanted.insert(above, None);
            above = parent(above);
        }
    }
    let rows = load(tx, phone, &wanted.keys().copied().collect()).await?;
    let now = now_ms();
    let mut new = 0;
    let mut changed = Vec::new();
    for (path, writable) in wanted {
        let mut row = match rows.get(path) {
            Some(row) => row.clone(),
            None if new < room => {
                new += 1;
                blank(phone, path)
            }
            None => continue,
        };
        if let Some(writable) = writable {
            row.writable = writable;
            if row.object {
                row.read_at = now;
            }
        }
        changed.push(row);
    }
    save(tx, changed).await?;
    Ok(known + new as u64)
}

/// What is kept below `path` and is not among `names` is there no more.
pub async fn forget_others(
    tx: &impl ConnectionTrait,
    phone: Uuid,
    path: &str,
    names: &[ParameterInfo],
    one_level: bool,
) -> Result<()> {
    let there: BTreeSet<&str> = names.iter().map(|one| one.name.as_str()).collect();
    let kept: Vec<String> = phone_parameter::Entity::find()
        .select_only()
        .column(phone_parameter::Column::Path)
        .filter(below(phone, path))
        .into_tuple()
        .all(tx)
        .await?;
    let above = |name: &str| there.range(name..).next().is_some_and(|next| next.starts_with(name));
    // What lies below the level goes with the node of the level that it lies in.
    let node = |kept: &str| match kept.strip_prefix(path).filter(|_| one_level).and_then(|rest| rest.find('.')) {
        Some(dot) => kept[..=path.len() + dot].to_owned(),
        None => kept.to_owned(),
    };
    let is_gone = |kept: &String| {
        let node = node(kept);
        // SQLite finds other cases as well.
        kept.starts_with(path)
            && kept != path
            && !there.contains(node.as_str())
            && !(node.ends_with('.') && above(&node))
    };
    let gone: Vec<String> = kept.into_iter().filter(is_gone).collect();
    for part in gone.chunks(ROWS) {
        phone_parameter::Entity::delete_many()
            .filter(phone_parameter::Column::PhoneId.eq(phone))
            .filter(phone_parameter::Column::Path.is_in(part.iter().map(String::as_str)))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// A node is there no more; an object goes with all below it.
pub async fn forget(tx: &impl ConnectionTrait, phone: Uuid, path: &str) -> Result<()> {
    let gone = match path.ends_with('.') {
        true => below(phone, path),
        false => {
            Condition::all().add(phone_parameter::Column::PhoneId.eq(phone)).add(phone_parameter::Column::Path.eq(path))
        }
    };
    phone_parameter::Entity::delete_many().filter(gone).exec(tx).await?;
    Ok(())
}

/// Values the phone reported. Returns whether all were kept: those beyond [`MAX_BYTES`] are left out.
pub async fn learn_values(tx: &impl ConnectionTrait, phone: Uuid, values: &[ParameterValue]) -> Result<bool> {
    let known: BTreeSet<&str> = values.iter().map(|one| one.name.as_str()).filter(|path| fits(path)).collect();
    let mut rows = load(tx, phone, &known).await?;
    if rows.len() < known.len() {
        let new = known.iter().filter(|path| !rows.contains_key(**path));
        let new: Vec<ParameterInfo> =
            new.map(|path| ParameterInfo { name: (*path).to_owned(), writable: false }).collect();
        learn_names(tx, phone, &new).await?;
        rows = load(tx, phone, &known).await?;
    }
    let now = now_ms();
    let mut changed = BTreeMap::new();
    let (mut room, mut all) = (None, true);
    for one in values {
        let Some(mut row) = rows.get(&one.name).cloned() else { continue };
        let text: String = one.value.text.chars().take(MAX_VALUE).collect();
        let text = if is_secret(&one.name) && !text.is_empty() { SECRET_MASK.to_owned() } else { text };
        let mut kept = true;
        let more = counted(&text).saturating_sub(row.value.as_deref().map_or(0, counted));
        if more > 0 {
            let left = match room {
                Some(left) => left,
                None => LONG_BYTES.saturating_sub(long_bytes(tx, phone).await?),
            };
            kept = more <= left;
            room = Some(if kept { left - more } else { left });
        }
        match &row.value {
            Some(before) if *before != text => {
                row.previous = row.value.take().filter(|before| before.len() <= MAX_PREVIOUS);
                row.changed_at = Some(now);
            }
            _ => row.previous = None,
        }
        row.value = kept.then_some(text);
        all &= kept;
        row.xsd_type = one.value.type_.name().to_owned();
        row.read_at = now;
        changed.insert(row.path.clone(), row);
    }
    save(tx, changed.into_values().collect()).await?;
    Ok(all)
}

/// The bytes a value counts for.
fn counted(value: &str) -> usize {
    if value.len() > SHORT { value.len() } else { 0 }
}

/// What all values of a phone count for.
async fn long_bytes(tx: &impl ConnectionTrait, phone: Uuid) -> Result<usize> {
    let sum: Option<Option<i64>> = phone_parameter::Entity::find()
        .select_only()
        .column_as(Expr::cust("CAST(SUM(octet_length(value)) AS BIGINT)"), "bytes")
        .filter(phone_parameter::Column::PhoneId.eq(phone))
        .filter(Expr::cust("octet_length(value)").gt(SHORT as i64))
        .into_tuple()
        .one(tx)
        .await?;
    Ok(sum.flatten().and_then(|sum| usize::try_from(sum).ok()).unwrap_or(0))
}

pub async fn learn_attributes(tx: &impl ConnectionTrait, phone: Uuid, attributes: &[ParameterAttribute]) -> Result<()> {
    let known = attributes.iter().map(|one| one.name.as_str()).collect();
    let mut rows = load(tx, phone, &known).await?;
    let mut changed = Vec::new();
    for one in attributes {
        if let Some(mut row) = rows.remove(&one.name) {
            row.notification = i32::try_from(one.notification).ok();
            changed.push(row);
        }
    }
    save(tx, changed).await
}

/// Parameters below `path` that come after `after`, in their order: at most `count`.
pub async fn after(
    tx: &impl ConnectionTrait,
    phone: Uuid,
    path: &str,
    after: &str,
    count: usize,
) -> Result<Vec<String>> {
    Ok(phone_parameter::Entity::find()
        .select_only()
        .column(phone_parameter::Column::Path)
        .filter(below(phone, path))
        .filter(phone_parameter::Column::Object.eq(false))
        .filter(phone_parameter::Column::Path.gt(after))
        .order_by_asc(phone_parameter::Column::Path)
        .limit(count as u64)
        .into_tuple()
        .all(tx)
        .await?)
}

/// The types parameters were reported with, by path.
pub async fn types(tx: &impl ConnectionTrait, phone: Uuid, paths: &[&str]) -> Result<BTreeMap<String, String>> {
    let rows = load(tx, phone, &paths.iter().copied().collect()).await?;
    Ok(rows.into_iter().map(|(path, row)| (path, row.xsd_type)).filter(|(_, name)| !name.is_empty()).collect())
}

/// What a search looks for, anywhere in the path or the value.
fn holding(text: &str) -> Condition {
    let pattern = || LikeExpr::new(format!("%{}%", escaped(&text.to_lowercase()))).escape('\\');
    let lower = |column| Expr::expr(sea_orm::sea_query::Func::lower(Expr::col(column)));
    Condition::any()
        .add(lower(phone_parameter::Column::Path).like(pattern()))
        .add(lower(phone_parameter::Column::Value).like(pattern()))
}

#[cfg(test)]
mod tests {
    use sea_orm::IntoActiveModel;

    use super::*;

    #[test]
    fn every_node_has_its_parent() {
        for (path, above) in [("Device.LAN.MACAddress", "Device.LAN."), ("Device.LAN.", "Device."), ("Device.", "")] {
            assert_eq!(parent(path), above);
        }
        assert_eq!(parent("Device.X_BELLHOP_Settings.hotel.room.number"), "Device.X_BELLHOP_Settings.hotel.room.");
    }

    /// A database with one phone.
    async fn database() -> (crate::db::Db, Uuid, tempfile::TempDir) {
        let (db, folder) = crate::db::scratch(2).await;
        let mac = contract::Mac::new([2; 6]);
        let phone = crate::app::announce::blank(mac, "1", contract::rest::Enrolment::Expected);
        let id = phone.id;
        crate::db::entity::phone::Entity::insert(phone.into_active_model()).exec(db.read()).await.unwrap();
        (db, id, folder)
    }

    #[tokio::test]
    async fn values_have_room_up_to_a_limit() {
        let (db, id, _folder) = database().await;
        let db = db.read();
        let value =
            |number: usize, text: String| ParameterValue::new(format!("D.V{number}"), cwmp::Value::string(text));
        let long = |number| value(number, "x".repeat(MAX_VALUE));
        let fit = LONG_BYTES / MAX_VALUE;
        assert!(learn_values(db, id, &(0..fit).map(long).collect::<Vec<_>>()).await.unwrap());
        assert_eq!(long_bytes(db, id).await.unwrap(), fit * MAX_VALUE);
        let more = [long(fit), value(fit + 1, "short".to_owned()), long(0)];
        assert!(!learn_values(db, id, &more).await.unwrap());
        assert_eq!(long_bytes(db, id).await.unwrap(), fit * MAX_VALUE);
        let row = async |number: usize| {
            let path = format!("D.V{number}");
            load(db, id, &BTreeSet::from([path.as_str()])).await.unwrap().remove(&path).unwrap()
        };
        assert_eq!((row(fit).await.value, row(fit + 1).await.value.as_deref()), (None, Some("short")));
        // Room again; and what a value was is kept where it is not long.
        assert!(learn_values(db, id, &[value(0, "a".to_owned())]).await.unwrap());
        assert!(row(0).await.previous.is_none() && row(0).await.changed_at.is_some());
        assert!(learn_values(db, id, &[value(0, "b".to_owned()), long(fit)]).await.unwrap());
        assert_eq!(row(0).await.previous.as_deref(), Some("a"));
    }

    #[tokio::test]
    async fn what_is_not_named_any_more_is_forgotten_with_all_below() {
        let (db, id, _folder) = database().await;
        let db = db.read();
        let names = |paths: &[&str]| -> Vec<ParameterInfo> {
            paths.iter().map(|path| ParameterInfo { name: (*path).to_owned(), writable: false }).collect()
        };
        let left = async || -> Vec<String> {
            let rows = phone_parameter::Entity::find().order_by_asc(phone_parameter::Column::Path).all(db).await;
            rows.unwrap().into_iter().map(|row| row.path).collect()
        };
        let all = ["D.A.1.X", "D.A.1.Y", "D.A.2.X", "D.B", "D.C.E.F", "d.a.2.x"];
        learn_names(db, id, &names(&all)).await.unwrap();
        forget_others(db, id, "D.A.", &names(&["D.A.1."]), true).await.unwrap();
        let below = ["D.", "D.A.", "D.A.1.", "D.A.1.X", "D.A.1.Y", "D.B", "D.C.", "D.C.E.", "D.C.E.F"];
        assert_eq!(left().await, [&below[..], &["d.", "d.a.", "d.a.2.", "d.a.2.x"]].concat());
        forget_others(db, id, "D.", &names(&["D.A.1.X", "D.C.E.F"]), false).await.unwrap();
        let below = ["D.", "D.A.", "D.A.1.", "D.A.1.X", "D.C.", "D.C.E.", "D.C.E.F"];
        assert_eq!(left().await, [&below[..], &["d.", "d.a.", "d.a.2.", "d.a.2.x"]].concat());
    }

    #[test]
    fn secrets_are_known_by_the_catalogue_and_by_name() {
        for path in [
            "Device.ManagementServer.ConnectionRequestPassword",
            "Device.Services.VoiceService.1.VoiceProfile.1.Line.1.SIP.AuthPassword",
            "Device.X_BELLHOP_Settings.account.1.sip.subscriber.password",
            "Device.WiFi.AccessPoint.1.Security.PreSharedKey",
        ] {
            assert!(is_secret(path), "{path}");
        }
        for path in ["Device.ManagementServer.ParameterKey", "Device.X_BELLHOP_Settings.hotel.room.number", "Device."] {
            assert!(!is_secret(path), "{path}");
        }
    }
}
