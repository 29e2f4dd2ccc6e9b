//! Which phones that ask the LAN for their configuration server are told one: those of the site's property that somebody
//! announced or accepted. A MAC address is a name, so all they get is where to ask; what they get there, the server of the
//! files decides.

use contract::rest::Enrolment;
use provisioning::pnp::Asker;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{App, Result, views};
use crate::db::entity::{phone, property};

/// The URL a phone is told. `None`: it hears nothing, as another server on the LAN may know it.
pub async fn url_for(app: &App, asker: &Asker) -> Result<Option<String>> {
    let config = &app.config.pnp;
    let found = phone::Entity::find().filter(phone::Column::Mac.eq(asker.mac.compact())).one(app.db.read()).await?;
    let known = found.filter(|phone| matches!(views::enrolment(phone), Enrolment::Expected | Enrolment::Enrolled));
    let Some(id) = known.and_then(|phone| phone.property_id) else { return Ok(None) };
    let property = property::Entity::find_by_id(id).one(app.db.read()).await?;
    if property.is_none_or(|property| property.code != config.property) {
        return Ok(None);
    }
    match config.forms().url(&config.url, asker) {
        Ok(url) => Ok(Some(url)),
        Err(why) => {
            tracing::warn!(mac = %asker.mac, %why, "SIP PnP: [pnp] makes no URL for this phone");
            Ok(None)
        }
    }
}
