//! Every protocol, both orders, plain and encrypted.

use provisioning::crypt::{Digest, encrypt};

use super::bench::{Bench, MAC, xml};
use super::servers::Place;

/// All five names, each with its own room and one more setting.
fn all_files(place: &Place) {
    for (name, room, hotel) in [
        ("cfg.xml".to_owned(), "1", "Common"),
        ("cfgghp620.xml".to_owned(), "2", "Model"),
        (format!("cfg{MAC}.xml"), "3", "Own"),
    ] {
        place.put(&name, xml(&[("hotel.room.number", room), ("hotel.name", hotel)]));
    }
    place.put("cfg.xml", xml(&[("hotel.room.number", "1"), ("hotel.fax", "555")]));
}

async fn first_found_then_all(place: &Place, settings: &[(&str, &str)]) {
    all_files(place);
    let bench = Bench::start(place, settings).await;
    let ended = bench.ended().await;
    assert!(ended.ok, "{ended:?}");
    assert_eq!(ended.files.len(), 1);
    let value = |key: &str| bench.agent.value(key);
    assert_eq!((value("hotel.room.number"), value("hotel.fax")), ("3".into(), String::new()));
    bench.agent.device().set_locally("provisioning.config.processall.enable", "yes").unwrap();
    let ended = bench.again().await;
    assert!(ended.ok && ended.files.len() == 3, "{ended:?}");
    assert_eq!(
        (value("hotel.room.number"), value("hotel.fax"), value("hotel.name")),
        ("3".into(), "555".into(), "Own".into())
    );
    // The same behind a password.
    let secret = xml(&[("hotel.room.number", "1207")]);
    place.put(&format!("cfg{MAC}.xml"), encrypt(secret.as_bytes(), "open sesame", [9; 8], Digest::Md5));
    bench.agent.device().set_locally("provisioning.config.filepassword", "open sesame").unwrap();
    let ended = bench.again().await;
    assert!(ended.ok, "{ended:?}");
    assert_eq!(value("hotel.room.number"), "1207");
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_of_nginx() {
    let place = Place::new();
    let nginx = place.nginx(None);
    let path = format!("127.0.0.1:{}/", nginx.port);
    first_found_then_all(&place, &[("config.protocol", "http"), ("config.serverpath", &path)]).await;
    let log = place.nginx_log();
    assert!(log.contains(&format!("Bellhop GHP620 {} {MAC}", env!("CARGO_PKG_VERSION"))), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn https_of_nginx_with_the_certificate_checked() {
    let place = Place::new();
    let (good, other) = (place.nginx(Some("server")), place.nginx(Some("other")));
    let path = format!("127.0.0.1:{}", good.port);
    first_found_then_all(&place, &[("config.serverpath", &path)]).await;
    // The certificate of another name: by the settings a reason to refuse, or none.
    let path = format!("https://127.0.0.1:{}", other.port);
    for (key, value, ok) in [
        ("validatehostnameincertificate", "yes", false),
        ("validatehostnameincertificate", "no", true),
        (":security.validate.servercertificate", "no", true),
    ] {
        let bench =
            Bench::start(&place, &[("config.serverpath", &path), ("config.filepassword", "open sesame"), (key, value)])
                .await;
        let ended = bench.ended().await;
        assert_eq!(ended.ok, ok, "{key} {value}: {ended:?}");
        bench.agent.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn basic_of_nginx_before_or_after_it_asks() {
    let place = Place::new();
    let nginx = place.nginx(None);
    place.put(&format!("cfg{MAC}.xml"), xml(&[("hotel.room.number", "7")]));
    let path = format!("http://127.0.0.1:{}/basic", nginx.port);
    let login = [("config.serverpath", path.as_str()), ("config.username", "phone"), ("config.password", "s3cret")];
    let bench = Bench::start(&place, &login).await;
    assert!(bench.ended().await.ok);
    let log = place.nginx_log();
    assert_eq!((log.matches(" 401 ").count(), log.matches(" 200 ").count()), (1, 1), "{log}");
    bench.agent.device().set_locally("provisioning.alwaysauthenticatebeforechallenge", "yes").unwrap();
    assert!(bench.again().await.ok);
    let log = place.nginx_log();
    assert_eq!((log.matches(" 401 ").count(), log.matches(" 200 ").count()), (1, 2), "nothing was asked: {log}");
    // User and password in the address itself, through a redirect on the same server.
    let path = format!("http://phone:s3cret@127.0.0.1:{}/moved/", nginx.port);
    bench.agent.device().set_locally("provisioning.config.serverpath", &path).unwrap();
    bench.agent.device().set_locally("provisioning.config.username", "").unwrap();
    let ended = bench.again().await;
    assert!(ended.ok, "{ended:?}");
    assert!(!format!("{ended:?}").contains("s3cret"));
    // To another host the password does not go, and out of HTTP nothing goes.
    for (folder, why) in [("away", "HTTP 401"), ("file", "redirects")] {
        let path = format!("http://phone:s3cret@127.0.0.1:{}/{folder}/", nginx.port);
        bench.agent.device().set_locally("provisioning.config.serverpath", &path).unwrap();
        let ended = bench.again().await;
        assert!(!ended.ok && ended.text.contains(why), "{ended:?}");
    }
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn digest_of_lighttpd() {
    let place = Place::new();
    let lighttpd = place.lighttpd();
    let path = format!("127.0.0.1:{}", lighttpd.port);
    let login = [("config.username", "phone"), ("config.password", "s3cret"), ("config.protocol", "http")];
    first_found_then_all(&place, &[&login[..], &[("config.serverpath", path.as_str())]].concat()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tftp_of_tftpd_hpa() {
    let place = Place::new();
    let tftpd = place.tftpd();
    let path = format!("127.0.0.1:{}", tftpd.port);
    first_found_then_all(&place, &[("config.protocol", "tftp"), ("config.serverpath", &path)]).await;
    // More than a packet, and of every length around its end.
    for length in [1427, 1428, 1429, 2856, 300_000] {
        let head = "hotel.room.number=8\n#";
        place.put("cfg.xml", format!("{head}{}", "x".repeat(length - head.len())));
        let options = device_agent::provision::fetch::Options {
            tls: Default::default(),
            at_once: false,
            agent: String::new(),
            most_bytes: 1 << 20,
            longest: std::time::Duration::from_secs(10),
            to: None,
            wanted: None,
        };
        let file = format!("tftp://127.0.0.1:{}/cfg.xml", tftpd.port);
        let file = device_agent::provision::place::Place::parse(&file, device_agent::provision::place::Scheme::Tftp);
        let bytes = device_agent::provision::fetch::fetch(&file.unwrap(), &options).await.unwrap();
        assert_eq!(bytes, std::fs::read(place.path("files/cfg.xml")).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ftp_of_vsftpd() {
    let place = Place::new();
    let vsftpd = place.vsftpd("127.0.0.1", None, "");
    let path = format!("127.0.0.1:{}", vsftpd.port);
    first_found_then_all(&place, &[("config.protocol", "ftp"), ("config.serverpath", &path)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ftps_of_vsftpd_after_the_command_and_from_the_first_byte() {
    let place = Place::new();
    let vsftpd = place.vsftpd("127.0.0.1", None, Place::TLS);
    let path = format!("127.0.0.1:{}", vsftpd.port);
    first_found_then_all(&place, &[("config.protocol", "ftps"), ("config.serverpath", &path)]).await;
    // An address of loopback that only this test uses.
    let _implicit = place.vsftpd("127.0.0.1", Some(990), &format!("{}implicit_ssl=YES\n", Place::TLS));
    first_found_then_all(&place, &[("config.serverpath", "ftps://127.0.0.1:990/")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ftps_of_vsftpd_with_a_password() {
    let place = Place::new();
    let vsftpd = place.vsftpd_with_password();
    let path = format!("ftps://127.0.0.1:{}/", vsftpd.port);
    let login = [("config.serverpath", path.as_str()), ("config.username", "ftp"), ("config.password", "s3cret")];
    first_found_then_all(&place, &login).await;
    let wrong = [login[0], login[1], ("config.password", "wrong")];
    let bench = Bench::start(&place, &wrong).await;
    let ended = bench.ended().await;
    assert!(!ended.ok && ended.text.contains("refuses the user or password"), "{ended:?}");
    bench.agent.shutdown().await;
}
