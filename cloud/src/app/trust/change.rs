//! Showing and changing trust profiles.

use contract::PropertyId;
use contract::rest::{ProofKind, SECRET_MASK, Trust, TrustChange};
use rustls::RootCertStore;
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IntoActiveModel};
use uuid::Uuid;

use super::{SEALED, words};
use crate::app::error::{invalid, not_found};
use crate::app::{Actor, App, Result, audit};
use crate::db::entity::{property, trust_profile};
use crate::network::Network;
use crate::tls;

/// The longest list of networks, and the longest list of authorities in bytes.
const MOST_NETWORKS: usize = 100;
const MOST_CA_BYTES: usize = 128 << 10;
/// A password that many phones know is guessed at by all of them.
const LEAST_PASSWORD: usize = 12;

/// The profile in force for a property.
pub async fn of_property(app: &App, id: PropertyId) -> Result<Trust> {
    property::Entity::find_by_id(id.0).one(app.db.read()).await?.ok_or_else(|| not_found("property"))?;
    match trust_profile::Entity::find_by_id(id.0).one(app.db.read()).await? {
        Some(row) => Ok(view(&row, true)),
        None => Ok(Trust { own: false, ..default_of_all(app).await? }),
    }
}

/// The profile of all properties without one of their own, and of phones that belong to none.
pub async fn default_of_all(app: &App) -> Result<Trust> {
    let row = trust_profile::Entity::find_by_id(Uuid::nil()).one(app.db.read()).await?;
    Ok(row.map_or_else(as_delivered, |row| view(&row, true)))
}

/// Gives a property a profile of its own.
pub async fn set(app: &App, actor: &Actor, id: PropertyId, wanted: TrustChange) -> Result<Trust> {
    property::Entity::find_by_id(id.0).one(app.db.read()).await?.ok_or_else(|| not_found("property"))?;
    save(app, actor, id.0, wanted).await
}

pub async fn set_default(app: &App, actor: &Actor, wanted: TrustChange) -> Result<Trust> {
    save(app, actor, Uuid::nil(), wanted).await
}

/// Has a property follow the default again.
pub async fn remove(app: &App, actor: &Actor, id: PropertyId) -> Result<()> {
    let write = app.db.write().await?;
    let removed = trust_profile::Entity::delete_by_id(id.0).exec(&write.tx).await?;
    if removed.rows_affected == 0 {
        return Err(not_found("trust profile"));
    }
    audit::record(&write.tx, actor, "trust.remove", &id.to_string(), String::new()).await?;
    write.commit().await?;
    app.trust.forget();
    Ok(())
}

async fn save(app: &App, actor: &Actor, id: Uuid, wanted: TrustChange) -> Result<Trust> {
    let write = app.db.write().await?;
    let before = trust_profile::Entity::find_by_id(id).one(&write.tx).await?;
    let row = checked(app, id, wanted, before.as_ref())?;
    // As many columns as there are, besides the key.
    use trust_profile::Column::*;
    let columns = [Name, Proofs, BasicWithoutTls, RequireTls, ClientCa, SharedUser, SharedPassword, FirstContact];
    trust_profile::Entity::insert(row.clone().into_active_model())
        .on_conflict(OnConflict::column(Id).update_columns(columns).to_owned())
        .exec_without_returning(&write.tx)
        .await?;
    let target = if id.is_nil() { "default".to_owned() } else { id.to_string() };
    audit::record(&write.tx, actor, "trust.change", &target, summary(&row)).await?;
    write.commit().await?;
    app.trust.forget();
    Ok(view(&row, true))
}

