//! What a live change does to the panel of a room.

use contract::live::LiveChange;
use contract::rest::RoomDetail;

use crate::load::Loaded;

const EVENTS: usize = 20;

/// Applies a live change to what the panel shows.
pub fn apply(detail: Loaded<RoomDetail>, change: &LiveChange) {
    let Some((room, phone)) = detail.with_untracked(|detail| (detail.card.id, detail.card.phone)) else {
        return;
    };
    if change.reload {
        return detail.reload();
    }
    if let Some(card) = change.room.clone().filter(|card| card.id == room) {
        let swapped = card.phone != phone;
        detail.touch(|detail| detail.card = card);
        if swapped {
            detail.reload();
        }
    }
    if let Some(row) = change.phone.clone().filter(|row| Some(row.id) == phone) {
        detail.touch(|detail| detail.phone = Some(row));
    }
    if let Some(job) = change.job.clone().filter(|job| Some(job.phone) == phone) {
        detail.touch(|detail| {
            if detail.job.as_ref().is_none_or(|old| old.id == job.id || old.created_at <= job.created_at) {
                detail.job = Some(job);
            }
        });
    }
    if let Some(event) = change.event.clone().filter(|event| Some(event.phone) == phone) {
        detail.touch(|detail| {
            if detail.events.iter().all(|old| old.id != event.id) {
                detail.events.insert(0, event);
                detail.events.truncate(EVENTS);
            }
        });
    }
}
