//! Reading a part of the phone's tree: names, values, attributes. A phone that fails on much at once is asked for less.

use contract::rest::TaskResult;
use cwmp::{Fault, FaultCode, GetParameterAttributes, GetParameterNames, GetParameterValues, Message, ParameterInfo};
use sea_orm::ConnectionTrait;

use super::refused::{no_such_name, too_much};
use super::tasks::Job;
use super::{Reply, Step};
use crate::app::batches::{self, Way};
use crate::app::jobs::Outcome;
use crate::app::session::work::{Doing, Phase, Walk};
use crate::app::tasks::{stored, words};
use crate::app::{Result, parameters};

impl<C: ConnectionTrait> Step<'_, C> {
    /// Begins. `aside`: the task has its result; this only adds to the tree.
    pub async fn walk(&mut self, job: &Job, path: String, aside: bool) -> Result<Option<Message>> {
        let parts = batches::of(self.tx, self.phone, Way::Get).await?;
        // All at once may be what cut the first attempt off.
        let phase = match job.row.attempts > 1 && !aside {
            true => Phase::Levels(vec![path.clone()]),
            false => Phase::Names,
        };
        let walk = Walk { phase, after: String::new(), asked: 0, last: String::new(), parts, read: 0, aside, path };
        self.walk_on(job, walk).await
    }

    /// The next request of a walk, or its end.
    async fn walk_on(&mut self, job: &Job, mut walk: Walk) -> Result<Option<Message>> {
        loop {
            let request: Message = match &mut walk.phase {
                Phase::Names => GetParameterNames { path: walk.path.clone(), next_level: false }.into(),
                Phase::Levels(left) => match left.last() {
                    Some(path) => GetParameterNames { path: path.clone(), next_level: true }.into(),
                    None => {
                        walk.phase = Phase::Values;
                        continue;
                    }
                },
                Phase::Values | Phase::Attributes => {
                    let (phone, count) = (self.phone.id, walk.parts.next());
                    let names = parameters::after(self.tx, phone, &walk.path, &walk.after, count).await?;
                    match (names.last(), &walk.phase) {
                        (Some(last), _) => {
                            walk.asked = names.len();
                            walk.last = last.clone();
                        }
                        (None, Phase::Values) => {
                            walk.phase = Phase::Attributes;
                            walk.after = String::new();
                            continue;
                        }
                        (None, _) => return self.walk_ends(job, &walk).await,
                    }
                    match walk.phase {
                        Phase::Values => GetParameterValues { names }.into(),
                        _ => GetParameterAttributes { names }.into(),
                    }
                }
            };
            return self.send(job, "", request, Doing::Walk(walk)).await;
        }
    }

    async fn walk_ends(&mut self, job: &Job, walk: &Walk) -> Result<Option<Message>> {
        if walk.aside {
            let note = stored::result(&job.row).map(|result| words::done(&result));
            return self.done(job, None, note.unwrap_or_else(|| "Done.".to_owned())).await;
        }
        let note = match walk.read {
            1 => "One parameter read.".to_owned(),
            many => format!("{many} parameters read."),
        };
        self.done(job, Some(TaskResult::Parameters { count: walk.read }), note).await
    }

    /// The phone has more than is kept of it.
    async fn walk_is_too_much(&mut self, job: &Job, walk: &Walk) -> Result<Option<Message>> {
        if walk.aside {
            return self.walk_ends(job, walk).await;
        }
        let note = format!(
            "The phone's values are more than the {} MiB that are kept of one phone. {} parameters were read, the last \
             ones without their values.",
            parameters::MAX_BYTES / (1024 * 1024),
            walk.read
        );
        self.over(job, Outcome::Refused(note)).await
    }

    pub async fn walked(&mut self, job: &Job, mut walk: Walk, reply: Reply) -> Result<Option<Message>> {
        let phone = self.phone.id;
        match reply {
            Reply::Answer(Message::GetParameterNamesResponse(answer)) => {
                let below: Vec<ParameterInfo> =
                    answer.parameters.into_iter().filter(|one| one.name.starts_with(&walk.path)).collect();
                self.named(&mut walk, below).await?;
            }
            Reply::Answer(Message::GetParameterValuesResponse(answer)) => {
                walk.parts.good(self.tx, self.phone, Way::Get).await?;
                let all = parameters::learn_values(self.tx, phone, &answer.parameters).await?;
                self.reported(&answer.parameters).await?;
                walk.read += u32::try_from(answer.parameters.len()).unwrap_or(0);
                walk.after = std::mem::take(&mut walk.last);
                if !all {
                    return self.walk_is_too_much(job, &walk).await;
                }
            }
            Reply::Answer(Message::GetParameterAttributesResponse(answer)) => {
                walk.parts.good(self.tx, self.phone, Way::Get).await?;
                parameters::learn_attributes(self.tx, phone, &answer.parameters).await?;
                walk.after = std::mem::take(&mut walk.last);
            }
            Reply::Answer(other) => {
                let note = format!("The phone answered {} instead of what was asked.", other.name());
                return self.over(job, Outcome::Failed(note)).await;
            }
            // Too long to be read, most likely.
            Reply::Unreadable(note) => {
                let fault = Fault::new(FaultCode::RESOURCES_EXCEEDED, note.clone());
                if !self.less(&mut walk, &fault).await? {
                    return self.over(job, Outcome::Failed(note)).await;
                }
            }
            Reply::Fault(fault) => {
                if walk.phase == Phase::Attributes && fault.code == FaultCode::METHOD_NOT_SUPPORTED {
                    return self.walk_ends(job, &walk).await;
                }
                if !self.less(&mut walk, &fault).await? {
                    if walk.phase == Phase::Names && fault.code == FaultCode::INVALID_PARAMETER_NAME {
                        parameters::forget(self.tx, phone, &walk.path).await?;
                    }
                    return self.refuse(job, &fault).await;
                }
            }
        }
        self.walk_on(job, walk).await
    }

    async fn named(&mut self, walk: &mut Walk, below: Vec<ParameterInfo>) -> Result<()> {
        let phone = self.phone.id;
        let known = parameters::learn_names(self.tx, phone, &below).await?;
        match &mut walk.phase {
            Phase::Levels(left) => {
                let level = left.pop().unwrap_or_default();
                parameters::forget_others(self.tx, phone, &level, &below, true).await?;
                if known < parameters::MAX_NODES {
                    // Right below the level and such as are counted, or a phone could send us on for ever.
                    let deeper = below.into_iter().map(|one| one.name).filter(|name| {
                        name.ends_with('.') && parameters::parent(name) == level && parameters::fits(name)
                    });
                    left.extend(deeper);
                }
            }
            _ => {
                parameters::forget_others(self.tx, phone, &walk.path, &below, false).await?;
                walk.phase = Phase::Values;
            }
        }
        Ok(())
    }

    /// Asks for less after a fault. `false`: less would not help.
    async fn less(&mut self, walk: &mut Walk, fault: &Fault) -> Result<bool> {
        match &mut walk.phase {
            Phase::Names if too_much(fault) => {
                walk.phase = Phase::Levels(vec![walk.path.clone()]);
                Ok(true)
            }
            // One level that fails, or went away, is left out.
            Phase::Levels(left) if left.len() > 1 || left.last() != Some(&walk.path) => {
                left.pop();
                Ok(true)
            }
            Phase::Names | Phase::Levels(_) => Ok(false),
            Phase::Values | Phase::Attributes => {
                if too_much(fault) {
                    if !walk.parts.too_much(walk.asked) {
                        // This one alone is too much.
                        walk.after = std::mem::take(&mut walk.last);
                    }
                    return Ok(true);
                }
                if !no_such_name(fault) {
                    return Ok(false);
                }
                if !walk.parts.one_is_wrong(walk.asked) {
                    if walk.phase == Phase::Values {
                        parameters::forget(self.tx, self.phone.id, &walk.last).await?;
                    }
                    walk.after = std::mem::take(&mut walk.last);
                }
                Ok(true)
            }
        }
    }
}
