//! An ACS that plays a script.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use auth_digest::{Algorithm, Challenge, Credentials, Ha1, verify};
use bytes::Bytes;
use cwmp::{
    CwmpVersion, Envelope, Inform, InformResponse, Limits, Message, ParameterValue, SetParameterValues, Value,
    decode_post, encode,
};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[derive(Default)]
pub struct State {
    /// Requests to make, one after the other, in whichever session comes.
    pub script: VecDeque<Message>,
    pub informs: Vec<Inform>,
    pub answers: Vec<Message>,
    /// What phones said of their own accord besides the Inform, each with its session's number from 1.
    pub told: Vec<(usize, Message)>,
    /// Answer that with this HTTP status, once, instead of taking it.
    pub refuse_told: Option<u16>,
    /// TCP connections taken.
    pub connections: usize,
    /// How often a client showed a certificate.
    pub certificates: usize,
    /// Statuses to answer the next Informs with, and a Retry-After.
    pub refuse: VecDeque<(u16, Option<u64>)>,
    /// User and password wanted.
    pub login: Option<(String, String)>,
    pub unauthorized: usize,
    /// Requests after the Inform that came without their session's cookie.
    pub without_cookie: usize,
    /// Enrol every phone with this broker and give it a configuration, instead of the script.
    pub enrol: Option<SocketAddr>,
    sessions: usize,
    /// Requests made in each session.
    asked: Vec<usize>,
}

#[derive(Clone)]
pub struct Acs {
    pub state: Arc<Mutex<State>>,
    pub address: SocketAddr,
}

impl Acs {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let acs = Self { state: Arc::default(), address: listener.local_addr().unwrap() };
        let serving = acs.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serving.with(|state| state.connections += 1);
                let acs = serving.clone();
                let service = hyper::service::service_fn(move |request| {
                    let acs = acs.clone();
                    async move { Ok::<_, Infallible>(acs.answer(request).await) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        acs
    }

    /// Like [`Self::start`], behind TLS.
    pub async fn start_tls(config: Arc<rustls::ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let acs = Self { state: Arc::default(), address: listener.local_addr().unwrap() };
        let serving = acs.clone();
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serving.with(|state| state.connections += 1);
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                let shown = stream.get_ref().1.peer_certificates().is_some();
                serving.with(|state| state.certificates += usize::from(shown));
                let acs = serving.clone();
                let service = hyper::service::service_fn(move |request| {
                    let acs = acs.clone();
                    async move { Ok::<_, Infallible>(acs.answer(request).await) }
                });
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        acs
    }

    pub fn url(&self) -> String {
        format!("http://{}/acs?x=1", self.address)
    }

    pub fn with<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.state.lock().unwrap())
    }

    pub fn ask(&self, request: impl Into<Message>) {
        self.with(|state| state.script.push_back(request.into()));
    }

    pub fn informs(&self) -> usize {
        self.with(|state| state.informs.len())
    }

    pub fn answers(&self) -> Vec<Message> {
        self.with(|state| state.answers.clone())
    }

    /// The number of the first Inform with this event code, from `from` on.
    pub fn inform_with(&self, from: usize, code: &str) -> Option<usize> {
        (from..self.informs()).find(|inform| self.events(*inform).iter().any(|known| known == code))
    }

    /// A value an Inform told.
    pub fn told_value(&self, inform: usize, path: &str) -> Option<String> {
        self.with(|state| {
            let parameters = &state.informs.get(inform)?.parameters;
            parameters.iter().find(|p| p.name == path).map(|p| p.value.text.clone())
        })
    }

    pub fn told(&self) -> Vec<(usize, Message)> {
        self.with(|state| state.told.clone())
    }

