//! CWMP sessions: who opens one, what is asked in it, how it goes on from POST to POST. A session lives in the database, or,
//! as long as nothing happens in it, in the phone's cookie; so any process can serve any POST and a restart loses none.

mod auth;
mod drive;
mod pass;
mod quiet;
mod store;
pub mod trace;
mod work;
mod wrong;

use contract::PhoneId;
use contract::rest::Enrolment;
use cwmp::{AcsInput, AcsSession, Envelope, Fault, FaultCode, Limits, Message, decode_post};
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait};
use tokio::sync::Semaphore;
use uuid::Uuid;

use self::auth::{By, Proof};
use self::pass::Pass;
use self::store::{Session, State};
use self::work::Work;
use super::trust::Profile;
use super::{App, AppError, Result, enrol, heard, provision, quarantine, tasks, views};
use crate::broker::external;
use crate::clock::now_ms;
use crate::db::entity::phone;
use crate::db::{is_duplicate, refers_to_nothing};
use crate::secrets::random_token;
use crate::tls::Shown;

pub use quiet::{Desk, run};
pub use store::sweep;
pub(crate) use wrong::WrongProofs;

/// How long making an account keeps other POSTs of the phone away: longer than it can take.
const ACCOUNT_MS: i64 = external::WAIT.as_millis() as i64 + 2_000;

/// A POST after its limits were checked.
pub struct Post {
    /// The Authorization header.
    pub authorization: Option<String>,
    /// The token that names the session.
    pub session: Option<String>,
    /// The name or address the phone reached us by.
    pub host: String,
    /// Scheme, host and port it reached us by.
    pub base: String,
    /// The request's target.
    pub uri: String,
    /// The address it comes from.
    pub client: String,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The client certificates it came with.
    pub shown: Option<Shown>,
    /// The code of the property whose address was called.
    pub property: Option<Uuid>,
    pub body: Vec<u8>,
}

/// What to answer.
pub enum Answer {
    /// The session is open; `session` is the token that names it.
    Opened {
        reply: Box<Envelope>,
        session: String,
        phone: Uuid,
    },
    Envelope(Box<Envelope>),
    /// Nothing more: 204.
    Ended,
    /// The phone must prove itself; one challenge per algorithm.
    Challenge(Vec<String>),
    /// Come back a little later.
    Busy,
    /// The same session was answered at the same time; the other answer counts.
    AnsweredElsewhere,
    Forbidden(String),
    /// Nothing we understand; `fault` where the phone will read one.
    Bad {
        reason: String,
        fault: Option<Box<Envelope>>,
    },
}

/// Answers a POST. Each is one transaction: the session's move, the job's step and what was heard are kept together or
/// not at all. Those of a session in which nothing happens keep nothing and are none (`quiet`).
pub async fn answer(app: &App, turns: &Semaphore, post: &Post, limits: &Limits) -> Result<Answer> {
    let decoded = decode_post(&post.body, limits);
    if matches!(decoded, Ok(None))
        && let Some(pass) = app.desk.pass(app, post)
        && app.desk.ends(app, &pass).await
    {
        return Ok(Answer::Ended);
    }
    let decoded = match decoded {
        Ok(Some(envelope)) if matches!(envelope.body, cwmp::Message::Inform(_)) => {
            return begin(app, turns, post, envelope).await;
        }
        decoded => decoded,
    };
    // Only an empty POST asks for something to do.
    let account = match &decoded {
        Ok(None) => make_account(app, turns, post).await?,
        _ => Account::NotNeeded,
    };
    let _turn = turns.acquire().await.map_err(anyhow::Error::from)?;
    let account = match account {
        Account::NotNeeded => None,
        Account::Made(phone, password) => Some((phone, password)),
        Account::Not(response) => return Ok(response),
    };
    go_on(app, post, decoded, account).await
}

