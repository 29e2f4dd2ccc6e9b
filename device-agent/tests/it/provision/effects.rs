//! What each setting of the pages "Config File", "Provision" and "Firmware" changes, as far as no other test says it.

use std::time::Duration;

use device_agent::provision::Reason;
use device_agent::transfer::firmware;

use super::bench::{Bench, MAC, xml};
use super::servers::{Place, Server};
use crate::support::{phone, until, within};

fn http(server: &Server) -> String {
    format!("http://127.0.0.1:{}/", server.port)
}

#[tokio::test(flavor = "multi_thread")]
async fn prefix_and_postfix_are_part_of_the_name() {
    let place = Place::new();
    let nginx = place.nginx(None);
    place.put("cfg.xml", xml(&[("hotel.name", "Plain")]));
    place.put("hotel_cfg.xml.v2", xml(&[("hotel.name", "Named")]));
    let path = http(&nginx);
    let set = [("config.serverpath", path.as_str()), ("config.fileprefix", "hotel_"), ("config.filepostfix", ".v2")];
    let bench = Bench::start(&place, &set).await;
    let ended = bench.ended().await;
    assert_eq!(ended.files, [format!("{path}hotel_cfg.xml.v2")]);
    assert_eq!(bench.agent.value("hotel.name"), "Named");
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_of_a_path_without_one_is_the_settings() {
    let place = Place::new();
    let tftpd = place.tftpd();
    place.put("cfg.xml", xml(&[("hotel.name", "Grand")]));
    let path = format!("127.0.0.1:{}", tftpd.port);
    for (protocol, ok) in [("tftp", true), ("http", false)] {
        let bench = Bench::start(&place, &[("config.serverpath", &path), ("config.protocol", protocol)]).await;
        let ended = bench.ended().await;
        assert_eq!(ended.ok, ok, "{ended:?}");
        bench.agent.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_may_name_another_server_which_is_asked_at_once() {
    let (place, second) = (Place::new(), Place::new());
    let (first, other) = (place.nginx(None), second.nginx(None));
    let path = http(&first);
    place.put("cfg.xml", xml(&[("provisioning.config.serverpath", &http(&other)), ("hotel.fax", "1")]));
    second.put("cfg.xml", xml(&[("hotel.name", "Grand")]));
    let bench = Bench::start(&place, &[("config.serverpath", &path)]).await;
    let ended = bench.ended().await;
    assert_eq!((ended.ok, ended.files, ended.changed), (true, vec![format!("{}cfg.xml", http(&other))], 3));
    assert_eq!((bench.agent.value("hotel.name"), bench.agent.value("hotel.fax")), ("Grand".into(), "1".into()));
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dhcp_names_the_server_as_the_settings_let_it_and_a_new_lease_is_seen() {
    let place = Place::new();
    let (own, dhcp) = (place.nginx(None), place.tftpd());
    place.put("cfg.xml", xml(&[("hotel.name", "Grand")]));
    let lease = place.path("lease");
    std::fs::write(
        &lease,
        format!("interface=eth0\ntftp=tftp://127.0.0.1:{}\nntpsrv=127.0.0.9\ntimezone=7200\n", dhcp.port),
    )
    .unwrap();
    let path = http(&own);
    for (allow, scheme) in [("no", "http"), ("yes", "tftp"), ("fallback", "tftp")] {
        let set = [("config.serverpath", path.as_str()), ("override.dhcp.allowcommonoptions", allow)];
        let bench = Bench::with(&place, &set, |config| config.dhcp_lease = Some(lease.clone())).await;
        let ended = bench.ended().await;
        assert!(ended.ok && ended.files[0].starts_with(scheme), "{allow}: {ended:?}");
        bench.agent.shutdown().await;
    }
    // A phone that knows nothing but its lease; then the lease is another one.
    let bench = Bench::with(&place, &[], |config| config.dhcp_lease = Some(lease.clone())).await;
    let ended = bench.ended().await;
    assert!(ended.ok && ended.files[0].starts_with("tftp:"), "{ended:?}");
    let device = bench.agent.device();
    assert_eq!((device.value_in_force("datetime.ntp.server.1"), device.offset_s()), (String::new(), 0), "not allowed");
    device.set_locally("datetime.override.dhcp.allowoption42", "yes").unwrap();
    device.set_locally("datetime.override.dhcp.allowoption2", "yes").unwrap();
    assert_eq!((device.value_in_force("datetime.ntp.server.1").as_str(), device.offset_s()), ("127.0.0.9", 7200));
    std::fs::write(&lease, format!("lease {{\n  option tftp-server-name \"{path}\";\n}}\n")).unwrap();
    let ended = bench.ended_after(ended.at.millis()).await;
    assert_eq!((ended.reason, ended.files[0].starts_with("http:")), (Reason::Dhcp, true), "{ended:?}");
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configured_server_is_asked_when_the_one_of_dhcp_fails() {
    let place = Place::new();
    let own = place.nginx(None);
    place.put("cfg.xml", xml(&[("hotel.name", "Grand")]));
    let (lease, path) = (place.path("lease"), http(&own));
    // There is a server, but it has none of the files.
    std::fs::write(&lease, format!("tftp={path}empty/\n")).unwrap();
    for (allow, ok) in [("yes", false), ("fallback", true)] {
        let set = [("config.serverpath", path.as_str()), ("override.dhcp.allowcommonoptions", allow)];
        let bench = Bench::with(&place, &set, |config| config.dhcp_lease = Some(lease.clone())).await;
        let ended = bench.ended().await;
        assert_eq!(ended.ok, ok, "{allow}: {ended:?}");
        bench.agent.shutdown().await;
    }
}

/// A phone with firmware settings, and the version it has in the end.
async fn upgraded(place: &Place, settings: &[(&str, &str)], wait_for: Option<&str>) -> String {
    let bench = Bench::start(place, settings).await;
    if let Some(version) = wait_for {
        until("the new firmware", async || (bench.agent.device().firmware() == version).then_some(())).await;
    } else {
        bench.ended().await;
        // Whatever follows the run has been done when the next one is.
        bench.again().await;
        bench.again().await;
    }
    let version = bench.agent.device().firmware();
    bench.agent.shutdown().await;
    version
}

#[tokio::test(flavor = "multi_thread")]
async fn firmware_is_looked_for_as_the_settings_say() {
    let place = Place::new();
    let (nginx, tftpd) = (place.nginx(None), place.tftpd());
    place.put("cfg.xml", xml(&[("hotel.name", "Grand")]));
    place.put("a_ghp610fw.bin.b", firmware::build("GHP620", "2.0.1", &[7; 300_000]));
    let (config, path) = (http(&nginx), format!("127.0.0.1:{}/basic/", nginx.port));
    let set = [
        ("config.serverpath", config.as_str()),
        ("firmware.serverpath", &path),
        ("firmware.protocol", "http"),
        ("firmware.username", "phone"),
        ("firmware.password", "s3cret"),
        ("firmware.fileprefix", "a_"),
        ("firmware.filepostfix", ".b"),
    ];
    assert_eq!(upgraded(&place, &set, Some("2.0.1")).await, "2.0.1");
    assert!(place.nginx_log().contains("GET /basic/a_ghp610fw.bin.b HTTP/1.1\" 200"), "{}", place.nginx_log());
    let never = [&set[..], &[("firmware.checkcondition", "never")]].concat();
    assert_ne!(upgraded(&place, &never, None).await, "2.0.1");
    // Changed names are a reason to look, once.
    let on_change = [&set[..], &[("firmware.checkcondition", "on_change")]].concat();
    assert_eq!(upgraded(&place, &on_change, Some("2.0.1")).await, "2.0.1");
    let plain = [&set[..5], &[("firmware.checkcondition", "on_change")]].concat();
    place.put("ghp610fw.bin", firmware::build("GHP620", "2.0.2", &[7; 300_000]));
    assert_ne!(upgraded(&place, &plain, None).await, "2.0.2");
    // The extra DHCP option goes before everything.
    let lease = place.path("lease");
    std::fs::write(&lease, format!("opt160={}\n", hex::encode(format!("tftp://127.0.0.1:{}/", tftpd.port)))).unwrap();
    let extra = [
        ("config.serverpath", config.as_str()),
        ("override.dhcp.allowcommonoptions", "yes"),
        ("override.dhcp.allowcustomoption", "160"),
    ];
    let bench = Bench::with(&place, &extra, |config| config.dhcp_lease = Some(lease.clone())).await;
    until("the new firmware", async || (bench.agent.device().firmware() == "2.0.2").then_some(())).await;
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn firmware_for_another_model_is_not_installed() {
    let place = Place::new();
    let nginx = place.nginx(None);
    place.put("cfg.xml", xml(&[("hotel.name", "Grand")]));
    place.put("ghp610fw.bin", firmware::build("GHP610", "2", b"x"));
    let path = http(&nginx);
    let set = [("config.serverpath", path.as_str()), ("firmware.serverpath", &path)];
    assert_ne!(upgraded(&place, &set, None).await, "2");
    assert!(place.nginx_log().contains("ghp610fw.bin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn firmware_that_waits_for_the_handset_is_fetched_once() {
    let place = Place::new();
    let nginx = place.nginx(None);
    place.put("cfg.xml", xml(&[("hotel.name", "Grand")]));
    let path = http(&nginx);
    let set = [("config.serverpath", path.as_str()), ("firmware.serverpath", &path)];
    let bench = Bench::start(&place, &set).await;
    bench.ended().await;
    // What follows that run is over when the next one is; there is no firmware yet.
    bench.again().await;
    bench.agent.hook(true).await;
    place.put("ghp610fw.bin", firmware::build("GHP620", "2.0.3", &[7; 300_000]));
    for _ in 0..4 {
        bench.again().await;
    }
    let fetched = place.nginx_log().matches("GET /ghp610fw.bin HTTP/1.1\" 200").count();
    assert_eq!(fetched, 1, "{}", place.nginx_log());
    bench.agent.hook(false).await;
    until("the new firmware", async || (bench.agent.device().firmware() == "2.0.3").then_some(())).await;
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_counts_after_a_restart_restarts_the_phone_once() {
    let place = Place::new();
    let nginx = place.nginx(None);
    let found = settings::Catalogue::get().concrete(settings::Model::Ghp620).find(|found| {
        found.setting.effect == settings::Effect::Reboot && settings::validate(&found.key(), "yes").is_ok()
    });
    let key = found.unwrap().key();
    place.put("cfg.xml", xml(&[("hotel.name", "Grand")]));
    let path = http(&nginx);
    let bench = Bench::start(&place, &[("config.serverpath", &path)]).await;
    bench.ended().await;
    let boot = bench.agent.device().boot();
    place.put("cfg.xml", xml(&[(&key, "yes")]));
    bench.agent.device().provision().order(Reason::Asked, None);
    until("the restart", async || (bench.agent.device().boot() == boot + 1).then_some(())).await;
    let ended = bench.ended().await;
    assert_eq!((ended.ok, ended.changed), (true, 0), "{ended:?}");
    // The other way round within the hour it is not done again.
    place.put("cfg.xml", xml(&[(&key, "no")]));
    assert_eq!(bench.again().await.changed, 1);
    bench.again().await;
    assert_eq!(bench.agent.device().boot(), boot + 1);
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cloud_hears_how_it_ended() {
    let place = Place::new();
    let nginx = place.nginx(None);
    place.put("cfg.xml", "<broken");
    let path = http(&nginx);
    let bench = Bench::start(&place, &[("config.serverpath", &path)]).await;
    bench.ended().await;
    // In the outbox, on disk: nobody has taken it yet.
    let outbox = until("the event", async || {
        let mut files = std::fs::read_dir(bench.dir.path()).unwrap().flatten().map(|entry| entry.path());
        files.find_map(|path| {
            std::fs::read_to_string(path).ok().filter(|text| text.contains("auto-provision-completed"))
        })
    })
    .await;
    assert!(outbox.contains("failed: http://127.0.0.1") && outbox.contains("cfg.xml"), "{outbox}");
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_without_a_server_asks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let agent = phone(dir.path(), "http://127.0.0.1:9/").await;
    agent.device().provision().order(Reason::CheckSync, None);
    assert!(agent.device().provision().status().last.is_none());
    agent.device().provision().order(Reason::Asked, None);
    let ended = within(10, "the answer", async {
        loop {
            if let Some(ended) = agent.device().provision().status().last {
                return ended;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(ended.await.text.contains("no configuration server is set"));
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_offered_is_a_folder_or_a_file() {
    let place = Place::new();
    let nginx = place.nginx(None);
    place.put(&format!("cfg{MAC}.xml"), xml(&[("hotel.name", "Folder")]));
    place.put("some.cfg", "hotel.name=File\n");
    let bench = Bench::start(&place, &[]).await;
    let device = bench.agent.device();
    device.provision().order_from(Reason::Pnp, &http(&nginx)).unwrap();
    let ended = bench.ended().await;
    assert_eq!(bench.agent.value("hotel.name"), "Folder");
    device.provision().order_from(Reason::Pnp, &format!("{}some.cfg", http(&nginx))).unwrap();
    bench.ended_after(ended.at.millis()).await;
    assert_eq!(bench.agent.value("hotel.name"), "File");
    assert!(device.provision().order_from(Reason::Pnp, "gopher://x").is_err());
    bench.agent.shutdown().await;
}
