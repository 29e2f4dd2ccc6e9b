//! What the tabs of a phone's page share: the phone as last heard of, its tasks, and how to give it one.

use contract::PhoneId;
use contract::rest::{JobState, JobView, PhoneDetail, Task};
use leptos::prelude::*;

use crate::api::ApiError;
use crate::components::dial_plan_tester::TriedFor;
use crate::load::Loaded;
use crate::state::{Shared, use_shared};

#[derive(Clone, Copy)]
pub struct PhoneScope {
    pub shared: Shared,
    pub id: PhoneId,
    pub value: RwSignal<PhoneDetail>,
    pub detail: Loaded<PhoneDetail>,
    /// The zone times are shown in.
    pub zone: Signal<String>,
    /// Newest first.
    pub jobs: Memo<Vec<JobView>>,
}

pub fn use_phone() -> PhoneScope {
    expect_context()
}

/// Whether a job is still on its way.
pub const fn under_way(state: JobState) -> bool {
    matches!(state, JobState::Ready | JobState::Running)
}

impl PhoneScope {
    pub fn provide(value: RwSignal<PhoneDetail>, detail: Loaded<PhoneDetail>) -> Self {
        let shared = use_shared();
        let property = Memo::new(move |_| value.with(|value| value.phone.property));
        provide_context(TriedFor(property.into()));
        let scope = Self {
            shared,
            id: value.with_untracked(|value| value.phone.id),
            value,
            detail,
            zone: Signal::derive(move || shared.zone(property.get())),
            jobs: Memo::new(move |_| value.with(|value| value.jobs.clone())),
        };
        provide_context(scope);
        scope
    }

    /// A path of the API below this phone.
    pub fn path(self, rest: &str) -> String {
        format!("/phones/{}/{rest}", self.id)
    }

    /// Gives the phone a task; its job is in the list at once.
    pub async fn order(self, task: &Task) -> Result<JobView, ApiError> {
        let job = self.shared.api.post::<_, JobView>(&self.path("tasks"), task).await?;
        let new = job.clone();
        self.detail.touch(move |detail| {
            if detail.jobs.iter().all(|old| old.id != new.id) {
                detail.jobs.insert(0, new);
            }
        });
        Ok(job)
    }

    /// [`PhoneScope::order`] from an event handler: says `done` when the server took it, or what it has against it.
    pub fn give(self, task: Task, done: &'static str) {
        self.shared.run(async move {
            self.order(&task).await?;
            self.shared.say(done);
            Ok(())
        });
    }

    /// What the phone is called to people: by its room, or else by its address.
    pub fn called(self) -> String {
        self.value.with(|value| match &value.phone.room_number {
            Some(room) => format!("the phone of room {room}"),
            None => format!("the phone {}", value.phone.mac),
        })
    }

    pub fn off_hook(self) -> bool {
        self.value.with(|value| value.phone.state == contract::rest::RoomState::OffHook)
    }
}
