//! One session with the ACS, from Inform to the end.

use std::sync::Arc;
use std::time::Duration;

use cwmp::cpe::{CpeConfig, Post};
use cwmp::{CpeSession, CpeStep, CwmpTime, CwmpVersion, DeviceId, Event, Limits, SessionOutcome, decode_body};

use super::auth::Login;
use super::http::{Answer, Http, HttpError};
use super::rpc;
use super::tree::MANUFACTURER;
use crate::clock;
use crate::device::Device;

/// An ACS that keeps us longer is cut off.
const LONGEST: Duration = Duration::from_secs(600);

/// How a session went.
#[derive(Debug)]
pub struct Outcome {
    /// The ACS has the Inform's events.
    pub events_delivered: bool,
    /// Why it failed; `None`: it ended as it should.
    pub failure: Option<String>,
    /// Seconds the server asked us to stay away.
    pub retry_after: Option<u64>,
}

/// Runs one session.
pub async fn run(
    device: &Arc<Device>,
    client: &reqwest::Client,
    url: &str,
    events: Vec<Event>,
    retries: u32,
) -> Outcome {
    let mut session = CpeSession::new(config(device, events, retries));
    let mut retry_after = None;
    let exchange = exchange(device, client, url, &mut session, &mut retry_after);
    let (outcome, why) = match tokio::time::timeout(LONGEST, exchange).await {
        Ok(Ok(outcome)) => {
            let why = outcome.failure.as_ref().map(ToString::to_string);
            (outcome, why)
        }
        Ok(Err(error)) => (session.on_transport_failure(), Some(error.to_string())),
        Err(_) => (session.on_transport_failure(), Some("the session took too long".to_owned())),
    };
    Outcome { events_delivered: outcome.events_delivered, failure: why, retry_after }
}

fn config(device: &Arc<Device>, events: Vec<Event>, retry_count: u32) -> CpeConfig {
    let identity = device.identity();
    CpeConfig {
        version: CwmpVersion::V1_0,
        device_id: DeviceId::new(MANUFACTURER, identity.mac.oui(), identity.model.as_str(), identity.serial.clone()),
        events,
        parameters: rpc::inform_parameters(device),
        current_time: CwmpTime::from_unix_ms(clock::now().millis()),
        retry_count,
        transfers: Vec::new(),
        limits: Limits::default(),
    }
}

async fn exchange(
    device: &Arc<Device>,
    client: &reqwest::Client,
    url: &str,
    session: &mut CpeSession,
    retry_after: &mut Option<u64>,
) -> Result<SessionOutcome, HttpError> {
    let login = Login::new(device.value("tr069.username"), device.value("tr069.password"));
    let mut http = Http::new(client.clone(), url, login)?;
    let mut post: Post = session.start();
    loop {
        let answer = http.post(&post.body).await?;
        *retry_after = answer.retry_after.filter(|_| answer.status == 503);
        let mut step = on_answer(session, &answer);
        while let CpeStep::Execute(request) = step {
            step = session.reply(rpc::execute(device, request).await);
        }
        match step {
            CpeStep::Send(next) => post = next,
            CpeStep::Done(outcome) => return Ok(outcome),
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
