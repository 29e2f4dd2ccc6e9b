//! What to ask the phone next. A job's life in a session: read what is not known (always after a crash, to see what
//! took effect), write the difference, read it back, done.

use std::collections::BTreeMap;

use contract::rest::ValueState;
use cwmp::{
    AcsInput, Fault, FaultCode, GetParameterValues, GetParameterValuesResponse, Message, ParameterValue,
    SetParameterValues, Value,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::store::State;
use super::work::Work;
use crate::app::jobs::{self, AGAIN, Claim, Outcome, SENT};
use crate::app::{App, Result, desired, enrol, heard};
use crate::clock::now_ms;
use crate::db::entity::{job, phone, phone_document};
use crate::domain::catalogue;
use crate::domain::document::{Applied, Held, Reported};
use crate::domain::layers::Desired;
use crate::secrets::random_token;

/// Values asked for at once: our own agent takes many, other phones have failed on 32.
const READ_OURS: usize = 256;
const READ_OTHERS: usize = 8;
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
    let mut session = Step { app, tx, phone, state, account, documents: None };
    let next = session.take(input).await?;
    session.save().await?;
    Ok(next)
}

const REFUSED: &str = "refused ";

/// Stands in the applied document for a value the phone refused: not tried again until it changes.
fn refused_mark(fingerprint: &str, code: FaultCode) -> String {
    format!("{REFUSED}{} {fingerprint}", code.0)
}

fn refused_code(mark: &str, fingerprint: &str) -> Option<FaultCode> {
    let (code, refused) = mark.strip_prefix(REFUSED)?.split_once(' ')?;
    (refused == fingerprint).then_some(FaultCode(code.parse().ok()?))
}

struct Step<'a, C> {
    app: &'a App,
    tx: &'a C,
    phone: &'a phone::Model,
    state: &'a mut State,
    account: Option<String>,
    /// Loaded when first needed, saved at the end of the step if they changed.
    documents: Option<Documents>,
}

/// A phone's documents, with secrets opened.
#[derive(Clone, Default)]
struct Documents {
    desired: BTreeMap<String, String>,
    reported: Reported,
    applied: Applied,
    changed: bool,
}

