//! Variables in values: checked when set, filled in per phone, followed when what they say changes.

use contract::rest::{
    Accepted, Layer, LayerValues, Overridden, Preview, SECRET_MASK, SipAccount, ValueState, VariableInfo,
};
use serde_json::{Value, json};

use super::{House, NTP};
use crate::accounts::{add_server, path};
use crate::support::database;

const NAME: &str = "account.1.name";
const PIN: &str = "account.1.sip.subscriber.password";

#[tokio::test]
async fn variables_are_filled_in_per_phone_and_follow_what_they_say() {
    let house = House::of(&["101", "102"]).await;
    let text = "{property.name} {room.number} {{room.number}";
    assert_eq!(house.set(&house.of_property(), NTP, "ntp.{property.code}.example").await.phones, 2);
    // On the property the room's own name would win.
    let rooms: Vec<String> =
        ["101", "102"].iter().map(|room| format!("/api/v1/rooms/{}/settings", house.room(room))).collect();
    for room in &rooms {
        house.set(room, NAME, text).await;
    }
    house.in_sync().await;
    assert_eq!(house.phones.value(0, NTP).as_deref(), Some("ntp.harbour.example"));
    assert_eq!(house.phones.value(0, NAME).as_deref(), Some("Hotel harbour 101 {room.number}"));
    assert_eq!(house.phones.value(1, NAME).as_deref(), Some("Hotel harbour 102 {room.number}"));
    let shown = house.configured(0, NAME).await;
    assert_eq!(shown.template.as_deref(), Some(text));
    assert_eq!(shown.desired.as_deref(), Some("Hotel harbour 101 {room.number}"));
    assert_eq!((shown.layer, shown.derived), (Some(Layer::Room), false));
    let values: LayerValues = house.server.api.get(&rooms[0]).await.ok();
    assert_eq!(values.values[0].value, text, "the layer keeps what was written");

    let api = &house.server.api;
    api.patch(&format!("/api/v1/rooms/{}", house.room("101")), json!({ "number": "201" })).await.ok::<Accepted>();
    let property = format!("/api/v1/properties/{}", house.hotel.property);
    assert_eq!(api.patch(&property, json!({ "name": "Pier" })).await.ok::<Accepted>().phones, 2);
    house.in_sync().await;
    assert_eq!(house.phones.value(0, NAME).as_deref(), Some("Pier 201 {room.number}"));
    assert_eq!(house.phones.value(1, NAME).as_deref(), Some("Pier 102 {room.number}"));
}

#[tokio::test]
async fn what_cannot_be_filled_in_is_left_out_for_that_phone_and_reported() {
    let house = House::of(&["101", "102"]).await;
    let api = &house.server.api;
    // The example of a guest's name has a blank, which no host has.
    let problem =
        api.put(&house.of_property(), json!({ "values": { NTP: "ntp-{guest.name}.example" } })).await.refused(422);
    assert!(problem.detail.contains("examples"), "{}", problem.detail);

    let key = "account.1.call.dialplan";
    let body = json!({ "values": { key: "{ {property.front_desk} | x+ }" } });
    let preview: Preview = api.post(&format!("{}/preview", house.of_property()), body.clone()).await.ok();
    assert_eq!((preview.phones, preview.keys[0].left_out), (0, 2));
    let example = &preview.keys[0].left_out_examples[0];
    assert!(example.reason.contains("{property.front_desk}"), "{}", example.reason);
    assert!(example.room_number.is_some());
    assert_eq!(house.put(&house.of_property(), body).await.phones, 0);
    let page: contract::rest::Configuration = api.get(&house.configuration(0)).await.ok();
    assert_eq!(page.left_out.len(), 1);
    assert_eq!((page.left_out[0].key.as_str(), page.left_out[0].layer), (key, Layer::Property));
    assert_eq!(page.left_out[0].scope_name, "Hotel harbour");

    let property = format!("/api/v1/properties/{}", house.hotel.property);
    assert_eq!(api.patch(&property, json!({ "front_desk": "9" })).await.ok::<Accepted>().phones, 2);
    house.in_sync().await;
    assert_eq!(house.phones.value(0, key).as_deref(), Some("{9|x+}"));
    api.patch(&property, json!({ "front_desk": "" })).await.ok::<Accepted>();
    house.in_sync().await;
    let shown = house.configured(0, key).await;
    assert_eq!(shown.overrides.iter().map(|one| one.why).collect::<Vec<_>>(), [Overridden::NotFilledIn]);
    assert_eq!(shown.layer, Some(Layer::ModelDefault), "back to the factory's, never half a value");
}

