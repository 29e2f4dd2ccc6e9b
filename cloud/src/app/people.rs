//! People: the first administrator, signing in, tokens.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock};

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use contract::UserId;
use contract::rest::{Login, Me, Tokens};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::error::{too_many, unauthorized};
use super::{Actor, App, Result, audit};
use crate::clock::now_ms;
use crate::db::entity::{person, refresh_token};
use crate::secrets::{random, random_token, token_hash};

const ISSUER: &str = "bellhop";
/// The audience of tickets: good for one stream.
pub const LIVE: &str = "live";
/// Wrong passwords per account within [`WINDOW_MS`] before the account has to wait.
const MAX_WRONG: usize = 10;
/// Accounts and addresses remembered.
const MOST_NAMES: usize = 10_000;
const WINDOW_MS: i64 = 15 * 60 * 1000;
/// How long a live ticket is good for, in seconds.
const TICKET_S: i64 = 60;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    /// What the token is for: signing requests, or opening the live stream.
    aud: String,
    iss: String,
    nbf: i64,
    exp: i64,
    /// A name of its own for each token.
    jti: String,
    name: String,
}

/// Makes the first administrator when there is nobody. Returns e-mail and password to show once, if the password was
/// made here.
pub async fn first_administrator(app: &App) -> Result<Option<(String, String)>> {
    if person::Entity::find().count(app.db.read()).await? > 0 {
        return Ok(None);
    }
    let admin = &app.config.admin;
    let password = if admin.password.is_empty() { random_token() } else { admin.password.clone() };
    let hash = hash_password(password.clone()).await?;
    let write = app.db.write_beside().await?;
    let row = person::ActiveModel {
        id: Set(Uuid::now_v7()),
        email: Set(admin.email.to_lowercase()),
        name: Set("Administrator".to_owned()),
        password_hash: Set(hash),
        created_at: Set(now_ms()),
    };
    // Another process may have been started at the same moment.
    let first = OnConflict::column(person::Column::Email).do_nothing().to_owned();
    if person::Entity::insert(row).on_conflict(first).exec_without_returning(&write.tx).await? == 0 {
        return Ok(None);
    }
    audit::record(&write.tx, &Actor::system(), "person.create", &admin.email, "first administrator".to_owned()).await?;
    write.commit().await?;
    Ok(admin.password.is_empty().then(|| (admin.email.clone(), password)))
}

/// Signs in. A wrong password and an unknown person take equally long and answer alike.
pub async fn login(app: &App, login: Login, client: IpAddr) -> Result<Tokens> {
    let email = login.email.trim().to_lowercase();
    if login.password.len() > 1024 || email.len() > 254 {
        return Err(wrong());
    }
    // By account and address: a stranger's wrong guesses do not keep the owner out.
    let name = format!("{email} {client}");
    app.tries.count(&name)?;
    let person = person::Entity::find().filter(person::Column::Email.eq(&email)).one(app.db.read()).await?;
    let hash = match &person {
        Some(person) => person.password_hash.clone(),
        None => nobody().await?.to_owned(),
    };
    let right = verify_password(login.password, hash).await?;
    match person {
        Some(person) if right => {
            app.tries.forget(&name);
            let write = app.db.write_beside().await?;
            let tokens = issue(app, &write.tx, &person).await?;
            audit::record(&write.tx, &Actor(person.email), "login", &person.id.to_string(), String::new()).await?;
            write.commit().await?;
            Ok(tokens)
        }
        _ => Err(wrong()),
    }
}

fn wrong() -> super::AppError {
    unauthorized("wrong-login", "E-mail or password is wrong.")
}

/// Trades a refresh token for the next pair; the old one is spent.
pub async fn refresh(app: &App, token: &str) -> Result<Tokens> {
    let ended = || unauthorized("session-ended", "Your session has ended. Sign in again.");
    let write = app.db.write_beside().await?;
    let row = refresh_token::Entity::find_by_id(token_hash(token)).one(&write.tx).await?.ok_or_else(ended)?;
    let spent = refresh_token::Entity::delete_by_id(row.id.clone()).exec(&write.tx).await?;
    if spent.rows_affected == 0 {
        // Somebody else traded it in at the same moment.
        return Err(ended());
    }
    let person = person::Entity::find_by_id(row.person_id).one(&write.tx).await?.ok_or_else(ended)?;
    if row.expires_at < now_ms() {
        write.commit().await?;
        return Err(ended());
    }
    let tokens = issue(app, &write.tx, &person).await?;
    write.commit().await?;
    Ok(tokens)
}

/// Ends a session: its refresh token is good for nothing any more.
pub async fn logout(app: &App, token: &str) -> Result<()> {
    let write = app.db.write_beside().await?;
    refresh_token::Entity::delete_by_id(token_hash(token)).exec(&write.tx).await?;
    write.commit().await?;
    Ok(())
}

