//! Configuration: defaults (embedded, and the documentation), then a file, then the environment.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use contract::Mac;
use provisioning::agent::Maker;
use provisioning::pnp::{Asker, Forms, check_url};
use serde::Deserialize;
use toml::{Table, Value};

use crate::network::Network;

/// The defaults, with a comment for every key.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

const ENV_PREFIX: &str = "BELLHOP__";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub database: DatabaseConfig,
    pub admin: Admin,
    pub auth: Auth,
    pub acs: Acs,
    pub provision: Provision,
    pub pnp: Pnp,
    pub tls: Tls,
    pub wake: Wake,
    pub stun: Stun,
    pub mqtt: Mqtt,
    pub jobs: Jobs,
    pub keep: Keep,
    pub import: Import,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    #[serde(deserialize_with = "address")]
    pub listen: Option<SocketAddr>,
    #[serde(deserialize_with = "address")]
    pub listen_tls: Option<SocketAddr>,
    pub public_url: String,
    pub data_dir: PathBuf,
    pub roles: Vec<Role>,
    pub web_root: PathBuf,
    pub secret_key: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    All,
    Api,
    Acs,
    Provision,
    Ingest,
    Worker,
    /// A node in a hotel's LAN.
    Site,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    pub url: String,
    pub max_connections: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    pub email: String,
    pub password: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub access_minutes: u32,
    pub refresh_days: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acs {
    #[serde(deserialize_with = "address")]
    pub listen: Option<SocketAddr>,
    #[serde(deserialize_with = "address")]
    pub listen_tls: Option<SocketAddr>,
    pub inform_interval_s: u32,
    pub new_phone_interval_s: u32,
    pub session_timeout_s: u32,
    pub max_body_bytes: usize,
    pub max_new_phones: u64,
    pub max_sessions: usize,
    pub max_waiting: usize,
    pub new_phones_per_minute: u32,
}

/// Where phones fetch their configuration as files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provision {
    #[serde(deserialize_with = "address")]
    pub listen: Option<SocketAddr>,
    #[serde(deserialize_with = "address")]
    pub listen_tls: Option<SocketAddr>,
    pub public_url: String,
    pub acs_url: String,
    pub requests_per_minute: u32,
    pub requests_per_phone: u32,
    pub fetch_interval_s: u32,
    pub sha256_models: Vec<String>,
    #[serde(deserialize_with = "address")]
    pub tftp_listen: Option<SocketAddr>,
    pub tftp_transfers: usize,
    pub tftp_trusted: Vec<String>,
}

/// SIP plug and play at a site node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pnp {
    pub enabled: bool,
    #[serde(deserialize_with = "interface")]
    pub interface: Option<Ipv4Addr>,
    pub property: String,
    pub url: String,
    pub url_yealink: String,
    pub url_snom: String,
    pub url_other: String,
}

impl Pnp {
    /// What each maker's phones are told.
    pub fn forms(&self) -> Forms {
        let (yealink, snom, other) = (self.url_yealink.clone(), self.url_snom.clone(), self.url_other.clone());
        Forms { yealink, snom, other, ..Forms::default() }
    }

