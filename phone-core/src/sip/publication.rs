//! Reports on how calls sounded, to a collector: PUBLISH with `Event: vq-rtcpxr` (RFC 3903, RFC 6035).
//!
//! A report is sent once. One that is refused or not answered is dropped, and the next ones wait for a while: a collector
//! that is down must not cost the phone or the network more than it is worth.

use std::collections::VecDeque;
use std::time::Duration;

use rtp::quality::vq::CONTENT_TYPE;

use super::auth::Authorizer;
use super::line::{Line, RequestId};
use super::message::{Message, Method, Name, NameAddr};
use super::outgoing::Outgoing;
use crate::time::Instant;

/// As `Event` has it.
pub const EVENT: &str = "vq-rtcpxr";
/// Reports that wait; of more, the oldest is dropped.
const MOST_WAITING: usize = 8;
/// The shortest pause after one that failed.
const PAUSE: Duration = Duration::from_secs(60);
/// The longest a server may ask for.
const PAUSE_MOST: Duration = Duration::from_secs(3600);

/// One account's reports.
#[derive(Debug, Default)]
pub struct Publication {
    auth: Authorizer,
    /// Bodies, oldest first.
    waiting: VecDeque<String>,
    /// The one under way.
    request: Option<RequestId>,
    /// Nothing is sent before.
    not_before: Option<Instant>,
}

impl Publication {
    /// Sends a report, after those that wait.
    pub fn publish(&mut self, now: Instant, line: &mut Line, report: String) {
        if self.waiting.len() >= MOST_WAITING {
            tracing::warn!(account = line.index, "the collector does not keep up: a quality report is dropped");
            self.waiting.pop_front();
        }
        self.waiting.push_back(report);
        self.next(now, line);
    }

    /// The settings are others: nothing is under way any more, and everybody is believed in again.
    pub fn restart(&mut self, line: &mut Line) {
        if let Some(id) = self.request.take() {
            line.forget(id);
        }
        (self.auth, self.not_before) = (Authorizer::default(), None);
    }

    fn next(&mut self, now: Instant, line: &mut Line) {
        let paused = self.not_before.is_some_and(|at| now < at);
        if line.settings.quality_collector.is_none() {
            self.waiting.clear();
        }
        if self.request.is_some() || paused || !line.is_ready() {
            return;
        }
        self.not_before = None;
        let Some(report) = self.waiting.pop_front() else { return };
        self.auth.begin_round();
        self.request = self.send(now, line, report);
        if self.request.is_none() {
            self.failed(now, line, None);
        }
    }

    /// Through the account's proxy if it has one, else straight to the collector.
    fn send(&mut self, now: Instant, line: &mut Line, report: String) -> Option<RequestId> {
        let collector = line.settings.quality_collector.clone()?;
        let mut from = line.address_of_record()?;
        from.params.set("tag", Some(&line.rng.token()));
        let to = NameAddr::new(collector.clone()).to_string();
        let (call_id, cseq) = (line.call_id(), line.first_cseq());
        let mut request = Outgoing::new(Method::Publish, collector, from.to_string(), to, call_id, cseq);
        request.route = line.preloaded_route();
        request.push(Name::Event, EVENT);
        line.sign(&mut request);
        let mut request = request.body(CONTENT_TYPE, report);
        if !request.route.is_empty() || line.locator.route().is_some() {
            line.authorize(&mut self.auth, &mut request);
            return line.send_to_server(now, request);
        }
        let target = line.hop(&request.uri)?;
        if line.locator.ways().iter().any(|way| way.target.address.ip() == target.address.ip()) {
            // Nobody else is to see proofs.
            line.authorize(&mut self.auth, &mut request);
        }
        line.send_to(now, request, target)
    }

    /// A response; false if it is not to a request of ours.
    pub fn response(&mut self, now: Instant, line: &mut Line, id: RequestId, status: u16, message: &Message) -> bool {
        if self.request != Some(id) {
            return false;
        }
        match status {
            100..200 => {}
            200..300 => {
                self.request = None;
                self.next(now, line);
            }
            401 | 407 => {
                let cseq = line.request(id).map_or(1, |request| request.cseq + 1);
                match line.answer_challenge(now, &mut self.auth, id, message, cseq) {
                    Ok(id) => self.request = Some(id),
                    Err(_) => self.failed(now, line, message.retry_after()),
                }
            }
            _ => {
                tracing::info!(account = line.index, status, "the collector takes no quality report");
                self.failed(now, line, message.retry_after());
            }
        }
        true
    }

    /// A request of ours came to nothing; false if it is not ours.
    pub fn lost(&mut self, now: Instant, line: &mut Line, id: RequestId) -> bool {
        if self.request != Some(id) {
            return false;
        }
        // Silence about a report says nothing about the account's server: calls go on where they go.
        line.forget(id);
        self.failed(now, line, None);
        true
    }

    fn failed(&mut self, now: Instant, line: &mut Line, retry_after: Option<u32>) {
        self.request = None;
        let told = Duration::from_secs(u64::from(retry_after.unwrap_or_default())).min(PAUSE_MOST);
        self.not_before = Some(now + told.max(PAUSE) + line.rng.up_to(PAUSE / 4));
    }

    /// Lets timers fire.
    pub fn handle_timeout(&mut self, now: Instant, line: &mut Line) {
        if !self.waiting.is_empty() {
            self.next(now, line);
        }
    }

    /// When to call [`Publication::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.not_before.filter(|_| self.request.is_none() && !self.waiting.is_empty())
    }
}