/// An Inform opens a session.
async fn begin(app: &App, turns: &Semaphore, post: &Post, envelope: Envelope) -> Result<Answer> {
    let mut acs = AcsSession::new();
    let (inform, reply) = match acs.on_message(Some(envelope)) {
        AcsInput::Informed { inform, reply } => (inform, reply),
        // No version in common: the fault says so, and no session begins.
        AcsInput::Incompatible { reply } => return Ok(Answer::Envelope(reply)),
        _ => return Ok(Answer::Bad { reason: "an Inform out of place".to_owned(), fault: None }),
    };
    let trust = app.trust.now(app).await?;
    let mut proved = None;
    let known = match app.desk.known(&inform).await {
        Some(known) if views::enrolment(&known.phone) == Enrolment::Enrolled => {
            let profile = trust.of(&known.phone, post.property);
            if let Some(answer) = needs_tls(post, &known.phone, profile) {
                return Ok(answer);
            }
            let proof = auth::check(app, post, &known.phone, profile);
            match proof {
                Proof::Missing | Proof::Stale => return Ok(challenge(app, post, &known.phone, profile, proof)),
                Proof::TooMany => return Ok(Answer::Busy),
                Proof::Valid(_) => {}
            }
            if let Some(session) = app.desk.open(app, post, &known, &inform, &acs) {
                return Ok(Answer::Opened { reply, session, phone: known.phone.id });
            }
            // It opens one session, so it is not asked for again.
            proved = Some((known.phone.id, proof));
            Some(known.phone)
        }
        Some(known) => Some(known.phone),
        None => enrol::find(app, &inform).await?,
    };
    let _turn = turns.acquire().await.map_err(anyhow::Error::from)?;
    if known.as_ref().is_none_or(|phone| views::enrolment(phone) == Enrolment::New)
        && !strangers_turn(app, post, known.as_ref())
    {
        return Ok(Answer::Busy);
    }
    let is_new = known.as_ref().is_none_or(|phone| views::enrolment(phone) == Enrolment::New);
    let mac = enrol::mac_of(&inform)?;
    let welcomed = is_new && provision::welcomed(app.db.read(), mac, &post.client).await?.is_some();
    // A phone that shows another model than is known is configured anew, which is a change of many rows.
    let write = match welcomed || known.is_some_and(|phone| phone.model != inform.device_id.product_class) {
        true => app.db.write().await?,
        false => app.db.write_beside().await?,
    };
    let tx = &write.tx;
    let mut phone = enrol::find_or_make(app, tx, &inform).await?;
    if welcomed
        && views::enrolment(&phone) == Enrolment::New
        && let Some(property) = provision::welcomed(tx, mac, &post.client).await?
    {
        phone = provision::take_in(app, tx, phone, property).await?;
    }
    let profile = trust.of(&phone, post.property);
    if let Some(answer) = needs_tls(post, &phone, profile) {
        return Ok(answer);
    }
    let proof = match proved {
        Some((id, proof)) if id == phone.id => proof,
        _ => auth::check(app, post, &phone, profile),
    };
    let enrolment = views::enrolment(&phone);
    match (enrolment, proof) {
        (_, Proof::TooMany) => return Ok(Answer::Busy),
        (Enrolment::Enrolled, Proof::Missing | Proof::Stale) => {
            return Ok(challenge(app, post, &phone, profile, proof));
        }
        (Enrolment::Expected | Enrolment::New, Proof::Missing | Proof::Stale)
            if !profile.takes_first_contact(&post.client) =>
        {
            let reason = "is outside the networks first calls are taken from";
            return Ok(Answer::Forbidden(format!("phone {}: {} {reason}", views::mac(&phone), post.client)));
        }
        // Nor may a stranger speak for a phone that waits: what a person accepts is what they saw.
        (Enrolment::Expected | Enrolment::New, Proof::Missing | Proof::Stale)
            if !enrol::serial_matches(&phone, &inform) =>
        {
            return Ok(Answer::Forbidden(format!(
                "phone {} is known by the serial number {}, but shows {}",
                views::mac(&phone),
                phone.serial,
                inform.device_id.serial_number
            )));
        }
        _ => {}
    }
    // Strangers cannot take the places of phones that have proved themselves.
    let places = app.config.acs.max_sessions as u64;
    let proven = matches!(proof, Proof::Valid(_));
    let places = if proven { places } else { places / 2 };
    if store::running(tx).await? >= places {
        return Ok(Answer::Busy);
    }
    // As it is now, and nobody else's until the end: what follows is derived from it. Not before whoever speaks for it has
    // proved it, for a stranger could hold it.
    let Some(phone) = heard::locked(tx, phone.id).await? else { return Ok(Answer::Busy) };
    if app.accounts.is_some() && store::makes_account(tx, phone.id).await? {
        // Two at work on one account could leave the phone with the password of the other.
        return Ok(Answer::Busy);
    }
    let phone = heard::inform(app, tx, phone, &inform, &post.client).await?;
    // Of a stranger nothing is kept but its names: there is no task of theirs, and their values would fill the disk.
    if enrolment != Enrolment::New {
        tasks::told::informed(tx, phone.id, &inform).await?;
    }
    match proof {
        Proof::Valid(By::Own) => enrol::enrolled(tx, &phone).await?,
        Proof::Valid(By::Shared) if enrolment == Enrolment::Expected => enrol::enrolled_by_shared(tx, &phone).await?,
        // A certificate proves who it is; what it needs besides (for MQTT, for being called) it is given.
        Proof::Valid(By::Shared | By::Certificate) | Proof::Missing | Proof::Stale | Proof::TooMany => {}
    }
    let state = State {
        acs,
        work: Work::Nothing,
        enrol: enrolment == Enrolment::Expected
            && matches!(proof, Proof::Missing | Proof::Stale | Proof::Valid(By::Certificate)),
        // Once: not at each of its visits.
        welcome: enrolment == Enrolment::New
            && inform.events.iter().any(|event| event.code != cwmp::EventCode::PERIODIC),
        account_until: 0,
        trusted: enrolment != Enrolment::New,
        opened: now_ms(),
        asked_again: false,
        host: post.host.clone(),
        base: post.base.clone(),
    };
    let session = store::begin(tx, phone.id, &state, app.config.acs.session_timeout_s).await?;
    write.commit().await?;
    app.live.wake();
    Ok(Answer::Opened { reply, session, phone: phone.id })
}

