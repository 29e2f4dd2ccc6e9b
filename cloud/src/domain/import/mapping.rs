//! Which column is what: guessed from the headings, in the languages hotels write them in, and changed by people.

use std::collections::HashSet;

use contract::rest::{ColumnChoice, Layer};
use settings::{Catalogue, Dialect, SettingRef};

/// What a column may be taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    Building,
    Floor,
    Level,
    Room,
    RoomType,
    Extension,
    GuestName,
    Mac,
    Serial,
    Model,
    /// A SIP server of the property, by its name. This and what follows is the account of the room's phone.
    SipServer,
    SipUser,
    SipAuthUser,
    SipDisplayName,
    SipPassword,
}

/// A word, or a setting of the catalogue.
#[derive(Clone, Copy, Debug)]
pub enum Field {
    Word(Word),
    Setting {
        setting: SettingRef,
        /// Values are those of the P value, such as `0` for a speed dial key.
        by_p: bool,
    },
}

/// What a column is taken for, and where a setting's value goes.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub field: Field,
    /// `Room` or `Phone`; of settings only.
    pub layer: Layer,
}

/// Words, their names in the API, and headings that mean them: lower case, letters and digits only, without accents.
const WORDS: [(Word, &str, &[&str]); 15] = [
    (
        Word::Building,
        "building",
        &[
            "gebaude",
            "haus",
            "batiment",
            "edificio",
            "edificiotorre",
            "tower",
            "wing",
            "gebouw",
            "predio",
            "block",
            "fligel",
        ],
    ),
    (
        Word::Floor,
        "floor",
        &[
            "floorname",
            "etage",
            "stockwerk",
            "stock",
            "geschoss",
            "piso",
            "planta",
            "piano",
            "verdieping",
            "andar",
            "storey",
            "story",
        ],
    ),
    (Word::Level, "level", &["floornumber", "floorno", "floorlevel", "ebene", "niveau", "nivel", "livello"]),
    (
        Word::Room,
        "room",
        &[
            "roomnumber",
            "roomno",
            "roomnr",
            "roomid",
            "roomname",
            "zimmer",
            "zimmernummer",
            "zimmernr",
            "raum",
            "raumnummer",
            "chambre",
            "numerodechambre",
            "nochambre",
            "habitacion",
            "numerodehabitacion",
            "camera",
            "numerocamera",
            "quarto",
            "numerodoquarto",
            "kamer",
            "kamernummer",
            "pokoj",
            "oda",
            "unit",
            "hotelroomnumber",
        ],
    ),
    (
        Word::RoomType,
        "room-type",
        &[
            "roomtype",
            "roomcategory",
            "roomclass",
            "zimmertyp",
            "zimmerkategorie",
            "kategorie",
            "categorie",
            "typedechambre",
            "tipodehabitacion",
            "tipocamera",
            "tipodequarto",
            "kamertype",
        ],
    ),
    (
        Word::Extension,
        "extension",
        &[
            "ext",
            "extn",
            "extno",
            "extensionnumber",
            "nebenstelle",
            "durchwahl",
            "poste",
            "numerodeposte",
            "interno",
            "anexo",
            "ramal",
            "toestel",
            "toestelnummer",
        ],
    ),
    (
        Word::GuestName,
        "guest-name",
        &[
            "guest",
            "guestname",
            "gast",
            "gastname",
            "nomduclient",
            "client",
            "huesped",
            "nombredelhuesped",
            "ospite",
            "hospede",
            "displayname",
            "anzeigename",
        ],
    ),
    (
        Word::Mac,
        "mac",
        &[
            "macaddress",
            "macadresse",
            "macaddr",
            "macid",
            "adressemac",
            "direccionmac",
            "indirizzomac",
            "enderecomac",
            "macadres",
            "phonemac",
            "devicemac",
            "hardwareaddress",
        ],
    ),
    (
        Word::Serial,
        "serial",
        &[
            "serialnumber",
            "serialno",
            "sn",
            "seriennummer",
            "seriennr",
            "numerodeserie",
            "numerodiserie",
            "serienummer",
            "serie",
        ],
    ),
    (
        Word::Model,
        "model",
        &[
            "phonemodel",
            "devicemodel",
            "devicetype",
            "phonetype",
            "modell",
            "modele",
            "modelo",
            "modello",
            "geratetyp",
            "telefontyp",
        ],
    ),
    (
        Word::SipServer,
        "sip-server",
        &["registrar", "sipregistrar", "pbx", "pbxname", "serveursip", "servidorsip", "serversip"],
    ),
    (Word::SipUser, "sip-user", &[]),
    (Word::SipAuthUser, "sip-auth-user", &[]),
    (Word::SipDisplayName, "sip-display-name", &["sipname", "sipanzeigename", "accountname", "kontoname"]),
    (Word::SipPassword, "sip-password", &[]),
];

