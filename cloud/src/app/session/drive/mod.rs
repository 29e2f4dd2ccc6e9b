//! What to ask the phone next. A job's life in a session: read what is not known (always after a crash, to see what
//! took effect), send, read back, done. `configure` brings a phone to its desired document; the others are tasks.

mod configure;
mod diagnostics;
mod documents;
mod objects;
mod refused;
mod tasks;
mod transfer;
mod tree;
mod values;

use cwmp::{AcsInput, Fault, Message, ParameterValue, SetParameterValues, Value};
use sea_orm::ConnectionTrait;

use self::documents::Documents;
use super::store::State;
use super::work::{Reading, Work, Writing};
use crate::app::jobs::{self, CONFIGURE, Claim, Outcome};
use crate::app::{App, Result, enrol, heard};
use crate::db::entity::{job, phone};
use crate::secrets::random_token;

/// Takes the phone's answer and says what to send next; `None` ends the session. `account` is the password of the account
/// that was made for the phone on an external broker.
pub async fn step(
    app: &App,
    tx: &impl ConnectionTrait,
    phone: &phone::Model,
    state: &mut State,
    input: AcsInput,
    account: Option<String>,
) -> Result<Option<Message>> {
    let mut session = Step { app, tx, phone, state, account, documents: None, closing: false };
    let next = session.take(input).await?;
    session.save().await?;
    Ok(next)
}

struct Step<'a, C> {
    app: &'a App,
    tx: &'a C,
    phone: &'a phone::Model,
    state: &'a mut State,
    account: Option<String>,
    /// Saved at the end of the step if they changed.
    documents: Option<Documents>,
    /// The phone is asked nothing more in this session.
    closing: bool,
}

/// How the phone answered a request.
enum Reply {
    Answer(Message),
    Fault(Fault),
    /// It answered, but not so that it reads.
    Unreadable(String),
}

impl<C: ConnectionTrait> Step<'_, C> {
    async fn take(&mut self, input: AcsInput) -> Result<Option<Message>> {
        let work = std::mem::take(&mut self.state.work);
        let reply = match input {
            AcsInput::Response { message, .. } => Reply::Answer(message),
            AcsInput::Fault { fault, .. } => Reply::Fault(fault),
            AcsInput::BadResponse { error, .. } => {
                Reply::Unreadable(format!("The phone's answer cannot be read: {error}."))
            }
            _ if work == Work::Nothing => return self.next().await,
            _ => Reply::Unreadable("The phone answered something else than was asked.".to_owned()),
        };
        match (work, reply) {
            (Work::Enrolling, Reply::Answer(Message::SetParameterValuesResponse(_))) => {
                enrol::enrolled(self.tx, self.phone).await?;
                self.next().await
            }
            // Without its credentials the phone is asked nothing more; the next Inform tries again.
            (Work::Enrolling | Work::Welcoming, _) => Ok(None),
            (Work::Nothing, _) => self.next().await,
            (Work::Task { claim, doing }, reply) => match self.go_on(claim, doing, reply).await? {
                Some(request) => Ok(Some(request)),
                None => self.next().await,
            },
            (Work::Writing(work), Reply::Answer(Message::SetParameterValuesResponse(answer))) => {
                self.written(work, answer.status).await
            }
            (Work::Reading(work), Reply::Answer(Message::GetParameterValuesResponse(answer))) => {
                self.read(work, answer).await
            }
            (Work::Writing(work), Reply::Fault(fault)) => self.write_refused(work, &fault).await,
            (Work::Reading(work), Reply::Fault(fault)) => self.read_refused(work, &fault).await,
            (Work::Writing(writing), Reply::Unreadable(note)) => {
                self.failed(&writing.claim, Outcome::Failed(note)).await
            }
            (Work::Reading(reading), Reply::Unreadable(note)) => {
                self.failed(&reading.claim, Outcome::Failed(note)).await
            }
            (Work::Writing(Writing { claim, .. }) | Work::Reading(Reading { claim, .. }), Reply::Answer(other)) => {
                let note = format!("The phone answered {} instead of what was asked.", other.name());
                self.failed(&claim, Outcome::Failed(note)).await
            }
        }
    }

    /// Something to do, if there is anything.
    async fn next(&mut self) -> Result<Option<Message>> {
        if self.closing {
            return Ok(None);
        }
        if self.state.enrol {
            let account = self.account.take();
            let mqtt_password = match (heard::is_ours(self.phone), &self.app.accounts) {
                (false, _) => None,
                (true, None) => Some(random_token()),
                // Never credentials an external broker does not know of.
                (true, Some(_)) if account.is_none() => return Ok(None),
                (true, Some(_)) => account,
            };
            self.state.enrol = false;
            self.state.work = Work::Enrolling;
            let host = &self.state.host;
            let parameters = enrol::credentials(self.app, self.tx, self.phone, mqtt_password, host).await?;
            let request = SetParameterValues { parameters, parameter_key: String::new() };
            return Ok(Some(request.into()));
        }
        if !self.state.trusted {
            return Ok(self.welcome());
        }
        while let Some(job) = jobs::claim(self.tx, &self.app.config.jobs, self.phone.id, true).await? {
            let claim = Claim { id: job.id, fence: job.fence };
            if let Some(request) = self.begin(job, claim).await? {
                return Ok(Some(request));
            }
        }
        Ok(None)
    }

    /// A phone that waits to be accepted knows nobody who could call it in, so it is asked to come by itself.
    fn welcome(&mut self) -> Option<Message> {
        if !std::mem::take(&mut self.state.welcome) {
            return None;
        }
        self.state.work = Work::Welcoming;
        let every = Value::unsigned(self.app.config.acs.new_phone_interval_s);
        let parameters = vec![
            ParameterValue::new("Device.ManagementServer.PeriodicInformEnable", Value::boolean(true)),
            ParameterValue::new("Device.ManagementServer.PeriodicInformInterval", every),
        ];
        Some(SetParameterValues { parameters, parameter_key: String::new() }.into())
    }

    /// Starts on a job. `None`: there was nothing to do for it.
    async fn begin(&mut self, job: job::Model, claim: Claim) -> Result<Option<Message>> {
        match job.kind.as_str() {
            CONFIGURE => self.configure(&job, claim).await,
            _ => self.begin_task(job, claim).await,
        }
    }

    /// Ends the attempt; other jobs of this phone may still go on.
    async fn failed(&mut self, claim: &Claim, outcome: Outcome) -> Result<Option<Message>> {
        jobs::end(self.tx, &self.app.config.jobs, claim, outcome).await?;
        Box::pin(self.next()).await
    }
}
