//! The numbers help is called by: a property's own, or those of its time zone.

use contract::PropertyId;
use contract::rest::{EmergencyNumbers, EmergencyNumbersChange};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel};

use crate::app::error::{invalid, not_found};
use crate::app::{Actor, App, Result, audit};
use crate::db::entity::{emergency_set, property};

/// The most numbers of a property.
const MOST_NUMBERS: usize = 20;
/// Time zones of the USA besides those that begin with `US/`. 933 reads back the address 911 would show.
const USA: [&str; 14] = [
    "America/Adak",
    "America/Anchorage",
    "America/Boise",
    "America/Chicago",
    "America/Denver",
    "America/Detroit",
    "America/Juneau",
    "America/Los_Angeles",
    "America/New_York",
    "America/Nome",
    "America/Phoenix",
    "America/Puerto_Rico",
    "Pacific/Guam",
    "Pacific/Honolulu",
];

pub async fn of_property(app: &App, id: PropertyId) -> Result<EmergencyNumbers> {
    let db = app.db.read();
    let property = property::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("property"))?;
    let (own, numbers) = numbers(db, &property).await?;
    Ok(EmergencyNumbers { own, numbers })
}

/// Names them; without any, those of the time zone count again.
pub async fn set(app: &App, actor: &Actor, id: PropertyId, wanted: EmergencyNumbersChange) -> Result<EmergencyNumbers> {
    let mut numbers: Vec<String> = Vec::new();
    for number in wanted.numbers {
        let number = number.trim().to_owned();
        if !(2..=15).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid("numbers", "A number is 2 to 15 digits, as it is dialled in a room: 911, or 9911."));
        }
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    if numbers.len() > MOST_NUMBERS {
        return Err(invalid("numbers", format!("At most {MOST_NUMBERS} numbers.")));
    }
    let write = app.db.write_beside().await?;
    let tx = &write.tx;
    property::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("property"))?;
    let said = numbers.join(", ");
    if numbers.is_empty() {
        emergency_set::Entity::delete_by_id(id.0).exec(tx).await?;
    } else {
        let row = emergency_set::Model { property_id: id.0, numbers: numbers.join(",") };
        use emergency_set::Column::{Numbers, PropertyId};
        emergency_set::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::column(PropertyId).update_column(Numbers).to_owned())
            .exec_without_returning(tx)
            .await?;
    }
    audit::record(tx, actor, "property.emergency-numbers", &id.to_string(), said).await?;
    write.commit().await?;
    of_property(app, id).await
}

/// Whether they are the property's own, and the numbers.
pub async fn numbers(db: &impl ConnectionTrait, property: &property::Model) -> Result<(bool, Vec<String>)> {
    let row = emergency_set::Entity::find_by_id(property.id).one(db).await?;
    let list = |text: &str| text.split(',').filter(|number| !number.is_empty()).map(str::to_owned).collect();
    Ok(match row {
        Some(row) => (true, list(&row.numbers)),
        None => (false, of_zone(&property.time_zone).iter().map(|number| (*number).to_owned()).collect()),
    })
}

/// What is dialled where a time zone is. 112 is the number of the European Union and of many others.
fn of_zone(zone: &str) -> &'static [&'static str] {
    let in_usa = USA.contains(&zone)
        || ["US/", "America/Indiana/", "America/Kentucky/", "America/North_Dakota/"]
            .iter()
            .any(|one| zone.starts_with(one));
    match zone {
        _ if in_usa => &["911", "933"],
        _ if zone.starts_with("America/") || zone.starts_with("Canada/") => &["911"],
        _ if zone.starts_with("Australia/") => &["000", "112"],
        "Pacific/Auckland" => &["111"],
        "Europe/London" => &["999", "112"],
        _ => &["112"],
    }
}

#[cfg(test)]
mod tests {
    use super::of_zone;

    #[test]
    fn a_time_zone_has_its_numbers() {
        assert_eq!(of_zone("America/New_York"), ["911", "933"]);
        assert_eq!(of_zone("America/Indiana/Knox"), ["911", "933"]);
        assert_eq!(of_zone("America/Toronto"), ["911"]);
        assert_eq!(of_zone("Europe/London"), ["999", "112"]);
        assert_eq!(of_zone("Europe/Lisbon"), ["112"]);
        assert_eq!(of_zone("UTC"), ["112"]);
    }
}
