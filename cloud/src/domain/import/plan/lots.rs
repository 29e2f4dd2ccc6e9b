//! Which steps are carried out at once. A room whose account or extension goes to another room is never left between two
//! lots without what its own row gives it: the row would mean something else by then.

use std::collections::{BTreeSet, HashMap};

use super::{Known, RoomStep, Step};

/// The first `most` steps, and those of rooms that give something up to them, and so on. Also whether any step is left.
pub fn lot(known: &Known, steps: &[Step], most: usize) -> (Vec<Step>, bool) {
    let mut chosen: BTreeSet<usize> = (0..steps.len().min(most)).collect();
    let by_room: HashMap<&str, usize> =
        steps.iter().enumerate().filter_map(|(at, step)| Some((step.room_number.as_deref()?, at))).collect();
    let numbers: HashMap<_, &str> = known.rooms.iter().map(|(number, room)| (room.id, number.as_str())).collect();
    let holders = known.holders();
    let mut look: Vec<usize> = chosen.iter().copied().collect();
    while let Some(step) = look.pop().and_then(|at| steps.get(at)) {
        let extension = match &step.room {
            Some(RoomStep::Make { extension, .. }) => Some(extension),
            Some(RoomStep::Change { extension, .. }) => extension.as_ref(),
            None => None,
        };
        let of_extension = extension.and_then(|extension| holders.get(extension.as_str()).copied());
        let given = step.account.as_ref().filter(|one| one.give);
        let account =
            given.and_then(|one| known.accounts.get(&(one.server, one.user.clone()))).filter(|one| !one.shared);
        let of_account = account.into_iter().flat_map(|one| &one.rooms).filter_map(|room| numbers.get(room).copied());
        for at in of_extension.into_iter().chain(of_account).filter_map(|room| by_room.get(room).copied()) {
            if chosen.insert(at) {
                look.push(at);
            }
        }
    }
    let lot: Vec<Step> = chosen.iter().filter_map(|at| steps.get(*at).cloned()).collect();
    let is_more = lot.len() < steps.len();
    (lot, is_more)
}
