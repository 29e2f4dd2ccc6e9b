//! The real server and one real phone, as programs of their own, with TLS between them. They speak TR-069 alone: the phone
//! is told of a broker that is not there.

use std::collections::{BTreeSet, HashSet};
use std::process::{Child, Command, Stdio};

use contract::rest::{JobState, JobView, SessionPage, SessionStep, StepXml, Task};
use contract::{Mac, PhoneId};
use cwmp::{Message, MessageKind};
use device_agent::rehearsal::{Heard, Rehearsal};
use device_agent::{Effect, StateFile};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tempfile::TempDir;
use tests::certificates::Authority;
use tests::process::{CloudProcess, EMAIL, PASSWORD, free_port, program};

use super::tree::ask;
use super::{Api, Ask, Database, Hotel, mac, wait, wait_true};

/// `device-agent run`.
pub struct PhoneProcess {
    pub mac: Mac,
    pub dir: TempDir,
    child: Child,
    http: reqwest::Client,
}

impl Drop for PhoneProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl PhoneProcess {
    async fn start(mac: Mac, acs_url: &str, ca: &std::path::Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new(program("device-agent", "BELLHOP_AGENT_BIN").unwrap());
        command.args(["run", "--control", "127.0.0.1:0", "--test-faults", "--connection-request-port", "0"]);
        command.args(["--sip-bind", "127.0.0.1", "--retry-wait", "1", "--acs-url", acs_url, "--mac", &mac.to_string()]);
        command.arg("--ca").arg(ca).arg("--state-dir").arg(dir.path());
        let log = std::fs::File::create(dir.path().join("phone.log")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let http = tests::api::http_trusting(b"").no_proxy().build().unwrap();
        let phone = Self { mac, dir, child, http };
        wait("the phone is up", async || phone.try_get::<StateFile>("state").await).await;
        phone
    }

    fn control(&self, method: reqwest::Method, path: &str) -> Option<reqwest::RequestBuilder> {
        let read = |name: &str| std::fs::read_to_string(self.dir.path().join(name)).ok();
        let (address, token) = (read("control.addr")?, read("control.token")?);
        Some(self.http.request(method, format!("http://{address}/{path}")).bearer_auth(token))
    }

    async fn try_get<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        let answer = self.control(reqwest::Method::GET, path)?.send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    async fn post(&self, path: &str, body: impl Serialize) {
        let answer = self.control(reqwest::Method::POST, path).unwrap().json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    pub async fn state(&self) -> StateFile {
        self.try_get("state").await.expect("the phone's state")
    }

    pub async fn effects(&self) -> Vec<Effect> {
        self.try_get("effects").await.expect("the phone's effects")
    }

    /// How often it did this, by order.
    pub async fn deeds(&self, kind: &str) -> usize {
        self.effects().await.iter().filter(|effect| effect.deed() == Some(kind)).count()
    }

    pub async fn hook(&self, off: bool) {
        self.post("hook", json!({ "hook": if off { "off" } else { "on" } })).await;
    }

    pub async fn rehearse(&self, script: Rehearsal) {
        self.post("rehearsal", script).await;
    }

    /// Opens a session.
    pub async fn come(&self) {
        self.rehearse(Rehearsal::default()).await;
    }

    /// Has it tell this, and waits for what the server says.
    pub async fn tell(&self, message: impl Into<Message>) -> Option<u16> {
        self.garbled(message, None).await
    }

    /// The same, with one text of it replaced on its way out.
    pub async fn garbled(&self, message: impl Into<Message>, garble: Option<(&str, &str)>) -> Option<u16> {
        let message = message.into();
        let request = message.name();
        let before = self.heard().await.len();
        let garble = garble.map(|(find, put)| (find.to_owned(), put.to_owned()));
        self.rehearse(Rehearsal { tell: vec![message], garble, ..Rehearsal::default() }).await;
        let what = format!("the server answers {request}");
        let heard = async || self.heard().await.into_iter().skip(before).find(|heard| heard.request == request);
        wait(&what, heard).await.fault
    }

    pub async fn heard(&self) -> Vec<Heard> {
        self.try_get("rehearsal").await.unwrap_or_default()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("phone.log")).unwrap_or_default()
    }
}

/// What the server's records of the phone's sessions have shown so far. The server keeps the newest only.
#[derive(Default)]
pub struct Seen {
    sessions: HashSet<i64>,
    /// Names, and whether the phone said it.
    pub messages: BTreeSet<(String, bool)>,
    /// Codes anywhere in what was said.
    pub faults: BTreeSet<u16>,
    /// The Informs' events.
    pub events: BTreeSet<String>,
    /// How sessions ended.
    pub outcomes: Vec<String>,
}

pub struct OverTls {
    pub phone: PhoneProcess,
    pub id: PhoneId,
    pub api: Api,
    pub hotel: Hotel,
    pub seen: Seen,
    /// The server's database.
    pub database: DatabaseConnection,
    _cloud: CloudProcess,
    _made: Database,
    _data: TempDir,
}

impl OverTls {
    /// The phone is expected in room 1207, or calls in unannounced.
    pub async fn start(announced: bool, settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let authority = Authority::new("Bellhop tests").unwrap();
        let ca = data.path().join("ca.pem");
        std::fs::write(&ca, authority.pem()).unwrap();
        let files = authority.local_server().unwrap().save(data.path(), "server").unwrap();
        let listen = format!("127.0.0.1:{}", free_port().unwrap());
        let (certificate, key) = (files.certificate.display().to_string(), files.key.display().to_string());
        let mut all = vec![
            ("tls.certificate", certificate.as_str()),
            ("tls.key", key.as_str()),
            ("acs.listen_tls", listen.as_str()),
            ("mqtt.advertise_port", "1"),
            ("database.max_connections", "8"),
        ];
        all.extend_from_slice(settings);
        let made = Database::new().await;
        let cloud = CloudProcess::start(data.path(), &made.url, &all).unwrap();
        let url = match made.url.as_str() {
            "" => format!("sqlite://{}", data.path().join("bellhop.sqlite").display()),
            url => url.to_owned(),
        };
        let database = sea_orm::Database::connect(url).await.unwrap();
        let api = Api::sign_in(cloud.base(), EMAIL, PASSWORD).await.unwrap();
        let hotel = Hotel::build(&api, "harbour", &["1207".to_owned()]).await.unwrap();
        if announced {
            hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
        }
        let phone = PhoneProcess::start(mac(1), &format!("https://{listen}/acs"), &ca).await;
        let id = wait("the phone has called in", async || {
            let of = if announced { format!("?property={}", hotel.property) } else { String::new() };
            let path = if announced { format!("/api/v1/phones{of}") } else { "/api/v1/phones/new".to_owned() };
            let rows: serde_json::Value = api.get(&path).await.ok();
            let rows = if announced { &rows["items"] } else { &rows };
            rows[0]["id"].as_str()?.parse().ok()
        })
        .await;
        Self { phone, id, api, hotel, seen: Seen::default(), database, _cloud: cloud, _made: made, _data: data }
    }

