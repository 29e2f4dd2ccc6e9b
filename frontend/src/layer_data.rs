//! Everything the editor of a layer stands on: which layers lie below it, what they set, and what it sets itself.

use contract::PropertyId;
use contract::rest::{Brand, Chain, Configuration, Layer, LayerValues, PhoneDetail, Property, RoomDetail, RoomType};
use uuid::Uuid;

use crate::api::{Api, ApiError};
use crate::components::template::{Ground, Stratum};
use crate::layer_at::{LayerAt, Place};

#[derive(Clone, Debug, PartialEq)]
pub struct LayerData {
    /// From the chain inwards; the last is the layer itself.
    pub places: Vec<Place>,
    pub here: LayerValues,
    pub ground: Ground,
    /// The property it belongs to, or is.
    pub property: Option<PropertyId>,
}

impl LayerData {
    pub fn name(&self) -> String {
        self.places.last().map(|place| place.name.clone()).unwrap_or_default()
    }
}

fn missing(what: &str) -> ApiError {
    let mut error = ApiError::local("not-found", "Not found", format!("This {what} may have been removed."));
    error.0.status = 404;
    error
}

async fn chain(api: Api, id: Uuid) -> Result<Place, ApiError> {
    let chains: Vec<Chain> = api.get("/chains").await?;
    let chain = chains.into_iter().find(|chain| chain.id.0 == id).ok_or_else(|| missing("chain"))?;
    Ok(LayerAt::new(Layer::Chain, id).place(chain.name, None))
}

async fn brand(api: Api, id: Uuid) -> Result<Vec<Place>, ApiError> {
    let chains: Vec<Chain> = api.get("/chains").await?;
    for chain in chains {
        let brands: Vec<Brand> = api.get_owned(format!("/chains/{}/brands", chain.id)).await?;
        if let Some(brand) = brands.into_iter().find(|brand| brand.id.0 == id) {
            let outer = LayerAt::new(Layer::Chain, chain.id.0).place(chain.name, None);
            return Ok(vec![outer, LayerAt::new(Layer::Brand, id).place(brand.name, None)]);
        }
    }
    Err(missing("brand"))
}

async fn property(api: Api, id: PropertyId) -> Result<Vec<Place>, ApiError> {
    let found: Property = api.get_owned(format!("/properties/{id}")).await?;
    let mut places = Vec::new();
    if let Some(chain) = found.chain_id {
        places.push(LayerAt::new(Layer::Chain, chain.0).place(found.chain, None));
    }
    if let Some(brand) = found.brand {
        places.push(LayerAt::new(Layer::Brand, brand.0).place(found.brand_name.unwrap_or_default(), None));
    }
    places.push(LayerAt::new(Layer::Property, id.0).place(found.name, None));
    Ok(places)
}

async fn room(api: Api, id: Uuid) -> Result<(Vec<Place>, PropertyId), ApiError> {
    let card = api.get_owned::<RoomDetail>(format!("/rooms/{id}")).await?.card;
    let mut places = property(api, card.property).await?;
    if let Some(kind) = card.room_type {
        let name = card.room_type_name.unwrap_or_default();
        places.push(LayerAt::new(Layer::RoomType, kind.0).place(name, Some(card.property.0)));
    }
    places.push(LayerAt::new(Layer::Room, id).place(format!("Room {}", card.number), None));
    Ok((places, card.property))
}

/// Which layers a layer stands on, itself last.
async fn lineage(
    api: Api,
    at: LayerAt,
    within: Option<PropertyId>,
) -> Result<(Vec<Place>, Option<PropertyId>), ApiError> {
    match at.layer {
        Layer::Chain | Layer::ModelDefault => Ok((vec![chain(api, at.id).await?], None)),
        Layer::Brand => Ok((brand(api, at.id).await?, None)),
        Layer::Property => Ok((property(api, PropertyId(at.id)).await?, Some(PropertyId(at.id)))),
        Layer::RoomType => {
            let within = within.ok_or_else(|| missing("room type"))?;
            let types: Vec<RoomType> = api.get_owned(format!("/properties/{within}/room-types")).await?;
            let kind = types.into_iter().find(|kind| kind.id.0 == at.id).ok_or_else(|| missing("room type"))?;
            let mut places = property(api, within).await?;
            places.push(at.place(kind.name, Some(within.0)));
            Ok((places, Some(within)))
        }
        Layer::Room => room(api, at.id).await.map(|(places, property)| (places, Some(property))),
        Layer::Phone => {
            let phone = api.get_owned::<PhoneDetail>(format!("/phones/{}", at.id)).await?.phone;
            let mut places = match (phone.room, phone.property) {
                (Some(id), _) => room(api, id.0).await?.0,
                (None, Some(id)) => property(api, id).await?,
                (None, None) => Vec::new(),
            };
            places.push(at.place(format!("Phone {}", phone.mac), None));
            Ok((places, phone.property))
        }
    }
}

/// Loads it all. `within`: the property of a room type.
pub async fn load(api: Api, at: LayerAt, within: Option<PropertyId>) -> Result<LayerData, ApiError> {
    let (places, property) = lineage(api, at, within).await?;
    let here: LayerValues = api.get_owned(at.settings()).await?;
    let ground = if at.layer == Layer::Phone {
        // The server says what follows from the room and its account, too.
        let configuration: Configuration = api.get_owned(format!("/phones/{}/configuration", at.id)).await?;
        Ground::of_configuration(&configuration)
    } else {
        let mut strata = Vec::new();
        for place in places.iter().filter(|place| place.at != at) {
            let values: LayerValues = api.get_owned(place.at.settings()).await?;
            strata.push(Stratum { layer: place.at.layer, name: place.name.clone(), values: values.values });
        }
        Ground::of(&strata)
    };
    Ok(LayerData { places, here, ground, property })
}
