//! What a request for a file is answered. Without a proof nothing here depends on whether a phone is known: at a property's
//! address everybody gets the same bootstrap file, elsewhere everybody the same 401.

use std::net::IpAddr;

use provisioning::names::{self, Wanted};
use provisioning::{Audience, Format, Mac, agent};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::proof::{Known, Proof};
use super::record::{Bootstrapped, Fetched};
use super::{acs_url, base, file, proof, settings};
use crate::app::{App, Result, desired, jobs, views};
use crate::clock::now_ms;
use crate::db::entity::{job, phone_file, property, provisioning as property_row};
use crate::domain::document::Applied;
use crate::domain::layers::Desired;
use crate::network::Network;
use crate::secrets::token_hash;
use crate::tls::Shown;

/// Longest name by TFTP, in bytes.
const MOST_NAME: usize = 256;

/// A GET or HEAD after its limits were checked.
pub struct Asked<'a> {
    /// `GET` or `HEAD`.
    pub method: &'a str,
    /// The request's target, as it was sent.
    pub target: &'a str,
    /// Its path.
    pub path: &'a str,
    pub authorization: Option<&'a str>,
    pub user_agent: &'a str,
    pub if_none_match: Option<&'a str>,
    /// `If-Modified-Since`, in milliseconds since 1970.
    pub if_modified_since: Option<i64>,
    /// The address it comes from.
    pub client: &'a str,
    pub tls: bool,
    /// The client certificates it came with.
    pub shown: Option<&'a Shown>,
    /// By TFTP, which shows nothing of who asks.
    pub tftp: bool,
}

/// What to answer.
pub enum Answer {
    File {
        /// `None` where only the head was asked for.
        bytes: Option<Vec<u8>>,
        binary: bool,
        tag: String,
        /// In milliseconds since 1970.
        modified: i64,
    },
    /// The phone has this version.
    NotModified {
        tag: String,
        modified: i64,
    },
    NotFound,
    /// One challenge an algorithm.
    Challenge(Vec<String>),
    /// Over TLS only.
    NeedsTls,
    /// Too many requests: come back in a minute.
    TooMany,
}

/// Answers a request; what was fetched is remembered a moment later.
pub async fn answer(app: &App, asked: &Asked<'_>) -> Result<Answer> {
    let (now, limits) = (now_ms(), &app.config.provision);
    let owner = file::owner(asked.path);
    let of_phone = |mac: Mac| format!("{} {mac}", asked.client);
    if !app.provision.by_address.allows(asked.client, limits.requests_per_minute, now)
        || owner.is_some_and(|mac| !app.provision.by_phone.allows(&of_phone(mac), limits.requests_per_phone, now))
    {
        return Ok(Answer::TooMany);
    }
    let refuse = |stale| Ok(Answer::Challenge(proof::challenges(app, asked, stale)));
    if let Some(value) = asked.authorization {
        return match proof::check(app, asked, value).await? {
            Proof::Own(known) => own(app, asked, &known).await,
            Proof::First(known) => first(app, asked, &known).await,
            Proof::Nothing => refuse(false),
            Proof::Stale => refuse(true),
            Proof::TooMany => Ok(Answer::TooMany),
            Proof::NeedsTls => Ok(Answer::NeedsTls),
        };
    }
    if let Some(known) = proof::by_certificate(app, asked).await? {
        return own(app, asked, &known).await;
    }
    let steps: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
    match steps[..] {
        [settings::FIRST_STEP, token, _] => match proof::by_first_token(app, token).await? {
            Some(known) => first(app, asked, &known).await,
            None => refuse(false),
        },
        [token, _] => match serving(app, token).await? {
            Some(row) => bootstrap(app, asked, &row, owner).await,
            None => refuse(false),
        },
        _ => refuse(false),
    }
}

