//! The server: inside the test, or as the real program.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use cloud::app::App;
use cloud::config::Config;
use cloud::startup::{self, Server};
use tempfile::TempDir;
use tests::process::{CloudProcess, EMAIL, PASSWORD, variable};

use super::{Api, Database, Hotel};

/// A server in this process, on ports of its own, forgotten at the end.
pub struct TestServer {
    pub api: Api,
    server: Option<Server>,
    // Fields are dropped in this order: server, then what it stands on.
    _database: Database,
    _data: TempDir,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With settings, as "section.key" and value.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        show_log();
        let data = tempfile::tempdir().unwrap();
        let database = Database::new().await;
        let mut all = vec![
            ("server.listen", "127.0.0.1:0".to_owned()),
            ("acs.listen", "127.0.0.1:0".to_owned()),
            ("mqtt.listen", "127.0.0.1:0".to_owned()),
            ("server.data_dir", data.path().display().to_string()),
            ("server.web_root", data.path().join("web").display().to_string()),
            ("database.url", database.url.clone()),
            ("database.max_connections", "8".to_owned()),
            ("admin.password", PASSWORD.to_owned()),
            ("jobs.retry_base_s", "1".to_owned()),
            // Phones of tests are on this machine, and many are new.
            ("wake.allow_loopback", "true".to_owned()),
            ("acs.new_phones_per_minute", "100000".to_owned()),
        ];
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let environment = all.into_iter().map(|(name, value)| (variable(name), value));
        let config = Config::from_parts("", "test", environment).unwrap();
        let server = startup::start(config).await.unwrap();
        let base = format!("http://{}", server.api.unwrap());
        let api = Api::sign_in(base, EMAIL, PASSWORD).await.unwrap();
        Self { api, server: Some(server), _database: database, _data: data }
    }

    /// Another process's worth of server, on the same database and with the same keys, in this process.
    pub async fn replica(&self, settings: &[(&str, &str)]) -> Server {
        let config = &self.app().config;
        let mut all = vec![
            ("server.data_dir", config.server.data_dir.display().to_string()),
            ("database.url", config.database_url()),
            ("database.max_connections", "8".to_owned()),
        ];
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let environment = all.into_iter().map(|(name, value)| (variable(name), value));
        startup::start(Config::from_parts("", "test", environment).unwrap()).await.unwrap()
    }

    /// Messages of phones the server has stored.
    pub fn taken(&self) -> u64 {
        self.server().link.as_ref().unwrap().taken()
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("the server runs")
    }

    pub fn app(&self) -> &Arc<App> {
        &self.server().app
    }

    pub fn acs_url(&self) -> String {
        format!("http://{}/acs", self.server().acs.unwrap())
    }

    /// Where configuration files are, without a slash at the end.
    pub fn files_url(&self) -> String {
        format!("http://{}", self.server().provision.unwrap())
    }

    pub fn files_tls_url(&self) -> String {
        format!("https://{}", self.server().provision_tls.unwrap())
    }

    pub fn tftp(&self) -> SocketAddr {
        self.server().tftp.unwrap()
    }

    pub fn acs_tls_url(&self) -> String {
        format!("https://{}/acs", self.server().acs_tls.unwrap())
    }

    /// The API over TLS, without a slash at the end.
    pub fn api_tls_url(&self) -> String {
        format!("https://{}", self.server().api_tls.unwrap())
    }

    pub fn stun(&self) -> SocketAddr {
        self.server().stun.unwrap()
    }

    /// Where phones that asked the LAN answer to, if this server is asked.
    pub fn pnp(&self) -> Option<SocketAddr> {
        self.server().pnp
    }

    pub fn mqtt_port(&self) -> u16 {
        self.server().mqtt.unwrap().port()
    }

    /// A property with these rooms, each with its number as extension.
    pub async fn hotel(&self, rooms: &[&str]) -> Hotel {
        let rooms: Vec<String> = rooms.iter().map(|room| (*room).to_owned()).collect();
        Hotel::build(&self.api, "harbour", &rooms).await.unwrap()
    }

    /// Ends it politely.
    pub async fn stop(mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown().await;
        }
    }
}

/// The real program, for tests that kill it.
pub struct ServerProcess {
    pub cloud: Arc<Mutex<CloudProcess>>,
    pub acs: SocketAddr,
    pub api: Api,
    database: Database,
    data: TempDir,
}

impl ServerProcess {
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        show_log();
        let data = tempfile::tempdir().unwrap();
        let database = Database::new().await;
        let mut all = vec![("jobs.retry_base_s", "1"), ("database.max_connections", "8")];
        all.extend_from_slice(settings);
        let cloud = CloudProcess::start(data.path(), &database.url, &all).unwrap();
        let api = Api::sign_in(cloud.base(), EMAIL, PASSWORD).await.unwrap();
        Self { acs: cloud.acs, cloud: Arc::new(Mutex::new(cloud)), api, database, data }
    }

    /// SIGKILL.
    pub fn kill(&self) {
        self.cloud.lock().unwrap().kill();
    }

    /// Kills it if it runs, and starts it on the same data and ports.
    pub async fn restart(&self) {
        let cloud = self.cloud.clone();
        tokio::task::spawn_blocking(move || cloud.lock().unwrap().restart()).await.unwrap().unwrap();
    }

    pub fn acs_url(&self) -> String {
        format!("http://{}/acs", self.acs)
    }

    /// The server's database, whether it runs or not.
    pub async fn database(&self) -> sea_orm::DatabaseConnection {
        let file = || format!("sqlite://{}", self.data.path().join("bellhop.sqlite").display());
        let url = if self.database.url.is_empty() { file() } else { self.database.url.clone() };
        sea_orm::Database::connect(url).await.unwrap()
    }

    pub async fn hotel(&self, rooms: &[&str]) -> Hotel {
        let rooms: Vec<String> = rooms.iter().map(|room| (*room).to_owned()).collect();
        Hotel::build(&self.api, "harbour", &rooms).await.unwrap()
    }
}

/// `BELLHOP_LOG=debug` shows what server and phones do; a test that fails shows warnings anyway.
fn show_log() {
    let filter = std::env::var("BELLHOP_LOG").unwrap_or_else(|_| "warn".to_owned());
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}
