//! How a phone gets credentials of its own. A MAC address is a name, never a secret: an unknown phone is let in only as
//! far as the "new phones" list, and credentials go out once, to a phone somebody announced or accepted.

use auth_digest::{Algorithm, Ha1};
use contract::rest::Enrolment;
use contract::{Mac, PhoneId};
use cwmp::{Inform, ParameterValue, Value};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::announce::blank;
use super::error::{invalid, unavailable};
use super::live::{Touched, touch};
use super::trust::certificate;
use super::{App, Result, views};
use crate::clock::now_ms;
use crate::db::entity::phone;
use crate::secrets::{random_token, token_hash};
use crate::tls::Shown;

/// The realm of the ACS; part of every stored HA1.
pub const REALM: &str = "Bellhop";

/// The MAC address an Inform names: from its LAN parameters, or from a serial number that is one.
pub fn mac_of(inform: &Inform) -> Result<Mac> {
    let parameter = inform
        .parameters
        .iter()
        .find(|parameter| parameter.name.ends_with("LAN.MACAddress") || parameter.name.ends_with(".MACAddress"));
    let text = parameter.map_or(inform.device_id.serial_number.as_str(), |parameter| parameter.value.text.as_str());
    text.parse().map_err(|_| {
        invalid(
            "SerialNumber",
            "The Inform names no MAC address, neither in a MACAddress parameter nor as its SerialNumber.",
        )
    })
}

/// The phone an Inform speaks of, by MAC; a new row for one never seen, within the limit.
pub async fn find_or_make(app: &App, tx: &impl ConnectionTrait, inform: &Inform) -> Result<phone::Model> {
    let mac = mac_of(inform)?;
    if let Some(phone) = phone::Entity::find().filter(phone::Column::Mac.eq(mac.compact())).one(tx).await? {
        return Ok(phone);
    }
    let waiting = phone::Entity::find().filter(phone::Column::Enrolment.eq(Enrolment::New.as_str())).count(tx).await?;
    if waiting >= app.config.acs.max_new_phones {
        return Err(unavailable(format!("{waiting} new phones wait already; accept or reject some first.")));
    }
    let row = blank(mac, &inform.device_id.serial_number, Enrolment::New);
    // Its Inform may have come twice at the same moment.
    let first = OnConflict::column(phone::Column::Mac).do_nothing().to_owned();
    if phone::Entity::insert(row.clone().into_active_model()).on_conflict(first).exec_without_returning(tx).await? == 0
    {
        let other = phone::Entity::find().filter(phone::Column::Mac.eq(&row.mac)).one(tx).await?;
        return other.ok_or_else(|| unavailable("The phone has just been removed; it comes again."));
    }
    touch(tx, [Touched::phone(&row)]).await?;
    Ok(row)
}

/// The phone an Inform speaks of, if it is known.
pub async fn find(app: &App, inform: &Inform) -> Result<Option<phone::Model>> {
    let mac = mac_of(inform)?;
    Ok(phone::Entity::find().filter(phone::Column::Mac.eq(mac.compact())).one(app.db.read()).await?)
}

/// Whether an announced phone shows the serial number it was announced with. The label's number proves possession.
pub fn serial_matches(phone: &phone::Model, inform: &Inform) -> bool {
    phone.serial.eq_ignore_ascii_case(inform.device_id.serial_number.trim())
}

