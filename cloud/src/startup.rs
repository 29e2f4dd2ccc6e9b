//! Putting the parts together, by role.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use contract::PhoneId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, enrol, heard, live, people};
use crate::broker::{self, Broker, BrokerConfig, DeviceAuth, Identity, Login};
use crate::config::{BrokerKind, Config, Role};
use crate::db::Db;
use crate::ingest::{Link, Mqtt};
use crate::secrets::{Secrets, random_token};
use crate::{acs, api, serve, worker};

/// A running server.
pub struct Server {
    /// Where the API and the browser application answer, if this process plays that role.
    pub api: Option<SocketAddr>,
    pub acs: Option<SocketAddr>,
    pub mqtt: Option<SocketAddr>,
    /// E-mail and password of the administrator made at this start.
    pub administrator: Option<(String, String)>,
    pub app: Arc<App>,
    stop: CancellationToken,
    tasks: TaskTracker,
    broker: Option<Arc<Broker>>,
}

/// Starts every role the configuration names.
pub async fn start(config: Config) -> anyhow::Result<Server> {
    std::fs::create_dir_all(&config.server.data_dir)
        .with_context(|| format!("cannot make {}", config.server.data_dir.display()))?;
    // Nobody else's business: the database names guests.
    std::fs::set_permissions(&config.server.data_dir, Permissions::from_mode(0o700))
        .with_context(|| format!("cannot close {} to others", config.server.data_dir.display()))?;
    let secrets = Secrets::load(&config.server.secret_key, &config.server.data_dir)?;
    let db = Db::connect(&config.database_url(), config.database.max_connections).await.context("database")?;
    let (app, calls) = App::new(db, config, secrets);
    let config = &app.config;
    let administrator = people::first_administrator(&app).await?;

    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let wants_mqtt = config.plays(Role::Ingest) || config.plays(Role::Worker);
    let (mut broker, mut mqtt) = (None, None);
    if wants_mqtt {
        let (embedded, link) = start_broker(&app).await?;
        broker = embedded.map(Arc::new);
        mqtt = Some(Mqtt::start(app.clone(), link, config.plays(Role::Ingest), &tasks, stop.clone()));
    }
    if let Some(broker) = broker.clone() {
        tasks.spawn(forget_removed(broker, calls.forgotten, stop.clone()));
    }
    if config.plays(Role::Worker) {
        tasks.spawn(worker::run_nudges(app.clone(), mqtt, calls.nudged, stop.clone()));
        tasks.spawn(worker::run_sweeps(app.clone(), stop.clone()));
    }
    let mut api_address = None;
    if config.plays(Role::Api) {
        tasks.spawn(live::run(app.clone(), stop.clone()));
        api_address = Some(serve::start(config.server.listen, api::router(app.clone()), stop.clone()).await?);
    }
    let mut acs_address = None;
    if config.plays(Role::Acs) {
        acs_address = Some(serve::start(config.acs.listen, acs::router(app.clone()), stop.clone()).await?);
    }
    Ok(Server {
        api: api_address,
        acs: acs_address,
        mqtt: broker.as_ref().map(|broker| broker.addr()),
        administrator,
        stop,
        tasks,
        broker,
        app,
    })
}

impl Server {
    /// Ends what is under way and closes the database.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        // Every task that held it has ended.
        if let Some(broker) = self.broker.and_then(Arc::into_inner) {
            broker.shutdown().await;
        }
        if let Err(error) = self.app.db.close().await {
            tracing::warn!(%error, "cannot close the database");
        }
    }
}

/// The embedded broker where it is wanted, and how this process reaches its broker.
async fn start_broker(app: &Arc<App>) -> anyhow::Result<(Option<Broker>, Link)> {
    let mqtt = &app.config.mqtt;
    let client_id = format!("{}{}", broker::SERVICE_CLIENT_PREFIX, random_token());
    if mqtt.broker == BrokerKind::External {
        app.set_mqtt_port(mqtt.port);
        let link = Link {
            host: mqtt.host.clone(),
            port: mqtt.port,
            client_id,
            username: mqtt.username.clone(),
            password: mqtt.password.clone(),
        };
        return Ok((None, link));
    }
    // A password of this process's own life: nobody else connects as the server.
    let password = random_token();
    let gate = Gate { app: app.clone(), username: mqtt.username.clone(), password: password.clone() };
    let config = BrokerConfig { listen: mqtt.listen, ..BrokerConfig::default() };
    let broker = broker::start(config, Arc::new(gate)).await.context("embedded MQTT broker")?;
    heard::forget_connections(app).await?;
    let address = broker.addr();
    app.set_mqtt_port(address.port());
    let host = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
    let link = Link { host, port: address.port(), client_id, username: mqtt.username.clone(), password };
    Ok((Some(broker), link))
}

/// Closes the connections of removed phones and drops what was kept for them.
async fn forget_removed(broker: Arc<Broker>, mut forgotten: mpsc::UnboundedReceiver<PhoneId>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(phone) = forgotten.recv() => {
                if let Err(error) = broker.forget(&phone.to_string()).await {
                    tracing::warn!(%phone, %error, "the broker cannot forget a removed phone");
                }
            }
        }
    }
}

/// Lets phones in with their own credentials, and the server itself.
struct Gate {
    app: Arc<App>,
    username: String,
    password: String,
}

#[async_trait]
impl DeviceAuth for Gate {
    async fn authenticate(&self, login: Login<'_>) -> anyhow::Result<Option<Identity>> {
        use subtle::ConstantTimeEq;
        if login.username == self.username {
            let right = bool::from(login.password.ct_eq(self.password.as_bytes()));
            return Ok(right.then_some(Identity::Service));
        }
        let phone = enrol::mqtt_login(&self.app, login.client_id, login.username, login.password).await?;
        Ok(phone.map(|phone| Identity::Device(phone.to_string())))
    }
}