#[tokio::test]
async fn wrong_variables_are_refused_by_key_and_name_and_secrets_stay_in_secret_settings() {
    let house = House::of(&["101"]).await;
    let api = &house.server.api;
    let refused = async |values: Value| api.put(&house.of_property(), json!({ "values": values })).await.refused(422);
    let problem = refused(json!({ NAME: "Room {rom.number}" })).await;
    assert_eq!(problem.field.as_deref(), Some(NAME));
    for word in [NAME, "{rom.number}", "{room.number}"] {
        assert!(problem.detail.contains(word), "{word}: {}", problem.detail);
    }
    let problem = refused(json!({ NAME: "{sip.password}" })).await;
    assert!(problem.detail.contains("secret"), "{}", problem.detail);
    assert!(refused(json!({ "account.1.enable": "{room.number}" })).await.detail.contains("examples"));

    // In a secret setting it is sealed, filled in and masked.
    house.set(&house.of_property(), PIN, "pw-{room.number}").await;
    house.in_sync().await;
    assert_eq!(house.phones.value(0, PIN).as_deref(), Some("pw-101"));
    let shown = house.configured(0, PIN).await;
    assert_eq!((shown.desired.as_deref(), shown.template.as_deref()), (Some(SECRET_MASK), Some(SECRET_MASK)));
    assert_eq!(shown.state, ValueState::InSync);
    assert_eq!(house.set(&house.of_property(), PIN, "pw-{room.number}").await.phones, 0, "the same secret");
    let page = api.get(&house.configuration(0)).await;
    assert!(!page.json::<Value>().unwrap().to_string().contains("pw-101"));

    let variables: Vec<VariableInfo> = api.get("/api/v1/settings/variables").await.ok();
    assert!(variables.iter().any(|one| one.name == "room.number" && !one.help.is_empty() && !one.secret));
    assert!(variables.iter().any(|one| one.name == "sip.password" && one.secret));
}

