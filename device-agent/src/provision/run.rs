//! The task: waits for a reason, fetches, and puts what came into force.

use std::sync::Arc;
use std::time::Duration;

use contract::event::EventKind;
use provisioning::Document;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::desk::{Ended, Order, Reason, Wish};
use super::fetch::{self, fetch};
use super::file::{self, Rules};
use super::firmware;
use super::machine::{Answer, End, Machine, Plan, Step};
use super::place::Place;
use super::plan::{self, Planned};
use super::when::{Rhythm, When};
use crate::clock;
use crate::device::{Device, Restart};
use crate::tls::Purpose;

/// Runs at the same time in a process of many phones.
static ROOM: Semaphore = Semaphore::const_new(8);
/// Settings are looked at again so often, as long as nothing is due.
const LOOK: Duration = Duration::from_secs(30);
/// One configuration file.
const ONE_FILE: Duration = Duration::from_secs(120);
/// The whole of a run.
const LONGEST: Duration = Duration::from_secs(900);
/// A file may name another server, which may name another one.
const MOST_HOPS: usize = 3;
/// Until a phone that is in use is asked again whether it may restart.
const IDLE_CHECK: Duration = Duration::from_secs(5);
/// Not more often than this: two who do not agree about a setting would have the phone restart for ever.
const RESTART_AFTER_MS: i64 = 3_600_000;

/// Said of a run that changed nothing.
const STAYS: &str = "; the settings stay as they were";

/// What a run came to.
struct Done {
    ended: Ended,
    /// Badly, but another run may fare better.
    again: bool,
    /// Something changed that counts after a restart only.
    restart: bool,
}

/// Lives until dropped.
pub(crate) async fn run(device: Arc<Device>) {
    let mut when = When::new(local_now(&device));
    device.provision().order(Reason::Boot, None);
    let (mut owed, mut told) = (None, String::new());
    loop {
        let order = wait(&device, &mut when, owed.as_ref()).await;
        let reason = order.reason;
        let done = carry_out(&device, order.clone()).await;
        owed = still_owed(owed, order, done.as_ref());
        when.ran(local_now(&device), owed.is_some(), clock::jitter());
        if let Some(done) = &done {
            tell(&device, &done.ended, &mut told).await;
        }
        // Firmware has its own servers: it is looked for also where there is nobody to ask for settings.
        Box::pin(firmware::look(&device, reason)).await;
        if done.is_some_and(|done| done.restart) {
            restart(&device);
        }
    }
}

/// What is tried again: the last run that failed in a way that passes, where it asked. An address that was offered is known
/// from nowhere else, and stays when there is nobody else to ask. Who wrote one himself sees that it failed.
fn still_owed(before: Option<Order>, ran: Order, done: Option<&Done>) -> Option<Order> {
    match done {
        Some(done) if done.again => {
            let place = ran.place.filter(|_| ran.reason != Reason::Asked);
            Some(Order { reason: Reason::Again, place })
        }
        Some(done) if done.ended.ok || ran.place.is_some() => None,
        _ => before.filter(|owed| owed.place.is_some()),
    }
}

/// The next order, or the next moment of the phone's own. `owed`: what another try is of.
async fn wait(device: &Arc<Device>, when: &mut When, owed: Option<&Order>) -> Order {
    loop {
        let restart = device.provision().wants_restart();
        if restart.is_some() && !device.line().off_hook && may_restart(device, restart).await {
            device.set_restart(Restart::Reboot);
            return std::future::pending().await;
        }
        let restart = restart.is_some();
        if let Some(order) = device.provision().take() {
            return order;
        }
        let now = local_now(device);
        let scheduled = when.next(Rhythm::of(|key| device.value(key)), now, clock::jitter);
        let left = scheduled.map(|due| due - now);
        device.provision().set(|status| {
            status.next = left.map(|left| contract::Timestamp(clock::now().millis() + left.max(0)));
        });
        if left.is_some_and(|left| left <= 0) {
            let retry = owed.filter(|_| when.is_retry(now)).cloned();
            return retry.unwrap_or(Order { reason: Reason::Scheduled, place: None });
        }
        let left = left.and_then(|left| u64::try_from(left).ok()).map_or(LOOK, Duration::from_millis);
        tokio::select! {
            () = tokio::time::sleep(left.min(if restart { IDLE_CHECK } else { LOOK })) => {}
            () = device.provision().woken() => {}
        }
    }
}

