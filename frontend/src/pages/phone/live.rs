//! What a live change does to the page of a phone.

use contract::event::EventKind;
use contract::live::LiveChange;
use contract::rest::PhoneDetail;
use leptos::prelude::*;

use crate::load::Loaded;

const KEPT: usize = 50;

/// Applies a live change; whether the values have to be read again.
pub fn apply(detail: Loaded<PhoneDetail>, gone: RwSignal<bool>, change: &LiveChange) -> bool {
    if change.reload {
        detail.reload();
        return false;
    }
    let Some((phone, sync)) = detail.with_untracked(|detail| (detail.phone.id, detail.phone.sync)) else {
        return false;
    };
    if change.gone == Some(phone) {
        gone.set(true);
        return false;
    }
    let mut again = false;
    if let Some(row) = change.phone.clone().filter(|row| row.id == phone) {
        again |= row.sync != sync;
        detail.touch(|detail| detail.phone = row);
        again |= change.job.is_none() && change.event.is_none();
    }
    if let Some(job) = change.job.clone().filter(|job| job.phone == phone) {
        // A task changes no setting, and tells of itself often.
        again |= job.task.is_none();
        detail.touch(|detail| match detail.jobs.iter_mut().find(|old| old.id == job.id) {
            Some(old) => *old = job,
            None => detail.jobs.insert(0, job),
        });
    }
    if let Some(event) = change.event.clone().filter(|event| event.phone == phone) {
        // What was measured of the call came before.
        again |= event.kind == EventKind::TerminatedCall;
        detail.touch(|detail| {
            if detail.events.iter().all(|old| old.id != event.id) {
                detail.events.insert(0, event);
                detail.events.truncate(KEPT);
            }
        });
    }
    again
}
