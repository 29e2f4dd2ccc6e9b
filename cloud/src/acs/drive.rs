//! What to ask the phone next. A job's life in a session: read what is not known (always after a crash, to see what
//! took effect), write the difference, read it back, done.

use std::collections::BTreeMap;

use contract::rest::ValueState;
use cwmp::{
    AcsInput, Fault, FaultCode, GetParameterValues, GetParameterValuesResponse, Message, ParameterValue,
    SetParameterValues,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::session::State;
use super::work::Work;
use crate::app::jobs::{self, Claim, Outcome};
use crate::app::{App, Result, desired, enrol, heard};
use crate::clock::now_ms;
use crate::db::entity::{job, phone, phone_document};
use crate::domain::catalogue;
use crate::domain::document::{Applied, Held, Reported};
use crate::domain::layers::Desired;

/// Values asked for at once: our own agent takes many, other phones have failed on 32.
const READ_OURS: usize = 256;
const READ_OTHERS: usize = 8;
/// Step saved before a SetParameterValues leaves.
const SENT: &str = "sent";

/// Takes the phone's answer and says what to send next; `None` ends the session.
pub async fn step(
    app: &App,
    tx: &impl ConnectionTrait,
    phone: &phone::Model,
    state: &mut State,
    input: AcsInput,
) -> Result<Option<Message>> {
    let mut session = Step { app, tx, phone, state };
    let work = std::mem::take(&mut session.state.work);
    match (input, work) {
        (
            AcsInput::Response {
                message: Message::SetParameterValuesResponse(_),
                ..
            },
            Work::Enrolling,
        ) => {
            enrol::enrolled(tx, phone).await?;
            session.next().await
        }
        (
            AcsInput::Response {
                message: Message::SetParameterValuesResponse(_),
                ..
            },
            Work::Writing {
                claim,
                values,
                fingerprints,
            },
        ) => session.written(claim, values, fingerprints).await,
        (
            AcsInput::Response {
                message: Message::GetParameterValuesResponse(answer),
                ..
            },
            work @ Work::Reading { .. },
        ) => session.read(work, answer).await,
        (AcsInput::Fault { fault, .. }, work) => session.refused(work, &fault).await,
        (AcsInput::BadResponse { error, .. }, work) => {
            session
                .failed(
                    work,
                    Outcome::Failed(format!("The phone's answer cannot be read: {error}.")),
                )
                .await
        }
        (_, work @ (Work::Reading { .. } | Work::Writing { .. } | Work::Enrolling)) => {
            session
                .failed(
                    work,
                    Outcome::Failed("The phone answered something else than was asked.".to_owned()),
                )
                .await
        }
        (_, Work::Nothing) => session.next().await,
    }
}

struct Step<'a, C> {
    app: &'a App,
    tx: &'a C,
    phone: &'a phone::Model,
    state: &'a mut State,
}

/// A phone's documents, with secrets opened.
struct Documents {
    desired: BTreeMap<String, String>,
    reported: Reported,
    applied: Applied,
    version: i64,
}