/// Makes new credentials, stores their hashes and returns the parameters that give them to the phone. Ours also gets
/// its MQTT credentials, with this password.
pub async fn credentials(
    app: &App,
    tx: &impl ConnectionTrait,
    phone: &phone::Model,
    mqtt_password: Option<String>,
    acs_host: &str,
) -> Result<Vec<ParameterValue>> {
    let user = phone.id.to_string();
    let (password, request_password) = (random_token(), random_token());
    let knows_annex_g = mqtt_password.is_some() || !phone.udp_address.is_empty();
    let mqtt_hash = mqtt_password.as_deref().map(token_hash).unwrap_or_default();
    phone::Entity::update_many()
        .col_expr(phone::Column::AcsHa1Md5, Expr::value(Ha1::new(Algorithm::Md5, &user, REALM, &password).expose()))
        .col_expr(
            phone::Column::AcsHa1Sha256,
            Expr::value(Ha1::new(Algorithm::Sha256, &user, REALM, &password).expose()),
        )
        .col_expr(phone::Column::MqttHash, Expr::value(mqtt_hash))
        .col_expr(phone::Column::ConnectionRequestUser, Expr::value(user.clone()))
        .col_expr(
            phone::Column::ConnectionRequestPassword,
            Expr::value(app.secrets.seal("connection-request", &request_password)?),
        )
        .filter(phone::Column::Id.eq(phone.id))
        .exec(tx)
        .await?;
    let set = |name: &str, value: Value| ParameterValue::new(format!("Device.{name}"), value);
    let mut parameters = vec![
        set("ManagementServer.Username", Value::string(user.clone())),
        set("ManagementServer.Password", Value::string(password)),
        set("ManagementServer.ConnectionRequestUsername", Value::string(user.clone())),
        set("ManagementServer.ConnectionRequestPassword", Value::string(request_password.clone())),
        set("ManagementServer.PeriodicInformEnable", Value::boolean(true)),
        set("ManagementServer.PeriodicInformInterval", Value::unsigned(app.config.acs.inform_interval_s)),
    ];
    if let Some(mqtt_password) = mqtt_password {
        let mqtt = &app.config.mqtt;
        let host = if mqtt.advertise_host.is_empty() { acs_host } else { &mqtt.advertise_host };
        parameters.extend([
            set("X_BELLHOP_Mqtt.Host", Value::string(host)),
            set("X_BELLHOP_Mqtt.Port", Value::unsigned(u32::from(app.mqtt_port()))),
            set("X_BELLHOP_Mqtt.Tls", Value::boolean(app.mqtt_tls())),
            set("X_BELLHOP_Mqtt.Username", Value::string(user)),
            set("X_BELLHOP_Mqtt.Password", Value::string(mqtt_password)),
            set("X_BELLHOP_Mqtt.Enable", Value::boolean(true)),
        ]);
    }
    // Names a phone does not have would spoil the whole request: ours has these, and one that speaks of its UDP address.
    if let (Some(port), true) = (app.stun_port(), knows_annex_g) {
        let stun = &app.config.stun.advertise_host;
        parameters.extend([
            set("ManagementServer.STUNEnable", Value::boolean(true)),
            set("ManagementServer.STUNServerAddress", Value::string(if stun.is_empty() { acs_host } else { stun })),
            set("ManagementServer.STUNServerPort", Value::unsigned(u32::from(port))),
            set("ManagementServer.STUNUsername", Value::string(phone.id.to_string())),
            set("ManagementServer.STUNPassword", Value::string(request_password)),
        ]);
    }
    Ok(parameters)
}

/// The phone has its credentials and used them, or confirmed them.
pub async fn enrolled(tx: &impl ConnectionTrait, phone: &phone::Model) -> Result<()> {
    if views::enrolment(phone) == Enrolment::Enrolled {
        return Ok(());
    }
    phone::Entity::update_many()
        .col_expr(phone::Column::Enrolment, Expr::value(Enrolment::Enrolled.as_str()))
        .filter(phone::Column::Id.eq(phone.id))
        .exec(tx)
        .await?;
    touch(tx, [Touched::phone(phone)]).await?;
    Ok(())
}

/// The phone used the credentials its property's phones share: it gets none of its own, and what a session that was cut
/// off may have begun to give it counts no more.
pub async fn enrolled_by_shared(tx: &impl ConnectionTrait, phone: &phone::Model) -> Result<()> {
    phone::Entity::update_many()
        .col_expr(phone::Column::AcsHa1Md5, Expr::value(""))
        .col_expr(phone::Column::AcsHa1Sha256, Expr::value(""))
        .filter(phone::Column::Id.eq(phone.id))
        .exec(tx)
        .await?;
    enrolled(tx, phone).await
}

/// Whether an MQTT login is a phone's own.
pub async fn mqtt_login(app: &App, client_id: &str, username: &str, password: &[u8]) -> Result<Option<PhoneId>> {
    if client_id != username {
        return Ok(None);
    }
    let (Ok(id), Ok(password)) = (username.parse::<Uuid>(), std::str::from_utf8(password)) else {
        return Ok(None);
    };
    let Some(phone) = phone::Entity::find_by_id(id).one(app.db.read()).await? else {
        return Ok(None);
    };
    use subtle::ConstantTimeEq;
    let known =
        !phone.mqtt_hash.is_empty() && bool::from(phone.mqtt_hash.as_bytes().ct_eq(token_hash(password).as_bytes()));
    Ok(known.then_some(PhoneId(id)))
}

/// Whether the certificate shown to the broker is that of the phone of this id, by an authority of its property. A phone
/// that was not given MQTT has none by its certificate either.
pub async fn mqtt_certified(app: &App, client_id: &str, shown: &Shown) -> Result<Option<PhoneId>> {
    let Ok(id) = client_id.parse::<Uuid>() else { return Ok(None) };
    let known = app.trust.now(app).await?;
    let Some(phone) = phone::Entity::find_by_id(id).one(app.db.read()).await? else { return Ok(None) };
    let Some(roots) = known.of(&phone, None).client_ca(app) else { return Ok(None) };
    let names = certificate::names(shown, &roots, now_ms());
    let given = !phone.mqtt_hash.is_empty() && certificate::names_phone(&names, &phone);
    Ok(given.then_some(PhoneId(id)))
}