    pub async fn order(&self, task: &Task) -> JobView {
        ask(&self.api, self.id, task).await
    }

    /// Orders it, lets the phone come, and waits for the job's end.
    pub async fn ends(&mut self, task: &Task, state: JobState) -> JobView {
        let job = self.order(task).await;
        self.phone.come().await;
        let job = self.api.job_is(&job, state).await;
        self.look().await;
        job
    }

    pub async fn done(&mut self, task: &Task) -> JobView {
        self.ends(task, JobState::Done).await
    }

    /// Waits until the phone has its room and the server knows.
    pub async fn settled(&mut self) {
        wait_true("the phone is set up", async || self.phone.state().await.room_number == "1207").await;
        wait_true("the server knows", async || {
            let phone = self.api.phone(self.id).await;
            phone.desired_version > 0 && phone.applied_version == phone.desired_version
        })
        .await;
        self.look().await;
    }

    /// Reads the records that are new.
    pub async fn look(&mut self) {
        let page: SessionPage = self.api.get(&format!("/api/v1/phones/{}/sessions?limit=100", self.id)).await.ok();
        for session in page.items {
            if !self.seen.sessions.insert(session.id) {
                continue;
            }
            self.seen.events.extend(session.events);
            self.seen.outcomes.push(session.outcome);
            for (index, step) in session.steps.iter().enumerate() {
                self.seen.messages.insert((step.name.clone(), step.from_phone));
                if tells_faults(step) {
                    let path = format!("/api/v1/phones/{}/sessions/{}/steps/{index}", self.id, session.id);
                    let xml = self.api.get(&path).await.ok::<StepXml>().xml;
                    self.seen.faults.extend(fault_codes(&xml));
                }
            }
        }
    }

    /// Waits until the records show something; `what` is asked again after each look.
    pub async fn until_seen<T>(&mut self, limit: std::time::Duration, mut what: impl FnMut(&Seen) -> Option<T>) -> T {
        let start = std::time::Instant::now();
        loop {
            self.look().await;
            if let Some(found) = what(&self.seen) {
                return found;
            }
            assert!(start.elapsed() < limit, "not recorded; seen {:?}\n{}", self.seen.messages, self.phone.log());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// From now on the database refuses rows of `table` that are so.
    pub async fn refuse_rows(&self, table: &str, column: &str, value: &str) {
        let sql = match self.database.get_database_backend() {
            DbBackend::Postgres => format!(
                "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$; \
                 CREATE TRIGGER no_rows BEFORE INSERT ON {table} FOR EACH ROW WHEN (NEW.{column} = '{value}') \
                 EXECUTE FUNCTION no()"
            ),
            _ => format!(
                "CREATE TRIGGER no_rows BEFORE INSERT ON {table} WHEN NEW.{column} = '{value}' \
                 BEGIN SELECT RAISE(ABORT, 'no'); END"
            ),
        };
        self.database.execute_unprepared(&sql).await.unwrap();
    }

    /// It takes them again.
    pub async fn take_rows(&self, table: &str) {
        let sql = match self.database.get_database_backend() {
            DbBackend::Postgres => format!("DROP TRIGGER no_rows ON {table}; DROP FUNCTION no"),
            _ => "DROP TRIGGER no_rows".to_owned(),
        };
        self.database.execute_unprepared(&sql).await.unwrap();
    }
}

fn tells_faults(step: &SessionStep) -> bool {
    let told = ["Fault", "TransferComplete", "AutonomousTransferComplete", "DUStateChangeComplete"];
    step.xml && told.contains(&step.name.as_str())
}

fn fault_codes(xml: &str) -> impl Iterator<Item = u16> + '_ {
    let after = xml.split("<FaultCode>").skip(1);
    after.filter_map(|text| text.split('<').next()?.trim().parse().ok())
}

/// Every message of the standard as it goes over the wire: its name, and whether the phone says it.
pub fn every_message() -> Vec<(&'static str, bool)> {
    let mut all = vec![(MessageKind::Fault.name(), true)];
    for request in MessageKind::ALL {
        for (sent, from_phone) in [(request.is_cpe_request(), true), (request.is_acs_request(), false)] {
            if sent {
                let answers = MessageKind::ALL.iter().filter(|answer| answer.answers(*request));
                all.extend(answers.map(|answer| (answer.name(), !from_phone)));
                all.push((request.name(), from_phone));
            }
        }
    }
    all
}