/// Headings that mean a SIP account, or settings where the property has no SIP servers an account could be on.
const ACCOUNTS: [(Word, &str, &[&str]); 3] = [
    (
        Word::SipUser,
        "account.1.sip.userid",
        &["sipuser", "sipuserid", "sipusername", "sipid", "sipbenutzer", "sipaccount"],
    ),
    (
        Word::SipAuthUser,
        "account.1.sip.subscriber.userid",
        &["sipauth", "sipauthid", "sipauthuser", "authid", "authenticateid", "authuser", "sipauthname", "authname"],
    ),
    (
        Word::SipPassword,
        "account.1.sip.subscriber.password",
        &[
            "sippassword",
            "sippasswort",
            "sipkennwort",
            "authpassword",
            "sipsecret",
            "secret",
            "password",
            "passwort",
            "kennwort",
            "motdepasse",
            "contrasena",
            "senha",
            "wachtwoord",
            "sippass",
        ],
    ),
];

impl Field {
    /// A field by its name in the API: a word, a setting's key or alias, or a P value.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        if let Some((word, ..)) = WORDS.iter().find(|(_, word, _)| word.eq_ignore_ascii_case(name)) {
            return Some(Self::Word(*word));
        }
        let catalogue = Catalogue::get();
        let by_p = |item: settings::Item| item.part.is_none().then_some((item.setting, true));
        catalogue
            .find(name)
            .or_else(|| catalogue.find_alias(name).filter(|item| item.part.is_none()).map(|item| item.setting))
            .map(|setting| (setting, false))
            .or_else(|| catalogue.find_p(name).and_then(by_p))
            .map(|(setting, by_p)| Self::Setting { setting, by_p })
    }

    /// The name [`Field::parse`] reads.
    pub fn name(&self) -> String {
        match self {
            Self::Word(word) => word.name().to_owned(),
            Self::Setting { setting, by_p: true } => setting.p_value().map_or_else(|| setting.key(), str::to_owned),
            Self::Setting { setting, by_p: false } => setting.key(),
        }
    }

    pub fn is_secret(&self) -> bool {
        match self {
            Self::Word(word) => *word == Word::SipPassword,
            Self::Setting { setting, .. } => setting.setting.secret,
        }
    }

    /// The canonical value of a cell, or why it is not allowed.
    ///
    /// # Errors
    /// As [`settings::validate_ref`].
    pub fn setting_value(setting: SettingRef, by_p: bool, text: &str) -> Result<String, settings::SettingError> {
        if by_p {
            return setting.value_from_wire(Dialect::P, text);
        }
        // Words as they stand in the vendor's files are as good as ours.
        settings::validate_ref(setting, text)
            .or_else(|error| setting.value_from_wire(Dialect::Alias, text).map_err(|_| error))
    }
}

impl Word {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        WORDS.iter().find(|(word, ..)| *word == self).map_or("", |(_, name, _)| name)
    }

    /// Whether it is part of a SIP account.
    pub fn is_account(self) -> bool {
        matches!(self, Self::SipServer | Self::SipUser | Self::SipAuthUser | Self::SipDisplayName | Self::SipPassword)
    }
}

