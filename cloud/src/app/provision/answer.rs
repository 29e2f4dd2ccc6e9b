//! What a request for a file is answered. Without a proof nothing here depends on whether a phone is known: at a property's
//! address everybody gets the same bootstrap file, elsewhere everybody the same 401.

use std::net::IpAddr;

use provisioning::names::{self, Wanted};
use provisioning::{Audience, Format, agent};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::handover::Handover;
use super::keys::Keys;
use super::proof::{Known, Proof};
use super::record::{Bootstrapped, Fetched, FirstToken, Held};
use super::{acs_url, base, file, proof};
use crate::app::{App, Result, desired, jobs, views};
use crate::clock::now_ms;
use crate::db::entity::{job, phone_file, property, provisioning as property_row};
use crate::domain::document::Applied;
use crate::domain::layers::Desired;
use crate::network::{Network, one_source};
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
        /// `Last-Modified`, in seconds since 1970.
        modified: i64,
        /// What to do when all of it was handed over; absent where nothing follows.
        handover: Option<Handover>,
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

impl<'a> Asked<'a> {
    /// The parts of the path, the name last. A slash too many counts for nothing: phones and people add one.
    pub(super) fn steps(&self) -> Vec<&'a str> {
        let (folders, name) = self.path.rsplit_once('/').unwrap_or(("", self.path));
        folders.split('/').filter(|step| !step.is_empty()).chain([name]).collect()
    }
}

/// Answers a request; what was fetched is remembered a moment later.
///
/// Who shows a proof is limited by himself alone. Those who show none are limited by address, which a hotel's phones share with
/// its guests: whatever these do, no phone is kept from its file.
pub async fn answer(app: &App, asked: &Asked<'_>) -> Result<Answer> {
    let source = one_source(asked.client);
    let is_crowded = app.provision.by_address.times(&source, now_ms()) >= app.config.provision.requests_per_minute;
    // Held until the answer is there.
    let _place = match is_crowded.then(|| app.provision.crowded.0.try_acquire()) {
        Some(Err(_)) => return Ok(Answer::TooMany),
        place => place,
    };
    let (proof, most) = (proof::of(app, asked).await?, app.config.provision.requests_per_phone);
    if let Proof::Own(known) | Proof::First(known) = &proof
        && !app.provision.by_phone.allows(&known.phone.id.to_string(), most, now_ms())
    {
        return Ok(Answer::TooMany);
    }
    match proof {
        Proof::Own(known) => own(app, asked, &known).await,
        Proof::First(known) => first(app, asked, &known).await,
        Proof::Nothing => to_anybody(app, asked).await,
        Proof::Stale => Ok(Answer::Challenge(proof::challenges(app, asked, true))),
        Proof::NeedsTls => Ok(Answer::NeedsTls),
    }
}

/// What a request is answered that shows nothing that holds. At a property's address it does not matter what else it shows: a
/// phone may have the login of another server, or of the time before it was removed here.
async fn to_anybody(app: &App, asked: &Asked<'_>) -> Result<Answer> {
    let steps = asked.steps();
    // A challenge alone costs nothing and is always given: without it no phone could show anything.
    let costs = asked.authorization.is_some() || steps.len() > 1;
    if costs && !may_ask(app, asked.client) {
        return Ok(Answer::TooMany);
    }
    let row = match steps[..] {
        [token, _] => serving(app, token).await?,
        _ => None,
    };
    match row {
        Some(row) => bootstrap(app, asked, &row).await,
        None => Ok(Answer::Challenge(proof::challenges(app, asked, false))),
    }
}

/// Whether somebody without a proof may ask once more this minute.
fn may_ask(app: &App, client: &str) -> bool {
    app.provision.by_address.allows(&one_source(client), app.config.provision.requests_per_minute, now_ms())
}