    pub fn events(&self, inform: usize) -> Vec<String> {
        self.with(|state| {
            state
                .informs
                .get(inform)
                .map_or(vec![], |inform| inform.events.iter().map(|e| e.code.as_str().to_owned()).collect())
        })
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (cookie, authorization) = (header("cookie"), header("authorization"));
        let target = request.uri().path_and_query().unwrap().to_string();
        let (content_type, action) = (header("content-type"), header("soapaction"));
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let mut state = self.state.lock().unwrap();
        if let Some((user, password)) = &state.login {
            let ha1 = Ha1::new(Algorithm::Sha256, user, "acs", password);
            let proof = authorization.and_then(|value| Credentials::parse(&value).ok());
            if !proof
                .is_some_and(|proof| proof.username == *user && verify(&proof, &ha1, "POST", &target, &body).is_ok())
            {
                state.unauthorized += 1;
                let challenge = Challenge::new(Algorithm::Sha256, "acs", "nonce").to_string();
                let response = Response::builder().status(401).header("www-authenticate", challenge);
                return response.body(Full::new(Bytes::from_static(b"who are you?"))).unwrap();
            }
        }
        let message = decode_post(&body, &Limits::default()).expect("the phone speaks CWMP");
        assert_eq!(content_type.is_some() && action.is_some(), message.is_some(), "headers exactly with a body");
        let mut set_cookie = None;
        let reply = match message {
            Some(Envelope { body: Message::Inform(inform), id, .. }) => {
                state.informs.push(inform);
                if let Some((status, retry_after)) = state.refuse.pop_front() {
                    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
                    if let Some(seconds) = retry_after {
                        response = response.header("retry-after", seconds);
                    }
                    return response.body(Full::default()).unwrap();
                }
                state.sessions += 1;
                state.asked.push(0);
                set_cookie = Some(format!("session={}; Path=/acs; HttpOnly", state.sessions));
                let reply = Envelope::new(CwmpVersion::V1_0, InformResponse { max_envelopes: 1 }.into());
                Some(Envelope { id, ..reply })
            }
            Some(Envelope {
                body: body @ (Message::TransferComplete(_) | Message::AutonomousTransferComplete(_)),
                id,
                ..
            }) => {
                if let Some(status) = state.refuse_told.take() {
                    return Response::builder().status(status).body(Full::default()).unwrap();
                }
                let answer = match body {
                    Message::TransferComplete(_) => Message::TransferCompleteResponse,
                    _ => Message::AutonomousTransferCompleteResponse,
                };
                let session = state.informs.len();
                state.told.push((session, body));
                Some(Envelope { id, ..Envelope::new(CwmpVersion::V1_0, answer) })
            }
            other => {
                if cookie.as_deref() != Some(&format!("session={}", state.sessions)) {
                    state.without_cookie += 1;
                }
                state.answers.extend(other.map(|envelope| envelope.body));
                let next = match state.enrol {
                    Some(broker) => enrol(&mut state, broker, cookie.as_deref()),
                    None => state.script.pop_front(),
                };
                next.map(|next| Envelope::new(CwmpVersion::V1_0, next).with_id("acs-1"))
            }
        };
        let mut response = Response::builder().status(if reply.is_some() { 200 } else { 204 });
        if let Some(cookie) = set_cookie {
            response = response.header("set-cookie", cookie);
        }
        response.body(Full::new(reply.map(|reply| encode(&reply)).unwrap_or_default().into())).unwrap()
    }
}

pub fn set(key: &str, parameters: &[(&str, &str)]) -> SetParameterValues {
    SetParameterValues {
        parameters: parameters.iter().map(|(name, value)| ParameterValue::new(*name, Value::string(*value))).collect(),
        parameter_key: key.into(),
    }
}

/// What the cloud sets at enrolment.
pub fn enrolment(broker: SocketAddr) -> SetParameterValues {
    enrolment_of(super::PHONE, broker)
}

fn enrolment_of(phone: &str, broker: SocketAddr) -> SetParameterValues {
    set(
        "",
        &[
            ("Device.ManagementServer.Username", phone),
            ("Device.ManagementServer.Password", "acs-password"),
            ("Device.ManagementServer.ConnectionRequestUsername", "acs"),
            ("Device.ManagementServer.ConnectionRequestPassword", "cr-password"),
            ("Device.X_BELLHOP_Mqtt.Enable", "true"),
            ("Device.X_BELLHOP_Mqtt.Port", &broker.port().to_string()),
            ("Device.X_BELLHOP_Mqtt.Username", phone),
            ("Device.X_BELLHOP_Mqtt.Password", "mqtt-password"),
        ],
    )
}

fn enrol(state: &mut State, broker: SocketAddr, cookie: Option<&str>) -> Option<Message> {
    let session: usize = cookie?.strip_prefix("session=")?.parse().ok()?;
    let asked = state.asked.get_mut(session - 1)?;
    *asked += 1;
    match *asked {
        1 => Some(enrolment_of(&format!("00000000-0000-4000-8000-{session:012}"), broker).into()),
        2 => {
            // A property's worth of settings: every setting with a default, set to it.
            let catalogue = settings::Catalogue::get();
            let concrete = catalogue.concrete(settings::Model::Ghp620);
            let with_default = concrete.filter(|found| !found.setting.key.starts_with("tr069."));
            let mut request = set("bh:1", &[("Device.X_BELLHOP_Settings.hotel.room.number", "1207")]);
            request.parameters.extend(with_default.take(150).filter_map(|found| {
                let value = Value::string(found.setting.default.clone()?);
                Some(ParameterValue::new(settings::vendor_path(&found.key()), value))
            }));
            Some(request.into())
        }
        _ => None,
    }
}
