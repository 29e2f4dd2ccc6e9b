//! The numbers help is called by: a property's own, or those of the country its time zone is in.

use std::collections::HashMap;

use contract::PropertyId;
use contract::rest::{EmergencyNumbers, EmergencyNumbersChange};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use crate::app::error::{invalid, not_found};
use crate::app::{Actor, App, Result, audit};
use crate::db::entity::{emergency_set, property};
use crate::domain::emergency::{GUESS, of_country};
use crate::domain::zones;

/// The most numbers of a property.
const MOST_NUMBERS: usize = 20;

pub async fn of_property(app: &App, id: PropertyId) -> Result<EmergencyNumbers> {
    let db = app.db.read();
    let property = property::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("property"))?;
    numbers(db, &property).await
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

/// The numbers of a property, and where they are from.
pub async fn numbers(db: &impl ConnectionTrait, property: &property::Model) -> Result<EmergencyNumbers> {
    let row = emergency_set::Entity::find_by_id(property.id).one(db).await?;
    Ok(of(row.as_ref(), property))
}

/// All the numbers of several properties; a guess where there is none.
pub async fn of_several(db: &impl ConnectionTrait, properties: &[property::Model]) -> Result<Vec<String>> {
    let ids = properties.iter().map(|property| property.id);
    let rows = emergency_set::Entity::find().filter(emergency_set::Column::PropertyId.is_in(ids)).all(db).await?;
    let rows: HashMap<Uuid, emergency_set::Model> = rows.into_iter().map(|row| (row.property_id, row)).collect();
    let mut all: Vec<String> = Vec::new();
    for property in properties {
        let numbers = of(rows.get(&property.id), property).numbers;
        all.extend(numbers.into_iter().filter(|number| !all.contains(number)).collect::<Vec<_>>());
    }
    if all.is_empty() {
        all = GUESS.iter().map(|number| (*number).to_owned()).collect();
    }
    Ok(all)
}

fn of(row: Option<&emergency_set::Model>, property: &property::Model) -> EmergencyNumbers {
    match row {
        Some(row) => {
            let numbers = row.numbers.split(',').filter(|number| !number.is_empty()).map(str::to_owned).collect();
            EmergencyNumbers { own: true, guess: false, numbers }
        }
        None => {
            let known = of_zone(&property.time_zone);
            let numbers = known.unwrap_or(GUESS).iter().map(|number| (*number).to_owned()).collect();
            EmergencyNumbers { own: false, guess: known.is_none(), numbers }
        }
    }
}

/// What is dialled where a time zone is; `None` where that is not known.
fn of_zone(zone: &str) -> Option<&'static [&'static str]> {
    zones::country(zone).and_then(of_country)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_zone_has_the_numbers_of_its_country() {
        let known: [(&str, &[&str]); 14] = [
            ("America/New_York", &["911", "933"]),
            ("America/Indiana/Knox", &["911", "933"]),
            ("US/Hawaii", &["911", "933"]),
            ("America/Toronto", &["911"]),
            ("America/Sao_Paulo", &["190", "192", "193"]),
            ("America/Bogota", &["123"]),
            ("Asia/Tokyo", &["110", "119"]),
            ("Asia/Shanghai", &["110", "119", "120"]),
            ("Asia/Hong_Kong", &["999"]),
            ("Asia/Dubai", &["999", "998", "997"]),
            ("Pacific/Chatham", &["111"]),
            ("Australia/Perth", &["000", "112"]),
            ("Europe/London", &["999", "112"]),
            ("Europe/Lisbon", &["112"]),
        ];
        for (zone, numbers) in known {
            assert_eq!(of_zone(zone), Some(numbers), "{zone}");
        }
    }

    #[test]
    fn where_nothing_is_known_112_is_said_to_be_a_guess() {
        let property = |zone: &str| property::Model {
            id: Uuid::nil(),
            chain_id: Uuid::nil(),
            code: "x".into(),
            name: "X".into(),
            time_zone: zone.into(),
            brand_id: None,
            phone: String::new(),
            front_desk: String::new(),
        };
        for zone in ["UTC", "Etc/GMT+3", "Antarctica/Troll", "Somewhere/Else"] {
            let found = of(None, &property(zone));
            assert_eq!((found.own, found.guess, found.numbers), (false, true, vec!["112".to_owned()]), "{zone}");
        }
        assert!(!of(None, &property("Europe/Lisbon")).guess);
        let own = emergency_set::Model { property_id: Uuid::nil(), numbers: "110,9110".into() };
        let found = of(Some(&own), &property("UTC"));
        assert_eq!((found.own, found.guess, found.numbers), (true, false, vec!["110".to_owned(), "9110".to_owned()]));
    }
}