impl<C: ConnectionTrait> Step<'_, C> {
    /// Something to do, if there is anything.
    async fn next(&mut self) -> Result<Option<Message>> {
        if self.state.enrol {
            self.state.enrol = false;
            self.state.work = Work::Enrolling;
            let ours = heard::is_ours(self.phone);
            let parameters = enrol::credentials(self.app, self.tx, self.phone, ours, &self.state.host).await?;
            let request = SetParameterValues {
                parameters,
                parameter_key: String::new(),
            };
            return Ok(Some(request.into()));
        }
        if !self.state.trusted {
            return Ok(None);
        }
        while let Some(job) = jobs::claim(self.tx, &self.app.config.jobs, self.phone.id, true).await? {
            let claim = Claim {
                id: job.id,
                fence: job.fence,
            };
            if let Some(request) = self.begin(&job, claim).await? {
                return Ok(Some(request));
            }
        }
        Ok(None)
    }

    /// Starts on a job. `None`: there was nothing to do for it.
    async fn begin(&mut self, job: &job::Model, claim: Claim) -> Result<Option<Message>> {
        let documents = self.documents().await?;
        let ours = heard::is_ours(self.phone);
        let readable: Vec<(&String, String)> = documents
            .desired
            .keys()
            .filter(|key| !catalogue::is_secret(key))
            .filter_map(|key| Some((key, catalogue::path_on(key, ours)?)))
            .collect();
        let unknown = readable.iter().any(|(key, _)| !documents.reported.contains_key(*key));
        // What the phone is now decides: after a crash the write may have happened.
        if (job.step == SENT || unknown) && !readable.is_empty() {
            let paths = readable.into_iter().map(|(_, path)| path).collect();
            return Ok(Some(self.ask(claim, paths, BTreeMap::new(), 0)));
        }
        self.write(claim, documents).await
    }

    /// Sends the difference, or ends the job when there is none.
    async fn write(&mut self, claim: Claim, documents: Documents) -> Result<Option<Message>> {
        let (mut parameters, mut values, mut fingerprints, mut unreachable) =
            (Vec::new(), BTreeMap::new(), BTreeMap::new(), 0);
        let ours = heard::is_ours(self.phone);
        for (key, value) in &documents.desired {
            let Some(path) = catalogue::path_on(key, ours) else {
                unreachable += 1;
                continue;
            };
            let fingerprint = self.app.secrets.fingerprint(value);
            let secret = catalogue::is_secret(key);
            let held = Held {
                desired: value,
                reported: documents.reported.get(key).map(String::as_str),
                applied: documents.applied.get(key).map(String::as_str),
                secret,
            };
            if held.state(&fingerprint) == ValueState::InSync {
                continue;
            }
            parameters.push(ParameterValue::new(path.clone(), catalogue::to_wire(key, &path, value)));
            fingerprints.insert(key.clone(), fingerprint);
            if !secret {
                values.insert(key.clone(), value.clone());
            }
        }
        let rest = match unreachable {
            0 => String::new(),
            1 => " One value has no TR-069 name on this phone.".to_owned(),
            many => format!(" {many} values have no TR-069 name on this phone."),
        };
        if parameters.is_empty() {
            self.confirm(documents.version, &documents.desired).await?;
            let note = format!("The phone has everything already.{rest}");
            jobs::end(self.tx, &self.app.config.jobs, &claim, Outcome::Done(note)).await?;
            return Ok(None);
        }
        if !jobs::save_step(self.tx, &self.app.config.jobs, &claim, SENT).await? {
            return Ok(None);
        }
        self.state.work = Work::Writing {
            claim,
            values,
            fingerprints,
        };
        let request = SetParameterValues {
            parameters,
            parameter_key: format!("bh:{}", documents.version),
        };
        Ok(Some(request.into()))
    }

    /// The phone took the values: remember, and read back what can be read.
    async fn written(
        &mut self,
        claim: Claim,
        values: BTreeMap<String, String>,
        fingerprints: BTreeMap<String, String>,
    ) -> Result<Option<Message>> {
        let mut documents = self.documents().await?;
        let count = fingerprints.len();
        documents.applied.extend(fingerprints);
        self.store(&documents.reported, &documents.applied).await?;
        let ours = heard::is_ours(self.phone);
        let paths: Vec<String> = values.keys().filter_map(|key| catalogue::path_on(key, ours)).collect();
        if paths.is_empty() {
            return self.done(claim, count).await;
        }
        Ok(Some(self.ask(claim, paths, values, count)))
    }

    fn ask(&mut self, claim: Claim, paths: Vec<String>, written: BTreeMap<String, String>, count: usize) -> Message {
        let size = if heard::is_ours(self.phone) {
            READ_OURS
        } else {
            READ_OTHERS
        };
        let mut left: Vec<Vec<String>> = paths.chunks(size).map(<[String]>::to_vec).collect();
        let names = left.remove(0);
        self.state.work = Work::Reading {
            claim,
            left,
            written,
            count,
        };
        GetParameterValues { names }.into()
    }

    async fn read(&mut self, work: Work, answer: GetParameterValuesResponse) -> Result<Option<Message>> {
        let Work::Reading {
            claim,
            mut left,
            written,
            count,
        } = work
        else {
            return self.next().await;
        };
        let mut documents = self.documents().await?;
        for parameter in &answer.parameters {
            if let Some((key, value)) = catalogue::from_wire(&parameter.name, &parameter.value.text) {
                documents.reported.insert(key, value);
            }
        }
        self.store(&documents.reported, &documents.applied).await?;
        if !left.is_empty() {
            let names = left.remove(0);
            self.state.work = Work::Reading {
                claim,
                left,
                written,
                count,
            };
            return Ok(Some(GetParameterValues { names }.into()));
        }
        if written.is_empty() {
            return match self.write(claim, documents).await? {
                Some(request) => Ok(Some(request)),
                None => Box::pin(self.next()).await,
            };
        }
        let wrong: Vec<String> = written
            .iter()
            .filter(|(key, value)| documents.reported.get(*key) != Some(value))
            .map(|(key, value)| {
                let reported = documents.reported.get(key).map_or("nothing", String::as_str);
                format!(
                    "{} is \"{reported}\" instead of \"{value}\"",
                    catalogue::title_and_page(key).0
                )
            })
            .collect();
        if wrong.is_empty() {
            return self.done(claim, count).await;
        }
        let note = format!("The phone accepted the change, but read back {}.", wrong.join("; "));
        self.failed(
            Work::Reading {
                claim,
                left,
                written,
                count,
            },
            Outcome::Failed(note),
        )
        .await
    }

    async fn done(&mut self, claim: Claim, count: usize) -> Result<Option<Message>> {
        let documents = self.documents().await?;
        self.confirm(documents.version, &documents.desired).await?;
        let note = if count == 1 {
            "One value set and read back.".to_owned()
        } else {
            format!("{count} values set and read back.")
        };
        jobs::end(self.tx, &self.app.config.jobs, &claim, Outcome::Done(note)).await?;
        Box::pin(self.next()).await
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
        // A value the phone does not take will not be taken next time either.
        let lasting = !fault.parameters.is_empty() || fault.code == FaultCode::METHOD_NOT_SUPPORTED;
        let reasons = if reasons.is_empty() {
            fault.text.clone()
        } else {
            reasons.join("; ")
        };
        let note = format!(
            "The phone refused: {} ({}). {reasons} {}",
            fault.code.text(),
            fault.code.0,
            fault.code.advice()
        );
        self.failed(
            work,
            if lasting {
                Outcome::Refused(note)
            } else {
                Outcome::Failed(note)
            },
        )
        .await
    }

    /// Ends the attempt; other jobs of this phone may still go on.
    async fn failed(&mut self, work: Work, outcome: Outcome) -> Result<Option<Message>> {
        match work {
            Work::Reading { claim, .. } | Work::Writing { claim, .. } => {
                jobs::end(self.tx, &self.app.config.jobs, &claim, outcome).await?;
                Box::pin(self.next()).await
            }
            // Without its credentials the phone is asked nothing more; the next Inform tries again.
            Work::Enrolling | Work::Nothing => Ok(None),
        }
    }

    async fn documents(&self) -> Result<Documents> {
        let version = phone::Entity::find_by_id(self.phone.id)
            .one(self.tx)
            .await?
            .map_or(0, |row| row.desired_version);
        let Some(row) = desired::of(self.tx, self.phone.id).await? else {
            return Ok(Documents {
                desired: BTreeMap::new(),
                reported: Reported::new(),
                applied: Applied::new(),
                version,
            });
        };
        let sealed: Desired = serde_json::from_str(&row.desired)?;
        let mut desired = BTreeMap::new();
        for (key, effective) in sealed {
            let plain = self.app.secrets.open(&key, &effective.value)?;
            desired.insert(key, plain);
        }
        Ok(Documents {
            desired,
            reported: serde_json::from_str(&row.reported)?,
            applied: serde_json::from_str(&row.applied)?,
            version,
        })
    }

    async fn store(&self, reported: &Reported, applied: &Applied) -> Result<()> {
        phone_document::Entity::update_many()
            .col_expr(
                phone_document::Column::Reported,
                Expr::value(serde_json::to_string(reported)?),
            )
            .col_expr(
                phone_document::Column::Applied,
                Expr::value(serde_json::to_string(applied)?),
            )
            .col_expr(phone_document::Column::ReportedAt, Expr::value(now_ms()))
            .filter(phone_document::Column::PhoneId.eq(self.phone.id))
            .exec(self.tx)
            .await?;
        Ok(())
    }

    /// The phone is what `version` wants it to be.
    async fn confirm(&self, version: i64, desired: &BTreeMap<String, String>) -> Result<()> {
        let documents = self.documents().await?;
        let mut applied = documents.applied;
        for (key, value) in desired {
            if !catalogue::is_secret(key) && documents.reported.get(key) == Some(value) {
                applied.insert(key.clone(), self.app.secrets.fingerprint(value));
            }
        }
        self.store(&documents.reported, &applied).await?;
        phone::Entity::update_many()
            .col_expr(phone::Column::AppliedVersion, Expr::value(version))
            .filter(phone::Column::Id.eq(self.phone.id))
            .exec(self.tx)
            .await?;
        Ok(())
    }
}
