//! What each phone is given to fetch its file with: a user name and password of its own, told by its settings, and a token
//! for the first time.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use auth_digest::{Algorithm, Ha1};
use contract::rest::{Enrolment, FirstFetch};
use contract::{PhoneId, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::{base, settings};
use crate::app::desired::targets::Target;
use crate::app::desired::{Change, accepted, refresh};
use crate::app::enrol::REALM;
use crate::app::error::{conflict, not_found};
use crate::app::{Actor, App, Result, audit};
use crate::clock::now_ms;
use crate::db::entity::{phone, phone_file, provisioning};
use crate::secrets::{random_token, token_hash};

/// Settings that tell a phone where it fetches its file and as whom.
const PROTOCOL: &str = "provisioning.config.protocol";
const PATH: &str = "provisioning.config.serverpath";
const USER: &str = "provisioning.config.username";
pub(super) const PASSWORD: &str = "provisioning.config.password";
const AT_ONCE: &str = "provisioning.alwaysauthenticatebeforechallenge";

/// The user name of a phone that fetches for the first time.
pub(super) const FIRST: &str = "first";
/// Phones in one statement at most, and rows.
const PHONES: usize = 10_000;
const ROWS: usize = 2_000;
/// The context first tokens are sealed with.
pub(super) const FIRST_SEALED: &str = "first-fetch";
/// How long a first token is good for, in milliseconds.
const FIRST_MS: i64 = 7 * 24 * 3_600_000;

/// Protocol and path as the phone's settings have them, of a URL.
pub(super) fn place(url: &str) -> [(&'static str, String); 2] {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    [(PROTOCOL, scheme.to_owned()), (PATH, rest.trim_end_matches('/').to_owned())]
}

/// The phones whose property serves files.
async fn served(tx: &impl ConnectionTrait, phones: &[Target]) -> Result<Vec<Uuid>> {
    let properties: HashSet<Uuid> = phones.iter().filter_map(|phone| phone.property_id).collect();
    let serving: HashSet<Uuid> = provisioning::Entity::find()
        .filter(provisioning::Column::PropertyId.is_in(properties))
        .filter(provisioning::Column::Enabled.eq(true))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| row.property_id)
        .collect();
    let of_it = phones.iter().filter(|phone| phone.property_id.is_some_and(|id| serving.contains(&id)));
    Ok(of_it.filter(|phone| phone.enrolment != Enrolment::New.as_str()).map(|phone| phone.id).collect())
}

/// Of phones with credentials whose property serves files: the password each fetches with, sealed as a setting is.
pub type Passwords = HashMap<Uuid, String>;

/// Passwords of phones that have one.
async fn passwords(tx: &impl ConnectionTrait, phones: &[Uuid]) -> Result<Passwords> {
    use phone_file::Column::{Password, PhoneId};
    let mut found = HashMap::with_capacity(phones.len());
    for ids in phones.chunks(PHONES) {
        let rows = phone_file::Entity::find().select_only().columns([PhoneId, Password]);
        let rows = rows.filter(PhoneId.is_in(ids.iter().copied())).filter(Password.ne(""));
        found.extend(rows.into_tuple::<(Uuid, String)>().all(tx).await?);
    }
    Ok(found)
}

/// Gives credentials to phones whose property serves files and that have none. Returns those of all of them.
pub async fn equip(app: &App, tx: &impl ConnectionTrait, phones: &[Target]) -> Result<Passwords> {
    let served = served(tx, phones).await?;
    let mut all = passwords(tx, &served).await?;
    let mut made = Vec::new();
    for id in served {
        let Entry::Vacant(none) = all.entry(id) else { continue };
        let (user, password) = (id.to_string(), random_token());
        let ha1 = |algorithm| Ha1::new(algorithm, &user, REALM, &password).expose().to_owned();
        let sealed = none.insert(app.secrets.seal(PASSWORD, &password)?);
        made.push(phone_file::ActiveModel {
            phone_id: Set(id),
            ha1_md5: Set(ha1(Algorithm::Md5)),
            ha1_sha256: Set(ha1(Algorithm::Sha256)),
            password: Set(sealed.clone()),
            ..Default::default()
        });
    }
    for rows in made.chunks(ROWS) {
        use phone_file::Column::{Ha1Md5, Ha1Sha256, Password, PhoneId};
        phone_file::Entity::insert_many(rows.to_vec())
            .on_conflict(OnConflict::column(PhoneId).update_columns([Ha1Md5, Ha1Sha256, Password]).to_owned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(all)
}

/// What phones with credentials are set to where their property serves files, by phone: (key, value). `equipped` is what
/// [`equip`] has just returned for them, if it was called.
pub async fn entries(
    app: &App,
    tx: &impl ConnectionTrait,
    phones: &[Target],
    equipped: Option<Passwords>,
) -> Result<HashMap<Uuid, Vec<(&'static str, String)>>> {
    let Some(base) = base(app) else { return Ok(HashMap::new()) };
    let passwords = match equipped {
        Some(passwords) => passwords,
        None => passwords(tx, &served(tx, phones).await?).await?,
    };
    let place = place(&base);
    // Basic, unasked: over TLS nobody reads it, and a phone that DHCP sends to the bootstrap address gets its own file.
    let at_once = if base.starts_with("https:") { "yes" } else { "no" };
    let of = |id: Uuid, password: String| {
        let mut entries = place.to_vec();
        entries.extend([(USER, id.to_string()), (PASSWORD, password), (AT_ONCE, at_once.to_owned())]);
        (id, entries)
    };
    Ok(passwords.into_iter().map(|(id, password)| of(id, password)).collect())
}

/// Makes what a phone fetches its first file with; what was made before is worth nothing any more.
pub async fn first_fetch(app: &App, actor: &Actor, id: PhoneId) -> Result<FirstFetch> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    let phone = phone::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("phone"))?;
    accepted(&phone)?;
    let serves = match phone.property_id {
        Some(property) => provisioning::Entity::find_by_id(property).one(tx).await?.is_some_and(|row| row.enabled),
        None => false,
    };
    let Some(base) = base(app).filter(|_| serves) else {
        let detail = "The phone's property serves no configuration files. Turn them on under its provisioning first.";
        return Err(conflict("no-files", "phone", detail));
    };
    // Whatever it is missing of its own: the file must hold it.
    let change = Change { actor, summary: "Where the phone fetches files".to_owned() };
    let jobs = refresh(app, tx, vec![phone.clone()], &change).await?;
    let (token, until) = (random_token(), now_ms() + FIRST_MS);
    let row = phone_file::ActiveModel {
        phone_id: Set(phone.id),
        first: Set(app.secrets.seal(FIRST_SEALED, &token)?),
        first_hash: Set(token_hash(&token)),
        first_until: Set(until),
        ..Default::default()
    };
    use phone_file::Column::{First, FirstHash, FirstUntil, PhoneId as Phone};
    phone_file::Entity::insert(row)
        .on_conflict(OnConflict::column(Phone).update_columns([First, FirstHash, FirstUntil]).to_owned())
        .exec_without_returning(tx)
        .await?;
    audit::record(tx, actor, "phone.first-fetch", &id.to_string(), phone.mac.clone()).await?;
    write.commit().await?;
    app.live.wake();
    app.nudge(jobs.iter().map(|job| PhoneId(job.phone_id)));
    Ok(FirstFetch {
        url: format!("{base}/{}/{token}/", settings::FIRST_STEP),
        server: format!("{base}/"),
        user: FIRST.to_owned(),
        password: token,
        expires_at: Timestamp(until),
    })
}
