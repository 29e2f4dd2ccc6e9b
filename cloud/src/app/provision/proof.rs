//! Who fetches a file: a phone by its own user name and password (Digest with SHA-256 or MD5, or Basic), by a certificate
//! that names it, or for the first time by a token. A MAC address in a name proves nothing.

use ::provisioning::names;
use auth_digest::{Algorithm, BasicCredentials, Challenge, Credentials, Freshness, Ha1, NonceIssuer, verify};
use contract::rest::{Enrolment, ProofKind};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::answer::Asked;
use super::credentials::{FIRST, FIRST_SEALED};
use super::settings;
use crate::app::enrol::REALM;
use crate::app::trust::certificate;
use crate::app::{App, Result, views};
use crate::clock::now_ms;
use crate::db::entity::{phone, phone_file, provisioning};
use crate::secrets::token_hash;

/// How long a nonce may be used, in milliseconds.
const NONCE_AGE_MS: u64 = 5 * 60 * 1000;

/// A phone whose property serves files.
pub(super) struct Known {
    pub phone: phone::Model,
    pub file: phone_file::Model,
}

/// What a request shows.
pub(super) enum Proof {
    /// Nothing, or nothing that holds.
    Nothing,
    /// The password is right, the nonce too old or used.
    Stale,
    Own(Box<Known>),
    /// By the token for the first time, which is not used up yet.
    First(Box<Known>),
    /// Right, but the property takes this over TLS only.
    NeedsTls,
}

fn nonces(app: &App) -> NonceIssuer {
    NonceIssuer::new(app.secrets.derive("file-nonce"))
}

/// The challenges of every 401: the same for all names, phones and properties. MD5 first: the oldest clients read only the first.
/// Basic only where nobody reads it.
pub(super) fn challenges(app: &App, asked: &Asked<'_>, stale: bool) -> Vec<String> {
    let nonce = nonces(app).issue(now_ms() as u64, asked.client);
    let mut challenges: Vec<String> = [Algorithm::Md5, Algorithm::Sha256]
        .into_iter()
        .map(|algorithm| {
            let mut challenge = Challenge::new(algorithm, REALM, nonce.clone());
            challenge.stale = stale;
            challenge.to_string()
        })
        .collect();
    if asked.tls {
        challenges.push(format!("Basic realm=\"{REALM}\", charset=\"UTF-8\""));
    }
    challenges
}

/// What a request shows: by a certificate, else by its `Authorization` header, else by a first token in its path. However many
/// were wrong before, the next is looked at: passwords and tokens are 192 random bits, which nobody finds by trying, and a
/// hotel's phones share their address with whoever tries.
pub(super) async fn of(app: &App, asked: &Asked<'_>) -> Result<Proof> {
    if let Some(known) = by_certificate(app, asked).await? {
        return Ok(Proof::Own(known));
    }
    if let Some(value) = asked.authorization {
        let shown = BasicCredentials::parse(value)
            .map(Shown::Basic)
            .or_else(|_| Credentials::parse(value).map(|digest| Shown::Digest(Box::new(digest))));
        let proof = match shown {
            Ok(shown) => holds(app, asked, &shown).await?,
            Err(_) => Proof::Nothing,
        };
        if !matches!(proof, Proof::Nothing) {
            return Ok(proof);
        }
    }
    let first = match asked.steps()[..] {
        [settings::FIRST_STEP, token, _] => by_first_token(app, token).await?,
        _ => None,
    };
    Ok(first.map_or(Proof::Nothing, Proof::First))
}

enum Shown {
    Basic(BasicCredentials),
    Digest(Box<Credentials>),
}

impl Shown {
    fn user(&self) -> &str {
        match self {
            Self::Basic(basic) => &basic.username,
            Self::Digest(digest) => &digest.username,
        }
    }
}