/// Milliseconds of the time the phone shows.
fn local_now(device: &Device) -> i64 {
    device.now().millis() + i64::from(device.offset_s()) * 1000
}

/// `None`: there was nobody to ask, and nobody had asked for it.
async fn carry_out(device: &Arc<Device>, order: Order) -> Option<Done> {
    let Order { reason, place } = order;
    // Closed is what this never is.
    let _room = ROOM.acquire().await.ok()?;
    let done = tokio::time::timeout(LONGEST, Box::pin(hops(device, reason, place))).await.unwrap_or_else(|_| {
        Some(failed(reason, Vec::new(), format!("it took more than {} minutes", LONGEST.as_secs() / 60), true))
    });
    device.provision().set(|status| {
        status.running = None;
        if let Some(done) = &done {
            status.last = Some(done.ended.clone());
        }
    });
    done
}

/// Once, and again where the files name other servers.
async fn hops(device: &Arc<Device>, reason: Reason, place: Option<Place>) -> Option<Done> {
    let mut planned = match place {
        Some(place) => Planned::only(place),
        None => of_settings(device),
    };
    let mut before: Option<Done> = None;
    for _ in 0..MOST_HOPS {
        if planned.sources.is_empty() {
            let why = match planned.wrong.is_empty() {
                false => planned.wrong.join("; "),
                true if reason == Reason::Asked => "no configuration server is set, and DHCP names none".to_owned(),
                true => return before,
            };
            return Some(failed(reason, Vec::new(), why, false));
        }
        let mut asked = planned.sources.clone();
        // An offered address is asked instead of the settings' own, which nobody has named anew.
        asked.extend(of_settings(device).sources);
        let mut done = once(device, reason, planned).await;
        if let Some(before) = before.take() {
            done.restart |= before.restart;
            done.ended = after(&before.ended, done.ended);
        }
        planned = of_settings(device);
        let moved = !planned.sources.iter().all(|new| asked.contains(new));
        if !done.ended.ok || done.ended.changed == 0 || !moved {
            return Some(done);
        }
        tracing::info!("the files name another server, which is asked now");
        before = Some(done);
    }
    before
}

/// The server of before has changed something, and that stays.
fn after(before: &Ended, mut ended: Ended) -> Ended {
    ended.changed += before.changed;
    if !ended.ok {
        let then = ended.text.trim_end_matches(STAYS);
        ended.text = format!("{} ({}); the server they name then: {then}", before.text, before.files.join(", "));
    }
    ended
}

fn of_settings(device: &Device) -> Planned {
    plan::configuration(&|key| device.value(key), &device.provision().lease())
}

/// One server's files.
async fn once(device: &Arc<Device>, reason: Reason, planned: Planned) -> Done {
    for wrong in &planned.wrong {
        tracing::warn!(%wrong, "a configuration server's address cannot be used");
    }
    let identity = device.identity();
    let (names, all) = plan::configuration_names(&|key| device.value(key), identity.mac, identity.model);
    let options = options(device, ONE_FILE);
    let mut machine = Machine::new(Plan { sources: planned.sources, names, all });
    let mut last: Option<Place> = None;
    loop {
        match machine.next(clock::jitter()) {
            Step::Fetch(place) => {
                device.provision().asks(reason, &place, false);
                machine.answered(ask(device, &place, &options).await);
                last = Some(place);
            }
            Step::Wait(time) => {
                if let Some(place) = &last {
                    device.provision().asks(reason, place, true);
                }
                tokio::time::sleep(time).await;
            }
            Step::Done => break,
        }
    }
    match machine.end() {
        End::Files(files) => apply(device, reason, files).await,
        End::Failed { place, why, again } => failed(reason, vec![place.to_string()], why, again),
        End::Nobody => failed(reason, Vec::new(), "there is no server to ask".to_owned(), false),
    }
}