#[tokio::test]
async fn variables_of_the_sip_account_follow_it_and_its_password_is_shown_nowhere() {
    const SECRET: &str = "pw-Zanzibar-4711";
    let house = House::of(&["101", "102"]).await;
    let (api, hotel) = (&house.server.api, &house.hotel);
    let sip = add_server(hotel, 5060).await;
    let spec = |password: &str| {
        json!({ "server": sip.id, "user": "7101", "auth_user": "auth7101", "password": password,
            "display_name": "Desk {room.number}" })
    };
    let account: SipAccount = api.post(&path(hotel.property, "sip-accounts"), spec(SECRET)).await.ok();
    let assign = path(hotel.property, &format!("sip-accounts/{}/assign", account.id));
    api.post(&assign, json!({ "room": house.room("101") })).await.ok::<Accepted>();

    let (server, user, name) = ("account.2.sip.server.1.address", "account.2.sip.userid", "account.2.name");
    let password = "account.2.sip.subscriber.password";
    let values = json!({ user: "{sip.user}", server: "{sip.server}", password: "{sip.password}",
        name: "{sip.display_name}, {sip.auth_user} at {sip.host}" });
    let body = json!({ "values": values });
    let shown = api.post(&format!("{}/preview", house.of_property()), body.clone()).await;
    assert!(!shown.text.contains("Zanzibar"), "{}", shown.text);
    let preview: Preview = shown.ok();
    let left_out = preview.keys.iter().find(|key| key.key == server).unwrap();
    assert_eq!((left_out.phones, left_out.left_out), (1, 1));
    let why = &left_out.left_out_examples[0].reason;
    assert!(why.contains("{sip.server}") && why.contains("SIP account"), "{why}");
    house.put(&house.of_property(), body).await;
    house.in_sync().await;
    let value = |at: usize, key: &str| house.phones.value(at, key).unwrap_or_default();
    assert_eq!((value(0, user), value(0, server)), ("7101".into(), "127.0.0.1:5060".into()));
    assert_eq!((value(0, password), value(0, name)), (SECRET.into(), "Desk 101, auth7101 at 127.0.0.1".into()));
    // The other room has an extension somebody typed, and no account.
    assert_eq!((value(1, user), value(1, server), value(1, password)), ("102".into(), String::new(), String::new()));

    // The server moves; the account has a new password; it is taken back.
    let moved = json!({ "name": "Main", "host": "pbx.example", "port": 5070, "transport": "udp" });
    let one = path(hotel.property, &format!("sip-servers/{}", sip.id));
    assert_eq!(api.put(&one, moved).await.ok::<Accepted>().phones, 1);
    house.in_sync().await;
    assert_eq!(value(0, server), "pbx.example:5070");
    assert_eq!(value(0, name), "Desk 101, auth7101 at pbx.example");
    let renew = path(hotel.property, &format!("sip-accounts/{}/password", account.id));
    assert_eq!(api.post(&renew, json!({})).await.ok::<Accepted>().phones, 1);
    house.in_sync().await;
    let new = value(0, PIN);
    assert_eq!(value(0, password), new);
    assert!(new.len() > 20 && new != SECRET);

    for path in [house.of_property(), house.configuration(0), format!("{}/history", house.of_property())] {
        let answer = api.get(&path).await;
        assert!(answer.status == 200 && !answer.text.contains(&new), "{path}");
        assert!(answer.text.contains(SECRET_MASK), "{path} has the setting");
    }
    let texts = database::every_text(house.server.app().db.read()).await;
    let found: Vec<&String> = texts.iter().filter(|text| text.contains("Zanzibar") || text.contains(&new)).collect();
    assert!(found.is_empty(), "{found:?}");

    let unassign = path(hotel.property, &format!("sip-accounts/{}/unassign", account.id));
    api.post(&unassign, json!({ "room": house.room("101") })).await.ok::<Accepted>();
    house.in_sync().await;
    assert_eq!((value(0, server), value(0, password)), (String::new(), String::new()), "nothing is left of it");
}

#[tokio::test]
async fn a_number_written_for_people_is_dialled_and_a_name_fits_into_a_url() {
    let house = House::of(&["101"]).await;
    let api = &house.server.api;
    let (hotline, label, hook) =
        ("call.dial.offhook.autodial.number", "pks.mpk.12.description", "ons.actionurl.offhook");
    let property = format!("/api/v1/properties/{}", house.hotel.property);
    let facts = json!({ "phone": "+351 (0)215 550-100", "name": "Sea & Sun #1", "time_zone": "europe/lisbon" });
    api.patch(&property, facts).await.ok::<Accepted>();
    let values = json!({ hotline: "{property.phone}", label: "{property.phone}",
        hook: "http://h.example/off?house={property.name}&end=1" });
    assert_eq!(house.put(&house.of_property(), json!({ "values": values })).await.phones, 1);
    house.in_sync().await;
    assert_eq!(house.phones.value(0, hotline).as_deref(), Some("+351215550100"));
    assert_eq!(house.phones.value(0, label).as_deref(), Some("+351 (0)215 550-100"));
    let filled = "http://h.example/off?house=Sea%20%26%20Sun%20%231&end=1";
    assert_eq!(house.phones.value(0, hook).as_deref(), Some(filled));

    assert_eq!(house.property().await.time_zone, "Europe/Lisbon", "as the list writes it");
    let refused = api.patch(&property, json!({ "time_zone": "Europe/Lisbn" })).await.refused(422);
    assert_eq!(refused.field.as_deref(), Some("time_zone"));
    assert!(refused.detail.contains("Europe/Lisbon"), "{}", refused.detail);
}
