//! A phone as the benchmark needs it: first a clever one, that lets itself be enrolled and does what it is told; then a
//! quick one, that plays what was recorded.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use auth_digest::{Algorithm, Challenge, Ha1, respond_with, strongest};
use contract::Mac;
use cwmp::{
    CwmpTime, CwmpVersion, DeviceId, Envelope, Event, EventCode, Fault, FaultCode, GetParameterValuesResponse, Inform,
    Limits, Message, ParameterValue, SetParameterValuesResponse, Status, Value, decode_post, encode,
};

use super::script::{Answer, Script, Turn};
use super::wire::{Reply, Wire};

const CNONCE: &str = "0123456789abcdef0123456789abcdef";

/// One phone.
pub struct Phone {
    pub mac: Mac,
    /// The Inform it opens its sessions with.
    inform: String,
    login: Option<Login>,
    values: BTreeMap<String, Value>,
}

struct Login {
    user: String,
    password: String,
    /// The server's last challenge, its password hashed for it, and how often it was used: RFC 7616 lets a client count on
    /// without being challenged again.
    challenge: Option<(Challenge, Ha1, u32)>,
}

impl Phone {
    pub fn new(mac: Mac) -> Self {
        Self { mac, inform: inform(mac, EventCode::PERIODIC), login: None, values: BTreeMap::new() }
    }

    /// The body its sessions begin with.
    pub fn inform(&self) -> &[u8] {
        self.inform.as_bytes()
    }

    /// The `Authorization` of its next session, once it was challenged.
    pub fn authorization(&mut self) -> Option<String> {
        let login = self.login.as_mut()?;
        let (challenge, ha1, count) = login.challenge.as_mut()?;
        *count += 1;
        Some(respond_with(challenge, &login.user, ha1, "POST", "/acs", b"", CNONCE, *count).to_string())
    }

    /// Takes the challenges of a 401.
    ///
    /// # Errors
    /// If there are none, or the phone has no password.
    pub fn challenged(&mut self, reply: &Reply<'_>) -> Result<()> {
        let login = self.login.as_mut().context("challenged, but it was never given a password")?;
        let challenges = Challenge::parse(reply.headers("www-authenticate"))?;
        let challenge = strongest(&challenges).context("no algorithm we know")?.clone();
        let ha1 = Ha1::new(challenge.algorithm, &login.user, &challenge.realm, &login.password);
        login.challenge = Some((challenge, ha1, 0));
        Ok(())
    }

    /// A whole session: does what it is told, and returns what was said, for others to repeat. `many` values more than were
    /// asked for are in its answers to GetParameterValues.
    ///
    /// # Errors
    /// If the server says something else than a session.
    pub async fn session(&mut self, wire: &mut Wire, event: EventCode, many: usize) -> Result<Script> {
        let opening = inform(self.mac, event);
        let mut turns = Vec::new();
        let mut cookie = None;
        let mut body = Some(opening);
        let mut challenges = 0;
        while let Some(sent) = body.take() {
            let authorization = if turns.is_empty() { self.authorization() } else { None };
            let mut headers = Vec::new();
            headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
            headers.extend(cookie.as_deref().map(|value| ("cookie", value)));
            let reply = wire.post("/acs", &headers, sent.as_bytes()).await?;
            if reply.status == 401 && turns.is_empty() && challenges < 3 {
                challenges += 1;
                self.challenged(&reply)?;
                body = Some(sent);
                continue;
            }
            let answer = Answer::of(&reply);
            if let Some(given) = reply.cookie() {
                cookie = Some(given.to_owned());
            }
            body = match reply.status {
                204 => None,
                200 => {
                    let envelope = decode_post(reply.body, &Limits::default())?.context("an empty 200")?;
                    Some(match &envelope.body {
                        Message::InformResponse(_) => String::new(),
                        request => encode(&envelope.answer(self.carry_out(request, many))),
                    })
                }
                status => bail!("{status} to {}: {}", self.mac, String::from_utf8_lossy(reply.body)),
            };
            // The first turn is each phone's own.
            let body = if turns.is_empty() { None } else { Some(sent.into_bytes()) };
            turns.push(Turn { body, answer });
        }
        Ok(Script { turns })
    }