/// How a configuration file is asked for.
pub(super) fn options(device: &Device, longest: Duration) -> fetch::Options {
    let identity = device.identity();
    fetch::Options {
        tls: device.tls_options(Purpose::Download),
        at_once: device.value("provisioning.alwaysauthenticatebeforechallenge") == "yes",
        agent: format!("Bellhop {} {} {}", identity.model.as_str(), device.firmware(), identity.mac.compact()),
        most_bytes: provisioning::Limits::default().bytes,
        longest,
        to: None,
        wanted: None,
    }
}

async fn ask(device: &Arc<Device>, place: &Place, options: &fetch::Options) -> Answer<Document> {
    let bytes = match fetch(place, options).await {
        Ok(bytes) => bytes,
        Err(error) => return error.into(),
    };
    // Decrypting and reading a megabyte takes a while.
    let read = device.blocking(move |device| read(device, &bytes)).await;
    match read {
        Ok(Ok(document)) => Answer::File(document),
        Ok(Err(why)) => Answer::Bad(why),
        Err(error) => Answer::Failed { why: error.to_string(), again: true },
    }
}

/// A file by the rules of the settings as they are now.
pub(crate) fn read(device: &Device, bytes: &[u8]) -> Result<Document, String> {
    let authenticate = device.value("provisioning.config.authenticatefile") == "yes";
    let (password, admin) = (device.value("provisioning.config.filepassword"), device.value(file::ADMIN_KEY));
    let identity = device.identity();
    let admin = authenticate.then_some(admin.as_str());
    file::read(bytes, Rules { mac: identity.mac, model: identity.model, password: &password, admin })
}

async fn apply(device: &Arc<Device>, reason: Reason, files: Vec<(Place, Document)>) -> Done {
    let names: Vec<String> = files.iter().map(|(place, _)| place.to_string()).collect();
    let mut whole = Document::default();
    files.into_iter().for_each(|(_, document)| whole.overlay(document));
    let unknown = file::unknown(&whole);
    for conflict in whole.conflicts() {
        tracing::warn!(%conflict, "settings of a configuration file contradict each other");
    }
    let changes = file::changes(&whole);
    let applied = match device.blocking(move |device| device.set_provisioned(&changes)).await.flatten() {
        Ok(applied) => applied,
        Err(error) => return failed(reason, names, format!("it could not be stored: {error}"), true),
    };
    let text = match applied.changed.len() {
        0 => "nothing has changed".to_owned(),
        1 => "1 setting changed".to_owned(),
        many => format!("{many} settings changed"),
    };
    let restart = applied.changed.iter().any(|key| device.needs_restart(key));
    let ended = Ended {
        reason,
        at: clock::now(),
        ok: true,
        files: names,
        changed: applied.changed.len(),
        protected: applied.protected.iter().map(ToString::to_string).collect(),
        unknown,
        text,
    };
    Done { ended, again: false, restart }
}

fn failed(reason: Reason, files: Vec<String>, text: String, again: bool) -> Done {
    let ended = Ended {
        reason,
        at: clock::now(),
        ok: false,
        files,
        changed: 0,
        protected: Vec::new(),
        unknown: 0,
        text: format!("{text}{STAYS}"),
    };
    Done { ended, again, restart: false }
}

/// To the log and, as an event, to the cloud; a failure that goes on is told once.
async fn tell(device: &Arc<Device>, ended: &Ended, told: &mut String) {
    let (files, text) = (ended.files.join(", "), &ended.text);
    if ended.ok {
        let protected = ended.protected.len();
        tracing::info!(%files, changed = ended.changed, unknown = ended.unknown, protected, "provisioning is complete");
    } else {
        tracing::warn!(%files, why = %text, "provisioning failed");
    }
    let detail = if ended.ok { format!("{text}: {files}") } else { format!("failed: {files}: {text}") };
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let detail: String = detail.chars().map(plain).take(contract::event::DeviceEvent::MAX_DETAIL).collect();
    if !ended.ok && *told == detail {
        return;
    }
    told.clone_from(&detail);
    device.raise(EventKind::AutoProvisionCompleted, None, Some(detail)).await;
}

