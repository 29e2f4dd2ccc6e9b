//! Parameters and attributes a person sets by hand: written in parts the phone takes, then read back.

use contract::rest::{AttributeEdit, ParameterEdit, Task, TaskResult};
use cwmp::{
    GetParameterAttributes, GetParameterValues, Message, ParameterValue, SetParameterAttributes,
    SetParameterAttributesEntry, SetParameterValues, Value, XsdType,
};
use sea_orm::ConnectionTrait;

use super::refused::{no_such_name, too_much};
use super::tasks::Job;
use super::{Reply, Step};
use crate::app::batches::{self, Parts, Way};
use crate::app::jobs::{Outcome, SENT};
use crate::app::session::work::Doing;
use crate::app::{Result, parameters};
use crate::domain::catalogue;

fn edits(task: &Task) -> &[ParameterEdit] {
    match task {
        Task::SetParameters { values } => values,
        _ => &[],
    }
}

/// Those whose values can be read back.
fn readable(task: &Task) -> Vec<&ParameterEdit> {
    edits(task).iter().filter(|edit| !parameters::is_secret(&edit.path)).collect()
}

impl<C: ConnectionTrait> Step<'_, C> {
    pub async fn set_values(&mut self, job: &Job) -> Result<Option<Message>> {
        let parts = batches::of(self.tx, self.phone, Way::Set).await?;
        self.set_from(job, 0, parts).await
    }

    async fn set_from(&mut self, job: &Job, from: usize, parts: Parts) -> Result<Option<Message>> {
        let all = edits(&job.task);
        let now = &all[from.min(all.len())..all.len().min(from + parts.next())];
        if now.is_empty() {
            return Box::pin(self.check_values(job, false)).await;
        }
        let names: Vec<&str> = now.iter().map(|edit| edit.path.as_str()).collect();
        let known = parameters::types(self.tx, self.phone.id, &names).await?;
        let typed = |edit: &ParameterEdit| {
            let given = Some(edit.xsd_type.as_str()).filter(|name| !name.is_empty());
            let name = given.or_else(|| known.get(&edit.path).map(String::as_str));
            match (name, settings::key_of_path(&edit.path)) {
                (Some(name), _) => Value::new(XsdType::from_name(name), edit.value.clone()),
                (None, Some(key)) => catalogue::to_wire(&key, &edit.path, &edit.value),
                (None, None) => Value::string(edit.value.clone()),
            }
        };
        let values = now.iter().map(|edit| ParameterValue::new(edit.path.clone(), typed(edit))).collect();
        let request = SetParameterValues { parameters: values, parameter_key: job.key() };
        let count = now.len();
        self.order(job, request.into(), Doing::Set { from, count, parts }).await
    }

    pub async fn set_answered(
        &mut self,
        job: &Job,
        from: usize,
        count: usize,
        mut parts: Parts,
        reply: Reply,
    ) -> Result<Option<Message>> {
        match reply {
            Reply::Fault(fault) if too_much(&fault) && parts.too_much(count) => self.set_from(job, from, parts).await,
            Reply::Fault(fault) => self.refuse(job, &fault).await,
            _ => {
                parts.good(self.tx, self.phone, Way::Set).await?;
                self.set_from(job, from + count, parts).await
            }
        }
    }

    /// Reads the values, to see whether they were sent before a crash (`then_set`) or took effect.
    pub async fn check_values(&mut self, job: &Job, then_set: bool) -> Result<Option<Message>> {
        let parts = batches::of(self.tx, self.phone, Way::Get).await?;
        self.check_from(job, 0, parts, Vec::new(), then_set).await
    }

    async fn check_from(
        &mut self,
        job: &Job,
        from: usize,
        parts: Parts,
        wrong: Vec<String>,
        then_set: bool,
    ) -> Result<Option<Message>> {
        let all = readable(&job.task);
        let now = &all[from.min(all.len())..all.len().min(from + parts.next())];
        if !now.is_empty() {
            let names: Vec<String> = now.iter().map(|edit| edit.path.clone()).collect();
            let doing = Doing::Check { from, count: names.len(), parts, wrong, then_set };
            return self.send(job, SENT, GetParameterValues { names }.into(), doing).await;
        }
        let secrets = edits(&job.task).len() - all.len();
        if then_set && (!wrong.is_empty() || secrets > 0) {
            return self.set_values(job).await;
        }
        match wrong.is_empty() {
            true => {
                let count = edits(&job.task).len();
                let note = if count == 1 { "One value set".to_owned() } else { format!("{count} values set") };
                let note = if secrets < count { format!("{note} and read back.") } else { format!("{note}.") };
                self.done(job, Some(TaskResult::Parameters { count: count as u32 }), note).await
            }
            false => {
                let note = format!("The phone accepted the values, but read back {}.", wrong.join("; "));
                self.over(job, Outcome::Refused(note)).await
            }
        }
    }

    pub async fn checked(
        &mut self,
        job: &Job,
        (from, count): (usize, usize),
        mut parts: Parts,
        mut wrong: Vec<String>,
        then_set: bool,
        reply: Reply,
    ) -> Result<Option<Message>> {
        let answer = match reply {
            Reply::Answer(Message::GetParameterValuesResponse(answer)) => answer,
            Reply::Fault(fault) if too_much(&fault) && parts.too_much(count) => {
                return self.check_from(job, from, parts, wrong, then_set).await;
            }
            // What is not there yet cannot have been set.
            Reply::Fault(fault) if then_set && no_such_name(&fault) => return self.set_values(job).await,
            Reply::Fault(fault) => return self.refuse(job, &fault).await,
            _ => return Ok(None),
        };
        parts.good(self.tx, self.phone, Way::Get).await?;
        parameters::learn_values(self.tx, self.phone.id, &answer.parameters).await?;
        self.reported(&answer.parameters).await?;
        for edit in &readable(&job.task)[from..from + count] {
            let read = answer.parameters.iter().find(|one| one.name == edit.path);
            match read {
                Some(one) if same(&one.value, &edit.value) => {}
                Some(one) => {
                    wrong.push(format!("{} is \"{}\" instead of \"{}\"", edit.path, one.value.text, edit.value))
                }
                None => wrong.push(format!("nothing of {}", edit.path)),
            }
        }
        wrong.truncate(10);
        self.check_from(job, from + count, parts, wrong, then_set).await
    }

    pub async fn set_attributes(&mut self, job: &Job, attributes: &[AttributeEdit]) -> Result<Option<Message>> {
        let entries = attributes.iter().map(|one| SetParameterAttributesEntry {
            name: one.path.clone(),
            notification_change: true,
            notification: one.notification,
            access_list_change: false,
            access_list: Vec::new(),
        });
        let request = SetParameterAttributes { parameters: entries.collect() };
        self.order(job, request.into(), Doing::Order { again: false }).await
    }

    pub async fn read_attributes(&mut self, job: &Job, attributes: &[AttributeEdit]) -> Result<Option<Message>> {
        let names = attributes.iter().map(|one| one.path.clone()).collect();
        self.send(job, SENT, GetParameterAttributes { names }.into(), Doing::Attributes).await
    }

    pub async fn attributes_read(&mut self, job: &Job, reply: Reply) -> Result<Option<Message>> {
        let Task::SetAttributes { attributes } = &job.task else { return Ok(None) };
        let answer = match reply {
            Reply::Answer(Message::GetParameterAttributesResponse(answer)) => answer,
            _ => {
                let note = "The phone accepted the attributes, but does not let them be read back.".to_owned();
                return self.done(job, None, note).await;
            }
        };
        parameters::learn_attributes(self.tx, self.phone.id, &answer.parameters).await?;
        let wrong = attributes.iter().find(|edit| {
            let read = answer.parameters.iter().find(|one| one.name == edit.path);
            read.is_some_and(|one| one.notification != edit.notification)
        });
        match wrong {
            None => {
                let count = u32::try_from(answer.parameters.len()).unwrap_or(u32::MAX);
                self.result(job, TaskResult::Parameters { count }).await
            }
            Some(edit) => {
                let note = format!("The phone accepted the attributes, but those of {} are as before.", edit.path);
                self.over(job, Outcome::Refused(note)).await
            }
        }
    }
}

/// Whether a phone's value is the one that was set, however it writes it (`1` for `true`, spaces around numbers).
fn same(read: &Value, set: &str) -> bool {
    if read.text == set {
        return true;
    }
    let plain = |text: &str| match text.trim() {
        "1" | "true" | "TRUE" | "True" => "true".to_owned(),
        "0" | "false" | "FALSE" | "False" => "false".to_owned(),
        other => other.to_owned(),
    };
    match read.type_ {
        XsdType::String => false,
        XsdType::Boolean => plain(&read.text) == plain(set),
        XsdType::HexBinary => read.text.eq_ignore_ascii_case(set.trim()),
        _ => read.text.trim() == set.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_their_type() {
        for (type_, read, set, equal) in [
            (XsdType::Boolean, "1", "true", true),
            (XsdType::Boolean, "0", "true", false),
            (XsdType::UnsignedInt, " 30 ", "30", true),
            (XsdType::String, " 30 ", "30", false),
            (XsdType::HexBinary, "AB", "ab", true),
        ] {
            assert_eq!(same(&Value::new(type_, read), set), equal, "{read} {set}");
        }
    }
}