fn checked(
    app: &App,
    id: Uuid,
    wanted: TrustChange,
    before: Option<&trust_profile::Model>,
) -> Result<trust_profile::Model> {
    let name = wanted.name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(invalid("name", "A name must be 1 to 100 characters."));
    }
    let mut proofs = wanted.proofs;
    proofs.sort();
    proofs.dedup();
    if proofs.is_empty() {
        return Err(invalid("proofs", "Name one proof at least; without any, no enrolled phone could ever call."));
    }
    let client_ca = wanted.client_ca.trim();
    if client_ca.len() > MOST_CA_BYTES {
        return Err(invalid("client_ca", format!("The authorities are longer than {MOST_CA_BYTES} bytes.")));
    }
    if !client_ca.is_empty() {
        check_authorities(client_ca).map_err(|error| invalid("client_ca", format!("The authorities: {error:#}.")))?;
    }
    let configured = app.tls.as_ref().is_some_and(|tls| !tls.client_ca().is_empty());
    if proofs == [ProofKind::Mtls] && client_ca.is_empty() && !configured {
        let detail = "Certificates alone are taken, but no authority is named, here or as tls.client_ca.";
        return Err(invalid("client_ca", detail));
    }
    let (shared_user, shared_password) = shared(app, &wanted.shared_user, &wanted.shared_password, before)?;
    if wanted.first_contact.len() > MOST_NETWORKS {
        return Err(invalid("first_contact", format!("At most {MOST_NETWORKS} networks are taken.")));
    }
    let mut first_contact = Vec::new();
    for text in &wanted.first_contact {
        let network: Network = text.parse().map_err(|()| {
            let shown: String = text.chars().take(50).collect();
            invalid("first_contact", format!("\"{shown}\" is no network; write 10.20.0.0/16 or fd00::/8."))
        })?;
        first_contact.push(network.to_string());
    }
    let proofs: Vec<&str> = proofs.iter().map(|proof| proof.as_str()).collect();
    Ok(trust_profile::Model {
        id,
        name: name.to_owned(),
        proofs: proofs.join(","),
        basic_without_tls: wanted.basic_without_tls,
        require_tls: wanted.require_tls,
        client_ca: client_ca.to_owned(),
        shared_user,
        shared_password,
        first_contact: first_contact.join(","),
    })
}

/// The shared credentials to store: none, new ones, or those there are.
fn shared(app: &App, user: &str, password: &str, before: Option<&trust_profile::Model>) -> Result<(String, String)> {
    let user = user.trim();
    if user.is_empty() {
        return Ok(Default::default());
    }
    if user.len() > 128 || user.contains(':') || !user.chars().all(|c| c.is_ascii_graphic()) {
        let detail = "The user name is at most 128 ASCII letters, digits and signs, without spaces and colons.";
        return Err(invalid("shared_user", detail));
    }
    if Uuid::parse_str(user).is_ok() {
        return Err(invalid("shared_user", "This is what a phone's own user name looks like; choose another."));
    }
    if password == SECRET_MASK {
        let kept = before.map(|row| row.shared_password.clone()).filter(|sealed| !sealed.is_empty());
        let kept = kept.ok_or_else(|| invalid("shared_password", "There is no password to keep; give one."))?;
        return Ok((user.to_owned(), kept));
    }
    if password.chars().count() < LEAST_PASSWORD || password.len() > 256 || password.chars().any(char::is_control) {
        return Err(invalid("shared_password", format!("The password must have {LEAST_PASSWORD} to 256 characters.")));
    }
    Ok((user.to_owned(), app.secrets.seal(SEALED, password)?))
}

fn check_authorities(pem: &str) -> anyhow::Result<()> {
    let mut roots = RootCertStore::empty();
    for certificate in tls::authorities(pem.as_bytes())? {
        roots.add(certificate)?;
    }
    Ok(())
}

/// What is in force while nobody has said anything.
fn as_delivered() -> Trust {
    Trust {
        own: false,
        name: "Default".to_owned(),
        proofs: ProofKind::ALL.to_vec(),
        basic_without_tls: true,
        require_tls: false,
        client_ca: String::new(),
        shared_user: String::new(),
        shared_password: String::new(),
        first_contact: Vec::new(),
    }
}

fn view(row: &trust_profile::Model, own: bool) -> Trust {
    Trust {
        own,
        name: row.name.clone(),
        proofs: words(&row.proofs).filter_map(|word| word.parse().ok()).collect(),
        basic_without_tls: row.basic_without_tls,
        require_tls: row.require_tls,
        client_ca: row.client_ca.clone(),
        shared_user: row.shared_user.clone(),
        shared_password: if row.shared_password.is_empty() { String::new() } else { SECRET_MASK.to_owned() },
        first_contact: words(&row.first_contact).map(str::to_owned).collect(),
    }
}

/// For the audit: everything but the password.
fn summary(row: &trust_profile::Model) -> String {
    let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    format!(
        "{}: proofs {}, TLS {}, Basic without TLS {}, own authorities {}, shared user {}, first contact from {}",
        row.name,
        row.proofs,
        if row.require_tls { "required" } else { "not required" },
        if row.basic_without_tls { "taken" } else { "refused" },
        if row.client_ca.is_empty() { "no" } else { "yes" },
        or_none(&row.shared_user),
        if row.first_contact.is_empty() { "anywhere" } else { &row.first_contact },
    )
}
