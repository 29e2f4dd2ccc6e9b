//! SIP PnP with real sockets, in a network of the test's own: the phone as the server of a hundred others, and as one of
//! them.

mod first;
pub mod lan;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use device_agent::{AgentConfig, AgentHandle};
use provisioning::pnp::group;
use serde_json::{Value, json};

use crate::support::network::in_own_network;
use crate::support::{config, given, until, within};
use lan::{Phone, ask, get, grp2612w, socket};

const TEMPLATE: &str = "<?xml version=\"1.0\"?><template><file filename=\"cfg%%mac_address%%.xml\"><data><![CDATA[\
    <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gs_provision version=\"1\"><mac>%%mac_address%%</mac><config version=\"2\">\
    <item name=\"account.1.name\">%%name%%</item><item name=\"account.1.sip.userid\">%%user%%</item>\
    </config></gs_provision>]]></data></file></template>";

/// The control endpoint of the phone that serves.
struct Control {
    address: SocketAddr,
    token: String,
}

impl Control {
    fn of(agent: &AgentHandle, dir: &Path) -> Self {
        let token = std::fs::read_to_string(dir.join("control.token")).unwrap();
        Self { address: agent.control_addr().unwrap(), token }
    }

    async fn ask(&self, line: &str, body: &[u8]) -> (u16, String) {
        let head = format!("{line} HTTP/1.1\r\nAuthorization: Bearer {}\r\n", self.token);
        ask(None, self.address, &head, body).await
    }