async fn issue(app: &App, tx: &impl ConnectionTrait, person: &person::Model) -> Result<Tokens> {
    let refresh = random_token();
    let days = i64::from(app.config.auth.refresh_days);
    let row = refresh_token::Model {
        id: token_hash(&refresh),
        person_id: person.id,
        expires_at: now_ms() + days * 24 * 3_600_000,
    };
    refresh_token::Entity::insert(row.into_active_model()).exec(tx).await?;
    let expires_in = app.config.auth.access_minutes * 60;
    Ok(Tokens {
        access_token: token(app, person, "api", i64::from(expires_in))?,
        expires_in,
        refresh_token: refresh,
        user: me(person),
    })
}

fn me(person: &person::Model) -> Me {
    Me { id: UserId(person.id), email: person.email.clone(), name: person.name.clone() }
}

fn token(app: &App, person: &person::Model, audience: &str, seconds: i64) -> Result<String> {
    let now = now_ms() / 1000;
    let claims = Claims {
        sub: person.id.to_string(),
        aud: audience.to_owned(),
        iss: ISSUER.to_owned(),
        nbf: now,
        exp: now + seconds,
        jti: random_token(),
        name: person.email.clone(),
    };
    let key = EncodingKey::from_secret(&app.secrets.derive("jwt"));
    Ok(encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(anyhow::Error::from)?)
}

/// Who a bearer token belongs to. `audience` is `api` or `live`.
pub async fn authenticate(app: &App, token: &str, audience: &str) -> Result<(Actor, Me)> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = 5;
    let key = DecodingKey::from_secret(&app.secrets.derive("jwt"));
    let claims = decode::<Claims>(token, &key, &validation).map_err(|error| {
        use jsonwebtoken::errors::ErrorKind;
        match error.kind() {
            ErrorKind::ExpiredSignature => {
                unauthorized("token-expired", "The access token has expired. Refresh it, or sign in again.")
            }
            _ => unauthorized("token-invalid", "The access token is not valid. Sign in again."),
        }
    })?;
    if audience == LIVE && !app.used.first(&claims.claims.jti, claims.claims.exp * 1000, now_ms()) {
        return Err(unauthorized("ticket-used", "This ticket opened a stream already. Ask for another one."));
    }
    let gone = || unauthorized("token-invalid", "The access token belongs to nobody. Sign in again.");
    let id: Uuid = claims.claims.sub.parse().map_err(|_| gone())?;
    let person = person::Entity::find_by_id(id).one(app.db.read()).await?.ok_or_else(gone)?;
    Ok((Actor(person.email.clone()), me(&person)))
}

/// A short-lived token for opening the live stream, which browsers cannot send headers with.
pub async fn live_ticket(app: &App, user: UserId) -> Result<String> {
    let person = person::Entity::find_by_id(user.0).one(app.db.read()).await?.ok_or_else(wrong)?;
    token(app, &person, LIVE, TICKET_S)
}

async fn hash_password(password: String) -> Result<String> {
    let hashed = tokio::task::spawn_blocking(move || {
        let salt = SaltString::encode_b64(&random::<16>()).map_err(|error| anyhow::anyhow!("{error}"))?;
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string()).map_err(|error| anyhow::anyhow!("{error}"))
    });
    Ok(hashed.await.map_err(anyhow::Error::from)??)
}

async fn verify_password(password: String, hash: String) -> Result<bool> {
    // Each check takes 19 MiB and a core for some milliseconds; a flood of them waits here.
    static TURNS: OnceLock<Arc<Semaphore>> = OnceLock::new();
    let turns = TURNS.get_or_init(|| Arc::new(Semaphore::new(2))).clone();
    let turn = turns.acquire_owned().await.map_err(anyhow::Error::from)?;
    let checked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    });
    Ok(checked.await.map_err(anyhow::Error::from)?)
}

/// A hash nobody's password matches, so that an unknown e-mail costs as much as a wrong password.
async fn nobody() -> Result<&'static str> {
    static NOBODY: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    Ok(NOBODY.get_or_try_init(|| hash_password(random_token())).await?)
}

/// Tries of late, by e-mail and address.
#[derive(Default)]
pub(crate) struct Tries(Mutex<HashMap<String, Vec<i64>>>);

impl Tries {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<i64>>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Counts a try before it is checked, so that many at once do not slip through.
    fn count(&self, name: &str) -> Result<()> {
        let mut tries = self.lock();
        let now = now_ms();
        if tries.len() >= MOST_NAMES {
            tries.retain(|_, times| times.last().is_some_and(|last| now - last < WINDOW_MS));
            // Still full: somebody makes names up. Whoever tried longest ago goes.
            if tries.len() >= MOST_NAMES
                && let Some(oldest) =
                    tries.iter().min_by_key(|(_, times)| times.last().copied()).map(|(name, _)| name.clone())
            {
                tries.remove(&oldest);
            }
        }
        let times = tries.entry(name.to_owned()).or_default();
        times.retain(|time| now - time < WINDOW_MS);
        if times.len() >= MAX_WRONG {
            return Err(too_many("Too many wrong passwords for this account. Wait 15 minutes and try again."));
        }
        times.push(now);
        Ok(())
    }

    fn forget(&self, name: &str) {
        self.lock().remove(name);
    }
}