fn needs_tls(post: &Post, phone: &phone::Model, profile: &Profile) -> Option<Answer> {
    let reason = || format!("phone {} is taken over TLS only (https)", views::mac(phone));
    (profile.require_tls && !post.tls).then(|| Answer::Forbidden(reason()))
}

/// Asks an enrolled phone for its proof.
fn challenge(app: &App, post: &Post, phone: &phone::Model, profile: &Profile, proof: Proof) -> Answer {
    let challenges = auth::challenges(app, post, profile, proof == Proof::Stale);
    match challenges.is_empty() {
        false => Answer::Challenge(challenges),
        true => Answer::Forbidden(format!("phone {} shows no certificate that names it", views::mac(phone))),
    }
}

/// Whether a phone nobody has accepted may call now: so many new ones from one address in a minute, and each as often as it
/// was told to, twice over.
fn strangers_turn(app: &App, post: &Post, known: Option<&phone::Model>) -> bool {
    match known {
        None => app.strangers.allows(&post.client, app.config.acs.new_phones_per_minute, now_ms()),
        Some(phone) => {
            let most = 10 + 2 * 60_u32.div_ceil(app.config.acs.new_phone_interval_s);
            app.strangers.allows(&phone.mac, most, now_ms())
        }
    }
}

/// What became of a phone's account on an external broker.
enum Account {
    NotNeeded,
    /// It is there, with this password.
    Made(PhoneId, String),
    /// The phone is answered so, and hears nothing of credentials.
    Not(Answer),
}

/// Makes the account before the credentials leave. The broker may take seconds, so this happens between two transactions
/// and not in the one that answers the POST, and without a turn: SQLite has one writer, and every other phone would wait
/// for it. In between, the session says that it is being done: no other POST nor session of this phone makes another one meanwhile, in
/// whatever process. Nothing of it is lasting: after a crash the time runs out and the next session starts anew.
async fn make_account(app: &App, turns: &Semaphore, post: &Post) -> Result<Account> {
    let Some(accounts) = &app.accounts else { return Ok(Account::NotNeeded) };
    let turn = turns.acquire().await.map_err(anyhow::Error::from)?;
    let Some(mut session) = store::load(app.db.read(), post.session.as_deref()).await? else {
        return Ok(Account::NotNeeded);
    };
    if !session.state.enrol {
        return Ok(Account::NotNeeded);
    }
    if session.state.account_until > now_ms() {
        return Ok(Account::Not(Answer::AnsweredElsewhere));
    }
    let phone = phone::Entity::find_by_id(session.phone).one(app.db.read()).await?;
    if !phone.is_some_and(|phone| heard::is_ours(&phone)) {
        return Ok(Account::NotNeeded);
    }
    let id = PhoneId(session.phone);
    let write = app.db.write_beside().await?;
    session.state.account_until = now_ms() + ACCOUNT_MS;
    if !store::save(&write.tx, &mut session, app.config.acs.session_timeout_s).await? {
        return Ok(Account::Not(Answer::AnsweredElsewhere));
    }
    write.commit().await?;
    drop(turn);

    let password = random_token();
    let Err(error) = accounts.make(id, &password).await else { return Ok(Account::Made(id, password)) };
    let error = format!("{error:#}");
    tracing::warn!(phone = %id, error, "not enrolled: the MQTT broker has no account for the phone; it will try again");
    let _turn = turns.acquire().await.map_err(anyhow::Error::from)?;
    let write = app.db.write_beside().await?;
    store::end(&write.tx, &session).await?;
    write.commit().await?;
    // A failed session, not an ended one: the phone repeats it soon rather than at its interval.
    Ok(Account::Not(Answer::Busy))
}

