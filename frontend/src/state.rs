//! What several pages share: the properties one may see, the one in use, messages, and the count of new phones.

use std::time::Duration;

use contract::live::LiveChange;
use contract::rest::{ClaimState, ClaimView, PhoneRow, Property};
use contract::{PhoneId, PropertyId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{Api, ApiError, use_api};
use crate::live::{use_live, use_live_stream};
use crate::load::{Loaded, use_load};
use crate::theme::{store, stored, use_narrow};
use crate::time::every;

const PROPERTY: &str = "bellhop.property";

#[derive(Clone, PartialEq)]
pub struct Toast {
    pub id: u32,
    pub text: String,
    pub bad: bool,
}

#[derive(Clone, Copy)]
pub struct Shared {
    pub api: Api,
    pub properties: Loaded<Vec<Property>>,
    pub new_phones: Loaded<Vec<PhoneRow>>,
    /// Claims of the property in use that wait for an answer.
    pub claims: Loaded<Vec<ClaimView>>,
    /// The property last looked at; its board is one key press away from everywhere.
    pub current: RwSignal<Option<PropertyId>>,
    pub toasts: RwSignal<Vec<Toast>>,
    pub narrow: RwSignal<bool>,
}

pub fn use_shared() -> Shared {
    expect_context()
}

impl Shared {
    /// Made once one is signed in.
    pub fn provide() -> Self {
        let api = use_api();
        let current = RwSignal::new(stored(PROPERTY).and_then(|id| id.parse().ok()));
        let waiting = move |id: Option<PropertyId>| async move {
            match id {
                Some(id) => api.get_owned(format!("/properties/{id}/claims?state=waiting&limit=500")).await,
                None => Ok(Vec::new()),
            }
        };
        let shared = Self {
            api,
            properties: use_load(|| (), move |()| api.get("/properties")),
            new_phones: use_load(|| (), move |()| api.get("/phones/new")),
            claims: use_load(move || current.get(), waiting),
            current,
            toasts: RwSignal::new(Vec::new()),
            narrow: use_narrow(),
        };
        provide_context(shared);
        use_live(move |change| shared.apply(change));
        // A stream limited to one property does not carry phones that have none yet.
        every(Duration::from_secs(60), move || shared.new_phones.reload());
        let live = use_live_stream();
        on_cleanup(move || live.stop());
        shared
    }

    fn apply(self, change: &LiveChange) {
        if change.reload {
            self.properties.reload();
            self.new_phones.reload();
            self.claims.reload();
        }
        if let Some(claim) = change.claim.as_ref().filter(|claim| Some(claim.property) == self.current.get_untracked())
        {
            self.claims.touch(|list| {
                list.retain(|one| one.id != claim.id);
                if claim.state == ClaimState::Waiting {
                    list.push(claim.clone());
                }
            });
        }
        if let Some(phone) = &change.phone {
            let known = self.new_phones.with_untracked(|list| list.iter().any(|row| row.id == phone.id));
            let new = phone.enrolment == contract::rest::Enrolment::New;
            if known == Some(true) || new {
                self.new_phones.touch(|list| {
                    list.retain(|row| row.id != phone.id);
                    if new {
                        list.insert(0, phone.clone());
                    }
                });
            }
        }
        if let Some(gone) = change.gone {
            self.forget(gone);
        }
    }

    pub fn forget(self, phone: PhoneId) {
        self.new_phones.touch(|list| list.retain(|row| row.id != phone));
    }

    /// Remembers the property whose pages are open.
    pub fn enter(self, property: PropertyId) {
        if self.current.get_untracked() != Some(property) {
            store(PROPERTY, &property.to_string());
            self.current.set(Some(property));
        }
    }

    /// The property in use: the one last looked at, or else the first.
    pub fn chosen(self) -> Option<PropertyId> {
        let current = self.current.get();
        self.properties
            .with(|list| list.iter().find(|p| Some(p.id) == current).or_else(|| list.first()).map(|p| p.id))
            .flatten()
    }

    pub fn property(self, id: PropertyId) -> Option<Property> {
        self.properties.with(|list| list.iter().find(|p| p.id == id).cloned()).flatten()
    }

    /// The zone times of this property are shown in; empty = this computer's.
    pub fn zone(self, id: Option<PropertyId>) -> String {
        id.and_then(|id| self.property(id)).map(|p| p.time_zone).unwrap_or_default()
    }

    pub fn say(self, text: impl Into<String>) {
        self.toast(text.into(), false);
    }

    pub fn complain(self, error: &ApiError) {
        self.toast(format!("{}. {}", error.0.title.trim_end_matches('.'), error.0.detail), true);
    }

    fn toast(self, text: String, bad: bool) {
        let mut id = 0;
        self.toasts.update(|list| {
            id = list.last().map_or(1, |last| last.id + 1);
            list.push(Toast { id, text, bad });
        });
        set_timeout(move || self.dismiss(id), Duration::from_secs(if bad { 12 } else { 5 }));
    }

    pub fn dismiss(self, id: u32) {
        let _ = self.toasts.try_update(|list| list.retain(|toast| toast.id != id));
    }

    /// Carries out a change from an event handler; a refusal becomes a message.
    pub fn run<F>(self, change: F)
    where
        F: Future<Output = Result<(), ApiError>> + 'static,
    {
        spawn_local(async move {
            if let Err(error) = change.await {
                self.complain(&error);
            }
        });
    }
}
