//! CWMP sessions: who opens one, what is asked in it, how it goes on from POST to POST. The session lives in the database,
//! so any process can serve any POST and a restart loses none.

mod auth;
mod drive;
mod store;
mod work;

use contract::PhoneId;
use contract::rest::Enrolment;
use cwmp::{AcsInput, AcsSession, Envelope, Limits, decode_post};
use sea_orm::EntityTrait;
use tokio::sync::Semaphore;

use self::auth::Proof;
use self::store::State;
use self::work::Work;
use super::{App, Result, enrol, heard, views};
use crate::broker::external;
use crate::clock::now_ms;
use crate::db::entity::phone;
use crate::secrets::random_token;

pub use store::sweep;

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
    /// The request's target.
    pub uri: String,
    /// The address it comes from.
    pub client: String,
    pub body: Vec<u8>,
}

/// What to answer.
pub enum Answer {
    /// The session is open; `session` is the token that names it.
    Opened {
        reply: Box<Envelope>,
        session: String,
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
/// not at all.
pub async fn answer(app: &App, turns: &Semaphore, post: &Post, limits: &Limits) -> Result<Answer> {
    let decoded = decode_post(&post.body, limits);
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
    match decoded {
        Ok(Some(envelope)) if matches!(envelope.body, cwmp::Message::Inform(_)) => begin(app, post, envelope).await,
        decoded => go_on(app, post, decoded, account).await,
    }
}

/// An Inform opens a session.
async fn begin(app: &App, post: &Post, envelope: Envelope) -> Result<Answer> {
    let mut acs = AcsSession::new();
    let AcsInput::Informed { inform, reply } = acs.on_message(Some(envelope)) else {
        return Ok(Answer::Bad { reason: "an Inform out of place".to_owned(), fault: None });
    };
    // A phone that shows another model than is known is configured anew, which is a change of many rows.
    let write = match enrol::shows_new_model(app, &inform).await? {
        true => app.db.write().await?,
        false => app.db.write_beside().await?,
    };
    let tx = &write.tx;
    let phone = enrol::find_or_make(app, tx, &inform).await?;
    let proof = auth::check(app, post, &phone);
    let enrolment = views::enrolment(&phone);
    match (enrolment, proof) {
        (Enrolment::Enrolled, Proof::Missing | Proof::Stale) => {
            return Ok(Answer::Challenge(auth::challenges(app, &post.client, proof == Proof::Stale)));
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
    let places = if proof == Proof::Valid { places } else { places / 2 };
    if store::running(tx).await? >= places {
        return Ok(Answer::Busy);
    }
    if app.accounts.is_some() && store::makes_account(tx, phone.id).await? {
        // Two at work on one account could leave the phone with the password of the other.
        return Ok(Answer::Busy);
    }
    let proven = proof == Proof::Valid;
    let phone = heard::inform(app, tx, phone, &inform, &post.client).await?;
    if proven {
        enrol::enrolled(tx, &phone).await?;
    }
    let state = State {
        acs,
        work: Work::Nothing,
        enrol: enrolment == Enrolment::Expected && !proven,
        // Once: not at each of its visits.
        welcome: enrolment == Enrolment::New
            && inform.events.iter().any(|event| event.code != cwmp::EventCode::PERIODIC),
        account_until: 0,
        trusted: enrolment != Enrolment::New,
        host: post.host.clone(),
    };
    let session = store::begin(tx, phone.id, &state, app.config.acs.session_timeout_s).await?;
    write.commit().await?;
    app.live.wake();
    Ok(Answer::Opened { reply, session })
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
    if !store::save(&write.tx, &session, app.config.acs.session_timeout_s).await? {
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

/// Every POST after the Inform.
async fn go_on(
    app: &App,
    post: &Post,
    decoded: std::result::Result<Option<Envelope>, cwmp::CwmpError>,
    account: Option<(PhoneId, String)>,
) -> Result<Answer> {
    let write = app.db.write_beside().await?;
    let tx = &write.tx;
    let Some(mut session) = store::load(tx, post.session.as_deref()).await? else {
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
    let Some(phone) = phone::Entity::find_by_id(session.phone).one(tx).await? else {
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
    let answer = match input {
        AcsInput::CpeRequest { reply, .. } | AcsInput::Refused { reply, .. } => Answer::Envelope(reply),
        AcsInput::Unexpected { reason } => {
            store::end(tx, &session).await?;
            write.commit().await?;
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
    if matches!(answer, Answer::Ended) {
        store::end(tx, &session).await?;
    } else if !store::save(tx, &session, app.config.acs.session_timeout_s).await? {
        // The same session was answered at the same time; the other answer counts.
        return Ok(Answer::AnsweredElsewhere);
    }
    write.commit().await?;
    app.live.wake();
    Ok(answer)
}
