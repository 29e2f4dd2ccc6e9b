//! Waking phones: asking one to open a session now, by whatever way it can be reached. The ways in their order: over MQTT
//! while it is connected, by connection request over HTTP, over UDP through the NAT in front of it, and by SIP through its
//! property's PBX. Every call is checked by [`address`] first.

pub mod address;
mod http;
mod sip;
mod stun;
mod udp;

use std::sync::Arc;
use std::time::Duration;

use contract::mqtt::{AccountStatus, Action, Channel, Command, Desired, Topic};
use contract::rest::{Enrolment, PbxTransport, WakeAttempt, WakeResult, WakeWay};
use contract::{PhoneId, Timestamp};
use sea_orm::EntityTrait;

use crate::app::tasks::lane;
use crate::app::{App, claims, pbx, phones, views};
use crate::clock::now_ms;
use crate::db::entity::{pbx as pbx_row, phone, room};
use crate::ingest::Mqtt;
use crate::secrets::random_token;

pub use udp::Stun;

/// A phone is called once in this time at most.
pub const BETWEEN_CALLS_MS: i64 = 5_000;
/// How long a phone that was asked has to open its session before the next way is tried for a person who waits.
const COMES: Duration = Duration::from_secs(4);
const LOOK: Duration = Duration::from_millis(200);
/// How long a command over MQTT is worth carrying out.
const COMMAND_MS: i64 = 30_000;

/// Everything phones are reached by from this process.
pub struct Waker {
    app: Arc<App>,
    mqtt: Option<Arc<Mqtt>>,
    stun: Option<Arc<Stun>>,
}

/// Who answers when a phone wants to know who calls.
struct Caller {
    user: String,
    password: String,
}

impl Waker {
    pub fn new(app: Arc<App>, mqtt: Option<Arc<Mqtt>>, stun: Option<Arc<Stun>>) -> Arc<Self> {
        Arc::new(Self { app, mqtt, stun })
    }

    /// Tells a phone that something waits for it; `times` says how often it was told in vain. Returns at once: calls go on
    /// by themselves.
    ///
    /// # Errors
    /// If the phone cannot be read, or the broker's queue is closed.
    pub async fn nudge(self: &Arc<Self>, id: PhoneId, times: u32) -> anyhow::Result<()> {
        let Some(phone) = phones::find(&self.app, id).await? else {
            return Ok(());
        };
        if let Some(mqtt) = self.broker()
            && !phone.mqtt_hash.is_empty()
        {
            // Retained: a phone that is away finds it when it connects.
            let desired = Desired { version: phone.desired_version };
            mqtt.publish(Topic::new(id, Channel::Desired), &desired, true).await?;
            if phone.connected {
                let answers = claims::due(&self.app, id).await?;
                for command in lane::due(&self.app, id).await?.into_iter().chain(answers) {
                    mqtt.command(id, &command).await?;
                }
                // A task does not move the version on.
                if lane::wants_session(&self.app, id).await? {
                    self.by_mqtt(&phone).await?;
                }
            }
            // A connection can be dead without anybody knowing yet.
            if phone.connected && times < 2 {
                return Ok(());
            }
        }
        if phone.enrolment == Enrolment::New.as_str() || !self.may_call(id) {
            return Ok(());
        }
        let waker = self.clone();
        tokio::spawn(async move {
            for way in [WakeWay::ConnectionRequest, WakeWay::Udp, WakeWay::Sip] {
                match waker.attempt(&phone, way).await {
                    Ok(true) if way == WakeWay::ConnectionRequest => return,
                    // Nothing says that the phone has heard: in time the next way is tried as well.
                    Ok(true) if times < 2 => return,
                    Ok(_) => {}
                    Err(error) => {
                        let error = format!("{error:#}");
                        tracing::info!(phone = %id, ?way, error, "the phone was not reached");
                    }
                }
            }
        });
        Ok(())
    }

    /// Asks a phone in for a person who waits: by each way it can be reached by, until its session opens.
    ///
    /// # Errors
    /// If the phone cannot be read.
    pub async fn wake(&self, id: PhoneId) -> anyhow::Result<WakeResult> {
        let mut result = WakeResult { attempts: Vec::new() };
        let Some(phone) = phones::find(&self.app, id).await? else { return Ok(result) };
        self.may_call(id);
        for way in [WakeWay::Mqtt, WakeWay::ConnectionRequest, WakeWay::Udp, WakeWay::Sip] {
            let (ok, note) = match self.attempt(&phone, way).await {
                Ok(false) => continue,
                Ok(true) => match self.came(&phone).await? {
                    true => (true, "The phone opened a session.".to_owned()),
                    false => (false, format!("{} It did not come within {} s.", asked(way), COMES.as_secs())),
                },
                Err(error) => (false, format!("{error:#}.")),
            };
            result.attempts.push(WakeAttempt { way, ok, note });
            if ok {
                break;
            }
        }
        Ok(result)
    }

    /// The broker, while it is there. While it is not, phones are called, and no command is taken for a line that is dead.
    fn broker(&self) -> Option<&Arc<Mqtt>> {
        self.mqtt.as_ref().filter(|mqtt| mqtt.is_up())
    }

