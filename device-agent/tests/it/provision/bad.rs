//! Files that cannot be taken, and servers that fail: a clear reason, and the settings stay as they were.

use provisioning::crypt::{Digest, encrypt};

use super::bench::{ADMIN, Bench, MAC, xml};
use super::servers::Place;

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_are_refused_with_their_address_and_change_nothing() {
    let place = Place::new();
    let nginx = place.nginx(None);
    let path = format!("http://127.0.0.1:{}/", nginx.port);
    let own = format!("cfg{MAC}.xml");
    let good = xml(&[("hotel.room.number", "4711"), ("hotel.name", "Grand")]);
    place.put(&own, &good);
    let bench = Bench::start(&place, &[("config.serverpath", &path), ("config.filepassword", "right")]).await;
    assert!(bench.ended().await.ok);
    let news = good.replace("4711", "6666");
    let bomb = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"{}\"><!ENTITY c \"{}\">]>\
         <gs_provision><config version=\"2\"><item name=\"hotel.room.number\">&c;</item></config></gs_provision>",
        "&a;".repeat(1000),
        "&b;".repeat(1000)
    );
    let deep = format!("<gs_provision>{}", "<a>".repeat(100_000));
    for (what, bytes, why) in [
        ("wrong password", encrypt(news.as_bytes(), "wrong", [1; 8], Digest::Md5), "password"),
        ("truncated", news.as_bytes()[..news.len() - 30].to_vec(), "line"),
        (
            "truncated and encrypted",
            encrypt(news.as_bytes(), "right", [1; 8], Digest::Md5)[..100].to_vec(),
            "cut short",
        ),
        ("wrong MAC", news.replace(MAC, "c074ad471102").into_bytes(), "not for"),
        ("bomb", bomb.into_bytes(), "line"),
        ("deep", deep.into_bytes(), "line"),
        (
            "wrong value",
            news.replace("Grand</item>", "Grand</item><item name=\"tr069.periodicinforminterval\">often</item>")
                .into_bytes(),
            "periodicinforminterval",
        ),
        ("nothing", Vec::new(), "empty"),
        ("a page of HTML", b"<!doctype html><html><body>Sign in</body></html>".to_vec(), "line"),
        ("not text", vec![0xff; 1000], "UTF-8"),
        ("too many settings", "a=1\n".repeat(100_000).into_bytes(), "at most"),
    ] {
        place.put(&own, &bytes);
        let ended = bench.again().await;
        assert!(!ended.ok && ended.text.contains(why), "{what}: {ended:?}");
        assert_eq!(ended.files, [format!("{path}{own}")], "{what}");
        assert!(ended.text.len() < 500, "{what}");
        assert_eq!(bench.agent.value("hotel.room.number"), "4711", "{what}");
    }
    // A hundred megabytes: refused by their length, not read.
    let file = std::fs::File::create(place.path("files").join(&own)).unwrap();
    file.set_len(100 << 20).unwrap();
    let start = std::time::Instant::now();
    let ended = bench.again().await;
    assert!(!ended.ok && ended.text.contains("longer than 1048576 bytes"), "{ended:?}");
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(bench.agent.value("hotel.room.number"), "4711");
    // And a good one is taken again.
    place.put(&own, &news);
    assert!(bench.again().await.ok);
    assert_eq!(bench.agent.value("hotel.room.number"), "6666");
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes_are_cut_off_on_every_protocol() {
    let place = Place::new();
    let (ftp, tftp) = (place.vsftpd("127.0.0.1", None, ""), place.tftpd());
    place.put("cfg.xml", "");
    std::fs::File::create(place.path("files/cfg.xml")).unwrap().set_len(100 << 20).unwrap();
    for path in [format!("ftp://127.0.0.1:{}", ftp.port), format!("tftp://127.0.0.1:{}", tftp.port)] {
        let bench = Bench::start(&place, &[("config.serverpath", &path)]).await;
        let start = std::time::Instant::now();
        let ended = bench.ended().await;
        assert!(!ended.ok && ended.text.contains("longer than 1048576 bytes"), "{ended:?}");
        assert!(start.elapsed() < std::time::Duration::from_secs(3), "{:?}", start.elapsed());
        bench.agent.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_file_of_several_means_none_is_taken() {
    let place = Place::new();
    let nginx = place.nginx(None);
    let path = format!("http://127.0.0.1:{}/", nginx.port);
    place.put("cfg.xml", xml(&[("hotel.name", "Grand")]));
    place.put(&format!("cfg{MAC}.xml"), "<gs_provision><config version=\"2\">");
    let bench = Bench::start(&place, &[("config.serverpath", &path), ("config.processall.enable", "yes")]).await;
    let ended = bench.ended().await;
    assert!(!ended.ok && ended.files == [format!("{path}cfg{MAC}.xml")], "{ended:?}");
    assert_eq!(bench.agent.value("hotel.name"), "");
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticated_file_carries_the_administrators_password() {
    let place = Place::new();
    let nginx = place.nginx(None);
    let path = format!("http://127.0.0.1:{}/", nginx.port);
    place.put("cfg.xml", xml(&[("hotel.name", "Grand"), ("users.admin.password", "guess")]));
    let admin = (":users.admin.password", ADMIN.1);
    let bench = Bench::start(&place, &[("config.serverpath", &path), ("config.authenticatefile", "yes"), admin]).await;
    let ended = bench.ended().await;
    assert!(!ended.ok && ended.text.contains("administrator password"), "{ended:?}");
    assert!(!ended.text.contains("guess") && !ended.text.contains(ADMIN.1));
    place.put("cfg.xml", xml(&[("hotel.name", "Grand"), ADMIN]));
    assert!(bench.again().await.ok);
    assert_eq!(bench.agent.value("hotel.name"), "Grand");
    bench.agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_set_stays_if_protected() {
    let place = Place::new();
    let nginx = place.nginx(None);
    let path = format!("http://127.0.0.1:{}/", nginx.port);
    place.put("cfg.xml", xml(&[("hotel.name", "File"), ("hotel.fax", "1")]));
    let bench = Bench::start(&place, &[("config.serverpath", &path), ("userprotect.enable", "yes")]).await;
    assert!(bench.ended().await.ok);
    bench.agent.device().set_locally("hotel.name", "User").unwrap();
    place.put("cfg.xml", xml(&[("hotel.name", "Other"), ("hotel.fax", "2")]));
    let ended = bench.again().await;
    assert_eq!((ended.changed, ended.protected), (1, vec!["hotel.name".to_owned()]));
    assert_eq!((bench.agent.value("hotel.name"), bench.agent.value("hotel.fax")), ("User".into(), "2".into()));
    bench.agent.device().set_locally("provisioning.userprotect.enable", "no").unwrap();
    let ended = bench.again().await;
    assert_eq!((ended.changed, ended.protected.len()), (1, 0));
    assert_eq!(bench.agent.value("hotel.name"), "Other");
    assert!(!bench.agent.device().set_by_user().iter().any(|key| &**key == "hotel.name"), "it is the file's now");
    bench.agent.shutdown().await;
}
