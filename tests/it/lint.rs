//! What is wrong with configurations, told through the whole: layers, accounts, secrets, neighbours.

use contract::PhoneId;
use contract::rest::*;
use serde_json::{Value, json};

use crate::accounts::{accounts, add_pool, add_server, fill, path};
use crate::support::{Ask, Hotel, TestServer, mac};

async fn put(hotel: &Hotel, rest: &str, values: Value) {
    hotel.api.put(&path(hotel.property, rest), json!({ "values": values })).await.ok::<Accepted>();
}

fn ids(findings: &[LintFinding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule.id.as_str()).collect()
}

/// Three rooms, each with a phone and an account, and nothing to complain of.
async fn filled(server: &TestServer) -> (Hotel, SipServer, Vec<PhoneId>) {
    let hotel = server.hotel(&["1201", "1202", "1203"]).await;
    let sip = add_server(&hotel, 5060).await;
    let pool = add_pool(&hotel, &sip, "1200", "1299").await;
    let mut phones = Vec::new();
    for (number, room) in [(1, "1201"), (2, "1202"), (3, "1203")] {
        phones.push(hotel.announce(mac(number), Some(hotel.room(room))).await.unwrap());
    }
    fill(&hotel, &pool).await;
    put(&hotel, "settings", json!({ "keys.lock.password": "84261", "account.1.codec.choice": "pcmu,pcma,g722" })).await;
    (hotel, sip, phones)
}

#[tokio::test]
async fn a_filled_property_has_little_to_complain_of_and_each_mistake_is_told() {
    let server = TestServer::start().await;
    let (hotel, sip, phones) = filled(&server).await;
    let of_phone = async |at: usize| {
        let found: PhoneLint = server.api.get(&format!("/api/v1/phones/{}/lint", phones[at])).await.ok();
        assert_eq!(found.phone, phones[at]);
        found.findings
    };
    let of_property = async || {
        let found: PropertyLint = server.api.get(&path(hotel.property, "lint")).await.ok();
        assert_eq!(found.phones, 3);
        found.groups.into_iter().map(|group| (group.rule.id, group.phones, group.examples)).collect::<Vec<_>>()
    };
    assert_eq!(ids(&of_phone(0).await), Vec::<&str>::new());
    assert_eq!(of_property().await, []);

    // The property is in Portugal; then it wants more.
    let numbers: EmergencyNumbers = server.api.get(&path(hotel.property, "emergency-numbers")).await.ok();
    assert_eq!((numbers.own, numbers.guess, numbers.numbers), (false, false, vec!["112".to_owned()]));
    put(&hotel, "settings", json!({ "account.1.call.dialplan": "{[1-8]xxx|112}" })).await;
    assert_eq!(of_property().await, []);
    let body = json!({ "numbers": ["911", "112", "911"] });
    let set: EmergencyNumbers = server.api.put(&path(hotel.property, "emergency-numbers"), body).await.ok();
    assert_eq!((set.own, set.numbers), (true, vec!["911".to_owned(), "112".to_owned()]));
    let groups = of_property().await;
    assert_eq!((groups.len(), groups[0].0.as_str(), groups[0].1), (1, "emergency-blocked", 3));
    assert_eq!(groups[0].2[0].what, "Account 1: 911 cannot be dialled.");
    let refused = server.api.put(&path(hotel.property, "emergency-numbers"), json!({ "numbers": ["9-1-1"] })).await;
    assert_eq!(refused.refused(422).field.as_deref(), Some("numbers"));
    put(&hotel, "settings", json!({ "account.1.call.dialplan": null })).await;
    server.api.put(&path(hotel.property, "emergency-numbers"), json!({ "numbers": [] })).await.ok::<EmergencyNumbers>();

    // A secret is judged by what is sealed, and never shown.
    let room = format!("/api/v1/rooms/{}/settings", hotel.room("1202"));
    let weak = json!({ "account.1.sip.subscriber.password": "Zanz1", "users.admin.password": "admin" });
    server.api.put(&room, json!({ "values": weak })).await.ok::<Accepted>();
    assert_eq!(ids(&of_phone(1).await), ["admin-password", "sip-password"]);
    let shown = server.api.get(&format!("/api/v1/phones/{}/lint", phones[1])).await.text;
    assert!(!shown.contains("Zanz1") && shown.contains("5 characters"), "{shown}");

    // Somebody types the extension of a room into the settings of another.
    let phone = format!("/api/v1/phones/{}/settings", phones[2]);
    server.api.put(&phone, json!({ "values": { "account.1.sip.userid": "1201" } })).await.ok::<Accepted>();
    let found = of_phone(0).await;
    assert_eq!((ids(&found), found[0].what.as_str()), (vec!["extension-twice"], "1201 is also at room 1203."));
    let twice = of_property().await.into_iter().find(|group| group.0 == "extension-twice").unwrap();
    let rooms: Vec<_> = twice.2.iter().map(|example| example.room_number.clone().unwrap_or_default()).collect();
    assert_eq!((twice.1, rooms), (2, vec!["1201".to_owned(), "1203".to_owned()]));
    server.api.put(&phone, json!({ "values": { "account.1.sip.userid": null } })).await.ok::<Accepted>();

    // An account that is meant to be shared is none of it.
    let lobby = json!({ "server": sip.id, "user": "500", "slot": 2, "shared": true });
    let lobby: SipAccount = server.api.post(&path(hotel.property, "sip-accounts"), lobby).await.ok();
    for id in [phones[0], phones[2]] {
        let assign = path(hotel.property, &format!("sip-accounts/{}/assign", lobby.id));
        server.api.post(&assign, json!({ "phone": id })).await.ok::<Accepted>();
    }
    put(&hotel, "settings", json!({ "account.2.codec.choice": "pcmu,pcma" })).await;
    assert_eq!(ids(&of_phone(0).await), Vec::<&str>::new());
    assert_eq!(accounts(&hotel, "q=500").await.items[0].used_by.len(), 2);

    put(&hotel, "settings", json!({ "tr069.enable": "no", "security.ssh": "yes" })).await;
    assert_eq!(ids(&of_phone(0).await), ["tr069-off", "ssh-open"]);
    assert_eq!(server.api.phone(phones[0]).await.phone.id, phones[0]);
    server.api.get(&format!("/api/v1/phones/{}/lint", uuid::Uuid::now_v7())).await.refused(404);
    server.api.get(&format!("/api/v1/properties/{}/lint", uuid::Uuid::now_v7())).await.refused(404);
}