    fn carry_out(&mut self, request: &Message, many: usize) -> Message {
        match request {
            Message::SetParameterValues(set) => {
                for one in &set.parameters {
                    self.values.insert(one.name.clone(), one.value.clone());
                }
                let text = |name: &str| self.values.get(name).map(|value| value.text.clone());
                let user = text("Device.ManagementServer.Username");
                if let (Some(user), Some(password)) = (user, text("Device.ManagementServer.Password"))
                    && self.login.as_ref().is_none_or(|login| login.password != password)
                {
                    self.login = Some(Login { user, password, challenge: None });
                }
                SetParameterValuesResponse { status: Status::Applied }.into()
            }
            Message::GetParameterValues(get) => {
                let value = |name: &String| self.values.get(name).cloned().unwrap_or_else(|| Value::string(""));
                let mut parameters: Vec<_> =
                    get.names.iter().map(|name| ParameterValue::new(name.as_str(), value(name))).collect();
                parameters.extend(further(many));
                GetParameterValuesResponse { parameters }.into()
            }
            _ => Fault::of(FaultCode::METHOD_NOT_SUPPORTED).into(),
        }
    }

    /// The algorithm it proves itself by.
    pub fn algorithm(&self) -> Option<Algorithm> {
        let (challenge, ..) = self.login.as_ref()?.challenge.as_ref()?;
        Some(challenge.algorithm)
    }
}

/// Parameters as TR-104 names them, of the kinds and lengths a phone has.
pub fn further(count: usize) -> impl Iterator<Item = ParameterValue> {
    (0..count).map(|number| {
        let (profile, leaf) = (number / 10 + 1, number % 10);
        let (leaf, value) = match leaf {
            0 => ("SIP.ProxyServer", Value::string("sip.hotel.example.com")),
            1 => ("SIP.ProxyServerPort", Value::unsigned(5060u32)),
            2 => ("SIP.RegistrarServer", Value::string("10.20.30.40")),
            3 => ("RTP.LocalPortMin", Value::unsigned(5004u32)),
            4 => ("Line.1.Enable", Value::string("Enabled")),
            5 => ("Line.1.DirectoryNumber", Value::string("1207")),
            6 => ("Line.1.SIP.AuthUserName", Value::string("room-1207")),
            7 => ("Line.1.CallingFeatures.CallWaitingEnable", Value::boolean(true)),
            8 => ("Name", Value::string("Room 1207 & bathroom")),
            _ => ("Line.1.Status", Value::string("Up")),
        };
        ParameterValue::new(format!("Device.Services.VoiceService.1.VoiceProfile.{profile}.{leaf}"), value)
    })
}

/// What our own phone tells in an Inform.
fn inform(mac: Mac, event: EventCode) -> String {
    let parameter = |name: &str, value: Value| ParameterValue::new(format!("Device.{name}"), value);
    let inform = Inform {
        device_id: DeviceId::new("Bellhop", mac.oui(), "GHP620", mac.compact()),
        events: vec![Event::new(event)],
        max_envelopes: 1,
        current_time: CwmpTime::from_unix_ms(1_790_000_000_000),
        retry_count: 0,
        parameters: vec![
            parameter("DeviceInfo.HardwareVersion", Value::string("1.0")),
            parameter("DeviceInfo.SoftwareVersion", Value::string("1.0.1.64")),
            parameter("DeviceInfo.ProvisioningCode", Value::string("")),
            parameter("ManagementServer.ParameterKey", Value::string("bh:1")),
            parameter("ManagementServer.ConnectionRequestURL", Value::string("http://127.0.0.1:9/none")),
            parameter("LAN.IPAddress", Value::string("127.0.0.1")),
            parameter("LAN.MACAddress", Value::string(mac.to_string())),
        ],
    };
    encode(&Envelope::new(CwmpVersion::V1_0, inform.into()).with_id("1"))
}