    /// Whether a phone's last call is long enough ago; if so, this is the next.
    fn may_call(&self, id: PhoneId) -> bool {
        let now = now_ms();
        self.app.called.first(&id.to_string(), now + BETWEEN_CALLS_MS, now)
    }

    /// One way. `false` if the phone cannot be reached by it.
    async fn attempt(&self, phone: &phone::Model, way: WakeWay) -> anyhow::Result<bool> {
        match way {
            WakeWay::Mqtt => self.by_mqtt(phone).await,
            WakeWay::ConnectionRequest => self.by_http(phone).await,
            WakeWay::Udp => self.by_udp(phone).await,
            WakeWay::Sip => self.by_sip(phone).await,
        }
    }

    async fn by_mqtt(&self, phone: &phone::Model) -> anyhow::Result<bool> {
        let Some(mqtt) = self.broker().filter(|_| phone.connected) else { return Ok(false) };
        let id = format!("wake:{}", &random_token()[..20]);
        let command = Command { id, expires_at: Timestamp(now_ms() + COMMAND_MS), action: Action::Inform };
        mqtt.publish(Topic::new(PhoneId(phone.id), Channel::Command), &command, false).await?;
        Ok(true)
    }

    async fn by_http(&self, phone: &phone::Model) -> anyhow::Result<bool> {
        if phone.connection_request_url.is_empty() {
            return Ok(false);
        }
        let Some(caller) = self.caller(phone).await? else { return Ok(false) };
        let loopback = self.app.config.wake.allow_loopback;
        http::call(&phone.connection_request_url, &phone.inform_from, &caller.user, &caller.password, loopback).await?;
        Ok(true)
    }

    async fn by_udp(&self, phone: &phone::Model) -> anyhow::Result<bool> {
        let Some(stun) = self.stun.as_ref().filter(|stun| stun.reaches(phone)) else { return Ok(false) };
        let Some(caller) = self.caller(phone).await? else { return Ok(false) };
        stun.call(phone, &caller.user, &caller.password, self.app.config.wake.allow_loopback).await?;
        Ok(true)
    }

    async fn by_sip(&self, phone: &phone::Model) -> anyhow::Result<bool> {
        let Some(property) = phone.property_id else { return Ok(false) };
        let Some(pbx) = pbx_row::Entity::find_by_id(property).one(self.app.db.read()).await? else { return Ok(false) };
        let Some(extension) = self.extension(phone).await? else { return Ok(false) };
        let password = self.app.secrets.open(pbx::SEALED, &pbx.password)?;
        let host = pbx.address.rsplit_once(':').map_or(pbx.address.as_str(), |(host, _)| host);
        let via = sip::Via {
            address: &pbx.address,
            transport: pbx.transport.parse().unwrap_or(PbxTransport::Udp),
            domain: if pbx.domain.is_empty() { host } else { &pbx.domain },
            user: if pbx.user.is_empty() { "bellhop" } else { &pbx.user },
            password: &password,
        };
        sip::call(&via, &extension, self.app.config.wake.allow_loopback).await?;
        Ok(true)
    }

    /// What the PBX knows the phone by: an account it is registered with, else its room's extension.
    async fn extension(&self, phone: &phone::Model) -> anyhow::Result<Option<String>> {
        let accounts = views::accounts(phone);
        let registered = accounts.iter().find(|one| one.status == AccountStatus::Registered && !one.user.is_empty());
        if let Some(account) = registered {
            return Ok(Some(account.user.clone()));
        }
        let Some(room) = phone.room_id else { return Ok(None) };
        let room = room::Entity::find_by_id(room).one(self.app.db.read()).await?;
        Ok(room.map(|room| room.extension).filter(|extension| !extension.is_empty()))
    }

    /// The credentials a phone knows its caller by: those it was given, else those its property's phones share.
    async fn caller(&self, phone: &phone::Model) -> anyhow::Result<Option<Caller>> {
        if !phone.connection_request_password.is_empty() {
            let password = self.app.secrets.open("connection-request", &phone.connection_request_password)?;
            return Ok(Some(Caller { user: phone.connection_request_user.clone(), password }));
        }
        let trust = self.app.trust.now(&self.app).await?;
        let Some(shared) = &trust.of(phone, None).shared else { return Ok(None) };
        Ok(Some(Caller { user: shared.user.clone(), password: shared.password(&self.app)? }))
    }

    /// Whether the phone opens a session soon. Its Inform may reach another process, so the database says.
    async fn came(&self, phone: &phone::Model) -> anyhow::Result<bool> {
        let until = tokio::time::Instant::now() + COMES;
        while tokio::time::Instant::now() < until {
            let now = phones::find(&self.app, PhoneId(phone.id)).await?;
            if now.is_none_or(|now| now.last_inform != phone.last_inform) {
                return Ok(true);
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(false)
    }
}

/// What was done, where no answer says more.
fn asked(way: WakeWay) -> &'static str {
    match way {
        WakeWay::Mqtt => "The phone was asked over its MQTT connection, which may be dead.",
        WakeWay::ConnectionRequest => "The phone took the connection request.",
        WakeWay::Udp => "The phone was asked over UDP; routers on the way may have closed it.",
        WakeWay::Sip => "The PBX took the message; whether the phone follows it is the phone's setting.",
    }
}
