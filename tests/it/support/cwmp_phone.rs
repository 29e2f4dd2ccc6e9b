//! A phone moved by hand, POST by POST: whatever a phone may say, right or wrong, at whatever moment.

use std::collections::BTreeMap;

use auth_digest::{Challenge, respond, strongest};
use contract::{Mac, PhoneId};
use cwmp::{
    CwmpTime, CwmpVersion, DeviceId, Envelope, Event, EventCode, GetParameterValuesResponse, Inform, Limits, Message,
    ParameterValue, SetParameterValues, SetParameterValuesResponse, Status, Value, decode_post, encode,
};

use super::mqtt::Login;

pub struct HandPhone {
    pub mac: Mac,
    pub serial: String,
    pub manufacturer: String,
    pub url: String,
    http: reqwest::Client,
    pub cookie: Option<String>,
    /// User and password, once given.
    pub login: Option<(String, String)>,
    /// What its next Informs come for.
    pub events: Vec<Event>,
    /// What it holds, by path.
    pub values: BTreeMap<String, Value>,
    /// What its Informs say besides, below `Device.`.
    pub says: Vec<(&'static str, String)>,
}

/// What the server answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub envelope: Option<Envelope>,
    pub text: String,
    pub challenges: Vec<String>,
}

impl Reply {
    /// The message of a 200.
    #[track_caller]
    pub fn message(&self) -> &Message {
        assert_eq!(self.status, 200, "{}", self.text);
        &self.envelope.as_ref().expect("an envelope").body
    }

    #[track_caller]
    pub fn envelope(&self) -> &Envelope {
        assert_eq!(self.status, 200, "{}", self.text);
        self.envelope.as_ref().expect("an envelope")
    }

    /// The values a 200 wants set.
    #[track_caller]
    pub fn set(&self) -> &SetParameterValues {
        match self.message() {
            Message::SetParameterValues(set) => set,
            other => panic!("{} instead of SetParameterValues", other.name()),
        }
    }
}

/// A value by the end of its path.
pub fn value_of<'a>(set: &'a SetParameterValues, path: &str) -> Option<&'a str> {
    set.parameters.iter().find(|one| one.name.ends_with(path)).map(|one| one.value.text.as_str())
}

/// Whether a phone that waits to be accepted was asked to call often, at most, and told nothing.
pub fn only_welcomed(asked: &[Message]) -> bool {
    asked.iter().all(|message| match message {
        Message::SetParameterValues(set) => set.parameters.iter().all(|one| one.name.contains(".PeriodicInform")),
        _ => false,
    })
}

pub fn done() -> Message {
    SetParameterValuesResponse { status: Status::Applied }.into()
}

impl HandPhone {
    /// One of ours; its serial number is its MAC.
    pub fn new(mac: Mac, acs_url: impl Into<String>) -> Self {
        Self {
            mac,
            serial: mac.compact(),
            manufacturer: "Bellhop".to_owned(),
            url: acs_url.into(),
            http: tests::api::http_trusting(b"").no_proxy().build().unwrap(),
            cookie: None,
            login: None,
            events: vec![Event::new(EventCode::BOOT)],
            values: BTreeMap::new(),
            says: Vec::new(),
        }
    }

    /// The same over another client, for TLS.
    pub fn over(self, http: reqwest::ClientBuilder) -> Self {
        Self { http: http.no_proxy().build().unwrap(), ..self }
    }

    /// The Inform it opens a session with.
    pub fn opening(&self) -> Envelope {
        let parameter = |name: &str, text: &str| ParameterValue::new(format!("Device.{name}"), Value::string(text));
        let mut inform = Inform {
            device_id: DeviceId::new(&self.manufacturer, self.mac.oui(), "GHP620", &self.serial),
            events: self.events.clone(),
            max_envelopes: 1,
            current_time: CwmpTime::UNKNOWN,
            retry_count: 0,
            parameters: vec![
                parameter("DeviceInfo.HardwareVersion", "1.0"),
                parameter("DeviceInfo.SoftwareVersion", "9.9.9"),
                parameter("LAN.IPAddress", "127.0.0.1"),
                parameter("LAN.MACAddress", &self.mac.to_string()),
            ],
        };
        inform.parameters.extend(self.says.iter().map(|(name, text)| parameter(name, text)));
        Envelope::new(CwmpVersion::V1_0, inform.into()).with_id("1")
    }