/// A pass that is used up once what came of it is kept.
struct Spending<'a> {
    app: &'a App,
    pass: Pass,
    kept: bool,
}

impl Drop for Spending<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.app.desk.give_back(self.app, &self.pass);
        }
    }
}

/// What became of a pass.
enum TakenUp<'a> {
    Session(Box<Session>, Spending<'a>),
    Nothing,
    Not(Answer),
}

/// Something happens in a quiet session: it gets its row.
async fn take_up<'a>(app: &'a App, tx: &impl ConnectionTrait, post: &Post) -> Result<TakenUp<'a>> {
    let Some(token) = post.session.as_deref() else { return Ok(TakenUp::Nothing) };
    let Some(pass) = app.desk.pass(app, post) else { return Ok(TakenUp::Nothing) };
    if store::running(tx).await? >= app.config.acs.max_sessions as u64 {
        return Ok(TakenUp::Not(Answer::Busy));
    }
    if !app.desk.spend(app, &pass) {
        return Ok(TakenUp::Nothing);
    }
    let spending = Spending { app, pass, kept: false };
    // Before its session's row, as everybody does.
    if heard::locked(tx, spending.pass.phone).await?.is_none() {
        return Ok(TakenUp::Not(Answer::Ended));
    }
    let state = State {
        acs: spending.pass.acs.clone(),
        work: Work::Nothing,
        enrol: false,
        welcome: false,
        account_until: 0,
        trusted: true,
        opened: spending.pass.opened,
        asked_again: false,
        host: post.host.clone(),
        base: post.base.clone(),
    };
    match store::take_up(tx, token, spending.pass.phone, state, app.config.acs.session_timeout_s).await {
        Ok(Some(session)) => Ok(TakenUp::Session(Box::new(session), spending)),
        // The phone has come again since.
        Ok(None) => {
            keep(Some(spending));
            Ok(TakenUp::Nothing)
        }
        Err(AppError::Internal(error)) if error.downcast_ref().is_some_and(is_duplicate) => {
            keep(Some(spending));
            Ok(TakenUp::Not(Answer::AnsweredElsewhere))
        }
        // Removed meanwhile: it comes back as a new phone.
        Err(AppError::Internal(error)) if error.downcast_ref().is_some_and(refers_to_nothing) => {
            Ok(TakenUp::Not(Answer::Ended))
        }
        Err(error) => Err(error),
    }
}