#[tokio::test]
async fn a_preview_says_what_a_change_would_break_and_mend_and_what_stays_broken() {
    let server = TestServer::start().await;
    let (hotel, _, phones) = filled(&server).await;
    let preview = async |path: &str, values: Value| {
        let found: Preview = server.api.post(&format!("{path}/preview"), json!({ "values": values })).await.ok();
        assert_eq!(found.lint.looked_at, found.phones);
        found.lint
    };
    let rules = |groups: &[LintGroup]| -> Vec<(String, u32)> {
        groups.iter().map(|group| (group.rule.id.clone(), group.phones)).collect()
    };
    let one = |rule: &str, phones: u32| vec![(rule.to_owned(), phones)];
    let (property, plan) = (path(hotel.property, "settings"), "account.1.call.dialplan");

    let lint = preview(&property, json!({ plan: "{[2-8]xxx}", "security.ssh": "yes" })).await;
    assert_eq!(rules(&lint.brings), [("emergency-blocked".to_owned(), 3), ("ssh-open".to_owned(), 3)], "danger first");
    assert_eq!((rules(&lint.mends), rules(&lint.stays)), (vec![], vec![]));
    let blocked = &lint.brings[0];
    assert_eq!(blocked.rule.severity, LintSeverity::Danger);
    assert_eq!((blocked.examples.len(), blocked.examples[0].keys.as_slice()), (3, [plan.to_owned()].as_slice()));
    assert_eq!(blocked.examples[0].what, "Account 1: 112 cannot be dialled.");
    assert!(blocked.examples.iter().any(|example| example.room_number.as_deref() == Some("1202")));
    let found: PropertyLint = server.api.get(&path(hotel.property, "lint")).await.ok();
    assert_eq!(found.groups, [], "nothing was stored");

    // One room is shielded by a plan of its own: nothing changes for it, and it is not looked at.
    let room = format!("/api/v1/rooms/{}/settings", hotel.room("1203"));
    server.api.put(&room, json!({ "values": { plan: "{x+}" } })).await.ok::<Accepted>();
    assert_eq!(rules(&preview(&property, json!({ plan: "{[2-8]xxx}" })).await.brings), one("emergency-blocked", 2));
    put(&hotel, "settings", json!({ plan: "{[2-8]xxx}" })).await;
    let lint = preview(&property, json!({ plan: "{[3-8]xxx}" })).await;
    assert_eq!((rules(&lint.brings), rules(&lint.mends)), (vec![], vec![]));
    assert_eq!(rules(&lint.stays), one("emergency-blocked", 2), "as bad as before");
    let lint = preview(&property, json!({ plan: null })).await;
    assert_eq!((rules(&lint.brings), rules(&lint.mends)), (vec![], one("emergency-blocked", 2)));

    // Who else has an extension is asked of the whole property, also for one phone; secrets are judged and not shown.
    let phone = format!("/api/v1/phones/{}/settings", phones[2]);
    let lint = preview(&phone, json!({ "account.1.sip.userid": "1201" })).await;
    assert_eq!(rules(&lint.brings), one("extension-twice", 1));
    assert_eq!(lint.brings[0].examples[0].what, "1201 is also at room 1201.");
    let body = json!({ "values": { "account.1.sip.subscriber.password": "Zanz1" } });
    let shown = server.api.post(&format!("{phone}/preview"), body).await;
    assert!(!shown.text.contains("Zanz1"), "{}", shown.text);
    assert_eq!(rules(&shown.ok::<Preview>().lint.brings), one("sip-password", 1));
}