/// Takes headings for fields. A field is taken once; what cannot be told stays out. `accounts`: the property has SIP
/// servers, so that "SIP user" means an account, which belongs to a room.
pub fn guess(headings: &[String], accounts: bool) -> Vec<ColumnChoice> {
    let is_room = |heading: &String| matches!(of_heading(heading, false), Some((Field::Word(Word::Room), _)));
    let accounts = accounts && headings.iter().any(is_room);
    let found: Vec<_> = headings.iter().map(|heading| of_heading(heading, accounts)).collect();
    let has_room = found.iter().flatten().any(|(field, _)| matches!(field, Field::Word(Word::Room)));
    let mut taken = HashSet::new();
    let choose = |(column, found): (usize, Option<(Field, Option<Layer>)>)| {
        let column = u32::try_from(column).unwrap_or(u32::MAX);
        let found = found.map(|(field, layer)| Column { field, layer: layer.unwrap_or(default_layer(has_room)) });
        match found.filter(|found| taken.insert(found.identity())) {
            None => ColumnChoice { column, field: None, layer: None },
            Some(Column { field, layer }) => {
                let layer = matches!(field, Field::Setting { .. }).then_some(layer);
                ColumnChoice { column, field: Some(field.name()), layer }
            }
        }
    };
    found.into_iter().enumerate().map(choose).collect()
}

impl Column {
    /// What no two columns may share.
    fn identity(&self) -> (String, Option<Layer>) {
        match &self.field {
            Field::Word(word) => (word.name().to_owned(), None),
            Field::Setting { setting, .. } => (setting.key(), Some(self.layer)),
        }
    }
}

/// Where a setting goes if nobody said so: a value of the room stays when its phone is swapped.
pub fn default_layer(has_room: bool) -> Layer {
    if has_room { Layer::Room } else { Layer::Phone }
}

fn of_heading(heading: &str, accounts: bool) -> Option<(Field, Option<Layer>)> {
    // "phone: pks.mpk.11.value", as the export writes it.
    let (layer, rest) = match heading.split_once(':') {
        Some((layer, rest)) if layer.trim().eq_ignore_ascii_case("room") => (Some(Layer::Room), rest),
        Some((layer, rest)) if layer.trim().eq_ignore_ascii_case("phone") => (Some(Layer::Phone), rest),
        _ => (None, heading),
    };
    if let Some(field @ Field::Setting { .. }) = Field::parse(rest) {
        return Some((field, layer));
    }
    let plain = plain(heading);
    if plain.is_empty() {
        return None;
    }
    let mut words = WORDS.iter().filter(|(word, ..)| accounts || !word.is_account());
    if let Some((word, ..)) =
        words.find(|(_, name, also)| plain == name.replace('-', "") || also.contains(&plain.as_str()))
    {
        return Some((Field::Word(*word), None));
    }
    match ACCOUNTS.iter().find(|(_, _, also)| also.contains(&plain.as_str())) {
        Some((word, ..)) if accounts => Some((Field::Word(*word), None)),
        Some((_, key, _)) => Some((Field::parse(key)?, None)),
        None => Some((Field::parse(&key_heading(&plain)?)?, None)),
    }
}

/// How many of these cells are headings we know.
pub fn recognised<'a>(cells: impl Iterator<Item = &'a str>) -> usize {
    cells.filter(|cell| of_heading(cell, true).is_some()).count()
}

/// Words for a key that dials a number.
const DIALS: [&str; 2] = ["speeddial", "kurzwahl"];
/// The mode of such a key.
pub const SPEED_DIAL: &str = "speed_dial";

/// Whether a heading means a key that dials a number.
pub fn says_speed_dial(heading: &str) -> bool {
    let plain = plain(heading);
    DIALS.iter().any(|word| plain.starts_with(word))
}

