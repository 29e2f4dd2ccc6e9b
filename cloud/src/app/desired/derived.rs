//! What a phone has of its property and its room without anybody setting it. Here is the place for whatever else follows
//! from them, such as the SIP account of a room.

use std::borrow::Cow;

use contract::rest::Layer;

use crate::db::entity::{property, room};
use crate::domain::catalogue;

/// Hands out each derived entry: its layer, its key, and its value in clear (what is secret is sealed when the document
/// is stored). A value that somebody sets on the same layer comes before it.
pub fn collect<'a>(
    property: Option<&'a property::Model>,
    room: Option<&'a room::Model>,
    add: &mut impl FnMut(Layer, &'a str, Cow<'a, str>),
) {
    if let Some(property) = property {
        add(
            Layer::Property,
            catalogue::HOTEL_NAME,
            Cow::Borrowed(catalogue::cut(catalogue::HOTEL_NAME, &property.name)),
        );
    }
    let Some(room) = room else { return };
    add(Layer::Room, catalogue::ROOM_NUMBER, Cow::Borrowed(&room.number));
    if room.extension.is_empty() {
        return;
    }
    add(Layer::Room, catalogue::SIP_USER, Cow::Borrowed(&room.extension));
    add(Layer::Room, catalogue::SIP_AUTH_USER, Cow::Borrowed(&room.extension));
    for key in [catalogue::ACCOUNT_NAME, catalogue::SIP_DISPLAY_NAME] {
        let name = match room.guest_name.is_empty() {
            true => Cow::Owned(format!("Room {}", room.number)),
            false => Cow::Borrowed(catalogue::cut(key, &room.guest_name)),
        };
        add(Layer::Room, key, name);
    }
}