/// The file a name stands for by TFTP, which proves nothing: the bootstrap file at a property's address, and in networks the
/// configuration trusts a phone's own.
pub async fn by_tftp(app: &App, client: IpAddr, name: &str) -> Result<Option<Vec<u8>>> {
    if name.len() > MOST_NAME || name.contains(|c: char| !c.is_ascii_graphic()) {
        return Ok(None);
    }
    let limits = &app.config.provision;
    let is_in = |network: &String| network.parse::<Network>().is_ok_and(|network| network.contains(client));
    let trusted = limits.tftp_trusted.iter().any(is_in);
    let client = client.to_string();
    let (path, owner) = (format!("/{}", name.trim_start_matches('/')), file::owner(name));
    if !app.provision.by_address.allows(&client, limits.requests_per_minute, now_ms()) {
        return Ok(None);
    }
    let asked = Asked {
        method: "GET",
        target: &path,
        path: &path,
        authorization: None,
        user_agent: "",
        if_none_match: None,
        if_modified_since: None,
        client: &client,
        tls: false,
        shown: None,
        tftp: true,
    };
    let known = match owner.filter(|_| trusted) {
        Some(mac) => proof::of_mac(app, &mac.compact()).await?,
        None => None,
    };
    let steps: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let answer = match (known, &steps[..]) {
        (Some(known), _) => own(app, &asked, &known).await?,
        (None, [token, _]) => match serving(app, token).await? {
            Some(row) => bootstrap(app, &asked, &row, owner).await?,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(match answer {
        Answer::File { bytes, .. } => bytes,
        _ => None,
    })
}

/// The property whose token this is, if it serves files.
async fn serving(app: &App, token: &str) -> Result<Option<property_row::Model>> {
    let row = property_row::Entity::find()
        .filter(property_row::Column::TokenHash.eq(token_hash(token)))
        .filter(property_row::Column::Enabled.eq(true));
    Ok(row.one(app.db.read()).await?)
}

/// The file that tells where to go. Which one follows from the name's form and the User-Agent alone.
async fn bootstrap(app: &App, asked: &Asked<'_>, row: &property_row::Model, owner: Option<Mac>) -> Result<Answer> {
    let name = asked.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let own_name = owner.filter(|_| name.contains("cfg") && !name.contains("dev"));
    let format = match (own_name, names::wanted(&name, "", "")) {
        (_, Some(Wanted::OwnBinary(_))) => Format::Binary,
        (Some(_), _) if !name.contains(".xml") => Format::Binary,
        (Some(_), _) | (None, Some(Wanted::Common | Wanted::Model(_))) => Format::AliasXml,
        _ => return Ok(Answer::NotFound),
    };
    let Some(base) = base(app) else { return Ok(Answer::NotFound) };
    let Some(property) = property::Entity::find_by_id(row.property_id).one(app.db.read()).await? else {
        return Ok(Answer::NotFound);
    };
    let audience = file::audience(agent::recognise(asked.user_agent).as_ref(), None);
    let bytes = file::bootstrap(&base, acs_url(app, &base, &property.code).as_deref(), format, audience)?;
    if let Some(mac) = owner
        && row.accept_until.is_some_and(|until| now_ms() < until)
    {
        let (property, address) = (row.property_id, asked.client.to_owned());
        app.provision.record.bootstrapped(Bootstrapped {
            mac,
            property,
            address,
            user_agent: asked.user_agent.to_owned(),
        });
    }
    let tag = file::tag(&[b"bootstrap", &bytes]);
    Ok(conditional(asked, tag, row.changed_at, format == Format::Binary, || Ok(bytes))?.0)
}

/// Whether a name is the phone's own; prefix and postfix are as it was told, or not there yet.
fn own_format(known: &Known, desired: &Desired, path: &str) -> Option<Format> {
    let text = |key: &str| desired.get(key).map(|effective| effective.value.as_str()).unwrap_or_default();
    let (prefix, postfix) = (text("provisioning.config.fileprefix"), text("provisioning.config.filepostfix"));
    let mac = views::mac(&known.phone);
    match names::wanted(path, prefix, postfix).or_else(|| names::wanted(path, "", ""))? {
        Wanted::OwnXml(own) if own == mac => Some(Format::AliasXml),
        Wanted::OwnBinary(own) if own == mac => Some(Format::Binary),
        _ => None,
    }
}

async fn own(app: &App, asked: &Asked<'_>, known: &Known) -> Result<Answer> {
    let Some((text, desired, applied)) = document(app, known).await? else { return Ok(Answer::NotFound) };
    let Some(format) = own_format(known, &desired, asked.path) else { return Ok(Answer::NotFound) };
    let wanted = desired.get(file::FILE_KEY).map(|effective| effective.value.as_str()).unwrap_or_default();
    let wanted = app.secrets.open(file::FILE_KEY, wanted)?;
    // What it was seen to have taken over TR-069 counts; else what stood in the file it fetched last.
    let key = match applied.get(file::FILE_KEY) == Some(&app.secrets.fingerprint(&wanted)) {
        true => wanted,
        false => app.secrets.open(file::FILE_KEY, &known.file.file_key)?,
    };
    give(app, asked, known, &text, &desired, format, &key).await
}

/// The first time: everything, once, and in clear, since the phone has no password for it yet.
async fn first(app: &App, asked: &Asked<'_>, known: &Known) -> Result<Answer> {
    let Some((text, desired, _)) = document(app, known).await? else { return Ok(Answer::NotFound) };
    if own_format(known, &desired, asked.path) != Some(Format::AliasXml) {
        return Ok(Answer::NotFound);
    }
    if asked.method == "GET" && !use_up(app, known).await? {
        return Ok(Answer::Challenge(proof::challenges(app, asked, false)));
    }
    give(app, asked, known, &text, &desired, Format::AliasXml, "").await
}

/// Takes the token away. `false`: somebody else has used it.
async fn use_up(app: &App, known: &Known) -> Result<bool> {
    use phone_file::Column::{First, FirstHash, FirstUntil, PhoneId};
    let write = app.db.write_beside().await?;
    let used = phone_file::Entity::update_many()
        .col_expr(First, Expr::value(""))
        .col_expr(FirstHash, Expr::value(""))
        .col_expr(FirstUntil, Expr::value(0))
        .filter(PhoneId.eq(known.phone.id))
        .filter(FirstHash.eq(&known.file.first_hash))
        .filter(FirstHash.ne(""))
        .exec(&write.tx)
        .await?;
    write.commit().await?;
    Ok(used.rows_affected == 1)
}

async fn document(app: &App, known: &Known) -> Result<Option<(String, Desired, Applied)>> {
    let Some(row) = desired::of(app.db.read(), known.phone.id).await? else { return Ok(None) };
    let desired = serde_json::from_str(&row.desired)?;
    let applied = serde_json::from_str(&row.applied)?;
    Ok(Some((row.desired, desired, applied)))
}

async fn give(
    app: &App,
    asked: &Asked<'_>,
    known: &Known,
    text: &str,
    desired: &Desired,
    format: Format,
    key: &str,
) -> Result<Answer> {
    let phone = &known.phone;
    let agent = agent::recognise(asked.user_agent);
    let audience = file::audience(agent.as_ref(), Some(phone));
    let kind = [format as u8, u8::from(audience == Audience::Bellhop)];
    let tag = file::tag(&[text.as_bytes(), &kind, app.secrets.fingerprint(key).as_bytes(), phone.model.as_bytes()]);
    let changed = job::Entity::find()
        .filter(job::Column::PhoneId.eq(phone.id))
        .filter(job::Column::Kind.eq(jobs::CONFIGURE))
        .order_by_desc(job::Column::CreatedAt)
        .one(app.db.read())
        .await?;
    let modified = changed.map_or(phone.created_at, |job| job.created_at);
    let mut left_out = 0;
    let make = || {
        let made = file::own(app, phone, desired, (format, audience), key, &tag)?;
        left_out = made.left_out;
        Ok(made.bytes)
    };
    let (answer, given) = conditional(asked, tag.clone(), modified, format == Format::Binary, make)?;
    if asked.method == "GET" {
        // The password of the next file stands in the one it has now.
        let next = desired.get(file::FILE_KEY).map(|effective| effective.value.clone()).unwrap_or_default();
        app.provision.record.fetched(Fetched {
            phone: phone.id,
            at: now_ms(),
            version: phone.desired_version,
            address: asked.client.to_owned(),
            user_agent: asked.user_agent.to_owned(),
            agent,
            file_key: next,
            given,
            left_out,
            name: asked.path.rsplit('/').next().unwrap_or_default().to_owned(),
            proved: !asked.tftp,
        });
    }
    Ok(answer)
}

/// Answers by the conditions of the request (RFC 9110 §13.1): nothing is made for who has it already. Also whether the file
/// is given.
fn conditional(
    asked: &Asked<'_>,
    tag: String,
    modified: i64,
    binary: bool,
    make: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<(Answer, bool)> {
    let has_it = match asked.if_none_match {
        Some(list) => {
            list.split(',').map(|one| one.trim().trim_start_matches("W/").trim_matches('"')).any(|one| one == tag)
        }
        None => asked.if_modified_since.is_some_and(|since| modified / 1000 <= since / 1000),
    };
    if has_it {
        return Ok((Answer::NotModified { tag, modified }, false));
    }
    let bytes = if asked.method == "GET" { Some(make()?) } else { None };
    Ok((Answer::File { bytes, binary, tag, modified }, true))
}