    async fn json(&self, line: &str, body: &[u8]) -> Value {
        let (status, text) = self.ask(line, body).await;
        assert_eq!(status, 200, "{line}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn page(&self) -> Value {
        self.json("GET /pnp", b"").await
    }
}

async fn server(dir: &Path, settings: &[(&str, &str)]) -> (AgentHandle, Control) {
    given(dir, settings);
    let config = AgentConfig {
        pnp: true,
        control: Some("127.0.0.1:0".parse().unwrap()),
        // Nobody answers there; but it is in the LAN, and so is the phone.
        ..config(dir, "http://10.75.0.1:9/acs")
    };
    let agent = device_agent::Agent::start(config).await.unwrap();
    let control = Control::of(&agent, dir);
    (agent, control)
}

fn stages(page: &Value) -> Vec<(String, u64)> {
    let mut stages = std::collections::BTreeMap::<String, u64>::new();
    for phone in page["phones"].as_array().unwrap() {
        *stages.entry(phone["stage"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    stages.into_iter().collect()
}

#[test]
fn a_phone_provisions_a_hundred_others_and_tells_them_again() {
    in_own_network(|| async {
        let dir = tempfile::tempdir().unwrap();
        let (agent, control) = server(dir.path(), &[("provisioning.pnp.enable", "yes")]).await;
        let page = control.json("PUT /pnp/template", TEMPLATE.as_bytes()).await;
        assert_eq!(page["template"]["variables"], json!(["name", "user"]));

        // Three makers; some lose the first packets.
        let phone = |number: u16| {
            let vendor = ["Grandstream", "Yealink", "Bellhop"][usize::from(number % 3)];
            Phone::new(number, vendor, if number.is_multiple_of(10) { 2 } else { 0 })
        };
        let phones: Vec<Phone> = (1..=100).map(phone).collect();
        let rows: String = phones
            .iter()
            .enumerate()
            .map(|(at, phone)| format!("{},\"Room {at}, R&D\",{}\r\n", phone.mac.compact(), 6000 + at))
            .collect();
        let csv = format!("mac_address,name,user\r\n{rows}");
        let page = control.json("PUT /pnp/csv", csv.as_bytes()).await;
        assert_eq!(page["table"]["rows"], 100);
        let effects = control.json("GET /pnp/effects", b"").await;
        let effects = effects.as_array().unwrap();
        assert_eq!((effects.len(), &effects[0]["problems"]), (100, &json!([])));

        // Hostile packets all the while.
        let hostile = socket("10.75.9.9".parse().unwrap());
        let noise = tokio::spawn(async move {
            for round in 0u32.. {
                let junk = vec![round as u8; 1 + (round as usize * 977) % 6000];
                let _ = hostile.send_to(&junk, group()).await;
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        });
        let tasks: Vec<_> = phones
            .into_iter()
            .enumerate()
            .map(|(at, mut phone)| {
                tokio::spawn(async move {
                    let url = phone.told().await.expect("a URL");
                    let (status, file) = phone.fetch(&url).await;
                    assert_eq!(status, 200, "{url}");
                    assert!(file.contains(&format!("<mac>{}</mac>", phone.mac.compact())), "{file}");
                    assert!(file.contains(&format!("Room {at}, R&amp;D")), "{file}");
                    (phone, url)
                })
            })
            .collect();
        let mut done = vec![];
        for task in tasks {
            done.push(within(60, "a phone's file", task).await.unwrap());
        }
        let all_done = async || {
            let page = control.page().await;
            (stages(&page) == [("done".to_owned(), 100)]).then_some(page)
        };
        until("a hundred phones done", all_done).await;

        // The next one is refused, with the reason.
        let mut next = Phone::new(101, "Grandstream", 0);
        let page = tokio::select! {
            url = next.told() => panic!("told {url:?}"),
            page = until("the refusal", async || {
                let page = control.page().await;
                page["refused"].get(0).is_some().then_some(page)
            }) => page,
        };
        assert_eq!(page["refused"][0]["mac"], next.mac.to_string());
        assert!(page["refused"][0]["why"].as_str().unwrap().starts_with("100 phones are in the list already"));

        // Nobody fetches another's file, or another name.
        let (phone, url) = &done[2];
        let own = format!("http://10.75.0.1:8089/pnp/cfg{}.xml", phone.mac.compact());
        assert_eq!((url.as_str(), get(phone.ip, &own).await.0), ("http://10.75.0.1:8089/pnp/", 200));
        let stranger: IpAddr = "10.75.9.9".parse().unwrap();
        for (from, url) in [
            (stranger, own.clone()),
            (done[5].0.ip, own),
            (phone.ip, "http://10.75.0.1:8089/pnp/cfg.xml".to_owned()),
            (phone.ip, "http://10.75.0.1:8089/pnp/../settings.json".to_owned()),
            (phone.ip, "http://10.75.0.1:8089/".to_owned()),
        ] {
            assert_eq!(get(from, &url).await, (404, "not found\n".to_owned()), "{from} {url}");
        }

        // Everybody is told again, and fetches again.
        let told = control.json("POST /pnp/redistribute", br#"{"all":true}"#).await;
        assert_eq!(told, json!({ "told": 100, "unreachable": [] }));
        let tasks = done.into_iter().map(|(mut phone, before)| {
            tokio::spawn(async move {
                let url = phone.told().await.expect("the URL again");
                assert_eq!((url.as_str(), phone.fetch(&url).await.0), (before.as_str(), 200));
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            within(60, "a phone's file, again", task).await.unwrap();
        }
        until("a hundred phones done again", all_done).await;

        // One is taken off the list, and there is room for the next.
        let (status, _) = control.ask("DELETE /pnp/phones/c074ad750001", b"").await;
        assert_eq!(status, 200);
        let mut last = Phone::new(102, "Grandstream", 0);
        let mac = last.mac.to_string();
        tokio::select! {
            url = last.told() => panic!("told {url:?} without a row in the CSV"),
            () = until("it is found", async || {
                let page = control.page().await;
                let phones = page["phones"].as_array().unwrap().clone();
                let found = phones.into_iter().find(|phone| phone["mac"] == mac)?;
                assert_eq!(found["note"], "there is no row for it in the CSV");
                (found["stage"] == "discovered").then_some(())
            }) => {}
        }
        noise.abort();
        agent.shutdown().await;
    });
}

#[test]
fn a_packet_as_a_real_phone_sends_it_is_answered_by_the_phone() {
    in_own_network(|| async {
        let dir = tempfile::tempdir().unwrap();
        let (agent, control) = server(dir.path(), &[("provisioning.pnp.enable", "yes")]).await;
        let common = TEMPLATE.replace("cfg%%mac_address%%.xml", "cfg.xml");
        let (status, why) = control.ask("PUT /pnp/template", common.as_bytes()).await;
        assert_eq!(status, 422);
        assert!(why.contains("put it there, or write the value itself"), "{why}");
        let common =
            common.replace("<mac>%%mac_address%%</mac>", "").replace("%%name%%", "Hotel").replace("%%user%%", "1");
        control.json("PUT /pnp/template", common.as_bytes()).await;

        let ip: IpAddr = "10.75.1.2".parse().unwrap();
        let phone = socket(ip);
        let own = phone.local_addr().unwrap();
        let question = grp2612w(own, "c074ad112233".parse().unwrap());
        let mut bytes = vec![0; 4096];
        let mut heard = async || {
            let (length, from) = within(10, "a packet", phone.recv_from(&mut bytes)).await.unwrap();
            (String::from_utf8(bytes[..length].to_vec()).unwrap(), from)
        };
        // The service may still be joining the group.
        until("it listens", async || control.page().await["url"].as_str().map(str::to_owned)).await;
        phone.send_to(question.as_bytes(), group()).await.unwrap();
        let (ok, _) = heard().await;
        assert!(ok.starts_with("SIP/2.0 200 OK\r\n"), "{ok}");
        assert!(ok.contains("Call-ID: 490431573-5080-1@BJC.BGI.B.C\r\nCSeq: 20000 SUBSCRIBE\r\n"), "{ok}");
        let (notify, from) = heard().await;
        assert!(notify.starts_with(&format!("NOTIFY sip:{own} SIP/2.0\r\n")), "{notify}");
        for line in [
            "To: <sip:MAC%3AC074AD112233@224.0.1.75>;tag=395400190",
            "Event: ua-profile",
            "Subscription-State: terminated;reason=timeout",
            "Content-Type: application/url",
        ] {
            assert!(notify.lines().any(|own| own == line), "{line} in {notify}");
        }
        let (_, url) = notify.split_once("\r\n\r\n").unwrap();
        let header = |name: &str| notify.lines().find(|line| line.starts_with(name)).unwrap();
        let answer = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].map(header).join("\r\n");
        // Its first 200 is lost: the same NOTIFY comes again.
        assert_eq!(heard().await.0, notify);
        let ok = format!("SIP/2.0 200 OK\r\n{answer}\r\nContent-Length: 0\r\n\r\n");
        phone.send_to(ok.as_bytes(), from).await.unwrap();
        let (status, file) = get(ip, &format!("{url}cfg.xml")).await;
        assert!(status == 200 && file.contains(">Hotel<"), "{file}");
        let page = until("it is done", async || {
            let page = control.page().await;
            (page["phones"][0]["stage"] == "done").then_some(page)
        })
        .await;
        let found = &page["phones"][0];
        assert_eq!((&found["model"], &found["ip"]), (&json!("GRP2612W"), &json!("10.75.1.2")));
        agent.shutdown().await;
    });
}

#[test]
fn a_phone_from_the_box_and_one_that_is_set_to_ask_the_lan_and_one_that_is_neither_does_not() {
    in_own_network(|| async {
        let dir = tempfile::tempdir().unwrap();
        let settings = [
            ("provisioning.pnp.urlmode", "custom"),
            ("provisioning.pnp.url", "files.example/p"),
            ("hotel.name", "Grand"),
        ];
        let (agent, control) = server(dir.path(), &settings).await;
        assert_eq!(control.page().await["url"], Value::Null, "off by default");
        let own = json!({ "enable": true, "mode": "custom", "url": "http://10.75.0.1/p" }).to_string();
        let (status, why) = control.ask("PUT /pnp/settings", own.as_bytes()).await;
        assert_eq!((status, why.as_str()), (422, "PNP URL: it names this phone; use the URL mode Local\n"));
        let other = json!({ "enable": true, "mode": "custom", "url": "files.example/p" }).to_string();
        control.json("PUT /pnp/settings", other.as_bytes()).await;
        until("it listens", async || control.page().await["url"].as_str().map(str::to_owned)).await;

        let phone = |dir: &Path, mac: &str| AgentConfig {
            pnp: true,
            mac: mac.parse().unwrap(),
            ..config(dir, "http://10.75.0.2:9/acs")
        };
        let (new, set, neither) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        given(set.path(), &[("provisioning.3cxautoprovision", "yes"), ("hotel.name", "Grand")]);
        given(neither.path(), &[("hotel.name", "Grand")]);
        let quiet = device_agent::Agent::start(phone(neither.path(), "c074ad120713")).await.unwrap();
        for (dir, mac) in [(new.path(), "c0:74:ad:12:07:11"), (set.path(), "c0:74:ad:12:07:12")] {
            let agent = device_agent::Agent::start(phone(dir, mac)).await.unwrap();
            let offer = until("the offer", async || agent.offer()).await;
            assert_eq!(
                (offer.url.as_str(), offer.from.ip().to_string().as_str()),
                ("http://files.example/p/", "10.75.0.1")
            );
            until("it is done", async || {
                let page = control.page().await;
                let phones = page["phones"].as_array().unwrap().clone();
                phones.iter().any(|phone| phone["mac"] == mac && phone["stage"] == "done").then_some(())
            })
            .await;
            agent.shutdown().await;
        }
        assert_eq!(quiet.offer(), None);
        let page = control.page().await;
        let macs: Vec<_> = page["phones"].as_array().unwrap().iter().map(|phone| phone["mac"].clone()).collect();
        assert_eq!(macs, [json!("c0:74:ad:12:07:11"), json!("c0:74:ad:12:07:12")]);
        quiet.shutdown().await;

        // Switched off, nobody is answered, and the list stays.
        let off = json!({ "enable": false, "mode": "local", "url": "" }).to_string();
        control.json("PUT /pnp/settings", off.as_bytes()).await;
        until("it is off", async || control.page().await["url"].is_null().then_some(())).await;
        assert_eq!(control.page().await["phones"].as_array().unwrap().len(), 2);
        agent.shutdown().await;
    });
}

#[test]
fn uploads_are_limited_and_everything_wrong_is_named() {
    in_own_network(|| async {
        let dir = tempfile::tempdir().unwrap();
        let (agent, control) = server(dir.path(), &[("hotel.name", "Grand")]).await;
        let (status, why) = control.ask("GET /pnp/csv", b"").await;
        assert_eq!(status, 404);
        assert!(why.contains("there is no template; upload one first"), "{why}");
        assert_eq!(control.ask("PUT /pnp/template", &vec![b' '; (64 << 10) + 1]).await.0, 413);
        control.json("PUT /pnp/template", TEMPLATE.as_bytes()).await;
        let (status, csv) = control.ask("GET /pnp/csv", b"").await;
        assert_eq!((status, csv.as_str()), (200, "mac_address,name,user\r\n"));
        let (status, why) = control.ask("PUT /pnp/csv", b"mac_address,name\nc074ad750001,a\n").await;
        let why: Value = serde_json::from_str(&why).unwrap();
        assert_eq!((status, &why["errors"][0]["row"], &why["errors"][0]["column"]), (422, &json!(1), &json!("user")));
        assert_eq!(control.page().await["table"], Value::Null);
        let (status, _) = control.ask("POST /pnp/redistribute", b"{}").await;
        assert_eq!(status, 400);
        // Without the token there is the page, and nothing else.
        let bare = |path: &str| format!("GET {path} HTTP/1.1\r\n");
        assert_eq!(ask(None, control.address, &bare("/pnp"), b"").await.0, 401);
        for path in ["/pnp.html", "/pnp.js"] {
            assert_eq!(ask(None, control.address, &bare(path), b"").await.0, 200);
        }
        agent.shutdown().await;
    });
}
