//! What a phone refuses of a change of settings, and what of it is worth another try.

use std::collections::BTreeMap;

use cwmp::{Fault, FaultCode, Message};
use sea_orm::ConnectionTrait;

use super::Step;
use crate::app::Result;
use crate::app::jobs::Outcome;
use crate::app::session::work::{Reading, Writing};
use crate::domain::catalogue;

pub const REFUSED: &str = "refused ";
/// Stands in the applied document for a value whose parameter the phone does not have.
const ABSENT: &str = "absent";

/// Stands in the applied document for a value the phone refused: not tried again until it changes.
fn refused_mark(fingerprint: &str, code: FaultCode) -> String {
    format!("{REFUSED}{} {fingerprint}", code.0)
}

pub fn refused_code(mark: &str, fingerprint: &str) -> Option<FaultCode> {
    let (code, refused) = mark.strip_prefix(REFUSED)?.split_once(' ')?;
    (refused == fingerprint).then_some(FaultCode(code.parse().ok()?))
}

pub fn is_absent(mark: &str) -> bool {
    mark == ABSENT
}

/// A mark of either kind; a person who tries again wants them gone.
pub fn is_mark(mark: &str) -> bool {
    is_absent(mark) || mark.starts_with(REFUSED)
}

/// The phone failed on how much it was asked at once, as far as one can tell.
pub fn too_much(fault: &Fault) -> bool {
    fault.parameters.is_empty() && matches!(fault.code, FaultCode::INTERNAL_ERROR | FaultCode::RESOURCES_EXCEEDED)
}

/// One of the names is not there.
pub fn no_such_name(fault: &Fault) -> bool {
    matches!(fault.code, FaultCode::INVALID_PARAMETER_NAME | FaultCode::INVALID_ARGUMENTS)
}

impl<C: ConnectionTrait> Step<'_, C> {
    pub async fn write_refused(&mut self, mut work: Writing, fault: &Fault) -> Result<Option<Message>> {
        let left_out = self.leave_out(fault, &work.fingerprints).await?;
        if left_out || (too_much(fault) && work.parts.too_much(work.fingerprints.len())) {
            // What the phone did not refuse goes to it without the rest, or in smaller parts.
            return match self.write_parts(work.claim, work.before, work.parts).await? {
                Some(request) => Ok(Some(request)),
                None => Box::pin(self.next()).await,
            };
        }
        let outcome = outcome(fault);
        self.failed(&work.claim, outcome).await
    }

    pub async fn read_refused(&mut self, mut work: Reading, fault: &Fault) -> Result<Option<Message>> {
        let count = work.asked.len();
        let smaller = match fault {
            fault if too_much(fault) => work.parts.too_much(count),
            fault if no_such_name(fault) => work.parts.one_is_wrong(count),
            _ => false,
        };
        if smaller {
            let rest = std::mem::take(&mut work.left);
            work.left = std::mem::take(&mut work.asked);
            work.left.extend(rest);
            return Ok(Some(self.ask_next(work)));
        }
        if no_such_name(fault)
            && let [path] = work.asked.as_slice()
        {
            // The phone has all but this one.
            if let Some(key) = settings::key_of_path(path) {
                let documents = self.documents().await?;
                documents.applied.insert(key, ABSENT.to_owned());
                documents.changed = true;
            }
            return self.read_on(work).await;
        }
        let outcome = outcome(fault);
        self.failed(&work.claim, outcome).await
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
    pub async fn refusals(&mut self) -> Result<Vec<String>> {
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
}

/// How an attempt ends that the phone refused as a whole.
fn outcome(fault: &Fault) -> Outcome {
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
    let reasons = if reasons.is_empty() { fault.text.clone() } else { reasons.join("; ") };
    let note =
        format!("The phone refused: {} ({}). {reasons} {}", fault.code.text(), fault.code.0, fault.code.advice());
    if lasting { Outcome::Refused(note) } else { Outcome::Failed(note) }
}