    fn check(&self) -> anyhow::Result<()> {
        if self.property.is_empty() {
            bail!("pnp.property is empty; name the property whose phones are in this LAN, by its code");
        }
        if !self.url.is_empty()
            && let Err(why) = check_url(&self.url)
        {
            bail!("pnp.url is \"{}\": {why}", self.url);
        }
        let folder = if self.url.is_empty() { "http://example" } else { &self.url };
        let mac = Mac::new([0x00, 0x15, 0x65, 0, 0, 1]);
        for (name, maker) in [("yealink", Some(Maker::Yealink)), ("snom", Some(Maker::Snom)), ("other", None)] {
            let asker = Asker { mac, maker, vendor: String::new(), model: String::new(), version: String::new() };
            if let Err(why) = self.forms().url(folder, &asker) {
                bail!("pnp.url_{name} makes no URL: {why}");
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub client_ca: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wake {
    pub allow_loopback: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stun {
    #[serde(deserialize_with = "address")]
    pub listen: Option<SocketAddr>,
    pub advertise_host: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mqtt {
    pub broker: BrokerKind,
    pub listen: SocketAddr,
    #[serde(deserialize_with = "address")]
    pub listen_tls: Option<SocketAddr>,
    pub host: String,
    pub port: u16,
    pub username: String,
    pub password: String,
    pub tls: bool,
    pub ca: PathBuf,
    pub advertise_host: String,
    pub advertise_port: u16,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum BrokerKind {
    Embedded,
    External,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    pub max_attempts: i32,
    pub retry_base_s: u32,
    pub retry_cap_s: u32,
    pub lease_s: u32,
    pub expire_days: u32,
    pub nudges_per_second: u32,
}

/// How long what happened is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    pub telemetry_days: u32,
    pub events_days: u32,
    pub events_per_phone: u32,
    pub jobs_days: u32,
    pub audit_days: u32,
}

/// From where rooms and phones may be imported.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    pub gdms: Vec<String>,
}

impl Config {
    /// Reads the defaults, `file` if given, and the process's environment.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let text = match file {
            Some(path) => std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
            None => String::new(),
        };
        let name = file.map_or_else(|| "configuration".to_owned(), |path| path.display().to_string());
        // A variable that is no text is none of ours.
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::from_parts(&text, &name, environment)
    }

    /// The same from given texts, for tests.
    pub fn from_parts(
        text: &str,
        name: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        let mut merged: Table = DEFAULTS.parse().context("the embedded defaults are not TOML")?;
        let given: Table = text.parse().with_context(|| format!("{name} is not TOML"))?;
        for (section, values) in given {
            let Value::Table(values) = values else { bail!("{name}: `{section}` stands outside a section") };
            for (key, value) in values {
                *slot(&mut merged, &section, &key).with_context(|| name.to_owned())? = value;
            }
        }
        let overrides: BTreeMap<String, String> =
            environment.into_iter().filter(|(name, _)| name.starts_with(ENV_PREFIX)).collect();
        for (variable, text) in overrides {
            let path = variable[ENV_PREFIX.len()..].to_lowercase();
            let (section, key) = path
                .split_once("__")
                .with_context(|| format!("environment variable {variable}: write {ENV_PREFIX}SECTION__KEY"))?;
            let slot = slot(&mut merged, section, key).with_context(|| format!("environment variable {variable}"))?;
            *slot = match slot {
                Value::Integer(_) => Value::Integer(
                    text.parse().with_context(|| format!("environment variable {variable}: not a whole number"))?,
                ),
                Value::Boolean(_) => Value::Boolean(
                    text.parse().with_context(|| format!("environment variable {variable}: neither true nor false"))?,
                ),
                Value::Array(_) => {
                    Value::Array(text.split(',').map(|item| Value::String(item.trim().into())).collect())
                }
                _ => Value::String(text),
            };
        }
        let config: Config = Value::Table(merged).try_into().with_context(|| format!("{name} is wrong"))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        for (name, value, least) in [
            ("auth.access_minutes", self.auth.access_minutes, 1),
            ("auth.refresh_days", self.auth.refresh_days, 1),
            ("acs.inform_interval_s", self.acs.inform_interval_s, 1),
            ("acs.new_phone_interval_s", self.acs.new_phone_interval_s, 1),
            ("acs.session_timeout_s", self.acs.session_timeout_s, 5),
            ("provision.requests_per_minute", self.provision.requests_per_minute, 1),
            ("provision.requests_per_phone", self.provision.requests_per_phone, 1),
            ("provision.fetch_interval_s", self.provision.fetch_interval_s, 60),
            ("jobs.retry_base_s", self.jobs.retry_base_s, 1),
            ("jobs.lease_s", self.jobs.lease_s, 5),
            ("jobs.expire_days", self.jobs.expire_days, 1),
            ("jobs.nudges_per_second", self.jobs.nudges_per_second, 1),
            ("acs.new_phones_per_minute", self.acs.new_phones_per_minute, 1),
            ("keep.telemetry_days", self.keep.telemetry_days, 1),
            ("keep.events_days", self.keep.events_days, 1),
            ("keep.events_per_phone", self.keep.events_per_phone, 100),
            ("keep.jobs_days", self.keep.jobs_days, 1),
            ("keep.audit_days", self.keep.audit_days, 1),
        ] {
            if value < least {
                bail!("{name} is {value}; the least is {least}");
            }
        }
        if self.mqtt.broker == BrokerKind::Embedded && self.plays(Role::Ingest) != self.plays(Role::Worker) {
            bail!(
                "the embedded broker serves one process: give it the roles ingest and worker, or set mqtt.broker to \"external\""
            );
        }
        if self.answers_pnp() {
            self.pnp.check()?;
        }
        if self.acs.max_waiting < 1 {
            bail!("acs.max_waiting is 0; the least is 1");
        }
        let tls = &self.tls;
        if tls.certificate.as_os_str().is_empty() != tls.key.as_os_str().is_empty() {
            bail!("tls.certificate and tls.key are given together");
        }
        let addresses = [
            ("server", Role::Api, self.server.listen, self.server.listen_tls),
            ("acs", Role::Acs, self.acs.listen, self.acs.listen_tls),
            ("provision", Role::Provision, self.provision.listen, self.provision.listen_tls),
        ];
        for (section, role, plain, secure) in addresses {
            if secure.is_some() && tls.certificate.as_os_str().is_empty() {
                bail!("{section}.listen_tls needs tls.certificate and tls.key");
            }
            // Files are served by who names the role, or an address.
            let plays = if role == Role::Provision { self.names(role) } else { self.plays(role) };
            if plays && plain.is_none() && secure.is_none() {
                bail!("{section}.listen and {section}.listen_tls are both empty: nobody could reach it");
            }
        }
        self.check_provision()?;
        let public = &self.server.public_url;
        if !public.is_empty() && !is_base(public) {
            bail!(
                "server.public_url is {public}; it is http://host or https://host, with a port or without, and no path"
            );
        }
        if self.mqtt.broker == BrokerKind::Embedded
            && self.mqtt.listen_tls.is_some()
            && tls.certificate.as_os_str().is_empty()
        {
            bail!("mqtt.listen_tls needs tls.certificate and tls.key");
        }
        if let Some(wrong) = self.import.gdms.iter().find(|url| !is_base(url)) {
            bail!("import.gdms holds {wrong}; an address is https://host, with a port or without, and no path");
        }
        if self.jobs.max_attempts < 1 {
            bail!("jobs.max_attempts is {}; the least is 1", self.jobs.max_attempts);
        }
        if self.jobs.retry_cap_s < self.jobs.retry_base_s {
            bail!("jobs.retry_cap_s is below jobs.retry_base_s");
        }
        Ok(())
    }

    fn check_provision(&self) -> anyhow::Result<()> {
        let own = &self.provision;
        if !own.public_url.is_empty() && !is_base(&own.public_url) {
            bail!("provision.public_url is {}; it is http://host or https://host, without a path", own.public_url);
        }
        let is_url = url::Url::parse(&own.acs_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !own.acs_url.is_empty() && (!is_url || own.acs_url.ends_with('/')) {
            bail!("provision.acs_url is {}; it is like https://host:7443/acs", own.acs_url);
        }
        for text in &own.tftp_trusted {
            if text.parse::<Network>().is_err() {
                bail!("provision.tftp_trusted names {text}, which is no network; write 10.20.0.0/16 or fd00::/8");
            }
        }
        if own.tftp_transfers < 1 {
            bail!("provision.tftp_transfers is 0; the least is 1");
        }
        Ok(())
    }

    /// Whether the configuration names a role.
    fn names(&self, role: Role) -> bool {
        self.server.roles.contains(&role)
    }

    /// Whether this process plays a role.
    pub fn plays(&self, role: Role) -> bool {
        self.server.roles.iter().any(|own| *own == Role::All || *own == role)
    }

    /// Whether this process answers SIP PnP.
    pub fn answers_pnp(&self) -> bool {
        self.pnp.enabled && self.plays(Role::Site)
    }

    /// The database's address, with the default filled in.
    pub fn database_url(&self) -> String {
        if self.database.url.is_empty() {
            format!("sqlite://{}", self.server.data_dir.join("bellhop.sqlite").display())
        } else {
            self.database.url.clone()
        }
    }
}

/// Scheme and host, and nothing behind.
fn is_base(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|parsed| {
        matches!(parsed.scheme(), "http" | "https")
            && parsed.path() == "/"
            && !url.ends_with('/')
            && parsed.query().is_none()
    })
}

/// An address, or empty for none.
fn address<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |_| serde::de::Error::custom(format!("`{text}` is no address with a port, such as 0.0.0.0:7080"));
    text.parse().map(Some).map_err(wrong)
}

/// An IPv4 address, or empty for none.
fn interface<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Ipv4Addr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |_| serde::de::Error::custom(format!("`{text}` is no IPv4 address, such as 192.0.2.10"));
    text.parse().map(Some).map_err(wrong)
}

fn slot<'a>(merged: &'a mut Table, section: &str, key: &str) -> anyhow::Result<&'a mut Value> {
    let sections: Vec<String> = merged.keys().cloned().collect();
    let Some(Value::Table(values)) = merged.get_mut(section) else {
        bail!("there is no section [{section}]; the sections are {}", sections.join(", "));
    };
    let keys: Vec<String> = values.keys().cloned().collect();
    values.get_mut(key).with_context(|| format!("[{section}] has no key `{key}`; its keys are {}", keys.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, env: &[(&str, &str)]) -> anyhow::Result<Config> {
        Config::from_parts(text, "test.toml", env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn the_defaults_stand_alone() {
        let config = load("", &[]).unwrap();
        assert!(config.plays(Role::Acs));
        assert_eq!(config.database_url(), "sqlite://bellhop-data/bellhop.sqlite");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = load(
            "[jobs]\nmax_attempts = 3\nlease_s = 10",
            &[("BELLHOP__JOBS__LEASE_S", "20"), ("BELLHOP__SERVER__ROLES", "api, worker, ingest"), ("OTHER", "x")],
        )
        .unwrap();
        assert_eq!((config.jobs.max_attempts, config.jobs.lease_s), (3, 20));
        assert!(config.plays(Role::Api) && !config.plays(Role::Acs));
    }

    #[test]
    fn wrong_keys_are_refused_by_name() {
        for (text, env, expected) in [
            ("[server]\nlisten_on = \"x\"", &[][..], "no key `listen_on`; its keys are"),
            ("[sever]\nlisten = \"x\"", &[], "no section [sever]"),
            ("listen = 1", &[], "`listen` stands outside a section"),
            ("", &[("BELLHOP__JOBS__SPEED", "1")], "BELLHOP__JOBS__SPEED"),
            ("", &[("BELLHOP__JOBS", "1")], "write BELLHOP__SECTION__KEY"),
            ("", &[("BELLHOP__JOBS__LEASE_S", "soon")], "not a whole number"),
            ("[jobs]\nlease_s = 1", &[], "jobs.lease_s is 1; the least is 5"),
            ("[keep]\nevents_per_phone = 9", &[], "keep.events_per_phone is 9; the least is 100"),
            ("[server]\npublic_url = \"files.example/x\"", &[], "server.public_url is files.example/x"),
            ("[server]\nroles = [\"king\"]", &[], "unknown variant `king`"),
            ("[acs]\nlisten = \"7080\"", &[], "`7080` is no address with a port"),
            ("[acs]\nlisten = \"\"", &[], "nobody could reach it"),
            ("[server]\nroles = [\"provision\"]", &[], "provision.listen and provision.listen_tls are both empty"),
            ("[provision]\npublic_url = \"https://x/y\"", &[], "provision.public_url is https://x/y"),
            ("[provision]\nacs_url = \"x\"", &[], "provision.acs_url is x"),
            ("[provision]\ntftp_trusted = [\"x\"]", &[], "provision.tftp_trusted names x"),
            ("[acs]\nlisten_tls = \"0.0.0.0:7443\"", &[], "acs.listen_tls needs tls.certificate"),
            ("[pnp]\ninterface = \"eth0\"", &[], "`eth0` is no IPv4 address"),
            ("[pnp]\nenabled = true", &[], "pnp.property is empty"),
            ("[pnp]\nenabled = true\nproperty = \"a\"\nurl = \"h/p\"", &[], "pnp.url is \"h/p\": a URL begins"),
            (
                "[pnp]\nenabled = true\nproperty = \"a\"\nurl = \"http://h\"\nurl_snom = \"\"",
                &[],
                "pnp.url_snom makes no",
            ),
            ("[tls]\ncertificate = \"x.pem\"", &[], "given together"),
            ("", &[("BELLHOP__WAKE__ALLOW_LOOPBACK", "maybe")], "neither true nor false"),
            ("[import]\ngdms = [\"gdms.cloud\"]", &[], "import.gdms holds gdms.cloud"),
            ("[server]\nroles = [\"worker\"]", &[], "the embedded broker serves one process"),
        ] {
            let error = format!("{:#}", load(text, env).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
