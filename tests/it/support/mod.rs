//! What the tests stand on.

pub mod browser;
pub mod cwmp_phone;
pub mod database;
pub mod files;
pub mod house;
pub mod kamailio;
pub mod lan;
pub mod live;
pub mod mosquitto;
pub mod mqtt;
pub mod multicast;
pub mod over_tls;
pub mod phone;
pub mod proxy;
pub mod server;
pub mod tree;

use std::time::{Duration, Instant};

pub use cwmp_phone::HandPhone;
pub use database::Database;
pub use house::House;
pub use phone::Phone;
pub use server::{ServerProcess, TestServer};
pub use tests::api::Api;
pub use tests::hotel::Hotel;

use contract::Mac;
use contract::rest::{EffectiveValue, JobState, JobView, PhoneDetail, RoomCard, RoomDetail, SyncState};
use contract::{PhoneId, RoomId};

/// The longest anything may take that has no limit of its own.
pub const LONG: Duration = Duration::from_secs(20);

/// Waits until `look` finds something, and returns it with the time that took.
///
/// # Panics
/// After `limit`.
pub async fn timed<T>(what: &str, limit: Duration, look: impl AsyncFnMut() -> Option<T>) -> (T, Duration) {
    let start = Instant::now();
    match tests::wait::within(limit, look).await {
        Some(found) => found,
        None => panic!("not within {:?}: {what}", start.elapsed()),
    }
}

/// Waits until `look` finds something.
///
/// # Panics
/// After [`LONG`].
pub async fn wait<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    timed(what, LONG, look).await.0
}

/// Waits until something is true.
pub async fn wait_true(what: &str, mut look: impl AsyncFnMut() -> bool) {
    wait(what, async || look().await.then_some(())).await;
}

/// A phone's MAC address.
pub fn mac(number: u16) -> Mac {
    let [high, low] = number.to_be_bytes();
    Mac::new([0xc0, 0x74, 0xad, 0x77, high, low])
}

/// Questions the tests ask often.
pub trait Ask {
    async fn phone(&self, id: PhoneId) -> PhoneDetail;
    /// Waits until a phone has what it should have.
    async fn in_sync(&self, id: PhoneId);
    /// A value of a phone that has one for this key.
    async fn value(&self, id: PhoneId, key: &str) -> EffectiveValue;
    async fn room(&self, id: RoomId) -> RoomDetail;
    /// A job of a phone, by its state now.
    async fn job(&self, job: &JobView) -> JobView;
    /// Waits until a job is in this state.
    async fn job_is(&self, job: &JobView, state: JobState) -> JobView;
    async fn quarantined(&self) -> u64;
}

impl Ask for Api {
    async fn phone(&self, id: PhoneId) -> PhoneDetail {
        self.get(&format!("/api/v1/phones/{id}")).await.ok()
    }

    async fn in_sync(&self, id: PhoneId) {
        wait_true("the phone is in sync", async || self.phone(id).await.phone.sync == SyncState::InSync).await;
    }

    async fn value(&self, id: PhoneId, key: &str) -> EffectiveValue {
        let values = self.phone(id).await.values;
        values.into_iter().find(|value| value.key == key).unwrap_or_else(|| panic!("no value {key}"))
    }

    async fn room(&self, id: RoomId) -> RoomDetail {
        self.get(&format!("/api/v1/rooms/{id}")).await.ok()
    }

    async fn job(&self, job: &JobView) -> JobView {
        let jobs = self.phone(job.phone).await.jobs;
        jobs.into_iter().find(|one| one.id == job.id).expect("the phone's list has the job")
    }

    async fn job_is(&self, job: &JobView, state: JobState) -> JobView {
        let mut last = job.clone();
        let found = tests::wait::within(LONG, async || {
            last = self.job(job).await;
            (last.state == state).then(|| last.clone())
        });
        let found = found.await;
        match found {
            Some((job, _)) => job,
            None => panic!("the job is not {state:?} but {:?}: {}", last.state, last.note),
        }
    }

    async fn quarantined(&self) -> u64 {
        self.get("/api/v1/quarantine").await.ok::<contract::rest::QuarantinePage>().total
    }
}

/// The board's card of a room.
pub async fn card(hotel: &Hotel, id: RoomId) -> RoomCard {
    let cards = hotel.cards().await.unwrap();
    cards.into_iter().find(|card| card.id == id).expect("the board shows the room")
}
