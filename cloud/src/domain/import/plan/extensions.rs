//! Two rooms of a property never share an extension, as it is after all rows that are carried out.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{Known, KnownRoom, Work};
use crate::domain::import::mapping::Word;
use crate::domain::import::parse::Found;

impl Known {
    /// Rooms by the extensions they have.
    pub(super) fn holders(&self) -> HashMap<&str, &str> {
        let mut rooms: Vec<(&String, &KnownRoom)> = self.rooms.iter().collect();
        // Of two with one extension, always the same.
        rooms.sort_by_key(|(number, _)| Reverse(*number));
        let held = rooms.into_iter().filter(|(_, room)| !room.extension.is_empty());
        held.map(|(number, room)| (room.extension.as_str(), number.as_str())).collect()
    }
}

impl Work<'_> {
    pub(super) fn extensions(&mut self) {
        let (known, wanted) = (self.known, self.wanted);
        let extensions = std::mem::take(&mut self.extensions);
        // The cell that says it.
        let cells: Vec<Word> =
            self.meant.iter().map(|meant| meant.as_ref().map_or(Word::Extension, |meant| meant.says())).collect();
        let holders = known.holders();
        let mut claims: HashMap<&str, usize> = HashMap::new();
        for (at, row) in wanted.iter().enumerate() {
            let wants = extensions[at].as_deref().filter(|extension| !extension.is_empty() && !self.refused[at]);
            let Some(extension) = wants else { continue };
            let room = row.room.as_ref().and_then(|number| known.rooms.get(number));
            // Unless the row itself names the account.
            let given = room.filter(|room| self.meant[at].is_none() && room.extension != extension);
            let follows = given.and_then(|room| room.account.as_ref()).filter(|(_, user)| user != extension);
            if let Some((_, user)) = follows.filter(|account| !known.is_shared(account)) {
                let reason = format!("The room has the SIP account {user}, which is its extension.");
                let remedy = "Give the room another account (a column with the SIP user), or take this one back.";
                self.find(at, Word::Extension, Found::error("extension-of-account", reason, remedy));
                continue;
            }
            if row.room.is_none() {
                let found =
                    Found::error("names-nothing", "The row has an extension and no room.", "Give the room's number.");
                self.find(at, Word::Extension, found);
                continue;
            }
            match claims.get(extension) {
                None => drop(claims.insert(extension, at)),
                Some(first) => {
                    let reason = format!("Extension {extension} stands in line {} already.", wanted[*first].line);
                    let found = Found::error("extension-twice", reason, "Give each room an extension of its own.");
                    self.find(at, cells[at], found);
                }
            }
        }
        // Who gives its extension up, unless its row is refused.
        let gives_up: HashMap<&str, usize> = wanted
            .iter()
            .enumerate()
            // A second row of the same room is refused, and gives up nothing.
            .filter(|(at, _)| !self.refused[*at])
            .filter_map(|(at, row)| Some((row.room.as_deref()?, extensions[at].as_deref()?, at)))
            .filter(|(room, extension, _)| known.rooms.get(*room).is_some_and(|there| there.extension != *extension))
            .map(|(room, _, at)| (room, at))
            .collect();
        // A row refused here keeps its room's extension, which may refuse another row in turn.
        let mut look: Vec<(&str, usize)> = claims.iter().map(|(extension, at)| (*extension, *at)).collect();
        look.sort_by_key(|(_, at)| Reverse(*at));
        while let Some((extension, at)) = look.pop() {
            let Some(holder) = holders.get(extension).filter(|_| !self.refused[at]) else { continue };
            let own = wanted[at].room.as_deref();
            let free = own == Some(*holder) || gives_up.get(holder).is_some_and(|row| !self.refused[*row]);
            if free {
                continue;
            }
            let account = known.rooms.get(*holder).and_then(|room| room.account.as_ref());
            let is_account = self.meant[at].as_ref().is_some_and(|one| !one.shared);
            let (kind, reason) = match is_account && account.is_some_and(|(_, user)| user == extension) {
                true => ("user-taken", format!("SIP user {extension} is the account of room {holder}.")),
                false => ("extension-taken", format!("Extension {extension} belongs to room {holder}.")),
            };
            self.find(at, cells[at], Found::error(kind, reason, "Choose another one, or change that room's as well."));
            let kept = own.and_then(|room| known.rooms.get(room)).map(|room| room.extension.as_str());
            if let Some((kept, other)) = kept.and_then(|kept| Some((kept, *claims.get(kept)?))) {
                look.push((kept, other));
            }
        }
        self.extensions = extensions;
    }
}
