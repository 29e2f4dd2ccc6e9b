//! Phones' accounts on an external Mosquitto, through its dynamic security plugin. The commands and the rules they give
//! a phone are those of `docs/adr/0002-broker.md`.
//!
//! Each exchange has a connection of its own, so any process can do it, and nothing stays in a queue: what was not
//! confirmed in time is not sent later either.

use std::time::Duration;

use anyhow::{Context, bail};
use contract::PhoneId;
use contract::mqtt::{DOWN, Topic};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::SubscribeReasonCode;
use rumqttc::v5::{AsyncClient, Event, EventLoop, Incoming};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::SERVICE_CLIENT_PREFIX;
use super::tunnel::Way;
use crate::config;
use crate::secrets::random_token;

const COMMANDS: &str = "$CONTROL/dynamic-security/v1";
const RESPONSES: &str = "$CONTROL/dynamic-security/v1/response";
/// The longest an exchange takes: one half for its turn, one for itself. Below the shortest `acs.session_timeout_s`.
pub const WAIT: Duration = Duration::from_secs(4);
/// Exchanges at once: the plugin writes its file for each command, more would only queue there.
const AT_ONCE: usize = 4;

/// Makes and removes phones' accounts.
pub struct Accounts {
    broker: config::Mqtt,
    way: Way,
    turns: Semaphore,
}

impl Accounts {
    pub fn new(broker: &config::Mqtt, way: Way) -> Self {
        Self { broker: broker.clone(), way, turns: Semaphore::new(AT_ONCE) }
    }

    /// Gives a phone its account with this password. One it had ends, and so does a connection that uses it.
    ///
    /// # Errors
    /// The broker did not confirm within [`WAIT`]. There may be an account with this password then, or none.
    pub async fn make(&self, phone: PhoneId, password: &str) -> anyhow::Result<()> {
        let role = role(phone);
        let acl = |kind: &str, topic: String| json!({"acltype": kind, "topic": topic, "priority": 0, "allow": true});
        let mut commands = removal(phone);
        let mut acls = vec![
            acl("publishClientSend", format!("v1/{phone}/up/#")),
            acl("publishClientReceive", format!("v1/{phone}/down/#")),
        ];
        // By name: wildcards are for the server.
        acls.extend(DOWN.map(|channel| acl("subscribeLiteral", Topic::new(phone, channel).to_string())));
        commands.push(json!({"command": "createRole", "rolename": role, "acls": acls}));
        commands.push(json!({"command": "createClient", "username": phone, "clientid": phone, "password": password,
            "roles": [{"rolename": role, "priority": 0}]}));
        self.exchange(commands).await
    }

    /// Ends a phone's account and its connection. None to end is fine.
    ///
    /// # Errors
    /// The broker did not confirm within [`WAIT`].
    pub async fn remove(&self, phone: PhoneId) -> anyhow::Result<()> {
        self.exchange(removal(phone)).await
    }

    async fn exchange(&self, commands: Vec<Value>) -> anyhow::Result<()> {
        let broker = format!("MQTT broker {}:{}", self.broker.host, self.broker.port);
        // Who waited too long for its turn does not begin: what it began it could not await, and would do in vain.
        let Ok(turn) = timeout(WAIT / 2, self.turns.acquire()).await else {
            bail!("{broker}: too many accounts are asked for at once");
        };
        let _turn = turn?;
        match timeout(WAIT / 2, self.ask(commands)).await {
            Ok(answered) => answered.context(broker),
            Err(_) => bail!("{broker} did not confirm within {:?}; has it the dynamic security plugin?", WAIT / 2),
        }
    }