/// "Key 1", "MPK 1 label", "Speed dial 2 mode": the programmable keys, counted from 1 as people do.
fn key_heading(plain: &str) -> Option<String> {
    let rest = ["mpk", "key", "taste", "touche", "tecla", "tasto"]
        .iter()
        .chain(&DIALS)
        .find_map(|word| plain.strip_prefix(word))?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = rest.split_at_checked(digits)?;
    let index = number.parse::<u16>().ok().filter(|number| (1..=6).contains(number))? + 10;
    let what = match rest {
        "" | "value" | "number" | "nummer" | "wert" => "value",
        "label" | "name" | "description" | "beschriftung" => "description",
        "mode" | "type" | "modus" => "keymode",
        "account" | "konto" => "account",
        _ => return None,
    };
    Some(format!("pks.mpk.{index}.{what}"))
}

/// Letters and digits, small, without accents.
fn plain(heading: &str) -> String {
    heading
        .chars()
        .take(100)
        .flat_map(char::to_lowercase)
        .filter_map(|c| match c {
            'ä' | 'á' | 'à' | 'â' | 'ã' => Some('a'),
            'é' | 'è' | 'ê' | 'ë' => Some('e'),
            'í' | 'ì' | 'î' | 'ï' => Some('i'),
            'ö' | 'ó' | 'ò' | 'ô' | 'õ' => Some('o'),
            'ü' | 'ú' | 'ù' | 'û' => Some('u'),
            'ç' => Some('c'),
            'ñ' => Some('n'),
            c => c.is_alphanumeric().then_some(c),
        })
        .collect()
}

/// Whether a column that nobody mapped seems to hold something secret, so that its samples are not shown.
pub fn seems_secret(heading: &str) -> bool {
    let plain = plain(heading);
    ["pass", "secret", "pin", "kennwort", "wachtwoord", "contrasena", "senha", "key"]
        .iter()
        .any(|word| plain.contains(word))
}

