//! Asks phones in when something waits for them, and when a person waits for them. Paced, so that a change for a whole
//! property does not call all its phones at the same moment.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use contract::PhoneId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::{App, Result, Wake, jobs};
use crate::clock::now_ms;
use crate::wake::Waker;

/// How often jobs that are due are looked for.
const LOOK: Duration = Duration::from_secs(2);
/// A phone is asked again for the same thing at most this often, doubling up to the cap.
const AGAIN_MS: i64 = 2_000;
const AGAIN_CAP_MS: i64 = 600_000;

/// People's wishes taken up at once; more wait in their channel.
const MOST_URGENT: usize = 100;

/// When a phone was asked last, and how often in vain.
struct Asked {
    at: i64,
    times: u32,
}

/// Nudges until cancelled.
pub async fn run(
    app: Arc<App>,
    waker: Arc<Waker>,
    mut nudged: mpsc::UnboundedReceiver<PhoneId>,
    mut woken: mpsc::Receiver<Wake>,
    stop: CancellationToken,
) {
    let mut urgent: VecDeque<Wake> = VecDeque::new();
    let mut queue: VecDeque<PhoneId> = VecDeque::new();
    let mut queued: HashSet<PhoneId> = HashSet::new();
    let mut asked: HashMap<Uuid, Asked> = HashMap::new();
    let mut look = tokio::time::interval(LOOK);
    let mut pace = tokio::time::interval(Duration::from_secs(1) / app.config.jobs.nudges_per_second);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(phone) = nudged.recv() => {
                asked.remove(&phone.0);
                if queued.insert(phone) {
                    queue.push_back(phone);
                }
            }
            _ = look.tick() => match due(&app, &mut asked).await {
                Ok(phones) => phones.into_iter().for_each(|phone| if queued.insert(phone) { queue.push_back(phone) }),
                Err(error) => tracing::error!(%error, "cannot look for due jobs"),
            },
            Some(wake) = woken.recv(), if urgent.len() < MOST_URGENT => urgent.push_back(wake),
            _ = pace.tick(), if !queue.is_empty() || !urgent.is_empty() => {
                if let Some(wake) = urgent.pop_front() {
                    answer(&waker, wake);
                    continue;
                }
                let Some(phone) = queue.pop_front() else { continue };
                queued.remove(&phone);
                let times = asked.get(&phone.0).map_or(0, |asked| asked.times);
                if let Err(error) = waker.nudge(phone, times).await {
                    tracing::warn!(%phone, %error, "cannot nudge");
                }
            }
        }
    }
}

/// Phones with a job that is due and that were not asked lately.
async fn due(app: &App, asked: &mut HashMap<Uuid, Asked>) -> Result<Vec<PhoneId>> {
    let now = now_ms();
    let waiting = jobs::phones_waiting(app).await?;
    let still: HashSet<Uuid> = waiting.iter().copied().collect();
    asked.retain(|phone, _| still.contains(phone));
    let mut phones = Vec::new();
    for phone in waiting {
        let asked = asked.entry(phone).or_insert(Asked { at: 0, times: 0 });
        let wait = Ord::min(AGAIN_MS << Ord::min(asked.times, 10), AGAIN_CAP_MS);
        if now - asked.at >= wait {
            *asked = Asked { at: now, times: asked.times + 1 };
            phones.push(PhoneId(phone));
        }
    }
    Ok(phones)
}

/// Wakes phones for people until cancelled, in a process that asks none in by itself.
pub async fn run_wakes(app: Arc<App>, waker: Arc<Waker>, mut woken: mpsc::Receiver<Wake>, stop: CancellationToken) {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / app.config.jobs.nudges_per_second);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(wake) = woken.recv() => answer(&waker, wake),
        }
        pace.tick().await;
    }
}

/// Wakes a phone, and tells who waits what came of it.
fn answer(waker: &Arc<Waker>, wake: Wake) {
    let waker = waker.clone();
    tokio::spawn(async move {
        match waker.wake(wake.phone).await {
            // Who waited may have gone.
            Ok(result) => drop(wake.answer.send(result)),
            Err(error) => tracing::error!(phone = %wake.phone, error = format!("{error:#}"), "cannot wake"),
        }
    });
}
