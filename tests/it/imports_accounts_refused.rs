//! What is wrong with SIP accounts in a file, by row and column.

use cloud::db::entity::sip_account;
use contract::rest::*;
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use serde_json::json;

use crate::accounts::{accounts, add_server, path};
use crate::imports::{apply, upload};
use crate::support::{TestServer, mac};

type Said<'a> = (u32, &'a str, &'a str);

fn said(import: &Import) -> Vec<Said<'_>> {
    let mut said: Vec<_> =
        import.findings.iter().map(|one| (one.row, one.column.as_str(), one.kind.as_str())).collect();
    said.sort_unstable();
    said
}

#[tokio::test]
async fn every_error_of_an_account_is_said_by_row_and_column() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101", "102", "103"]).await;
    let main = add_server(&hotel, 5060).await;
    let spare = json!({ "name": "Spare", "host": "b.example", "transport": "udp" });
    server.api.post(&path(hotel.property, "sip-servers"), spare).await.ok::<SipServer>();
    let phone = hotel.announce(mac(1), None).await.unwrap();
    for (user, slot, to) in [
        ("4101", 1, Some(json!({ "room": hotel.room("101") }))),
        ("4700", 1, Some(json!({ "phone": phone }))),
        ("4800", 2, None),
    ] {
        let body = json!({ "server": main.id, "user": user, "slot": slot });
        let account: SipAccount = server.api.post(&path(hotel.property, "sip-accounts"), body).await.ok();
        if let Some(to) = to {
            let assign = path(hotel.property, &format!("sip-accounts/{}/assign", account.id));
            server.api.post(&assign, to).await.ok::<Accepted>();
        }
    }
    let file = format!(
        "Room,Floor,Ext,MAC,SN,SIP server,SIP user,Auth ID,SIP display name,SIP password\n\
         201,1,,,,Elsewhere,4201,,,\n\
         202,1,,,,,4202,,,\n\
         203,1,,,,Main,4101,,,\n\
         204,1,,,,Main,4700,,,\n\
         205,1,,,,Main,4800,,,\n\
         206,1,,,,Main,42 06,,,\n\
         207,1,,,,Main,,,,Zanzibar-with-no-user\n\
         208,1,,,,Main,4208,,{{sip.password}},\n\
         209,1,,,,Main,4209,,,Zanzibar{}\n\
         210,1,9210,,,Main,4210,,,\n\
         211,1,,,,Main,4211,,,\n\
         212,1,,,,Main,4211,,,\n\
         213,1,,,,Main,112,,,\n\
         ,,,c0:74:ad:00:02:14,SN1,Main,4214,,,\n\
         101,,9101,,,,,,,\n\
         216,1,,,,Main,102,,,\n\
         102,,,,,Main,4217,,,1234\n\
         101,,,,,Spare,4218,,,long-enough-word\n",
        "x".repeat(200)
    );
    let import = upload(&hotel, "bad.csv", file).await;
    let wanted = [
        (2, "SIP server", "server-unknown"),
        (3, "SIP server", "server-missing"),
        (4, "SIP user", "user-taken"),
        (5, "SIP user", "user-taken"),
        (6, "SIP user", "user-taken"),
        (7, "SIP user", "value-not-allowed"),
        (8, "SIP user", "user-missing"),
        (9, "SIP display name", "value-not-allowed"),
        (10, "SIP password", "value-not-allowed"),
        (11, "Ext", "extension-differs"),
        (13, "SIP user", "extension-twice"),
        (14, "SIP user", "emergency-number"),
        (15, "SIP server", "names-nothing"),
        (16, "Ext", "extension-of-account"),
        (18, "SIP password", "password-weak"),
        (19, "Room", "room-twice"),
        (19, "SIP user", "account-replaced"),
    ];
    assert_eq!(said(&import), wanted, "{:#?}", import.findings);
    for finding in &import.findings {
        assert!(!finding.reason.is_empty() && !finding.remedy.is_empty(), "{finding:?}");
        assert!(!finding.value.contains("Zanzibar") && !finding.reason.contains("Zanzibar"), "{finding:?}");
    }
    let unknown = import.findings.iter().find(|finding| finding.kind == "server-unknown").unwrap();
    assert!(unknown.reason.contains("Main, Spare") && unknown.value == "Elsewhere", "{unknown:?}");
    // 102 gives its extension up, so 216 may have it.
    assert_eq!((import.counts.refused, import.counts.accounts_made), (15, 3));
    let done = apply(&server.api, import.id, true).await;
    assert_eq!((done.counts.accounts_made, done.counts.accounts_given), (3, 3), "{}", done.note);
    let mut users: Vec<String> =
        accounts(&hotel, "limit=500").await.items.into_iter().map(|account| account.user).collect();
    users.sort();
    assert_eq!(users, ["102", "4101", "4211", "4217", "4700", "4800"]);
}

