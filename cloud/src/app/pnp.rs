//! Which phones that ask the LAN for their configuration server are told one: those of the site's property that somebody
//! announced or accepted, and while the property takes new phones, everybody that is nobody else's. A MAC address is a name,
//! so all they get is where to ask; what they get there, the server of the files decides.

use contract::PropertyId;
use contract::rest::Enrolment;
use provisioning::pnp::Asker;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::provision::token_base;
use super::{App, Result, views};
use crate::clock::now_ms;
use crate::db::entity::{phone, property, provisioning as settings};

/// The URL a phone is told. `None`: it hears nothing, as another server on the LAN may know it.
pub async fn url_for(app: &App, asker: &Asker) -> Result<Option<String>> {
    let (config, db) = (&app.config.pnp, app.db.read());
    let Some(property) = property::Entity::find().filter(property::Column::Code.eq(&config.property)).one(db).await?
    else {
        return Ok(None);
    };
    let settings = settings::Entity::find_by_id(property.id).one(db).await?.filter(|settings| settings.enabled);
    let folder = if config.url.is_empty() {
        let wanted = settings.as_ref().is_some_and(|settings| settings.sip_pnp);
        if wanted { token_base(app, PropertyId(property.id)).await? } else { None }
    } else {
        Some(config.url.clone())
    };
    let Some(folder) = folder else { return Ok(None) };
    let takes_new = settings.and_then(|settings| settings.accept_until).is_some_and(|until| until > now_ms());
    let phone = phone::Entity::find().filter(phone::Column::Mac.eq(asker.mac.compact())).one(db).await?;
    if !is_answered(phone.as_ref(), property.id, takes_new) {
        return Ok(None);
    }
    match config.forms().url(&folder, asker) {
        Ok(url) => Ok(Some(url)),
        Err(why) => {
            tracing::warn!(mac = %asker.mac, %why, "SIP PnP: [pnp] makes no URL for this phone");
            Ok(None)
        }
    }
}

fn is_answered(phone: Option<&phone::Model>, property: Uuid, takes_new: bool) -> bool {
    let Some(phone) = phone else { return takes_new };
    match phone.property_id {
        Some(own) => own == property && (takes_new || views::enrolment(phone) != Enrolment::New),
        None => takes_new,
    }
}