/// Has the phone restart, but not again and again.
pub(crate) fn restart(device: &Device) {
    let wait = until_restart(device.document(|document| document.provision_restart), clock::now().millis());
    let minutes = wait.as_secs().div_ceil(60);
    tracing::info!(minutes, "settings changed that count after a restart");
    device.provision().want_restart(Wish::Settings(Instant::now() + wait));
}

/// How long until the phone may restart for settings, if it did so at `last` (0: never).
fn until_restart(last: i64, now: i64) -> Duration {
    // A clock that was put right far away from then knows nothing of it.
    let since = if last == 0 { RESTART_AFTER_MS } else { (now - last).abs() };
    Duration::from_millis((RESTART_AFTER_MS - since).max(0).unsigned_abs())
}

/// Remembers a restart for settings before it is done. False: it could not be remembered, so there is none.
async fn may_restart(device: &Arc<Device>, wish: Option<Wish>) -> bool {
    if !matches!(wish, Some(Wish::Settings(_))) {
        return true;
    }
    let now = clock::now().millis();
    let stored = device.blocking(move |device| device.update(|document| document.provision_restart = now)).await;
    match stored.flatten() {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, "a restart could not be remembered, so there is none");
            device.provision().forget_restart();
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_was_offered_is_tried_again_until_it_answers_or_another_is_offered() {
        let offered = |host: &str| Order {
            reason: Reason::Pnp,
            place: Some(Place::offered(&format!("http://{host}/"), super::super::place::Scheme::Http).unwrap()),
        };
        let of_settings = Order { reason: Reason::Scheduled, place: None };
        let fails = |again| failed(Reason::Pnp, Vec::new(), String::new(), again);
        let mut works = fails(false);
        works.ended.ok = true;
        let again = |order: &Order| Some(Order { reason: Reason::Again, ..order.clone() });
        let (first, second) = (offered("a"), offered("b"));
        let owed = still_owed(None, first.clone(), Some(&fails(true)));
        assert_eq!(owed, again(&first));
        assert_eq!(still_owed(owed.clone(), of_settings.clone(), None), owed, "nobody else was there to ask");
        assert_eq!(still_owed(owed.clone(), of_settings.clone(), Some(&fails(false))), owed);
        assert_eq!(still_owed(owed.clone(), second.clone(), Some(&fails(true))), again(&second));
        assert_eq!(still_owed(owed.clone(), second, Some(&fails(false))), None);
        assert_eq!(still_owed(owed.clone(), of_settings.clone(), Some(&works)), None);
        assert_eq!(still_owed(owed, of_settings.clone(), Some(&fails(true))), again(&of_settings));
        for ended in [None, Some(&fails(false))] {
            assert_eq!(still_owed(again(&of_settings), of_settings.clone(), ended), None, "it ends for good");
        }
        let written = Order { reason: Reason::Asked, ..first };
        assert_eq!(still_owed(None, written, Some(&fails(true))), again(&of_settings), "not the address");
    }

    #[test]
    fn a_second_change_within_the_hour_counts_when_the_hour_is_over() {
        let now = 1_795_000_000_000;
        for (last, minutes) in [(0, 0), (now - 600_000, 50), (now - RESTART_AFTER_MS, 0), (now + 600_000, 50)] {
            assert_eq!(until_restart(last, now), Duration::from_secs(minutes * 60), "{last}");
        }
    }

    #[test]
    fn what_the_first_server_changed_is_said_where_the_second_fails() {
        let mut first = failed(Reason::Boot, vec!["http://a/cfg.xml".into()], String::new(), false).ended;
        (first.ok, first.changed, first.text) = (true, 2, "2 settings changed".into());
        let second = failed(Reason::Boot, vec!["http://b/".into()], "no answer".into(), true).ended;
        let ended = after(&first, second);
        let text = "2 settings changed (http://a/cfg.xml); the server they name then: no answer";
        assert_eq!((ended.ok, ended.changed, ended.text.as_str()), (false, 2, text));
    }
}