#[tokio::test]
async fn the_server_is_known_by_each_of_its_names() {
    let names = [
        ("server.public_url", "https://bellhop.example:7444"),
        ("provision.acs_url", "https://acs.bellhop.example:7443/acs"),
    ];
    for configured in [&names[..], &names[1..]] {
        let server = TestServer::with(configured).await;
        let hotel = server.hotel(&["1201"]).await;
        let path = format!("/api/v1/properties/{}/settings/preview", hotel.property);
        let elsewhere = async |url: &str| {
            let found: Preview = server.api.post(&path, json!({ "values": { "tr069.url": url } })).await.ok();
            found.lint.brings.iter().any(|group| group.rule.id == "tr069-elsewhere")
        };
        assert!(!elsewhere("https://acs.bellhop.example:7443/acs/harbour").await);
        assert_eq!(elsewhere("https://bellhop.example:7443/acs").await, configured.len() == 1);
        assert!(elsewhere("https://gdms.example/acs").await);
    }
}

#[tokio::test]
async fn a_layer_without_phones_is_looked_at_by_itself() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1201"]).await;
    let chains: Vec<Chain> = server.api.get("/api/v1/chains").await.ok();
    let brand = format!("/api/v1/chains/{}/brands", chains[0].id);
    let brand: Brand = server.api.post(&brand, json!({ "name": "Select" })).await.ok();
    let preview = async |path: &str, values: Value| {
        let found: Preview = server.api.post(&format!("{path}/preview"), json!({ "values": values })).await.ok();
        assert_eq!((found.in_scope, found.phones, found.lint.looked_at), (0, 0, 0));
        found.lint
    };
    let rules = |groups: &[LintGroup]| groups.iter().map(|group| group.rule.id.clone()).collect::<Vec<_>>();
    let (plan, bad) = ("account.1.call.dialplan", "{[2-8]xxx}");
    let (chain, brand) =
        (format!("/api/v1/chains/{}/settings", chains[0].id), format!("/api/v1/brands/{}/settings", brand.id));
    for path in [&chain, &brand] {
        let lint = preview(path, json!({ plan: bad, "tr069.enable": "no" })).await;
        assert_eq!(rules(&lint.brings), ["emergency-blocked", "tr069-off"], "{path}");
        let blocked = &lint.brings[0];
        assert_eq!((blocked.phones, blocked.examples.len()), (0, 0));
        assert_eq!(blocked.general[0].keys, [plan]);
        assert_eq!(blocked.general[0].what, "Account 1: 112 cannot be dialled.");
        let fine = preview(path, json!({ plan: "{ {property.front_desk} | 112 | [2-8]xxx }" })).await;
        assert_eq!((rules(&fine.brings), rules(&fine.mends), rules(&fine.stays)), (vec![], vec![], vec![]));
    }

    // The chain's property is elsewhere; what stands above counts, what was wrong before stays so, and it is mended.
    let property = format!("/api/v1/properties/{}", hotel.property);
    server.api.patch(&property, json!({ "time_zone": "Asia/Tokyo" })).await.ok::<Accepted>();
    server.api.put(&chain, json!({ "values": { plan: bad } })).await.ok::<Accepted>();
    let lint = preview(&chain, json!({ plan: "{112|[2-8]xxx}" })).await;
    assert_eq!((rules(&lint.brings), rules(&lint.stays)), (vec![], vec!["emergency-blocked".to_owned()]));
    assert_eq!(lint.stays[0].general[0].what, "Account 1: 110, 119 cannot be dialled.");
    let lint = preview(&chain, json!({ plan: "{11x|[2-8]xxx}" })).await;
    assert_eq!((rules(&lint.mends), rules(&lint.stays)), (vec!["emergency-blocked".to_owned()], vec![]));
    // A layer's other settings are none of the change's business.
    let other = preview(&chain, json!({ "account.1.ring.timeout": "30" })).await;
    assert_eq!([other.brings, other.mends, other.stays], [vec![], vec![], vec![]]);

    // A phone whose account is not on yet shows nothing of it; the layer does.
    hotel.announce(mac(1), Some(hotel.room("1201"))).await.unwrap();
    let body = json!({ "values": { plan: bad } });
    let found: Preview = server.api.post(&format!("{property}/settings/preview"), body).await.ok();
    assert_eq!((found.phones, found.lint.looked_at), (0, 0), "the chain's plan is the same");
    let body = json!({ "values": { plan: "{[3-8]xxx}" } });
    let found: Preview = server.api.post(&format!("{property}/settings/preview"), body).await.ok();
    assert_eq!((found.phones, found.lint.looked_at), (1, 1));
    let blocked: Vec<u32> = found.lint.stays.iter().chain(&found.lint.brings).map(|group| group.phones).collect();
    assert_eq!(blocked, [0], "{:?}", found.lint);
}