    async fn ask(&self, mut commands: Vec<Value>) -> anyhow::Result<()> {
        // Answers go to everybody who listens; this tells ours.
        let mark = random_token();
        for command in &mut commands {
            command["correlationData"] = json!(mark);
        }
        let payload = serde_json::to_vec(&json!({ "commands": commands }))?;

        let client_id = format!("{SERVICE_CLIENT_PREFIX}accounts-{}", random_token());
        let mut options = self.way.options(client_id);
        options.set_credentials(&self.broker.username, &self.broker.password);
        options.set_keep_alive(Duration::from_secs(30));
        options.set_clean_start(true);
        options.set_max_packet_size(Some(256 * 1024));
        options.set_outgoing_inflight_upper_limit(8);
        let (client, mut events) = AsyncClient::new(options, 8);
        client.try_subscribe(RESPONSES, QoS::AtLeastOnce)?;
        let answers = loop {
            match incoming(&mut events).await? {
                Incoming::SubAck(ack) => {
                    if !ack.return_codes.iter().all(|code| matches!(code, SubscribeReasonCode::Success(_))) {
                        bail!("the server's user may not subscribe {RESPONSES}");
                    }
                    client.try_publish(COMMANDS, QoS::AtLeastOnce, false, payload.clone())?;
                }
                Incoming::Publish(publish) => {
                    let answers = answers(&publish.payload, &mark);
                    if !answers.is_empty() {
                        break answers;
                    }
                }
                _ => {}
            }
        };
        goodbye(&client, &mut events).await;
        verdict(&answers, commands.len())
    }
}

fn role(phone: PhoneId) -> String {
    format!("device-{phone}")
}

fn removal(phone: PhoneId) -> Vec<Value> {
    vec![
        json!({"command": "deleteClient", "username": phone}),
        json!({"command": "deleteRole", "rolename": role(phone)}),
    ]
}

async fn incoming(events: &mut EventLoop) -> anyhow::Result<Incoming> {
    loop {
        if let Event::Incoming(packet) = events.poll().await? {
            return Ok(packet);
        }
    }
}

/// Acknowledges the answer and leaves, so that the broker reports no broken connection.
async fn goodbye(client: &AsyncClient, events: &mut EventLoop) {
    if client.try_disconnect().is_ok() {
        let gone = async { while events.poll().await.is_ok() {} };
        let _ = timeout(Duration::from_millis(100), gone).await;
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    command: String,
    error: Option<String>,
    correlation_data: Option<String>,
}

/// The answers in a message that are to our own commands.
fn answers(payload: &[u8], mark: &str) -> Vec<Answer> {
    #[derive(Deserialize)]
    struct Answers {
        responses: Vec<Answer>,
    }
    let Ok(Answers { responses }) = serde_json::from_slice(payload) else { return Vec::new() };
    responses.into_iter().filter(|answer| answer.correlation_data.as_deref() == Some(mark)).collect()
}

/// Whether everything was done. What should go and was not there is gone.
fn verdict(answers: &[Answer], asked: usize) -> anyhow::Result<()> {
    for Answer { command, error, .. } in answers {
        let Some(error) = error else { continue };
        let lower = error.to_lowercase();
        let absent = lower.ends_with("not found") || lower.ends_with("does not exist");
        if !(command.starts_with("delete") && absent) {
            bail!("{command} was refused: {error}");
        }
    }
    if answers.len() < asked {
        bail!("only {} of {asked} commands were answered", answers.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(responses: &str, asked: usize) -> Result<(), String> {
        let payload = format!("{{\"responses\":[{responses}]}}");
        verdict(&answers(payload.as_bytes(), "m"), asked).map_err(|error| error.to_string())
    }

    #[test]
    fn only_what_was_not_there_to_delete_may_fail() {
        let absent = r#"{"command":"deleteClient","error":"Client not found","correlationData":"m"}"#;
        let done = r#"{"command":"createClient","correlationData":"m"}"#;
        let exists = r#"{"command":"createClient","error":"Client already exists","correlationData":"m"}"#;
        let no_role = r#"{"command":"createClient","error":"Role not found","correlationData":"m"}"#;
        assert_eq!(judge(&format!("{absent},{done}"), 2), Ok(()));
        // It would have another password than the phone.
        assert_eq!(judge(exists, 1).unwrap_err(), "createClient was refused: Client already exists");
        assert_eq!(judge(no_role, 1).unwrap_err(), "createClient was refused: Role not found");
        assert_eq!(judge(done, 2).unwrap_err(), "only 1 of 2 commands were answered");
    }

    #[test]
    fn answers_to_others_are_not_ours() {
        let other = br#"{"responses":[{"command":"createClient","error":"no","correlationData":"x"},{"command":"y"}]}"#;
        assert!(answers(other, "m").is_empty());
        assert!(answers(b"not JSON", "m").is_empty());
    }
}
