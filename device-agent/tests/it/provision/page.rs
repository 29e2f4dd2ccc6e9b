//! The page "Config File" at the control endpoint: downloads, uploads, backup, "Start provision now".

use device_agent::AgentHandle;
use serde_json::Value;

use super::bench::{Bench, MAC, xml};
use super::servers::Place;

struct Control {
    url: String,
    token: String,
    client: reqwest::Client,
}

impl Control {
    fn new(agent: &AgentHandle, dir: &std::path::Path) -> Self {
        let client = device_agent::tls::TlsOptions::default().http().unwrap().build().unwrap();
        let token = std::fs::read_to_string(dir.join("control.token")).unwrap();
        Self { url: format!("http://{}", agent.control_addr().unwrap()), token, client }
    }

    async fn get(&self, path: &str) -> (u16, String) {
        self.send(self.client.get(format!("{}{path}", self.url))).await
    }

    async fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> (u16, String) {
        self.send(self.client.post(format!("{}{path}", self.url)).body(body.into())).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, String) {
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

async fn bench(place: &Place, settings: &[(&str, &str)]) -> (Bench, Control) {
    let bench = Bench::with(place, settings, |config| config.control = Some("127.0.0.1:0".parse().unwrap())).await;
    let control = Control::new(&bench.agent, bench.dir.path());
    (bench, control)
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_is_downloaded_without_secrets_and_uploaded() {
    let place = Place::new();
    let (bench, control) =
        bench(&place, &[(":hotel.name", "Grand"), (":account.1.name", "Lobby"), (":users.admin.password", "hunter2")])
            .await;
    let (_, text) = control.get("/config.txt").await;
    assert!(text.contains("P270=Lobby\n") && !text.contains("hunter2"), "{text}");
    let (_, file) = control.get("/config.xml").await;
    assert!(file.contains(MAC) && file.contains("Lobby") && !file.contains("hunter2"), "{file}");
    // Each goes back as it came.
    for file in [text, file] {
        bench.agent.device().set_locally("account.1.name", "Other").unwrap();
        let (status, answer) = control.post("/config", file).await;
        assert_eq!((status, serde_json::from_str::<Value>(&answer).unwrap()["changed"].clone()), (200, 1.into()));
        assert_eq!(bench.agent.value("account.1.name"), "Lobby");
    }
    let (status, why) = control.post("/config", xml(&[("hotel.name", "X")]).replace(MAC, "c074ad120702")).await;
    assert!(status == 400 && why.contains("not for") && why.contains("stay as they were"), "{why}");
    assert_eq!(control.post("/config", vec![b'#'; 2 << 20]).await.0, 413);
    assert_eq!(bench.agent.value("hotel.name"), "Grand");
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn user_configuration_is_what_a_user_set() {
    let place = Place::new();
    let (bench, control) = bench(&place, &[(":hotel.name", "Grand")]).await;
    let device = bench.agent.device();
    device.set_locally("hotel.fax", "555").unwrap();
    let (_, own) = control.get("/config/user").await;
    assert!(own.contains("hotel.fax = 555\n") && !own.contains("Grand"), "{own}");
    device.set_locally("hotel.fax", "666").unwrap();
    assert_eq!(control.post("/config", "hotel.fax=777\n").await.0, 200);
    assert!(device.set_by_user().is_empty(), "it is the file's now");
    assert_eq!(control.post("/config/user", own).await.0, 200);
    assert_eq!(bench.agent.value("hotel.fax"), "555");
    let (_, status) = control.get("/provision").await;
    assert_eq!(serde_json::from_str::<Value>(&status).unwrap()["set_by_user"], serde_json::json!(["hotel.fax"]));
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_package_goes_out_and_comes_back() {
    let place = Place::new();
    let (bench, control) = bench(&place, &[(":hotel.name", "Grand"), (":users.admin.password", "hunter2")]).await;
    let with = |request: reqwest::RequestBuilder, password: &str| {
        request.header("x-backup-password", password).bearer_auth(&control.token)
    };
    let url = format!("{}/backup", control.url);
    assert_eq!(control.get("/backup").await.0, 400, "no password");
    let package = with(control.client.get(&url), "long enough").send().await.unwrap().bytes().await.unwrap();
    assert!(package.starts_with(b"Salted__") && !package.windows(7).any(|seven| seven == b"hunter2"));
    bench.agent.device().set_locally("hotel.name", "Other").unwrap();
    bench.agent.device().set_locally("hotel.fax", "1").unwrap();
    let wrong = with(control.client.post(&url), "wrong password").body(package.clone()).send().await.unwrap();
    assert_eq!(wrong.status(), 400);
    let right = with(control.client.post(&url), "long enough").body(package).send().await.unwrap();
    assert_eq!(right.status(), 200);
    assert_eq!((bench.agent.value("hotel.name"), bench.agent.value("hotel.fax")), ("Grand".into(), String::new()));
    assert_eq!(bench.agent.value("users.admin.password"), "hunter2");
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn provision_now_with_what_came_of_it() {
    let place = Place::new();
    let nginx = place.nginx(None);
    place.put("cfg.xml", xml(&[("hotel.name", "Grand")]));
    let (bench, control) = bench(&place, &[]).await;
    let url = format!("http://u:hunter2@127.0.0.1:{}/", nginx.port);
    let (status, _) = control.post("/provision", serde_json::json!({ "url": url }).to_string()).await;
    assert_eq!(status, 202);
    assert!(bench.ended().await.ok);
    let (_, shown) = control.get("/provision").await;
    assert!(shown.contains("1 setting changed") && !shown.contains("hunter2"), "{shown}");
    let (status, why) = control.post("/provision", "{\"url\":\"gopher://x\"}").await;
    assert!(status == 400 && why.contains("protocol"), "{why}");
    assert_eq!(control.client.get(format!("{}/config.txt", control.url)).send().await.unwrap().status(), 401);
    let (_, page) = control.get("/").await;
    for word in ["provision-now", "config.txt", "config.xml", "config/user", "backup"] {
        assert!(page.contains(word), "{word}");
    }
    bench.agent.shutdown().await;
}
