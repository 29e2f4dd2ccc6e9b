//! The layers of settings, as places one can go to: chain, brand, property, room type, room, phone.

use contract::rest::Layer;
use uuid::Uuid;

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LayerAt {
    pub layer: Layer,
    pub id: Uuid,
}

/// A layer and what it is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub at: LayerAt,
    pub name: String,
    /// Where it is edited.
    pub href: String,
}

impl LayerAt {
    pub const fn new(layer: Layer, id: Uuid) -> Self {
        Self { layer, id }
    }

    /// The layer of an address `/layers/{layer}/{id}`.
    pub fn parse(layer: &str, id: &str) -> Option<Self> {
        let layer: Layer = layer.parse().ok().filter(|layer| *layer != Layer::ModelDefault)?;
        Some(Self { layer, id: id.parse().ok()? })
    }

    /// Its values in the API; what belongs to them is below.
    pub fn api(self) -> String {
        let things = match self.layer {
            Layer::Chain | Layer::ModelDefault => "chains",
            Layer::Brand => "brands",
            Layer::Property => "properties",
            Layer::RoomType => "room-types",
            Layer::Room => "rooms",
            Layer::Phone => "phones",
        };
        format!("/{things}/{}", self.id)
    }

    pub fn settings(self) -> String {
        format!("{}/settings", self.api())
    }

    /// Where it is edited. A room type does not say which property it belongs to.
    pub fn href(self, property: Option<Uuid>) -> String {
        match (self.layer, property) {
            (Layer::Property, _) => format!("/p/{}/settings", self.id),
            (Layer::RoomType, Some(property)) => format!("/layers/room-type/{}?property={property}", self.id),
            (layer, _) => format!("/layers/{}/{}", layer.as_str(), self.id),
        }
    }

    pub fn place(self, name: impl Into<String>, property: Option<Uuid>) -> Place {
        Place { at: self, name: name.into(), href: self.href(property) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_back_to_their_layer() {
        let id = Uuid::from_u128(7);
        for layer in [Layer::Chain, Layer::Brand, Layer::Room, Layer::Phone, Layer::RoomType] {
            let href = LayerAt::new(layer, id).href(None);
            let mut parts = href.split('/').skip(2);
            let at = LayerAt::parse(parts.next().unwrap(), parts.next().unwrap());
            assert_eq!(at, Some(LayerAt::new(layer, id)));
        }
        assert_eq!(LayerAt::parse("model-default", &id.to_string()), None);
        assert_eq!(LayerAt::parse("chain", "x"), None);
    }
}
