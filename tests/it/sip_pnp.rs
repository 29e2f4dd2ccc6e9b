//! SIP PnP at a site node: whom it tells, what it tells each maker's phones, and our own phone as one of them.

use std::net::SocketAddr;

use cloud::app::pnp::url_for;
use cloud::pnp::Pnp;
use contract::rest::Provisioning;
use contract::{Mac, Timestamp};
use device_agent::{Agent, AgentConfig};
use provisioning::agent::Maker;
use provisioning::pnp::{Asker, group};
use serde_json::json;
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use crate::support::files::{Files, served};
use crate::support::multicast::MulticastLan;
use crate::support::{TestServer, mac, wait};
use crate::wake_by_sip::{answer, asked};

/// The site node of the property `harbour`, in the LAN of the tests, where it has to be opened by hand.
const SITE: [(&str, &str); 2] = [("pnp.property", "harbour"), ("pnp.interface", "10.75.0.1")];

fn site() -> Vec<(&'static str, &'static str)> {
    Files::LISTEN.into_iter().chain(SITE).collect()
}

fn question(own: SocketAddr, mac: Mac, vendor: &str, model: &str) -> String {
    let mac = mac.compact().to_uppercase();
    format!(
        "SUBSCRIBE sip:MAC%3A{mac}@224.0.1.75 SIP/2.0\r\n\
         Via: SIP/2.0/UDP {own};branch=z9hG4bK1611133778;rport\r\n\
         From: <sip:MAC%3A{mac}@224.0.1.75>;tag=395400190\r\n\
         To: <sip:MAC%3A{mac}@224.0.1.75>\r\n\
         Call-ID: 490431573-{mac}\r\n\
         CSeq: 20000 SUBSCRIBE\r\n\
         Contact: <sip:{own}>\r\n\
         Expires: 0\r\n\
         Event: ua-profile;profile-type=\"device\";vendor=\"{vendor}\";model=\"{model}\";version=\"1.0.5.67\"\r\n\
         Accept: application/url\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// Asks as a phone does and takes the answer: the URL.
async fn told(socket: &UdpSocket, question: &str) -> String {
    socket.send_to(question.as_bytes(), group()).await.unwrap();
    let (ok, _) = asked(socket).await;
    assert!(ok.starts_with("SIP/2.0 200 OK\r\n"), "{ok}");
    let (notify, from) = asked(socket).await;
    assert!(notify.starts_with("NOTIFY sip:10.75."), "{notify}");
    socket.send_to(answer(&notify, "200 OK", "").as_bytes(), from).await.unwrap();
    notify.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn announced_phones_are_told_and_everybody_while_new_ones_are_taken() {
    let server = TestServer::with(&site()).await;
    let (hotel, settings) = served(&server, &["1207"]).await;
    hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let asker = |mac: Mac| Asker {
        mac,
        maker: Some(Maker::Grandstream),
        vendor: "Grandstream".into(),
        model: "GRP2612W".into(),
        version: String::new(),
    };
    let url = async |mac: Mac| url_for(server.app(), &asker(mac)).await.unwrap();
    let path = format!("/api/v1/properties/{}/provisioning", hotel.property);
    assert_eq!(url(mac(1)).await, None, "the property does not answer SIP PnP");
    server.api.put(&path, json!({ "enabled": true, "sip_pnp": true })).await.ok::<Provisioning>();
    assert_eq!(url(mac(1)).await, Some(settings.bootstrap_url.clone()));
    assert_eq!(url(mac(2)).await, None, "nobody announced it");

    let until = Timestamp(cloud::clock::now_ms() + 60_000).rfc3339();
    let open = json!({ "enabled": true, "sip_pnp": true, "accept_until": until });
    server.api.put(&path, open).await.ok::<Provisioning>();
    assert_eq!(url(mac(2)).await, Some(settings.bootstrap_url));
    server.stop().await;
}

#[tokio::test]
async fn each_makers_phones_are_told_what_they_can_use_and_strangers_hear_nothing() {
    let server = TestServer::with(&site()).await;
    let (hotel, settings) = served(&server, &["1207"]).await;
    let path = format!("/api/v1/properties/{}/provisioning", hotel.property);
    server.api.put(&path, json!({ "enabled": true, "sip_pnp": true })).await.ok::<Provisioning>();
    for number in 1..=4 {
        hotel.announce(mac(number), None).await.unwrap();
    }
    let (lan, stop) = (MulticastLan::new(), CancellationToken::new());
    let config = server.app().config.pnp.clone();
    let pnp = lan.run(async move { Pnp::open(&config) }).await.unwrap();
    assert_eq!(pnp.address().ip().to_string(), "10.75.0.1");
    let runs = tokio::spawn(pnp.run(server.app().clone(), stop.clone()));

    let urls = lan.run(async {
        let socket = async |last: u8| UdpSocket::bind(format!("10.75.1.{last}:0")).await.unwrap();
        let stranger = socket(99).await;
        let own = stranger.local_addr().unwrap();
        stranger.send_to(question(own, mac(99), "Grandstream", "GRP2612W").as_bytes(), group()).await.unwrap();
        let mut urls = vec![];
        for (number, vendor, model) in [(1, "Grandstream", "GRP2612W"), (2, "Yealink", "T53W"), (3, "snom", "snomD785")]
        {
            let phone = socket(number).await;
            let question = question(phone.local_addr().unwrap(), mac(number.into()), vendor, model);
            urls.push(told(&phone, &question).await);
        }
        // It asked before the others, and was heard in its turn.
        let silence = stranger.try_recv(&mut [0; 64]).unwrap_err();
        assert_eq!(silence.kind(), std::io::ErrorKind::WouldBlock);
        urls
    });
    let folder = &settings.bootstrap_url;
    let (yealink, snom) = (mac(2).compact(), mac(3).compact().to_uppercase());
    let wanted = [folder.clone(), format!("{folder}{yealink}.cfg"), format!("{folder}snomd785-{snom}.htm")];
    assert_eq!(urls.await, wanted);

    // Our own phone, from the box: asks by itself.
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().to_owned();
    let agent = lan
        .run(async move {
            let config = AgentConfig {
                simulated: true,
                pnp: true,
                connection_request_port: Some(0),
                // It knows no ACS yet.
                ..AgentConfig::new(state, mac(4), "")
            };
            Agent::start(config).await.unwrap()
        })
        .await;
    let offer = wait("the phone is told", async || agent.offer()).await;
    assert_eq!((&offer.url, offer.from.ip().to_string().as_str()), (folder, "10.75.0.1"));
    lan.run(agent.shutdown()).await;
    stop.cancel();
    runs.await.unwrap().unwrap();
    server.stop().await;
}

#[tokio::test]
async fn only_a_site_node_that_is_switched_on_joins_the_group() {
    let on = [("pnp.enabled", "true"), ("pnp.property", "harbour"), ("pnp.interface", "127.0.0.1")];
    let server = TestServer::with(&on).await;
    assert_eq!(server.pnp().unwrap().ip().to_string(), "127.0.0.1");
    let others: Vec<_> = on.into_iter().chain([("server.roles", "api, acs, ingest, worker")]).collect();
    let other = TestServer::with(&others).await;
    assert_eq!((other.pnp(), TestServer::start().await.pnp()), (None, None));
}