#[tokio::test]
async fn rows_agree_on_an_account_that_several_rooms_have() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101", "102", "103"]).await;
    let pbx = add_server(&hotel, 5060).await;
    let body = json!({ "server": pbx.id, "user": "900", "shared": true });
    server.api.post(&path(hotel.property, "sip-accounts"), body).await.ok::<SipAccount>();
    let file = "Room,SIP user,SIP display name\n101,900,Lobby\n102,900,\n103,900,Bar\n";
    let import = upload(&hotel, "shared.csv", file).await;
    assert_eq!(said(&import), [(4, "SIP display name", "account-twice")]);
    let done = apply(&server.api, import.id, true).await;
    assert_eq!((done.counts.accounts_given, done.counts.accounts_changed, done.counts.accounts_made), (2, 1, 0));
    let shared = accounts(&hotel, "").await.items.remove(0);
    assert_eq!((shared.display_name.as_str(), shared.used_by.len()), ("Lobby", 2));
    let again = upload(&hotel, "shared.csv", file).await;
    assert_eq!((again.counts.same, again.counts.refused), (2, 1));
}

#[tokio::test]
async fn a_name_of_before_stays_though_it_would_be_refused_now() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101"]).await;
    let pbx = add_server(&hotel, 5060).await;
    let import = upload(&hotel, "rooms.csv", "Room,SIP user\n101,101\n").await;
    apply(&server.api, import.id, false).await;
    const NAME: &str = "{property.name}";
    sip_account::Entity::update_many()
        .col_expr(sip_account::Column::DisplayName, Expr::value(NAME))
        .exec(server.app().db.read())
        .await
        .unwrap();
    let account = accounts(&hotel, "").await.items.remove(0);
    let put = async |name: &str| {
        let body = json!({ "server": pbx.id, "user": "101", "display_name": name, "password": "another-long-word" });
        server.api.put(&path(hotel.property, &format!("sip-accounts/{}", account.id)), body).await
    };
    put(NAME).await.ok::<Accepted>();
    assert_eq!(put("{property.code}").await.refused(422).field.as_deref(), Some("display_name"));
    let export = server.api.get(&format!("/api/v1/properties/{}/export.csv", hotel.property)).await.text;
    assert!(export.contains(NAME), "{export}");
    let again = upload(&hotel, "export.csv", export).await;
    assert_eq!((again.errors, again.counts.same), (0, 1), "{:?}", again.findings);
}

#[tokio::test]
async fn a_secret_variable_never_gets_into_a_setting_that_is_shown() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101", "102", "103"]).await;
    let file = "Room,room: pks.mpk.12.description\n101,{sip.password}\n102,{room.numbr}\n103,Room {room.number}\n";
    let import = upload(&hotel, "rooms.csv", file).await;
    let column = "room: pks.mpk.12.description";
    assert_eq!(said(&import), [(2, column, "value-not-allowed"), (3, column, "value-not-allowed")]);
    apply(&server.api, import.id, true).await;
    let room = format!("/api/v1/rooms/{}/settings", hotel.room("103"));
    let kept: LayerValues = server.api.get(&room).await.ok();
    assert_eq!(kept.values[0].value, "Room {room.number}");
}
