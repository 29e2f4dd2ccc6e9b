//! Waking our own phone through a real SIP server: Kamailio with `deploy/kamailio/kamailio.cfg`, where it is registered.
//!
//! Needs `kamailio` (Debian: `apt-get install kamailio`, with `exit 101` in /usr/sbin/policy-rc.d first). Without it the
//! test fails, unless BELLHOP_SKIP_PEERS=1.

use std::net::UdpSocket;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use cloud::db::entity::phone;
use contract::rest::{Accepted, SyncState, WakeResult, WakeWay};
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Ask, Phone, TestServer, mac, wait_true};
use crate::wake_by_http::ways;

const PASSWORD: &str = "of extension 1207";

/// A running registrar that knows 1207; ends with this value.
struct Kamailio {
    child: Child,
    folder: TempDir,
    port: u16,
}

fn free_udp_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Kamailio {
    async fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_udp_port());
        let run = folder.path();
        std::fs::write(run.join("version"), "table_name(string) table_version(int)\ncredentials:2\n").unwrap();
        let head = "id(int,auto) key_name(string) key_type(int) value_type(int) key_value(string) expires(int)";
        std::fs::write(run.join("credentials"), format!("{head}\n1:1207:0:0:{PASSWORD}:0\n")).unwrap();
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kamailio/kamailio.cfg");
        let log = std::fs::File::create(run.join("log")).unwrap();
        let child = Command::new("kamailio")
            .arg("-f")
            .arg(config)
            .args(["-DD", "-E", "-m", "32", "-M", "8", "-w"])
            .arg(run)
            .arg("-Y")
            .arg(run)
            .args(["-A", &format!("LISTEN=udp:127.0.0.1:{port}")])
            .args(["-A", &format!("CREDENTIALS=\"text://{}\"", run.display())])
            .args(["-A", &format!("CONTROL=\"unix:{}\"", run.join("ctl").display())])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let kamailio = Self { child, folder, port };
        wait_true("kamailio is up", async || kamailio.ask("core.uptime").is_some()).await;
        kamailio
    }

    fn ask(&self, what: &str) -> Option<String> {
        let socket = format!("unix:{}", self.folder.path().join("ctl").display());
        let output = Command::new("kamcmd").args(["-s", &socket, what]).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // Its own process group: started by us, by number.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn our_own_phone_comes_when_the_pbx_says_so() {
    if std::env::var_os("BELLHOP_SKIP_PEERS").is_some_and(|skip| skip == "1") {
        eprintln!("skipped: BELLHOP_SKIP_PEERS=1");
        return;
    }
    let kamailio = Kamailio::start().await;
    let server = TestServer::with(&[("mqtt.advertise_port", "9"), ("acs.inform_interval_s", "3600")]).await;
    let hotel = server.hotel(&["1207"]).await;
    let pbx = format!("127.0.0.1:{}", kamailio.port);
    let values = json!({ "account.1.enable": "yes", "account.1.sip.server.1.address": pbx,
        "account.1.sip.subscriber.password": PASSWORD, "account.1.sip.localport": free_udp_port().to_string() });
    let path = format!("/api/v1/properties/{}/settings", hotel.property);
    server.api.put(&path, json!({ "values": values })).await.ok::<Accepted>();
    let change = json!({ "address": pbx, "transport": "udp" });
    let path = format!("/api/v1/properties/{}/pbx", hotel.property);
    server.api.put(&path, change).await.ok::<contract::rest::Pbx>();

    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let _phone = Phone::with(mac(1), server.acs_url(), |config| config.simulated = false).await;
    wait_true("it is in sync", async || server.api.phone(id).await.phone.sync == SyncState::InSync).await;
    wait_true("it is registered", async || kamailio.ask("ul.dump").is_some_and(|held| held.contains("1207"))).await;
    // As if nothing but the PBX reached it.
    let write = server.app().db.write().await.unwrap();
    phone::Entity::update_many()
        .col_expr(phone::Column::ConnectionRequestUrl, Expr::value(""))
        .exec(&write.tx)
        .await
        .unwrap();
    write.commit().await.unwrap();
    let woken: WakeResult = server.api.post(&format!("/api/v1/phones/{id}/wake"), json!({})).await.ok();
    assert_eq!(ways(&woken), [(WakeWay::Sip, true)], "{woken:?}");
}