impl<C: ConnectionTrait> Step<'_, C> {
    async fn take(&mut self, input: AcsInput) -> Result<Option<Message>> {
        let work = std::mem::take(&mut self.state.work);
        match (input, work) {
            (AcsInput::Response { message: Message::SetParameterValuesResponse(_), .. }, Work::Enrolling) => {
                enrol::enrolled(self.tx, self.phone).await?;
                self.next().await
            }
            (
                AcsInput::Response { message: Message::SetParameterValuesResponse(_), .. },
                Work::Writing { claim, version, values, fingerprints },
            ) => self.written(claim, version, values, fingerprints).await,
            (AcsInput::Response { message: Message::SetParameterValuesResponse(_), .. }, Work::Welcoming) => Ok(None),
            (
                AcsInput::Response { message: Message::GetParameterValuesResponse(answer), .. },
                work @ Work::Reading { .. },
            ) => self.read(work, answer).await,
            (AcsInput::Fault { fault, .. }, work) => self.refused(work, &fault).await,
            (AcsInput::BadResponse { error, .. }, work) => {
                let note = format!("The phone's answer cannot be read: {error}.");
                self.failed(work, Outcome::Failed(note)).await
            }
            (_, work @ (Work::Reading { .. } | Work::Writing { .. } | Work::Enrolling | Work::Welcoming)) => {
                let note = "The phone answered something else than was asked.".to_owned();
                self.failed(work, Outcome::Failed(note)).await
            }
            (_, Work::Nothing) => self.next().await,
        }
    }

    /// Something to do, if there is anything.
    async fn next(&mut self) -> Result<Option<Message>> {
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
            if let Some(request) = self.begin(&job, claim).await? {
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
    async fn begin(&mut self, job: &job::Model, claim: Claim) -> Result<Option<Message>> {
        let ours = heard::is_ours(self.phone);
        let documents = self.documents().await?;
        if job.step == AGAIN {
            documents.applied.retain(|_, mark| !mark.starts_with(REFUSED));
            documents.changed = true;
        }
        let readable: Vec<(&String, String)> = documents
            .desired
            .keys()
            .filter(|key| !catalogue::is_secret(key))
            .filter_map(|key| Some((key, catalogue::path_on(key, ours)?)))
            .collect();
        let unknown = readable.iter().any(|(key, _)| !documents.reported.contains_key(*key));
        // What the phone is now decides: after a crash the write may have happened.
        if (job.step == SENT || job.step == AGAIN || unknown) && !readable.is_empty() {
            let paths = readable.into_iter().map(|(_, path)| path).collect();
            return Ok(Some(self.ask(claim, self.phone.desired_version, paths, BTreeMap::new(), 0)));
        }
        self.write(claim).await
    }

    /// Sends the difference, or ends the job when there is none.
    async fn write(&mut self, claim: Claim) -> Result<Option<Message>> {
        let (mut parameters, mut values, mut fingerprints) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let ours = heard::is_ours(self.phone);
        let documents = self.documents().await?.clone();
        for (key, value) in &documents.desired {
            let Some(path) = catalogue::path_on(key, ours) else { continue };
            let fingerprint = self.app.secrets.fingerprint(value);
            let secret = catalogue::is_secret(key);
            let held = Held {
                desired: value,
                reported: documents.reported.get(key).map(String::as_str),
                applied: documents.applied.get(key).map(String::as_str),
                secret,
            };
            let refused = held.applied.is_some_and(|mark| refused_code(mark, &fingerprint).is_some());
            if held.state(&fingerprint) == ValueState::InSync || refused {
                continue;
            }
            parameters.push(ParameterValue::new(path.clone(), catalogue::to_wire(key, &path, value)));
            fingerprints.insert(key.clone(), fingerprint);
            if !secret {
                values.insert(key.clone(), value.clone());
            }
        }
        if parameters.is_empty() {
            let rest = self.unreachable().await?;
            self.confirm(self.phone.desired_version).await?;
            let note = format!("The phone has everything already.{rest}");
            self.finish(&claim, note).await?;
            return Ok(None);
        }
        if !jobs::save_step(self.tx, &self.app.config.jobs, &claim, SENT).await? {
            return Ok(None);
        }
        let version = self.phone.desired_version;
        self.state.work = Work::Writing { claim, version, values, fingerprints };
        let request = SetParameterValues { parameters, parameter_key: format!("bh:{version}") };
        Ok(Some(request.into()))
    }

    /// The phone took the values: remember, and read back what can be read.
    async fn written(
        &mut self,
        claim: Claim,
        version: i64,
        values: BTreeMap<String, String>,
        fingerprints: BTreeMap<String, String>,
    ) -> Result<Option<Message>> {
        let count = fingerprints.len();
        let documents = self.documents().await?;
        documents.applied.extend(fingerprints);
        documents.changed = true;
        let ours = heard::is_ours(self.phone);
        let paths: Vec<String> = values.keys().filter_map(|key| catalogue::path_on(key, ours)).collect();
        if paths.is_empty() {
            return self.done(claim, version, count).await;
        }
        Ok(Some(self.ask(claim, version, paths, values, count)))
    }

    fn ask(
        &mut self,
        claim: Claim,
        version: i64,
        paths: Vec<String>,
        written: BTreeMap<String, String>,
        count: usize,
    ) -> Message {
        let size = if heard::is_ours(self.phone) { READ_OURS } else { READ_OTHERS };
        let mut left: Vec<Vec<String>> = paths.chunks(size).map(<[String]>::to_vec).collect();
        let names = left.remove(0);
        self.state.work = Work::Reading { claim, version, left, written, count };
        GetParameterValues { names }.into()
    }

    async fn read(&mut self, work: Work, answer: GetParameterValuesResponse) -> Result<Option<Message>> {
        let Work::Reading { claim, version, mut left, written, count } = work else {
            return self.next().await;
        };
        let documents = self.documents().await?;
        for parameter in &answer.parameters {
            if let Some((key, value)) = catalogue::from_wire(&parameter.name, &parameter.value.text) {
                documents.reported.insert(key, value);
            }
        }
        documents.changed = true;
        if !left.is_empty() {
            let names = left.remove(0);
            self.state.work = Work::Reading { claim, version, left, written, count };
            return Ok(Some(GetParameterValues { names }.into()));
        }
        if written.is_empty() {
            return match self.write(claim).await? {
                Some(request) => Ok(Some(request)),
                None => Box::pin(self.next()).await,
            };
        }
        let documents = self.documents().await?;
        let wrong: Vec<String> = written
            .iter()
            .filter(|(key, value)| documents.reported.get(*key) != Some(value))
            .map(|(key, value)| {
                let reported = documents.reported.get(key).map_or("nothing", String::as_str);
                format!("{} is \"{reported}\" instead of \"{value}\"", catalogue::title_and_page(key).0)
            })
            .collect();
        if wrong.is_empty() {
            return self.done(claim, version, count).await;
        }
        let note = format!("The phone accepted the change, but read back {}.", wrong.join("; "));
        self.failed(Work::Reading { claim, version, left, written, count }, Outcome::Failed(note)).await
    }

    async fn done(&mut self, claim: Claim, version: i64, count: usize) -> Result<Option<Message>> {
        self.confirm(version).await?;
        let rest = self.unreachable().await?;
        let note = match count {
            1 => format!("One value set and read back.{rest}"),
            _ => format!("{count} values set and read back.{rest}"),
        };
        self.finish(&claim, note).await?;
        Box::pin(self.next()).await
    }

    /// What the phone cannot be told by TR-069, in words.
    async fn unreachable(&mut self) -> Result<String> {
        let ours = heard::is_ours(self.phone);
        let keys = self.documents().await?.desired.keys();
        Ok(match keys.filter(|key| catalogue::path_on(key, ours).is_none()).count() {
            0 => String::new(),
            1 => " One value has no TR-069 name on this phone.".to_owned(),
            many => format!(" {many} values have no TR-069 name on this phone."),
        })
    }

    async fn refused(&mut self, work: Work, fault: &Fault) -> Result<Option<Message>> {
        let reasons: Vec<String> = fault
            .parameters
            .iter()
            .take(5)
            .map(|parameter| {
                let name = settings::key_of_path(&parameter.name)
                    .map_or_else(|| parameter.name.clone(), |key| catalogue::title_and_page(&key).0);
                format!("{name}: {} ({})", parameter.code.text(), parameter.code.0)
            })
            .collect();
        if let Work::Writing { claim, fingerprints, .. } = &work
            && self.leave_out(fault, fingerprints).await?
        {
            // What the phone did not refuse goes to it without the rest.
            let claim = claim.clone();
            return match self.write(claim).await? {
                Some(request) => Ok(Some(request)),
                None => Box::pin(self.next()).await,
            };
        }
        // A value the phone does not take will not be taken next time either.
        let lasting = !fault.parameters.is_empty() || fault.code == FaultCode::METHOD_NOT_SUPPORTED;
        let reasons = if reasons.is_empty() { fault.text.clone() } else { reasons.join("; ") };
        let note =
            format!("The phone refused: {} ({}). {reasons} {}", fault.code.text(), fault.code.0, fault.code.advice());
        self.failed(work, if lasting { Outcome::Refused(note) } else { Outcome::Failed(note) }).await
    }

    /// Remembers which values the phone refused, so that they spoil no other. `false`: the fault names none of them.
    async fn leave_out(&mut self, fault: &Fault, fingerprints: &BTreeMap<String, String>) -> Result<bool> {
        let documents = self.documents().await?;
        let mut any = false;
        for parameter in &fault.parameters {
            let Some(key) = settings::key_of_path(&parameter.name) else { continue };
            if let Some(fingerprint) = fingerprints.get(&key) {
                documents.applied.insert(key, refused_mark(fingerprint, parameter.code));
                any = true;
            }
        }
        documents.changed |= any;
        Ok(any)
    }

    /// The values the phone refused and still should have, in words.
    async fn refusals(&mut self) -> Result<Vec<String>> {
        let secrets = &self.app.secrets;
        let documents = self.documents().await?;
        Ok(documents
            .desired
            .iter()
            .filter_map(|(key, value)| {
                let code = refused_code(documents.applied.get(key)?, &secrets.fingerprint(value))?;
                let advice = code.advice();
                Some(format!("{}: {} ({}). {advice}", catalogue::title_and_page(key).0, code.text(), code.0))
            })
            .collect())
    }

    /// Ends a job whose values are all there, but for those the phone refuses.
    async fn finish(&mut self, claim: &Claim, note: String) -> Result<()> {
        let refusals = self.refusals().await?;
        let outcome = match refusals.is_empty() {
            true => Outcome::Done(note),
            false => Outcome::Refused(format!("The phone refused {} {note}", refusals.join(" "))),
        };
        jobs::end(self.tx, &self.app.config.jobs, claim, outcome).await?;
        Ok(())
    }

    /// Ends the attempt; other jobs of this phone may still go on.
    async fn failed(&mut self, work: Work, outcome: Outcome) -> Result<Option<Message>> {
        match work {
            Work::Reading { claim, .. } | Work::Writing { claim, .. } => {
                jobs::end(self.tx, &self.app.config.jobs, &claim, outcome).await?;
                Box::pin(self.next()).await
            }
            // Without its credentials the phone is asked nothing more; the next Inform tries again.
            Work::Enrolling | Work::Welcoming | Work::Nothing => Ok(None),
        }
    }

    async fn documents(&mut self) -> Result<&mut Documents> {
        if self.documents.is_none() {
            let mut documents = Documents::default();
            if let Some(row) = desired::of(self.tx, self.phone.id).await? {
                let sealed: Desired = serde_json::from_str(&row.desired)?;
                for (key, effective) in sealed {
                    let plain = self.app.secrets.open(&key, &effective.value)?;
                    documents.desired.insert(key, plain);
                }
                documents.reported = serde_json::from_str(&row.reported)?;
                documents.applied = serde_json::from_str(&row.applied)?;
            }
            self.documents = Some(documents);
        }
        Ok(self.documents.get_or_insert_default())
    }

    async fn save(&self) -> Result<()> {
        let Some(documents) = self.documents.as_ref().filter(|documents| documents.changed) else { return Ok(()) };
        phone_document::Entity::update_many()
            .col_expr(phone_document::Column::Reported, Expr::value(serde_json::to_string(&documents.reported)?))
            .col_expr(phone_document::Column::Applied, Expr::value(serde_json::to_string(&documents.applied)?))
            .col_expr(phone_document::Column::ReportedAt, Expr::value(now_ms()))
            .filter(phone_document::Column::PhoneId.eq(self.phone.id))
            .exec(self.tx)
            .await?;
        Ok(())
    }

    /// The phone is what `version` wants it to be.
    async fn confirm(&mut self, version: i64) -> Result<()> {
        let secrets = &self.app.secrets;
        let documents = self.documents().await?;
        for (key, value) in &documents.desired {
            if !catalogue::is_secret(key) && documents.reported.get(key) == Some(value) {
                documents.applied.insert(key.clone(), secrets.fingerprint(value));
            }
        }
        documents.changed = true;
        phone::Entity::update_many()
            .col_expr(phone::Column::AppliedVersion, Expr::value(version))
            .filter(phone::Column::Id.eq(self.phone.id))
            .exec(self.tx)
            .await?;
        Ok(())
    }
}
