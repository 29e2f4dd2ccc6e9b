//! A change of settings: the difference between the phone and its desired document is written and read back.

use std::collections::BTreeMap;

use cwmp::{GetParameterValues, GetParameterValuesResponse, Message, ParameterValue, SetParameterValues, Status};
use sea_orm::ConnectionTrait;
use settings::Effect;

use super::Step;
use super::refused::{REFUSED, is_absent, is_mark, refused_code};
use crate::app::batches::{self, Way};
use crate::app::documents::protects;
use crate::app::jobs::{self, AGAIN, Claim, Outcome, SENT};
use crate::app::session::work::{Before, Reading, Work, Writing};
use crate::app::tasks::restart;
use crate::app::{Result, claims, heard, views};
use crate::db::entity::job;
use crate::domain::catalogue;
use crate::domain::document::{Held, is_left};

impl<C: ConnectionTrait> Step<'_, C> {
    /// Starts. `None`: there was nothing to do.
    pub async fn configure(&mut self, job: &job::Model, claim: Claim) -> Result<Option<Message>> {
        let ours = heard::is_ours(self.phone);
        let documents = self.documents().await?;
        if job.step == AGAIN {
            documents.applied.retain(|_, mark| !is_mark(mark));
            documents.changed = true;
        }
        let readable: Vec<(&String, String)> = documents
            .desired
            .keys()
            .filter(|key| !catalogue::is_secret(key))
            .filter(|key| !documents.applied.get(*key).is_some_and(|mark| is_absent(mark)))
            .filter_map(|key| Some((key, catalogue::path_on(key, ours)?)))
            .collect();
        let unknown = readable.iter().any(|(key, _)| !documents.reported.contains_key(*key));
        // What the phone is now decides: after a crash the write may have happened.
        if (job.step == SENT || job.step == AGAIN || unknown) && !readable.is_empty() {
            let paths = readable.into_iter().map(|(_, path)| path).collect();
            return Ok(Some(self.ask(claim, self.phone.desired_version, paths, Before::default()).await?));
        }
        self.write(claim, Before::default()).await
    }

    /// Sends the difference or a part of it, or ends the job when there is none.
    async fn write(&mut self, claim: Claim, before: Before) -> Result<Option<Message>> {
        let parts = batches::of(self.tx, self.phone, Way::Set).await?;
        self.write_parts(claim, before, parts).await
    }

    pub async fn write_parts(
        &mut self,
        claim: Claim,
        before: Before,
        parts: batches::Parts,
    ) -> Result<Option<Message>> {
        let (mut parameters, mut values, mut fingerprints) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let ours = heard::is_ours(self.phone);
        let documents = self.documents().await?.clone();
        let protection = documents.desired.get(catalogue::USER_PROTECTION).map(String::as_str);
        let protected = protects(self.phone, &documents.reported, protection);
        let by_user = views::set_by_user(self.phone);
        let mut more = false;
        for (key, value) in &documents.desired {
            let Some(path) = catalogue::path_on(key, ours) else { continue };
            let fingerprint = self.app.secrets.fingerprint(value);
            let secret = catalogue::is_secret(key);
            let held = Held {
                desired: value,
                reported: documents.reported.get(key).map(String::as_str),
                applied: documents.applied.get(key).map(String::as_str),
                secret,
                kept: documents.kept.get(key),
                protected,
                by_user: by_user.contains(key),
            };
            let marked = held.applied.is_some_and(|mark| is_absent(mark) || refused_code(mark, &fingerprint).is_some());
            if is_left(held.state(&fingerprint)) || marked || before.keys.contains(key) {
                continue;
            }
            // What was dialled at the phone stays until somebody has decided about it.
            let dialled = held.reported.filter(|_| key == catalogue::ROOM_NUMBER);
            if let Some(number) = dialled
                && claims::held(self.tx, self.phone.id, number).await?
            {
                continue;
            }
            if parameters.len() == parts.next() {
                more = true;
                break;
            }
            parameters.push(ParameterValue::new(path.clone(), catalogue::to_wire(key, &path, value)));
            fingerprints.insert(key.clone(), fingerprint);
            if !secret {
                values.insert(key.clone(), value.clone());
            }
        }
        let version = self.phone.desired_version;
        if parameters.is_empty() && !before.keys.is_empty() {
            return self.read_back(claim, version, before).await;
        }
        if parameters.is_empty() {
            let rest = self.unreachable().await?;
            self.confirm(version).await?;
            let note = format!("The phone has everything already.{rest}");
            self.finish(&claim, note).await?;
            return Ok(None);
        }
        if !jobs::save_step(self.tx, &self.app.config.jobs, &claim, SENT).await? {
            return Ok(None);
        }
        if fingerprints.keys().any(|key| catalogue::effect(key) == Effect::Reboot) {
            restart::may_owe(self.tx, &claim).await?;
        }
        // Only with its last part does a phone have the version.
        let reached = if more { self.phone.applied_version } else { version };
        self.state.work = Work::Writing(Writing { claim, version, values, fingerprints, parts, before });
        let request = SetParameterValues { parameters, parameter_key: format!("bh:{reached}") };
        Ok(Some(request.into()))
    }

    /// The phone took the values: remember, go on with the rest, and read back what can be read. With the status "committed,
    /// but not applied" (TR-069 A.3.2.1) it is restarted when all of it is there.
    pub async fn written(&mut self, work: Writing, status: Status) -> Result<Option<Message>> {
        let Writing { claim, version, values, fingerprints, mut parts, mut before } = work;
        match status {
            Status::Pending => restart::owe(self.tx, &claim).await?,
            Status::Applied => restart::owe_nothing(self.tx, &claim).await?,
        }
        parts.good(self.tx, self.phone, Way::Set).await?;
        before.keys.extend(fingerprints.keys().cloned());
        before.values.extend(values);
        let documents = self.documents().await?;
        documents.applied.extend(fingerprints);
        documents.changed = true;
        if version == self.phone.desired_version {
            return match self.write_parts(claim, before, parts).await? {
                Some(request) => Ok(Some(request)),
                None => Box::pin(self.next()).await,
            };
        }
        // A newer version was made meanwhile; its own job follows.
        match self.read_back(claim, version, before).await? {
            Some(request) => Ok(Some(request)),
            None => Box::pin(self.next()).await,
        }
    }

    async fn read_back(&mut self, claim: Claim, version: i64, before: Before) -> Result<Option<Message>> {
        let ours = heard::is_ours(self.phone);
        let paths: Vec<String> = before.values.keys().filter_map(|key| catalogue::path_on(key, ours)).collect();
        if paths.is_empty() {
            self.all_set(&claim, version, before.keys.len()).await?;
            return Ok(None);
        }
        Ok(Some(self.ask(claim, version, paths, before).await?))
    }

    async fn ask(&mut self, claim: Claim, version: i64, paths: Vec<String>, before: Before) -> Result<Message> {
        let parts = batches::of(self.tx, self.phone, Way::Get).await?;
        let Before { values: written, keys } = before;
        let reading = Reading { claim, version, asked: Vec::new(), left: paths, parts, written, count: keys.len() };
        Ok(self.ask_next(reading))
    }

    pub fn ask_next(&mut self, mut reading: Reading) -> Message {
        let rest = reading.left.split_off(reading.parts.next().min(reading.left.len()));
        reading.asked = std::mem::replace(&mut reading.left, rest);
        let names = reading.asked.clone();
        self.state.work = Work::Reading(reading);
        GetParameterValues { names }.into()
    }

    pub async fn read(&mut self, mut work: Reading, answer: GetParameterValuesResponse) -> Result<Option<Message>> {
        work.parts.good(self.tx, self.phone, Way::Get).await?;
        self.reported(&answer.parameters).await?;
        self.read_on(work).await
    }

    /// The next part, or what follows when all is read.
    pub async fn read_on(&mut self, work: Reading) -> Result<Option<Message>> {
        if !work.left.is_empty() {
            return Ok(Some(self.ask_next(work)));
        }
        let Reading { claim, version, written, count, .. } = work;
        if written.is_empty() {
            return match self.write(claim, Before::default()).await? {
                Some(request) => Ok(Some(request)),
                None => Box::pin(self.next()).await,
            };
        }
        let documents = self.documents().await?;
        let there = |key: &String| !documents.applied.get(key).is_some_and(|mark| is_absent(mark));
        let wrong: Vec<String> = written
            .iter()
            .filter(|(key, value)| documents.reported.get(*key) != Some(value) && there(key))
            .map(|(key, value)| {
                let reported = documents.reported.get(key).map_or("nothing", String::as_str);
                format!("{} is \"{reported}\" instead of \"{value}\"", catalogue::title_and_page(key).0)
            })
            .collect();
        if wrong.is_empty() {
            self.all_set(&claim, version, count).await?;
            return Box::pin(self.next()).await;
        }
        let note = format!("The phone accepted the change, but read back {}.", wrong.join("; "));
        self.failed(&claim, Outcome::Failed(note)).await
    }

    async fn all_set(&mut self, claim: &Claim, version: i64, count: usize) -> Result<()> {
        self.confirm(version).await?;
        let rest = self.unreachable().await?;
        let note = match count {
            1 => format!("One value set and read back.{rest}"),
            _ => format!("{count} values set and read back.{rest}"),
        };
        self.finish(claim, note).await
    }

    /// What the phone cannot be told by TR-069, in words.
    async fn unreachable(&mut self) -> Result<String> {
        let ours = heard::is_ours(self.phone);
        let documents = self.documents().await?;
        let cannot = |key: &&String| {
            catalogue::path_on(key, ours).is_none() || documents.applied.get(*key).is_some_and(|mark| is_absent(mark))
        };
        Ok(match documents.desired.keys().filter(cannot).count() {
            0 => String::new(),
            1 => " One value has no TR-069 name on this phone.".to_owned(),
            many => format!(" {many} values have no TR-069 name on this phone."),
        })
    }

    /// Ends a job whose values are all there, but for those the phone refuses.
    async fn finish(&mut self, claim: &Claim, note: String) -> Result<()> {
        let refusals = self.refusals().await?;
        let outcome = match refusals.is_empty() {
            true => Outcome::Done(note),
            false => Outcome::Refused(format!("The phone {REFUSED}{} {note}", refusals.join(" "))),
        };
        if jobs::end(self.tx, &self.app.config.jobs, claim, outcome).await? {
            restart::follow(self.app, self.tx, self.phone, claim.id).await?;
        }
        Ok(())
    }
}