async fn holds(app: &App, asked: &Asked<'_>, shown: &Shown) -> Result<Proof> {
    let first = shown.user() == FIRST;
    let known = match first {
        true => match names::owner(asked.path) {
            Some(mac) => of_mac(app, &mac.compact()).await?,
            None => None,
        },
        false => match shown.user().parse::<Uuid>() {
            Ok(id) => of_id(app, id).await?,
            Err(_) => None,
        },
    };
    let proofs = match &known {
        Some(known) if first => first_proofs(app, known)?,
        Some(known) => own_proofs(known),
        None => None,
    };
    // A user nobody has is looked at like any other, and then refused.
    let known = known.filter(|_| proofs.is_some());
    let nobody = || (Ha1::new(Algorithm::Md5, "", "", ""), Ha1::new(Algorithm::Sha256, "", "", ""));
    let (md5, sha256) = proofs.unwrap_or_else(nobody);
    let (right, fresh) = match shown {
        Shown::Basic(basic) => {
            let given = Ha1::new(Algorithm::Sha256, &basic.username, REALM, &basic.password);
            (bool::from(sha256.expose().as_bytes().ct_eq(given.expose().as_bytes())), true)
        }
        Shown::Digest(digest) => {
            let ha1 = if digest.algorithm == Algorithm::Sha256 { &sha256 } else { &md5 };
            let right = verify(digest, ha1, asked.method, asked.target, b"").is_ok();
            (right, right && is_fresh(app, asked, digest))
        }
    };
    let Some(known) = known.filter(|_| right) else { return Ok(Proof::Nothing) };
    let trust = app.trust.now(app).await?;
    let profile = trust.of(&known.phone, None);
    let takes = match shown {
        Shown::Basic(_) => profile.takes(ProofKind::Basic) && (asked.tls || profile.basic_without_tls),
        // Everybody is asked for both kinds, and answers what he knows.
        Shown::Digest(_) => profile.proofs.iter().any(|kind| *kind != ProofKind::Mtls),
    };
    if !takes {
        return Ok(Proof::Nothing);
    }
    if profile.require_tls && !asked.tls {
        return Ok(Proof::NeedsTls);
    }
    let known = Box::new(known);
    Ok(match (fresh, first) {
        (false, _) => Proof::Stale,
        (true, true) => Proof::First(known),
        (true, false) => Proof::Own(known),
    })
}

fn own_proofs(known: &Known) -> Option<(Ha1, Ha1)> {
    let md5 = Ha1::from_hex(Algorithm::Md5, &known.file.ha1_md5).ok()?;
    let sha256 = Ha1::from_hex(Algorithm::Sha256, &known.file.ha1_sha256).ok()?;
    Some((md5, sha256))
}

fn first_proofs(app: &App, known: &Known) -> Result<Option<(Ha1, Ha1)>> {
    if known.file.first_hash.is_empty() || known.file.first_until < now_ms() {
        return Ok(None);
    }
    let token = app.secrets.open(FIRST_SEALED, &known.file.first)?;
    let ha1 = |algorithm| Ha1::new(algorithm, FIRST, REALM, &token);
    Ok(Some((ha1(Algorithm::Md5), ha1(Algorithm::Sha256))))
}

/// Whether a nonce is ours and its count was not seen: what was overheard opens nothing.
fn is_fresh(app: &App, asked: &Asked<'_>, digest: &Credentials) -> bool {
    let now = now_ms();
    let age = NONCE_AGE_MS.min((now - app.started_at).max(0) as u64);
    let until = now + NONCE_AGE_MS as i64;
    let nonce = format!("{} {}", digest.nonce, digest.username);
    nonces(app).check(&digest.nonce, asked.client, now as u64, age) == Freshness::Fresh
        && app.counts.grows(&nonce, digest.count().unwrap_or(0), until, now)
}

/// The phone whose client certificate the connection shows, if the path is its own.
async fn by_certificate(app: &App, asked: &Asked<'_>) -> Result<Option<Box<Known>>> {
    let (Some(shown), Some(mac)) = (asked.shown, names::owner(asked.path)) else { return Ok(None) };
    let Some(known) = of_mac(app, &mac.compact()).await? else { return Ok(None) };
    let trust = app.trust.now(app).await?;
    let profile = trust.of(&known.phone, None);
    let Some(roots) = profile.client_ca(app).filter(|_| profile.takes(ProofKind::Mtls)) else { return Ok(None) };
    let named = certificate::names_phone(&certificate::names(shown, &roots, now_ms()), &known.phone);
    Ok(named.then(|| Box::new(known)))
}

/// The phone a first token in a path was made for.
async fn by_first_token(app: &App, token: &str) -> Result<Option<Box<Known>>> {
    let row = phone_file::Entity::find()
        .filter(phone_file::Column::FirstHash.eq(token_hash(token)))
        .filter(phone_file::Column::FirstUntil.gte(now_ms()))
        .one(app.db.read())
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(of_id(app, row.phone_id).await?.map(Box::new))
}

/// A phone whose property serves files, by its MAC address: a name, no proof.
pub(super) async fn of_mac(app: &App, mac: &str) -> Result<Option<Known>> {
    let phone = phone::Entity::find().filter(phone::Column::Mac.eq(mac)).one(app.db.read()).await?;
    // Looked for further all the same: how long it takes tells nobody which addresses are known.
    of_id(app, phone.map_or(Uuid::nil(), |phone| phone.id)).await
}

async fn of_id(app: &App, id: Uuid) -> Result<Option<Known>> {
    let db = app.db.read();
    let file = phone_file::Entity::find_by_id(id).one(db).await?;
    let phone = phone::Entity::find_by_id(id).one(db).await?;
    let phone = phone.filter(|phone| views::enrolment(phone) != Enrolment::New);
    let property = phone.as_ref().and_then(|phone| phone.property_id).unwrap_or_default();
    let serves = provisioning::Entity::find_by_id(property).one(db).await?.is_some_and(|row| row.enabled);
    Ok(phone.zip(file).filter(|_| serves).map(|(phone, file)| Known { phone, file }))
}