/// The file a name stands for by TFTP, which proves nothing: the bootstrap file at a property's address, and in networks the
/// configuration trusts a phone's own.
pub async fn by_tftp(app: &App, client: IpAddr, name: &str) -> Result<Option<(Vec<u8>, Option<Handover>)>> {
    if name.len() > MOST_NAME || name.contains(|c: char| !c.is_ascii_graphic()) {
        return Ok(None);
    }
    let is_in = |network: &String| network.parse::<Network>().is_ok_and(|network| network.contains(client));
    let trusted = app.config.provision.tftp_trusted.iter().any(is_in);
    let client = client.to_string();
    let path = format!("/{}", name.trim_start_matches('/'));
    if !may_ask(app, &client) {
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
    let known = match names::owner(name).filter(|_| trusted) {
        Some(mac) => proof::of_mac(app, &mac.compact()).await?,
        None => None,
    };
    let answer = match (known, &asked.steps()[..]) {
        (Some(known), _) => own(app, &asked, &known).await?,
        (None, [token, _]) => match serving(app, token).await? {
            Some(row) => bootstrap(app, &asked, &row).await?,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(match answer {
        Answer::File { bytes, handover, .. } => bytes.map(|bytes| (bytes, handover)),
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
async fn bootstrap(app: &App, asked: &Asked<'_>, row: &property_row::Model) -> Result<Answer> {
    let format = match names::own(asked.path).or_else(|| names::wanted(asked.path, "", "")) {
        Some(Wanted::OwnBinary(_)) => Format::Binary,
        Some(Wanted::OwnXml(_) | Wanted::Common | Wanted::Model(_)) => Format::AliasXml,
        Some(Wanted::Device(_)) | None => return Ok(Answer::NotFound),
    };
    let Some(base) = base(app) else { return Ok(Answer::NotFound) };
    let Some(property) = property::Entity::find_by_id(row.property_id).one(app.db.read()).await? else {
        return Ok(Answer::NotFound);
    };
    // Sent on without a server that gives it a login, the phone would be refused from then on.
    let Some(acs) = acs_url(app, &base, &property.code) else { return Ok(Answer::NotFound) };
    let audience = file::audience(agent::recognise(asked.user_agent).as_ref(), None);
    let bytes = file::bootstrap(&base, &acs, format, audience)?;
    if let Some(mac) = names::owner(asked.path)
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
    // What else is in it follows from the server's settings, which change with a start.
    let modified = last_modified(row.changed_at.max(app.started_at));
    if has(asked, modified, |one| one == tag) {
        return Ok(not_modified(tag, modified));
    }
    let bytes = (asked.method == "GET").then_some(bytes);
    Ok(file_of(bytes, format == Format::Binary, tag, modified, None))
}

/// Whether a name is the phone's own. Prefix and postfix say which format it asks for; whoever proved himself needs none: it may
/// not have heard of them yet, or of a change.
fn own_format(known: &Known, desired: &Desired, path: &str) -> Option<Format> {
    let text = |key: &str| desired.get(key).map(|effective| effective.value.as_str()).unwrap_or_default();
    let (prefix, postfix) = (text("provisioning.config.fileprefix"), text("provisioning.config.filepostfix"));
    let mac = views::mac(&known.phone);
    let of_it = |wanted: &Wanted| wanted.mac() == Some(mac);
    let told = names::wanted(path, prefix, postfix).filter(of_it);
    match told.or_else(|| names::own(path).filter(of_it))? {
        Wanted::OwnXml(_) => Some(Format::AliasXml),
        Wanted::OwnBinary(_) => Some(Format::Binary),
        _ => None,
    }
}

/// The password files are to be encrypted with, in clear; empty: none.
fn file_key(app: &App, desired: &Desired) -> Result<String> {
    let sealed = desired.get(file::FILE_KEY).map(|effective| effective.value.as_str()).unwrap_or_default();
    Ok(app.secrets.open(file::FILE_KEY, sealed)?)
}

async fn own(app: &App, asked: &Asked<'_>, known: &Known) -> Result<Answer> {
    let Some((text, desired, applied)) = document(app, known).await? else { return Ok(Answer::NotFound) };
    let Some(format) = own_format(known, &desired, asked.path) else { return Ok(Answer::NotFound) };
    let wanted = file_key(app, &desired)?;
    // What it was seen to have taken over TR-069 counts; else what stood in the files it fetched.
    let keys = match applied.get(file::FILE_KEY) == Some(&app.secrets.fingerprint(&wanted)) {
        true => Keys::only(wanted.clone()),
        false => Keys::of(&app.secrets, &known.file, now_ms())?,
    };
    let handover = Handover::new(&app.provision.record);
    give(app, asked, known, &Giving { text, desired, format, keys, next: wanted, is_first: false }, handover).await
}

/// The first time: everything, once, and in clear, since the phone has no password for it yet.
async fn first(app: &App, asked: &Asked<'_>, known: &Known) -> Result<Answer> {
    let Some((text, desired, _)) = document(app, known).await? else { return Ok(Answer::NotFound) };
    if own_format(known, &desired, asked.path) != Some(Format::AliasXml) {
        return Ok(Answer::NotFound);
    }
    let mut handover = Handover::new(&app.provision.record);
    if asked.method == "GET" {
        let Some(token) = use_up(app, known).await? else {
            return Ok(Answer::Challenge(proof::challenges(app, asked, false)));
        };
        handover = handover.first(token);
    }
    let next = file_key(app, &desired)?;
    let (format, keys) = (Format::AliasXml, Keys::only(String::new()));
    give(app, asked, known, &Giving { text, desired, format, keys, next, is_first: true }, handover).await
}

/// Takes the token away, until the file is handed over or is not. `None`: somebody else has used it.
async fn use_up(app: &App, known: &Known) -> Result<Option<FirstToken>> {
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
    Ok((used.rows_affected == 1).then(|| FirstToken {
        phone: known.phone.id,
        sealed: known.file.first.clone(),
        hash: known.file.first_hash.clone(),
        until: known.file.first_until,
    }))
}

async fn document(app: &App, known: &Known) -> Result<Option<(String, Desired, Applied)>> {
    let Some(row) = desired::of(app.db.read(), known.phone.id).await? else { return Ok(None) };
    let desired = serde_json::from_str(&row.desired)?;
    let applied = serde_json::from_str(&row.applied)?;
    Ok(Some((row.desired, desired, applied)))
}

/// A phone's own file, and what it may be encrypted with.
struct Giving {
    text: String,
    desired: Desired,
    format: Format,
    keys: Keys,
    /// The password the file tells, in clear.
    next: String,
    /// The phone comes for the first time: the file is in clear.
    is_first: bool,
}

async fn give(app: &App, asked: &Asked<'_>, known: &Known, giving: &Giving, handover: Handover) -> Result<Answer> {
    let (phone, row) = (&known.phone, &known.file);
    let agent = agent::recognise(asked.user_agent);
    let audience = file::audience(agent.as_ref(), Some(phone));
    let kind = [giving.format as u8, u8::from(audience == Audience::Bellhop)];
    let tag_of = |key: &str| {
        let key = app.secrets.fingerprint(key);
        file::tag(&[giving.text.as_bytes(), &kind, key.as_bytes(), phone.model.as_bytes()])
    };
    let changed = job::Entity::find()
        .filter(job::Column::PhoneId.eq(phone.id))
        .filter(job::Column::Kind.eq(jobs::CONFIGURE))
        .order_by_desc(job::Column::CreatedAt)
        .one(app.db.read())
        .await?;
    let modified = last_modified(changed.map_or(phone.created_at, |job| job.created_at));

    // Who names a file it took has the password which that told. Who comes for the first time took nothing.
    let took = |tag: &str| !giving.is_first && tags(asked).any(|one| one == tag);
    let held: Option<String> = giving.keys.all().map(tag_of).find(|tag| took(tag));
    let keys = match (&held, took(&row.tag)) {
        (Some(_), _) => Keys::only(giving.next.clone()),
        (None, true) => Keys::only(giving.keys.newest().to_owned()),
        (None, false) => giving.keys.clone(),
    };
    // Both formats are asked for where a phone loads all there is: XML alone says that it asks again.
    // By TFTP nobody proves anything: there is no older password, and never none.
    let same = row.version == phone.desired_version && !row.tag.is_empty() && !asked.tftp;
    let again = if same { row.turn + 1 } else { 0 };
    let key = keys.at(again);
    let turn = if giving.format == Format::Binary { again - 1 } else { again };
    let unchanged = held.is_some() || (!giving.is_first && has(asked, modified, |_| false));
    let tag = held.unwrap_or_else(|| tag_of(key));

    let made = match asked.method == "GET" && !unchanged {
        true => Some(file::own(app, phone, &giving.desired, (giving.format, audience), key, &tag)?),
        false => None,
    };
    let handover = if asked.method == "GET" {
        let after = match (giving.is_first, made.is_some()) {
            // Its next proof, its own password, stands in this file alone.
            (true, _) => Keys::only(giving.next.clone()),
            (false, true) => keys.clone().told(&giving.next),
            (false, false) => keys.clone(),
        };
        let (file_key, older_keys) = after.sealed(&app.secrets)?;
        let same_key = after.newest() == app.secrets.open(file::FILE_KEY, &row.file_key)?;
        handover.remembers(Fetched {
            phone: phone.id,
            at: now_ms(),
            version: phone.desired_version,
            address: asked.client.to_owned(),
            user_agent: asked.user_agent.to_owned(),
            agent,
            keys: Held {
                file_key,
                older_keys,
                key_at: if same_key { row.key_at } else { now_ms() },
                tag: if made.is_some() { tag.clone() } else { row.tag.clone() },
                turn: if made.is_some() { turn } else { row.turn },
            },
            given: made.is_some(),
            left_out: made.as_ref().map_or(0, |made| made.left_out),
            name: asked.path.rsplit('/').next().unwrap_or_default().to_owned(),
            proved: !asked.tftp,
        })
    } else {
        handover
    };
    if unchanged {
        handover.done();
        return Ok(not_modified(tag, modified));
    }
    let binary = giving.format == Format::Binary || !key.is_empty();
    Ok(file_of(made.map(|made| made.bytes), binary, tag, modified, Some(handover)))
}

fn file_of(bytes: Option<Vec<u8>>, binary: bool, tag: String, modified: i64, handover: Option<Handover>) -> Answer {
    Answer::File { bytes, binary, tag, modified: said(modified), handover }
}

fn not_modified(tag: String, modified: i64) -> Answer {
    Answer::NotModified { tag, modified: said(modified) }
}

/// Never later than the answer itself (RFC 9110 §8.8.2.1).
fn said(modified: i64) -> i64 {
    modified.min(now_ms() / 1000)
}

/// When something was changed, as HTTP says it: in whole seconds, rounded up, so that what changes again within the same second
/// is later than what was fetched in it.
const fn last_modified(changed_ms: i64) -> i64 {
    changed_ms.div_euclid(1000) + 1
}

/// The tags the request names as the ones it has (RFC 9110 §13.1.2).
fn tags<'a>(asked: &Asked<'a>) -> impl Iterator<Item = &'a str> {
    let list = asked.if_none_match.unwrap_or_default().split(',');
    list.map(|one| one.trim().trim_start_matches("W/").trim_matches('"')).filter(|one| !one.is_empty())
}

/// Whether who asks has it already, by the conditions of the request (RFC 9110 §13.1): a tag, any at all (`*`), or a date, which
/// counts only without tags. `modified` as [`last_modified`] says it.
fn has(asked: &Asked<'_>, modified: i64, is: impl Fn(&str) -> bool) -> bool {
    match asked.if_none_match {
        Some(list) => list.trim() == "*" || tags(asked).any(is),
        None => asked.if_modified_since.is_some_and(|since| modified <= since.div_euclid(1000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(if_none_match: Option<&'static str>, if_modified_since: Option<i64>) -> Asked<'static> {
        Asked {
            method: "GET",
            target: "/",
            path: "/",
            authorization: None,
            user_agent: "",
            if_none_match,
            if_modified_since,
            client: "",
            tls: false,
            shown: None,
            tftp: false,
        }
    }

    #[test]
    fn any_tag_will_do_where_any_is_asked_for() {
        for (list, held) in
            [("*", true), (" * ", true), ("\"x\", W/\"t\"", true), ("\"*\"", false), ("\"x\"", false), ("", false)]
        {
            assert_eq!(has(&asked(Some(list), None), 1, |one| one == "t"), held, "{list}");
            assert_eq!(
                has(&asked(Some(list), Some(9_000_000)), 1, |one| one == "t"),
                held,
                "no date counts beside tags"
            );
        }
    }

    #[test]
    fn what_changes_in_the_second_it_was_fetched_in_is_sent() {
        let unchanged = |changed, since| has(&asked(None, Some(since)), last_modified(changed), |_| false);
        // Fetched at 10.2 s, and it was of 5.1 s then.
        assert!(unchanged(5_100, 10_000));
        assert!(unchanged(5_100, last_modified(5_100) * 1000), "as we said it");
        assert!(!unchanged(10_900, 10_000));
        // Made at 10.2 s and fetched at 10.3 s: the answer may say 10 s at most.
        let said = last_modified(10_200).min(10_300 / 1000) * 1000;
        assert!(!unchanged(10_900, said));
        assert!(unchanged(10_900, 11_000));
    }
}
