//! Names of buildings, floors and room types: capitals make no difference, and the way a name was written first stays.

use std::collections::{BTreeSet, HashMap};

#[derive(Default)]
pub(super) struct Names {
    /// Those that are there: by what they belong to, as they are written.
    there: BTreeSet<(String, String)>,
    /// How each is written, in small letters.
    spelled: HashMap<(String, String), String>,
}

impl Names {
    pub fn new<'a>(there: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let there: BTreeSet<_> = there.map(|(of, name)| (of.to_owned(), name.to_owned())).collect();
        let mut spelled = HashMap::new();
        for (of, name) in &there {
            // Of two that differ in capitals only, always the same.
            spelled.entry((of.clone(), name.to_lowercase())).or_insert_with(|| name.clone());
        }
        Self { there, spelled }
    }

    /// The name as it is written already, if it is known.
    pub fn find<'a>(&'a self, of: &str, name: &'a str) -> Option<&'a str> {
        if self.there.contains(&(of.to_owned(), name.to_owned())) {
            return Some(name);
        }
        self.spelled.get(&(of.to_owned(), name.to_lowercase())).map(String::as_str)
    }

    /// The same; one that is not known is, from now on.
    pub fn spelled(&mut self, of: &str, name: &str) -> String {
        if let Some(found) = self.find(of, name) {
            return found.to_owned();
        }
        self.spelled.insert((of.to_owned(), name.to_lowercase()), name.to_owned());
        name.to_owned()
    }

    pub fn count(&self) -> usize {
        self.there.len().max(self.spelled.len())
    }

    /// The name, if it is the only one.
    pub fn only(&self) -> Option<&str> {
        self.spelled.values().next().filter(|_| self.count() == 1).map(String::as_str)
    }
}
