//! One session with the ACS, from Inform to the end.

use std::sync::Arc;
use std::time::Duration;

use cwmp::cpe::{CpeConfig, Post};
use cwmp::{CpeSession, CpeStep, CwmpTime, CwmpVersion, DeviceId, Event, Limits, Message, SessionOutcome, decode_body};

use super::auth::Login;
use super::http::{Answer, Http};
use super::rpc;
use super::tree::MANUFACTURER;
use crate::device::Device;
use crate::tls::Purpose;

/// An ACS that keeps us longer is cut off.
const LONGEST: Duration = Duration::from_secs(600);

/// What a session starts with.
pub struct Start {
    pub url: String,
    pub events: Vec<Event>,
    /// What we have to say besides the Inform.
    pub requests: Vec<Message>,
    /// Parameters that changed.
    pub changed: Vec<Arc<str>>,
    /// Sessions failed in a row.
    pub retries: u32,
}

/// How a session went.
#[derive(Debug)]
pub struct Outcome {
    /// What the ACS has.
    pub session: SessionOutcome,
    /// Why it failed; `None`: it ended as it should.
    pub failure: Option<String>,
    /// Seconds the server asked us to stay away.
    pub retry_after: Option<u64>,
}

/// Runs one session.
pub async fn run(device: &Arc<Device>, start: Start) -> Outcome {
    let url = start.url.clone();
    let mut session = CpeSession::new(config(device, start));
    let mut retry_after = None;
    let exchange = exchange(device, &url, &mut session, &mut retry_after);
    let (outcome, why) = match tokio::time::timeout(LONGEST, exchange).await {
        Ok(Ok(outcome)) => {
            let why = outcome.failure.as_ref().map(ToString::to_string);
            (outcome, why)
        }
        Ok(Err(error)) => (session.on_transport_failure(), Some(error.to_string())),
        Err(_) => (session.on_transport_failure(), Some("the session took too long".to_owned())),
    };
    Outcome { session: outcome, failure: why, retry_after }
}

fn config(device: &Arc<Device>, start: Start) -> CpeConfig {
    let identity = device.identity();
    CpeConfig {
        version: CwmpVersion::V1_2,
        device_id: DeviceId::new(MANUFACTURER, identity.mac.oui(), identity.model.as_str(), identity.serial.clone()),
        events: start.events,
        parameters: rpc::inform_parameters(device, &start.changed),
        current_time: CwmpTime::from_unix_ms(device.now().millis()),
        retry_count: start.retries,
        requests: start.requests,
        supported_versions: Vec::new(),
        session_timeout: None,
        limits: Limits::default(),
    }
}

async fn exchange(
    device: &Arc<Device>,
    url: &str,
    session: &mut CpeSession,
    retry_after: &mut Option<u64>,
) -> anyhow::Result<SessionOutcome> {
    let login = Login::new(device.value("tr069.username"), device.value("tr069.password"));
    let mut http = Http::new(device.tls_options(Purpose::Management), url, login)?;
    let mut post: Post = session.start();
    loop {
        let answer = http.post(&device.rehearsed_post(&post.body)).await?;
        *retry_after = answer.retry_after.filter(|_| answer.status == 503);
        let mut step = on_answer(session, &answer);
        while let CpeStep::Execute(request) = step {
            step = session.reply(match device.rehearsed_answer(request.name()) {
                Some(answer) => answer,
                None => rpc::execute(device, request).await,
            });
        }
        match step {
            CpeStep::Send(next) => post = next,
            CpeStep::Done(outcome) => {
                http.close().await;
                return Ok(outcome);
            }
            CpeStep::Execute(_) => {}
        }
    }
}

fn on_answer(session: &mut CpeSession, answer: &Answer) -> CpeStep {
    match decode_body(answer.content_encoding.as_deref(), &answer.body, &Limits::default()) {
        Ok(body) => session.on_response(answer.status, &body),
        // What cannot be inflated cannot be read: the session says so.
        Err(_) => session.on_response(answer.status, &answer.body),
    }
}
