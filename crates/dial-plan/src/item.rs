//! One item of a rule, and which keys it takes.

use crate::keys::{KeySet, Places};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Keys out of a set, sent as they were typed.
    Take { set: KeySet, repeat: Repeat },
    /// These keys, one after the other; `to` is sent instead.
    Replace { from: Vec<KeySet>, to: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    Once,
    /// `+`
    OnceOrMore,
    /// `.`
    NeverOrMore,
}

/// Where an item can end.
pub struct Ends {
    pub places: Places,
    /// Whether it could take a further key after the last.
    pub hungry: bool,
}

impl Item {
    pub fn once(set: KeySet) -> Self {
        Self::Take { set, repeat: Repeat::Once }
    }

    /// All keys it can take.
    pub fn keys(&self) -> KeySet {
        match self {
            Self::Take { set, .. } => *set,
            Self::Replace { from, .. } => from.iter().fold(KeySet::default(), |all, one| all.or(*one)),
        }
    }

    /// Where it ends if it begins at any of `starts`.
    pub fn ends(&self, starts: Places, keys: &[u8]) -> Ends {
        match self {
            Self::Take { set, repeat } => take(*set, *repeat, starts, keys),
            Self::Replace { from, .. } => replace(from, starts, keys),
        }
    }

    /// Whether it takes exactly these keys.
    pub fn takes(&self, keys: &[u8]) -> bool {
        match self {
            Self::Take { set, repeat } => {
                let enough = match repeat {
                    Repeat::Once => keys.len() == 1,
                    Repeat::OnceOrMore => !keys.is_empty(),
                    Repeat::NeverOrMore => true,
                };
                enough && keys.iter().all(|key| set.has(*key))
            }
            Self::Replace { from, .. } => from.len() == keys.len() && begins(from, keys),
        }
    }
}

fn take(set: KeySet, repeat: Repeat, starts: Places, keys: &[u8]) -> Ends {
    let mut places = Places::default();
    for (place, key) in keys.iter().enumerate() {
        let inside = repeat != Repeat::Once && places.has(place);
        if (starts.has(place) || inside) && set.has(*key) {
            places.add(place + 1);
        }
    }
    let hungry = starts.has(keys.len()) || (repeat != Repeat::Once && places.has(keys.len()));
    if repeat == Repeat::NeverOrMore {
        places = places.or(starts);
    }
    Ends { places, hungry }
}

fn replace(from: &[KeySet], starts: Places, keys: &[u8]) -> Ends {
    let mut ends = Ends { places: Places::default(), hungry: false };
    for place in (0..=keys.len()).filter(|place| starts.has(*place)) {
        let rest = keys.get(place..).unwrap_or_default();
        if !begins(from, rest) {
            continue;
        }
        if rest.len() < from.len() {
            ends.hungry = true;
        } else {
            ends.places.add(place + from.len());
        }
    }
    ends
}

/// Whether the keys begin as `from` says, as far as both go.
fn begins(from: &[KeySet], keys: &[u8]) -> bool {
    from.iter().zip(keys).all(|(set, key)| set.has(*key))
}
