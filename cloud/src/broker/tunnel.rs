//! TLS to an external broker. The MQTT client is built without TLS, since its own would bring a second set of TLS
//! libraries; it speaks to a socket in a directory of this process, and this carries its bytes on.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use rumqttc::v5::MqttOptions;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::secrets::random_token;
use crate::tls::{authorities, provider};

/// How this process reaches a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    Plain {
        host: String,
        port: u16,
    },
    /// A tunnel's socket.
    Tunnel(PathBuf),
}

impl Way {
    /// What a client of this id begins with.
    pub fn options(&self, client_id: impl Into<String>) -> MqttOptions {
        match self {
            Self::Plain { host, port } => MqttOptions::new(client_id, host, *port),
            Self::Tunnel(socket) => {
                let mut options = MqttOptions::new(client_id, socket.to_string_lossy(), 1);
                options.set_transport(rumqttc::Transport::unix());
                options
            }
        }
    }
}

/// Where the tunnel of this configuration is, or will be: the same for all who ask in this process.
pub fn way(mqtt: &config::Mqtt, directory: &std::path::Path) -> Way {
    static NAME: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    if !mqtt.tls {
        return Way::Plain { host: mqtt.host.clone(), port: mqtt.port };
    }
    let name = NAME.get_or_init(|| format!("mqtt-{}.sock", &random_token()[..8]));
    Way::Tunnel(directory.join(name))
}

/// Opens the tunnel of [`way`], until cancelled. Does nothing without TLS.
///
/// # Errors
/// The authorities of `mqtt.ca` cannot be read, or the socket cannot be made.
pub fn start(mqtt: &config::Mqtt, way: &Way, stop: CancellationToken) -> anyhow::Result<()> {
    let Way::Tunnel(path) = way else { return Ok(()) };
    let tls = TlsConnector::from(client_config(mqtt)?);
    let name = ServerName::try_from(mqtt.host.clone()).context("mqtt.host")?;
    let listener = UnixListener::bind(path).with_context(|| format!("cannot make {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let (target, path) = ((mqtt.host.clone(), mqtt.port), path.clone());
    tokio::spawn(async move {
        loop {
            let near = tokio::select! {
                () = stop.cancelled() => break,
                near = listener.accept() => near,
            };
            let Ok((near, _)) = near else { continue };
            let (tls, name, target, stop) = (tls.clone(), name.clone(), target.clone(), stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    // The last words of a connection that is just being closed go first.
                    biased;
                    carried = carry(near, target, tls, name) => {
                        if let Err(error) = carried {
                            tracing::warn!(%error, "TLS to the MQTT broker");
                        }
                    }
                    () = async { stop.cancelled().await; tokio::time::sleep(LAST_WORDS).await } => {}
                }
            });
        }
        let _ = std::fs::remove_file(path);
    });
    Ok(())
}

/// What a connection has for its goodbye when the server stops.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(1);

async fn carry(
    mut near: UnixStream,
    target: (String, u16),
    tls: TlsConnector,
    name: ServerName<'static>,
) -> std::io::Result<()> {
    let far = TcpStream::connect(target).await?;
    far.set_nodelay(true)?;
    let mut far = tls.connect(name, far).await?;
    tokio::io::copy_bidirectional(&mut near, &mut far).await.map(drop)
}

fn client_config(mqtt: &config::Mqtt) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    if mqtt.ca.as_os_str().is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        let pem = std::fs::read(&mqtt.ca).with_context(|| format!("mqtt.ca: cannot read {}", mqtt.ca.display()))?;
        for certificate in authorities(&pem).context("mqtt.ca")? {
            roots.add(certificate).context("mqtt.ca")?;
        }
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .context("TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