/// Checks choices and puts them into columns by position; `None`: left out.
///
/// # Errors
/// The field's name (`columns.field`, `columns.layer` …) and what is wrong with it.
pub fn columns(choices: &[ColumnChoice], width: usize) -> Result<Vec<Option<Column>>, (&'static str, String)> {
    let mut columns: Vec<Option<Column>> = vec![None; width];
    let mut taken = HashSet::new();
    let has_room = choices.iter().any(|choice| choice.field.as_deref() == Some(Word::Room.name()));
    for choice in choices {
        let Some(slot) = columns.get_mut(choice.column as usize) else {
            return Err(("columns.column", format!("There is no column {}; the file has {width}.", choice.column)));
        };
        let Some(name) = &choice.field else { continue };
        let shown: String = name.chars().take(80).collect();
        let Some(field) = Field::parse(name) else {
            return Err(("columns.field", format!("\"{shown}\" is neither a field of an import nor a setting.")));
        };
        let layer = choice.layer.unwrap_or_else(|| default_layer(has_room));
        if matches!(field, Field::Setting { .. }) && !matches!(layer, Layer::Room | Layer::Phone) {
            return Err(("columns.layer", "An import sets values of rooms and phones; say room or phone.".to_owned()));
        }
        let column = Column { field, layer };
        if !taken.insert(column.identity()) {
            return Err(("columns.field", format!("\"{shown}\" was chosen for two columns. Leave one of them out.")));
        }
        *slot = Some(column);
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(headings: &[&str]) -> Vec<Option<String>> {
        let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
        guess(&headings, false).into_iter().map(|choice| choice.field).collect()
    }

    #[test]
    fn knows_headings_in_several_languages() {
        for (heading, field) in [
            ("Room", "room"),
            ("Zimmer-Nr.", "room"),
            ("Numéro de chambre", "room"),
            ("Habitación", "room"),
            ("MAC Address", "mac"),
            ("mac", "mac"),
            ("S/N", "serial"),
            ("Ext.", "extension"),
            ("Durchwahl", "extension"),
            ("Gebäude", "building"),
            ("Guest Name", "guest-name"),
            ("SIP Password", "account.1.sip.subscriber.password"),
            ("SIP user ID", "account.1.sip.userid"),
            ("Account.1.SIP.UserId", "account.1.sip.userid"),
            ("Key 1", "pks.mpk.11.value"),
            ("MPK 6 label", "pks.mpk.16.description"),
            ("P47", "P47"),
            ("phone: hotel.name", "hotel.name"),
        ] {
            assert_eq!(names(&[heading]), [Some(field.to_owned())], "{heading}");
        }
        assert_eq!(names(&["", "Colour of the door", "Key 7", "key"]), [None, None, None, None]);
        assert_eq!(names(&["Room", "Zimmer"]), [Some("room".to_owned()), None], "a field is taken once");
    }

    #[test]
    fn a_sip_user_is_an_account_where_there_are_servers_and_rooms() {
        let headings =
            ["Room", "SIP server", "SIP User", "Auth ID", "SIP display name", "Secret", "account.1.sip.userid"];
        let guessed = |headings: &[&str], accounts: bool| -> Vec<Option<String>> {
            let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
            guess(&headings, accounts).into_iter().map(|choice| choice.field).collect()
        };
        let (user, auth) = ("account.1.sip.userid", "account.1.sip.subscriber.userid");
        let password = "account.1.sip.subscriber.password";
        let as_account = ["room", "sip-server", "sip-user", "sip-auth-user", "sip-display-name", "sip-password", user];
        assert_eq!(guessed(&headings, true), as_account.map(|name| Some(name.to_owned())));
        let as_settings = [Some("room"), None, Some(user), Some(auth), None, Some(password), None];
        assert_eq!(guessed(&headings, false), as_settings.map(|name| name.map(str::to_owned)), "a key is taken once");
        assert_eq!(
            guessed(&["MAC", "SIP user"], true)[1].as_deref(),
            Some(user),
            "no rooms, so it is a phone's setting"
        );
    }

    #[test]
    fn every_name_it_gives_is_read_back() {
        for (word, name, _) in WORDS {
            assert!(matches!(Field::parse(name), Some(Field::Word(found)) if found == word));
            assert_eq!(Field::Word(word).name(), name);
        }
        let is_setting = |name: &str| matches!(Field::parse(name), Some(Field::Setting { .. }));
        for (word, key, _) in ACCOUNTS {
            assert!(is_setting(key) && word.is_account(), "{key}");
        }
        for index in 1..=6 {
            for what in ["", " label", " mode", " account"] {
                let name = names(&[&format!("Key {index}{what}")]).remove(0).unwrap();
                assert!(is_setting(&name), "{name}");
            }
        }
    }

    #[test]
    fn says_which_choice_is_wrong() {
        let choice = |column, field: &str, layer| ColumnChoice { column, field: Some(field.to_owned()), layer };
        for (choices, field) in [
            (vec![choice(3, "room", None)], "columns.column"),
            (vec![choice(0, "colour", None)], "columns.field"),
            (vec![choice(0, "room", None), choice(1, "room", None)], "columns.field"),
            (vec![choice(0, "P47", None), choice(1, "account.1.sip.server.1.address", None)], "columns.field"),
            (vec![choice(0, "hotel.name", Some(Layer::Property))], "columns.layer"),
        ] {
            assert_eq!(columns(&choices, 2).unwrap_err().0, field);
        }
        let both = [choice(0, "hotel.name", Some(Layer::Room)), choice(1, "hotel.name", Some(Layer::Phone))];
        assert!(columns(&both, 2).is_ok(), "a value may differ between room and phone");
    }

    proptest! {
        #[test]
        fn a_guess_is_always_a_mapping_that_is_taken(headings in proptest::collection::vec(
            prop_oneof!["(room|phone)?:? ?(Room|MAC|Key|P|account\\.1\\.|SIP )[0-9a-z. ]{0,12}", "\\PC{0,20}"], 0..30), accounts: bool) {
            let choices = guess(&headings, accounts);
            prop_assert_eq!(choices.len(), headings.len());
            let taken = columns(&choices, headings.len());
            prop_assert!(taken.is_ok(), "{:?}", taken);
        }
    }
}
