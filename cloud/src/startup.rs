//! Putting the parts together, by role.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use axum::Router;
use contract::PhoneId;
use contract::mqtt::{ALL_UP, ALL_UP_SHARED};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::provision::record;
use crate::app::tasks::lane;
use crate::app::{App, enrol, heard, live, people, sealed, session};
use crate::broker::tunnel::{self, Way};
use crate::broker::{self, Broker, BrokerConfig, DeviceAuth, Identity, Login};
use crate::config::{BrokerKind, Config, Role};
use crate::db::Db;
use crate::ingest::{Link, Mqtt};
use crate::pnp::Pnp;
use crate::secrets::{Secrets, random_token};
use crate::tls::{Clients, Tls};
use crate::wake::{Stun, Waker};
use crate::{acs, api, provision, serve, worker};

/// A running server.
pub struct Server {
    /// Where the API and the browser application answer, if this process plays that role.
    pub api: Option<SocketAddr>,
    /// The same over TLS.
    pub api_tls: Option<SocketAddr>,
    pub acs: Option<SocketAddr>,
    pub acs_tls: Option<SocketAddr>,
    /// Where phones fetch their configuration, if this process serves it.
    pub provision: Option<SocketAddr>,
    /// The same over TLS.
    pub provision_tls: Option<SocketAddr>,
    /// The same by TFTP.
    pub tftp: Option<SocketAddr>,
    /// Where phones behind NAT keep their way open.
    pub stun: Option<SocketAddr>,
    /// Where phones that asked the LAN for their server answer to, if this process is asked.
    pub pnp: Option<SocketAddr>,
    pub mqtt: Option<SocketAddr>,
    /// The same over TLS.
    pub mqtt_tls: Option<SocketAddr>,
    /// The server's own connection to its broker.
    pub link: Option<Arc<Mqtt>>,
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
    sealed::recognise(&db, &secrets).await?;
    let tls = Tls::load(&config.tls)?;
    let (app, calls) = App::new(db, config, secrets, tls.clone());
    let config = &app.config;
    let administrator = people::first_administrator(&app).await?;

    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    if let Some(tls) = tls.clone() {
        tasks.spawn(tls.watch(stop.clone()));
    }
    if config.mqtt.broker == BrokerKind::External {
        // Every role: whoever enrols or removes phones makes and ends their accounts.
        tunnel::start(&config.mqtt, &tunnel::way(&config.mqtt, &config.server.data_dir), stop.clone())?;
    }
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
    let mut stun = None;
    if config.plays(Role::Worker) {
        if let Some(listen) = config.stun.listen {
            let server = Stun::bind(listen).await?;
            app.set_stun_port(server.address().port());
            tasks.spawn(server.clone().run(app.clone(), stop.clone()));
            stun = Some(server);
        }
        let waker = Waker::new(app.clone(), mqtt.clone(), stun.clone());
        tasks.spawn(worker::run_nudges(app.clone(), waker, calls.nudged, calls.woken, stop.clone()));
        tasks.spawn(worker::run_sweeps(app.clone(), stop.clone()));
        tasks.spawn(worker::run_claims(app.clone(), stop.clone()));
    } else if config.plays(Role::Api) {
        // Broker and STUN belong to the worker; phones are still woken by HTTP and SIP from here.
        tasks.spawn(worker::run_wakes(app.clone(), Waker::new(app.clone(), None, None), calls.woken, stop.clone()));
    }
    let mut pnp = None;
    if config.answers_pnp() {
        let site = Pnp::open(&config.pnp)?;
        pnp = Some(site.address());
        let (own, stopped) = (app.clone(), stop.clone());
        tasks.spawn(async move {
            if let Err(error) = site.run(own, stopped).await {
                tracing::error!(%error, "SIP PnP has ended");
            }
        });
    }
    let (mut api, mut api_tls) = (None, None);
    if config.plays(Role::Api) {
        tasks.spawn(live::run(app.clone(), stop.clone()));
        let listener = (config.server.listen, config.server.listen_tls, Clients::Nothing);
        (api, api_tls) = listen(listener, api::router(app.clone()), tls.as_ref(), &stop).await?;
    }
    let (mut acs, mut acs_tls) = (None, None);
    if config.plays(Role::Acs) {
        let (own, stopped) = (app.clone(), stop.clone());
        tasks.spawn(async move { session::run(&own, stopped).await });
        tasks.spawn(session::trace::run(app.clone(), stop.clone()));
        let listener = (config.acs.listen, config.acs.listen_tls, Clients::Any);
        (acs, acs_tls) = listen(listener, acs::router(app.clone()), tls.as_ref(), &stop).await?;
        app.provision.set_acs(acs, acs_tls);
    }
    let (mut files, mut files_tls, mut tftp) = (None, None, None);
    if config.plays(Role::Provision) {
        let own = &config.provision;
        tasks.spawn(record::run(app.clone(), stop.clone()));
        let listener = (own.listen, own.listen_tls, Clients::Any);
        (files, files_tls) = listen(listener, provision::router(app.clone()), tls.as_ref(), &stop).await?;
        app.provision.set_files(files, files_tls);
        if let Some(listen) = own.tftp_listen {
            tftp = Some(provision::tftp::start(listen, app.clone(), &tasks, stop.clone()).await?);
        }
    }
    Ok(Server {
        api,
        api_tls,
        acs,
        acs_tls,
        provision: files,
        provision_tls: files_tls,
        tftp,
        stun: stun.map(|stun| stun.address()),
        pnp,
        mqtt: broker.as_ref().map(|broker| broker.addr()),
        link: mqtt,
        mqtt_tls: broker.as_ref().and_then(|broker| broker.addr_tls()),
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

/// Serves a router plain, over TLS, or both. Returns the addresses bound.
async fn listen(
    (plain, secure, clients): (Option<SocketAddr>, Option<SocketAddr>, Clients),
    router: Router,
    tls: Option<&Arc<Tls>>,
    stop: &CancellationToken,
) -> anyhow::Result<(Option<SocketAddr>, Option<SocketAddr>)> {
    let mut bound = (None, None);
    if let Some(address) = plain {
        bound.0 = Some(serve::start(address, router.clone(), stop.clone()).await?);
    }
    if let (Some(address), Some(tls)) = (secure, tls) {
        bound.1 = Some(serve::start_tls(address, router, tls.server_config(clients), stop.clone()).await?);
    }
    Ok(bound)
}

/// The embedded broker where it is wanted, and how this process reaches its broker.
async fn start_broker(app: &Arc<App>) -> anyhow::Result<(Option<Broker>, Link)> {
    let mqtt = &app.config.mqtt;
    let client_id = format!("{}{}", broker::SERVICE_CLIENT_PREFIX, random_token());
    if mqtt.broker == BrokerKind::External {
        app.set_mqtt_port(mqtt.port);
        let way = tunnel::way(mqtt, &app.config.server.data_dir);
        let link = Link {
            way,
            client_id,
            username: mqtt.username.clone(),
            password: mqtt.password.clone(),
            filter: ALL_UP_SHARED,
        };
        return Ok((None, link));
    }
    // A password of this process's own life: nobody else connects as the server.
    let password = random_token();
    let gate = Gate { app: app.clone(), username: mqtt.username.clone(), password: password.clone() };
    let tls = mqtt.listen_tls.zip(app.tls.as_ref()).map(|(listen, tls)| (listen, tls.server_config(Clients::Any)));
    let config = BrokerConfig { listen: mqtt.listen, listen_tls: tls, ..BrokerConfig::default() };
    let broker = broker::start(config, Arc::new(gate)).await.context("embedded MQTT broker")?;
    heard::forget_connections(app).await?;
    lane::send_again(app).await?;
    let address = broker.addr();
    app.set_mqtt_port(broker.addr_tls().unwrap_or(address).port());
    let host = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
    let way = Way::Plain { host, port: address.port() };
    let link = Link { way, client_id, username: mqtt.username.clone(), password, filter: ALL_UP };
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
        if let Some(shown) = login.shown
            && let Some(phone) = enrol::mqtt_certified(&self.app, login.client_id, shown).await?
        {
            return Ok(Some(Identity::Device(phone.to_string())));
        }
        let phone = enrol::mqtt_login(&self.app, login.client_id, login.username, login.password).await?;
        Ok(phone.map(|phone| Identity::Device(phone.to_string())))
    }
}
