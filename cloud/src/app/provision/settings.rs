//! What a property says about files: whether it serves them, by which address, and until when it takes new phones.

use contract::rest::{Provisioning, ProvisioningChange};
use contract::{PhoneId, PropertyId, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};

use super::{base, welcome};
use crate::app::desired::{Change, refresh_targets, targets};
use crate::app::error::{invalid, not_found};
use crate::app::{Actor, App, Result, audit};
use crate::clock::now_ms;
use crate::db::entity::{bootstrap_fetch, phone, property, provisioning};
use crate::secrets::{random_token, token_hash};

/// The context tokens are sealed with.
const SEALED: &str = "provisioning-token";
/// The first step of paths with a token for the first time.
pub(super) const FIRST_STEP: &str = "first";
/// The longest time new phones are taken without a person, in milliseconds.
const LONGEST_MS: i64 = 30 * 24 * 3_600_000;

pub async fn of_property(app: &App, id: PropertyId) -> Result<Provisioning> {
    let db = app.db.read();
    property::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("property"))?;
    let row = provisioning::Entity::find_by_id(id.0).one(db).await?;
    view(app, db, row).await
}

/// The address of a property's bootstrap file, where it serves one: for whoever tells phones (DHCP, SIP PnP).
pub async fn token_base(app: &App, id: PropertyId) -> Result<Option<String>> {
    let row = provisioning::Entity::find_by_id(id.0).one(app.db.read()).await?.filter(|row| row.enabled);
    let (Some(row), Some(base)) = (row, base(app)) else { return Ok(None) };
    Ok(Some(format!("{base}/{}/", app.secrets.open(SEALED, &row.token)?)))
}

async fn view(app: &App, db: &impl ConnectionTrait, row: Option<provisioning::Model>) -> Result<Provisioning> {
    let Some(row) = row else {
        return Ok(Provisioning {
            enabled: false,
            token: String::new(),
            bootstrap_url: String::new(),
            accept_until: None,
            sip_pnp: false,
            waiting: 0,
        });
    };
    let token = app.secrets.open(SEALED, &row.token)?;
    let waiting = bootstrap_fetch::Entity::find()
        .filter(bootstrap_fetch::Column::PropertyId.eq(row.property_id))
        .filter(bootstrap_fetch::Column::At.gt(now_ms() - welcome::GOOD_MS))
        .count(db)
        .await?;
    Ok(Provisioning {
        enabled: row.enabled,
        bootstrap_url: base(app).filter(|_| row.enabled).map(|base| format!("{base}/{token}/")).unwrap_or_default(),
        token,
        accept_until: row.accept_until.map(Timestamp),
        sip_pnp: row.sip_pnp,
        waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
    })
}

/// Changes it. Where files begin or cease to be served, every phone of the property is told by a change of its settings.
pub async fn set(app: &App, actor: &Actor, id: PropertyId, wanted: ProvisioningChange) -> Result<Provisioning> {
    let now = now_ms();
    if wanted.enabled && base(app).is_none() {
        let detail = "The server does not know where phones reach its files. Set provision.public_url in its \
                      configuration, and provision.listen or listen_tls.";
        return Err(invalid("enabled", detail));
    }
    if let Some(Timestamp(until)) = wanted.accept_until
        && !(now..=now + LONGEST_MS).contains(&until)
    {
        return Err(invalid("accept_until", "New phones are taken until a time within the next 30 days, or null."));
    }
    if !wanted.enabled && (wanted.accept_until.is_some() || wanted.sip_pnp) {
        let detail = "Phones can only be sent to files, and taken by them, where files are served: set enabled.";
        return Err(invalid("enabled", detail));
    }
    let write = app.db.write().await?;
    let tx = &write.tx;
    let property = property::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("property"))?;
    let before = provisioning::Entity::find_by_id(id.0).one(tx).await?;
    let was_enabled = before.as_ref().is_some_and(|row| row.enabled);
    let kept = before.filter(|_| !wanted.rotate_token).map(|row| (row.token, row.token_hash));
    let rotated = kept.is_none();
    let (token, hash) = match kept {
        Some(kept) => kept,
        None => {
            let token = random_token();
            (app.secrets.seal(SEALED, &token)?, token_hash(&token))
        }
    };
    let row = provisioning::Model {
        property_id: id.0,
        enabled: wanted.enabled,
        token,
        token_hash: hash,
        accept_until: wanted.accept_until.map(|until| until.0),
        sip_pnp: wanted.sip_pnp,
        changed_at: now,
    };
    use provisioning::Column::*;
    let columns = [Enabled, Token, TokenHash, AcceptUntil, SipPnp, ChangedAt];
    provisioning::Entity::insert(row.clone().into_active_model())
        .on_conflict(OnConflict::column(PropertyId).update_columns(columns).to_owned())
        .exec_without_returning(tx)
        .await?;
    if rotated || row.accept_until.is_none() {
        // Who fetched before is not welcome by that any more.
        bootstrap_fetch::Entity::delete_many().filter(bootstrap_fetch::Column::PropertyId.eq(id.0)).exec(tx).await?;
    }
    let detail = format!(
        "files {}, {}, new phones {}, SIP PnP {}",
        if row.enabled { "served" } else { "not served" },
        if rotated { "a new token" } else { "the same token" },
        wanted
            .accept_until
            .map_or_else(|| "wait for a person".to_owned(), |until| format!("taken until {}", until.rfc3339())),
        if row.sip_pnp { "answered" } else { "not answered" },
    );
    audit::record(tx, actor, "provisioning.change", &id.to_string(), detail).await?;
    let mut jobs = Vec::new();
    if was_enabled || row.enabled {
        // Also where it stays on: the server may be reached by another name since.
        let phones = targets::load(tx, phone::Column::PropertyId.eq(id.0)).await?;
        let summary = format!("{}: where phones fetch files", property.name);
        jobs = refresh_targets(app, tx, &phones, &Change { actor, summary }, None, None).await?;
    }
    let answer = view(app, tx, Some(row)).await?;
    write.commit().await?;
    app.live.wake();
    app.nudge(jobs.iter().map(|job| PhoneId(job.phone_id)));
    Ok(answer)
}