    /// POSTs bytes as they are, with the cookie if there is one.
    pub async fn post(&mut self, body: impl Into<Vec<u8>>, headers: &[(&str, &str)]) -> Reply {
        let body = body.into();
        let mut request = self.http.post(&self.url);
        if !body.is_empty() {
            request = request.header("content-type", "text/xml; charset=utf-8").header("soapaction", "");
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body).send().await.unwrap();
        if let Some(cookie) = response.headers().get("set-cookie").and_then(|value| value.to_str().ok()) {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        let all = response.headers().get_all("www-authenticate").iter();
        let challenges = all.filter_map(|value| value.to_str().ok().map(str::to_owned)).collect();
        let status = response.status().as_u16();
        let body = response.bytes().await.unwrap();
        let envelope = if status == 200 { decode_post(&body, &Limits::default()).unwrap() } else { None };
        Reply { status, envelope, text: String::from_utf8_lossy(&body).into_owned(), challenges }
    }

    pub async fn send(&mut self, envelope: &Envelope) -> Reply {
        self.post(encode(envelope), &[]).await
    }

    pub async fn empty(&mut self) -> Reply {
        self.post("", &[]).await
    }

    /// Asks the server something of its own accord.
    pub async fn tell(&mut self, message: impl Into<Message>) -> Reply {
        let envelope = Envelope::new(CwmpVersion::V1_0, message.into()).with_id("own");
        self.send(&envelope).await
    }

    /// Answers the request in `reply`.
    pub async fn answer(&mut self, reply: &Reply, message: Message) -> Reply {
        self.send(&reply.envelope().answer(message)).await
    }

    /// A new session without any proof.
    pub async fn inform(&mut self) -> Reply {
        self.cookie = None;
        let opening = self.opening();
        self.send(&opening).await
    }

    /// The same with this `Authorization`.
    pub async fn inform_with(&mut self, authorization: &str) -> Reply {
        self.cookie = None;
        let body = encode(&self.opening());
        self.post(body, &[("authorization", authorization)]).await
    }

    /// The proof for a challenge.
    pub fn proof(&self, challenge: &Challenge, password: &str) -> String {
        self.counted_proof(challenge, password, 1)
    }

    /// The proof for a challenge, used for this time.
    pub fn counted_proof(&self, challenge: &Challenge, password: &str, count: u32) -> String {
        let (user, _) = self.login.clone().expect("the phone has credentials");
        let path = reqwest::Url::parse(&self.url).unwrap().path().to_owned();
        respond(challenge, &user, password, "POST", &path, b"", "0123456789abcdef", count).to_string()
    }

    /// A new session, with digest where the server asks for it.
    pub async fn begin(&mut self) -> Reply {
        let first = self.inform().await;
        let Some((_, password)) = self.login.clone().filter(|_| first.status == 401) else { return first };
        let challenges = Challenge::parse(first.challenges.iter().map(String::as_str)).unwrap();
        let proof = self.proof(strongest(&challenges).unwrap(), &password);
        self.inform_with(&proof).await
    }

    /// A whole session that does what it is told. Returns what it was asked.
    pub async fn session(&mut self) -> Vec<Message> {
        let begun = self.begin().await;
        assert_eq!(begun.message().name(), "InformResponse");
        self.serve(|_| None).await
    }

    /// The rest of a session, from the empty POST to the end; `instead` may answer in another way.
    pub async fn serve(&mut self, mut instead: impl FnMut(&Message) -> Option<Message>) -> Vec<Message> {
        let mut asked = Vec::new();
        let mut reply = self.empty().await;
        while reply.status != 204 {
            let request = reply.message().clone();
            let answer = instead(&request).unwrap_or_else(|| self.carry_out(&request));
            asked.push(request);
            reply = self.answer(&reply, answer).await;
        }
        asked
    }

    /// What a phone would answer.
    pub fn carry_out(&mut self, request: &Message) -> Message {
        match request {
            Message::SetParameterValues(set) => {
                for parameter in &set.parameters {
                    self.values.insert(parameter.name.clone(), parameter.value.clone());
                }
                let given = |path: &str| value_of(set, path).map(str::to_owned);
                if let (Some(user), Some(password)) = (given("Server.Username"), given("Server.Password")) {
                    self.login = Some((user, password));
                }
                done()
            }
            Message::GetParameterValues(get) => {
                let held = |name: &String| self.values.get(name).cloned().unwrap_or_default();
                let parameters = get.names.iter().map(|name| ParameterValue::new(name.as_str(), held(name))).collect();
                GetParameterValuesResponse { parameters }.into()
            }
            other => panic!("{} was not expected", other.name()),
        }
    }

    /// A value it holds, by the end of its path.
    pub fn holds(&self, path: &str) -> Option<&str> {
        self.values.iter().find(|(name, _)| name.ends_with(path)).map(|(_, value)| value.text.as_str())
    }

    /// Its id, once it has credentials.
    pub fn id(&self) -> PhoneId {
        self.login.as_ref().expect("the phone has credentials").0.parse().unwrap()
    }

    pub fn mqtt_login(&self) -> Login {
        let get = |name: &str| self.holds(name).unwrap_or_default().to_owned();
        Login { port: get("Mqtt.Port").parse().unwrap(), user: get("Mqtt.Username"), password: get("Mqtt.Password") }
    }
}
