//! What phones report of their users, and what is made of it: a phone moved by hand, whose reports come as the test says.

use std::collections::BTreeMap;

use cloud::app::heard::{self, Heard};
use contract::mqtt::StateReport;
use contract::rest::{Accepted, Configuration, ConfigurationValue, JobState, Task, ValueOwner, ValueState};
use contract::{PhoneId, Timestamp};
use cwmp::Message;
use serde_json::json;

use crate::support::files::SetPassword;
use crate::support::{Ask, HandPhone, Hotel, TestServer, mac};

const PASSWORD: &str = "account.1.sip.subscriber.password";
const VOLUME: &str = "audio.volume.ring";

struct Reporting {
    server: TestServer,
    hotel: Hotel,
    phone: HandPhone,
    id: PhoneId,
    seq: u64,
}

impl Reporting {
    /// A phone in sync, of whose users nothing was reported.
    async fn new() -> Self {
        let server = TestServer::start().await;
        let hotel = server.hotel(&["1207"]).await;
        let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
        let mut phone = HandPhone::new(mac(1), server.acs_url());
        phone.session().await;
        let mut reporting = Self { server, hotel, phone, id, seq: 0 };
        reporting.server.api.set_password(reporting.hotel.room("1207")).await;
        reporting.want(json!({ VOLUME: "3" })).await;
        reporting.phone.session().await;
        reporting.server.api.in_sync(id).await;
        reporting
    }

    async fn want(&self, values: serde_json::Value) {
        let path = format!("/api/v1/properties/{}/settings", self.hotel.property);
        self.server.api.put(&path, json!({ "values": values })).await.ok::<Accepted>();
    }

    /// The phone says what its user set, in so many changes.
    async fn report(&mut self, set_by_user: &[&str], user_changes: u32) {
        self.seq += 1;
        let report = StateReport {
            boot: 1,
            seq: self.seq,
            at: Timestamp(0),
            firmware: "9.9.9".into(),
            ip: "127.0.0.1".into(),
            uptime_s: 1,
            off_hook: false,
            accounts: Vec::new(),
            applied_version: 0,
            set_by_user: set_by_user.iter().map(ToString::to_string).collect(),
            user_protection: false,
            user_changes,
        };
        heard::batch(self.server.app(), &[(self.id, Heard::State(report))]).await.unwrap();
    }

    async fn shown(&self, key: &str) -> ConfigurationValue {
        let path = format!("/api/v1/phones/{}/configuration", self.id);
        let page: Configuration = self.server.api.get(&path).await.ok();
        page.values.into_iter().find(|value| value.key == key).expect("the value is shown")
    }

    fn decision(&self) -> String {
        format!("/api/v1/phones/{}/drift", self.id)
    }

    /// What the phone is to be read for, and has not been yet.
    async fn to_be_read(&self) -> Option<String> {
        let jobs = self.server.api.phone(self.id).await.jobs;
        let mut paths = jobs.into_iter().filter(|job| job.state == JobState::Ready).filter_map(|job| match job.task {
            Some(Task::Refresh { path }) => Some(path),
            _ => None,
        });
        let first = paths.next();
        assert_eq!(paths.next(), None, "one such task waits at most");
        first
    }
}

#[tokio::test]
async fn a_secret_is_written_once_in_a_session_though_the_phone_still_says_that_its_user_set_it() {
    let mut one = Reporting::new().await;
    one.report(&[PASSWORD], 1).await;
    assert_eq!(one.shown(PASSWORD).await.state, ValueState::Drift);
    // What the phone reports comes by another way, and may not come at all.
    one.server.api.post(&one.decision(), json!({ "choices": { PASSWORD: "restore" } })).await.ok::<Accepted>();
    let mut sets = BTreeMap::<String, usize>::new();
    for request in one.phone.session().await {
        let Message::SetParameterValues(set) = request else { continue };
        for parameter in set.parameters {
            *sets.entry(parameter.name).or_default() += 1;
        }
    }
    let secret = sets.iter().find(|(name, _)| name.ends_with(PASSWORD)).map(|(_, count)| *count);
    assert_eq!((secret, sets.values().max()), (Some(1), Some(&1)), "{sets:?}");
    one.server.api.in_sync(one.id).await;
}

#[tokio::test]
async fn what_a_phone_has_not_said_can_be_neither_kept_nor_adopted() {
    let mut one = Reporting::new().await;
    one.report(&[VOLUME], 1).await;
    let shown = one.shown(VOLUME).await;
    assert_eq!((shown.reported, shown.state, shown.owner), (None, ValueState::Drift, ValueOwner::User));
    for choice in ["keep", "adopt"] {
        let refused = one.server.api.post(&one.decision(), json!({ "choices": { VOLUME: choice } })).await.refused(422);
        assert!(refused.detail.contains("has not said what it is"), "{choice}: {refused:?}");
    }
    assert_eq!(one.shown(VOLUME).await.state, ValueState::Drift, "nothing was decided");
}

#[tokio::test]
async fn what_was_set_is_read_as_far_as_the_report_tells_it_and_all_after_a_backup() {
    let mut one = Reporting::new().await;
    one.report(&[VOLUME], 1).await;
    assert_eq!(one.to_be_read().await, Some(settings::vendor_path(VOLUME)));
    // Of the values of a backup nothing is told.
    one.report(&[], 1 + StateReport::WHOLE).await;
    assert_eq!(one.to_be_read().await.as_deref(), Some(settings::VENDOR_ROOT));
}