/// Every POST after the Inform.
async fn go_on(
    app: &App,
    post: &Post,
    decoded: std::result::Result<Option<Envelope>, cwmp::CwmpError>,
    account: Option<(PhoneId, String)>,
) -> Result<Answer> {
    let write = app.db.write_beside().await?;
    let tx = &write.tx;
    let mut spending = None;
    let session = match store::load(tx, post.session.as_deref()).await? {
        Some(session) => Some(session),
        None => match take_up(app, tx, post).await? {
            TakenUp::Session(session, taken) => {
                spending = Some(taken);
                Some(*session)
            }
            TakenUp::Nothing => None,
            TakenUp::Not(answer) => return Ok(answer),
        },
    };
    let Some(mut session) = session else {
        drop(write);
        return Ok(match decoded {
            Ok(None) => Answer::Ended,
            Ok(Some(envelope)) => {
                Answer::Bad { reason: format!("{} outside a session", envelope.body.name()), fault: None }
            }
            Err(error) => Answer::Bad {
                reason: error.to_string(),
                fault: error.version.map(|_| Box::new(error.fault_envelope(cwmp::error::Side::Acs))),
            },
        });
    };
    let input = match decoded {
        Ok(envelope) => session.state.acs.on_message(envelope),
        Err(error) => session.state.acs.on_error(error),
    };
    let Some(phone) = heard::locked(tx, session.phone).await? else {
        // Removed meanwhile: it comes back as a new phone.
        drop(write);
        if let (Some(accounts), Some((id, _))) = (&app.accounts, account)
            && let Err(error) = accounts.remove(id).await
        {
            let error = format!("{error:#}");
            tracing::warn!(phone = %id, error, "a removed phone's account stays on the MQTT broker; nobody has its password");
        }
        return Ok(Answer::Ended);
    };
    if account.is_some() {
        session.state.account_until = 0;
    }
    let password = account.map(|(_, password)| password);
    let mut lost = None;
    let answer = match input {
        AcsInput::CpeRequest { message, reply } if !may_tell(&session.state, &message) => {
            let refused = Fault::new(FaultCode::ACS_REQUEST_DENIED, "Nobody has accepted this phone yet.");
            Answer::Envelope(Box::new(reply.answer(refused.into())))
        }
        AcsInput::CpeRequest { message, reply } => {
            let (kept, answer) = hear(tx, &phone, &mut session.state, &message, reply).await?;
            lost = kept.err();
            answer
        }
        AcsInput::Refused { reply, .. } => Answer::Envelope(reply),
        AcsInput::Unexpected { reason } => {
            if !store::end(tx, &session).await? {
                return Ok(Answer::AnsweredElsewhere);
            }
            write.commit().await?;
            keep(spending);
            return Ok(Answer::Bad { reason, fault: None });
        }
        input => match drive::step(app, tx, &phone, &mut session.state, input, password).await? {
            Some(message) => match session.state.acs.request(message) {
                Ok(envelope) => Answer::Envelope(Box::new(envelope)),
                Err(_) => Answer::Ended,
            },
            None => Answer::Ended,
        },
    };
    let ours = match answer {
        Answer::Ended => store::end(tx, &session).await?,
        _ => store::save(tx, &mut session, app.config.acs.session_timeout_s).await?,
    };
    if !ours {
        // The same session was answered at the same time; the other answer counts.
        return Ok(Answer::AnsweredElsewhere);
    }
    write.commit().await?;
    keep(spending);
    app.live.wake();
    if let Some(reason) = lost
        && let Err(error) = quarantine::keep(app, &format!("acs {}", post.client), &reason, &post.body).await
    {
        tracing::error!(%error, "cannot quarantine");
    }
    Ok(answer)
}

fn keep(spending: Option<Spending>) {
    if let Some(mut spending) = spending {
        spending.kept = true;
    }
}

/// A stranger may ask what we can; what it has to tell is heard when somebody has accepted it.
fn may_tell(state: &State, message: &Message) -> bool {
    state.trusted || matches!(message, Message::GetRpcMethods)
}

/// Keeps what a phone tells, behind a savepoint of its own: where that fails the phone sends it once more (8005), and if it
/// fails again it is told that it is lost (8002). A message that nothing can keep would hold up all else of that phone.
/// Where nothing at all can be kept neither leaves, and the phone comes again later.
async fn hear(
    tx: &DatabaseTransaction,
    phone: &phone::Model,
    state: &mut State,
    message: &Message,
    reply: Box<Envelope>,
) -> Result<(std::result::Result<(), String>, Answer)> {
    // By name: a `begin` of sea-orm's that is given up half way takes what is around it with it.
    tx.execute_unprepared("SAVEPOINT told").await?;
    let Err(error) = tasks::told::request(tx, phone, message).await else {
        tx.execute_unprepared("RELEASE SAVEPOINT told").await?;
        state.asked_again = false;
        return Ok((Ok(()), Answer::Envelope(reply)));
    };
    tx.execute_unprepared("ROLLBACK TO SAVEPOINT told").await?;
    let reason = format!("{} could not be kept: {error}", message.name());
    tracing::error!(phone = %phone.id, reason, again = state.asked_again, "a phone's request");
    if std::mem::replace(&mut state.asked_again, true) {
        state.asked_again = false;
        let fault = reply.answer(Fault::of(FaultCode::ACS_INTERNAL_ERROR).into());
        return Ok((Err(reason), Answer::Envelope(Box::new(fault))));
    }
    Ok((Ok(()), Answer::Envelope(Box::new(state.acs.ask_again(&reply)))))
}
