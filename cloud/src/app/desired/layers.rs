//! The layers over a set of phones, loaded once, and what they say about each of them.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use contract::rest::Layer;
use provisioning::variables::Template;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::derived;
use super::facts::{Asked, Facts, Places};
use super::targets::Target;
use crate::app::accounts::derive::Accounts;
use crate::app::layers::Edit;
use crate::app::{App, Result, provision};
use crate::db::entity::{brand, chain, layer_value, property, room, room_type};
use crate::domain::layers::Bid;

/// Ids in one statement at most; SQLite takes 32,766 parameters.
pub(super) const IDS: usize = 10_000;
/// From so many phones on, values are found by their key instead of by phone and room.
const MANY: usize = 1_000;

/// A value somebody set on a layer.
#[derive(Clone, Debug)]
pub struct Set {
    pub layer: Layer,
    pub scope: Uuid,
    pub key: String,
    /// As stored; sealed if the setting is secret.
    pub stored: String,
    pub locked: bool,
    pub reason: String,
    /// What is filled in per phone; `Err` for one that does not read (any more).
    pub template: Option<std::result::Result<Template, String>>,
}

impl Set {
    /// `text` is the value in clear.
    pub fn new(layer: Layer, scope: Uuid, key: &str, stored: String, text: &str, locked: bool, reason: String) -> Self {
        let template = text.contains('{').then(|| Template::parse(text).map_err(|error| error.to_string()));
        // Most braces are those of dial plans.
        let template = template.filter(|template| match template {
            Ok(parsed) => parsed.variables().next().is_some() || parsed.expand(|_| None).as_deref() != Ok(text),
            Err(_) => true,
        });
        Self { layer, scope, key: key.to_owned(), stored, locked, reason, template }
    }

    fn load(app: &App, row: layer_value::Model) -> Result<Option<Self>> {
        let (Some(scope), Ok(layer)) = (row.scope_id, row.layer.parse()) else { return Ok(None) };
        let text = app.secrets.open_setting(&row.key, &row.value)?;
        Ok(Some(Self::new(layer, scope, &row.key, row.value.clone(), &text, row.locked, row.reason.clone())))
    }
}

/// A value for one phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text<'a> {
    /// As stored on its layer; sealed if the setting is secret.
    Stored(Cow<'a, str>),
    /// Made for this phone, in clear.
    Made(Cow<'a, str>),
    /// Cannot be filled in, and why.
    Missing(String),
}

/// What one layer says about one key of one phone.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    pub layer: Layer,
    pub key: Cow<'a, str>,
    pub text: Text<'a>,
    /// `None`: it follows from the room, the property or an account.
    pub set: Option<&'a Set>,
}

impl Entry<'_> {
    pub fn bid(&self) -> Bid {
        let usable = !matches!(self.text, Text::Missing(_));
        Bid { layer: self.layer, locked: self.set.is_some_and(|set| set.locked), usable }
    }
}

/// The layers over a set of phones.
pub struct Layers {
    pub chains: HashMap<Uuid, chain::Model>,
    pub brands: HashMap<Uuid, brand::Model>,
    pub properties: HashMap<Uuid, property::Model>,
    pub room_types: HashMap<Uuid, room_type::Model>,
    pub rooms: HashMap<Uuid, room::Model>,
    places: Places,
    accounts: Accounts,
    /// Where each phone fetches files, and as whom.
    files: HashMap<Uuid, Vec<(&'static str, String)>>,
    values: HashMap<Uuid, Vec<Set>>,
    loaded: Asked,
}

impl Layers {
    /// With `keys`, only what is said about those. `equipped` is what the phones have just been given to fetch files with.
    pub async fn load(
        app: &App,
        tx: &impl ConnectionTrait,
        targets: &[Target],
        keys: Option<&BTreeSet<String>>,
        equipped: Option<provision::Passwords>,
    ) -> Result<Self> {
        let property_ids: BTreeSet<Uuid> = targets.iter().filter_map(|target| target.property_id).collect();
        let all = property::Entity::find().filter(property::Column::Id.is_in(property_ids)).all(tx).await?;
        let properties: HashMap<Uuid, property::Model> = all.into_iter().map(|row| (row.id, row)).collect();
        let chain_ids: BTreeSet<Uuid> = properties.values().map(|property| property.chain_id).collect();
        let all = chain::Entity::find().filter(chain::Column::Id.is_in(chain_ids.clone())).all(tx).await?;
        let chains = all.into_iter().map(|row| (row.id, row)).collect();
        let brand_ids: BTreeSet<Uuid> = properties.values().filter_map(|property| property.brand_id).collect();
        let all = brand::Entity::find().filter(brand::Column::Id.is_in(brand_ids.clone())).all(tx).await?;
        let brands = all.into_iter().map(|row| (row.id, row)).collect();

        let room_ids: Vec<Uuid> = targets.iter().filter_map(|target| target.room_id).collect();
        let mut rooms: HashMap<Uuid, room::Model> = HashMap::with_capacity(room_ids.len());
        for ids in room_ids.chunks(IDS) {
            let all = room::Entity::find().filter(room::Column::Id.is_in(ids.iter().copied())).all(tx).await?;
            rooms.extend(all.into_iter().map(|row| (row.id, row)));
        }
        let type_ids: BTreeSet<Uuid> = rooms.values().filter_map(|room| room.room_type_id).collect();
        let all = room_type::Entity::find().filter(room_type::Column::Id.is_in(type_ids.clone())).all(tx).await?;
        let room_types = all.into_iter().map(|row| (row.id, row)).collect();

        let mut scopes: Vec<Uuid> = chain_ids.into_iter().chain(brand_ids).chain(type_ids).collect();
        scopes.extend(properties.keys());
        scopes.extend(rooms.keys());
        scopes.extend(targets.iter().map(|target| target.id));
        let asked = |begin: &str| keys.is_none_or(|keys| keys.iter().any(|key| key.starts_with(begin)));
        let accounts = if asked("account.") { Accounts::load(tx, targets).await? } else { Accounts::default() };
        let files = match asked("provisioning.") {
            true => provision::entries(app, tx, targets, equipped).await?,
            false => HashMap::new(),
        };
        let (places, values) = (Places::default(), HashMap::new());
        let loaded = Asked { accounts: asked("account."), ..Asked::default() };
        let mut layers =
            Self { chains, brands, properties, room_types, rooms, places, accounts, files, values, loaded };
        for row in load_values(tx, &scopes, targets.len(), keys).await? {
            if let Some(set) = Set::load(app, row)? {
                layers.values.entry(set.scope).or_default().push(set);
            }
        }
        layers.load_asked(app, tx, targets).await?;
        Ok(layers)
    }

    /// Makes an edit of one layer, as if it had been stored. `targets` as they were loaded.
    pub async fn apply(
        &mut self,
        app: &App,
        tx: &impl ConnectionTrait,
        targets: &[Target],
        (layer, scope): (Layer, Uuid),
        edits: &[Edit],
    ) -> Result<()> {
        let values = self.values.entry(scope).or_default();
        values.retain(|set| edits.iter().all(|edit| edit.key != set.key));
        for edit in edits {
            let Some(new) = &edit.value else { continue };
            values.push(Set::new(layer, scope, &edit.key, new.text.clone(), &new.text, new.locked, new.reason.clone()));
        }
        self.load_asked(app, tx, targets).await
    }

    /// What variables ask for and is not there yet, for all phones at once.
    async fn load_asked(&mut self, app: &App, tx: &impl ConnectionTrait, targets: &[Target]) -> Result<()> {
        let sets = self.values.values().flatten();
        let asked = Asked::of(sets.filter_map(|set| set.template.as_ref()?.as_ref().ok()));
        if asked.places && !self.loaded.places {
            self.places = Places::load(tx, self.rooms.values()).await?;
            self.loaded.places = true;
        }
        if asked.accounts && !self.loaded.accounts {
            self.accounts = Accounts::load(tx, targets).await?;
            self.loaded.accounts = true;
        }
        if asked.passwords && !self.loaded.passwords {
            self.accounts.open_passwords(app)?;
            self.loaded.passwords = true;
        }
        Ok(())
    }

    /// The property of a phone, and its room.
    pub fn place(&self, target: &Target) -> (Option<&property::Model>, Option<&room::Model>) {
        let property = target.property_id.and_then(|id| self.properties.get(&id));
        (property, target.room_id.and_then(|id| self.rooms.get(&id)))
    }

    /// Everything said about a phone, by key and then from the outermost layer inwards. Of one layer, what somebody set
    /// stands behind what follows from the room.
    pub fn entries<'a>(&'a self, target: &'a Target, keys: Option<&BTreeSet<String>>) -> Vec<Entry<'a>> {
        let (property, room) = self.place(target);
        let mut entries = Vec::new();
        derived::collect(property, room, &mut |layer, key, text| {
            if keys.is_none_or(|keys| keys.contains(key)) {
                entries.push(Entry { layer, key: Cow::Borrowed(key), text: Text::Made(text), set: None });
            }
        });
        let files = self.files.get(&target.id).into_iter().flatten();
        let files = files.map(|(key, value)| (Layer::Property, Cow::Borrowed(*key), Cow::Borrowed(value.as_str())));
        // Behind the room's own: an account says more than an extension.
        let derived = self.accounts.entries(target, room).into_iter();
        let derived = derived.map(|(layer, key, value)| (layer, Cow::Owned(key), Cow::Owned(value)));
        for (layer, key, value) in files.chain(derived) {
            if keys.is_none_or(|keys| keys.contains(&*key)) {
                entries.push(Entry { layer, key, text: Text::Stored(value), set: None });
            }
        }
        let (places, accounts) = (&self.places, &self.accounts);
        let facts = Facts { layers: self, places, accounts, target, property, room };
        let scopes = [
            property.map(|property| property.chain_id),
            property.and_then(|property| property.brand_id),
            property.map(|property| property.id),
            room.and_then(|room| room.room_type_id),
            room.map(|room| room.id),
            Some(target.id),
        ];
        for set in scopes.into_iter().flatten().filter_map(|scope| self.values.get(&scope)).flatten() {
            let text = match &set.template {
                None => Text::Stored(Cow::Borrowed(&set.stored)),
                Some(template) => match template.as_ref().map_err(Clone::clone).and_then(|t| facts.fill(&set.key, t)) {
                    Ok(text) => Text::Made(Cow::Owned(text)),
                    Err(reason) => Text::Missing(reason),
                },
            };
            entries.push(Entry { layer: set.layer, key: Cow::Borrowed(&set.key), text, set: Some(set) });
        }
        entries.sort_by(|a, b| (&a.key, a.layer, a.set.is_some()).cmp(&(&b.key, b.layer, b.set.is_some())));
        entries
    }

    /// The name of what a layer over a phone belongs to, and its id.
    pub fn owner(&self, target: &Target, layer: Layer) -> (String, Option<Uuid>) {
        let (property, room) = self.place(target);
        match layer {
            Layer::ModelDefault => (target.model.clone(), None),
            Layer::Chain => {
                let found = property.and_then(|property| self.chains.get(&property.chain_id));
                (found.map(|chain| chain.name.clone()).unwrap_or_default(), found.map(|chain| chain.id))
            }
            Layer::Brand => {
                let found = property.and_then(|property| self.brands.get(&property.brand_id?));
                (found.map(|brand| brand.name.clone()).unwrap_or_default(), found.map(|brand| brand.id))
            }
            Layer::Property => {
                (property.map(|property| property.name.clone()).unwrap_or_default(), property.map(|found| found.id))
            }
            Layer::RoomType => {
                let found = room.and_then(|room| self.room_types.get(&room.room_type_id?));
                (found.map(|kind| kind.name.clone()).unwrap_or_default(), found.map(|kind| kind.id))
            }
            Layer::Room => (room.map(|room| room.number.clone()).unwrap_or_default(), room.map(|room| room.id)),
            Layer::Phone => (target.mac.clone(), Some(target.id)),
        }
    }
}

async fn load_values(
    tx: &impl ConnectionTrait,
    scopes: &[Uuid],
    phones: usize,
    keys: Option<&BTreeSet<String>>,
) -> Result<Vec<layer_value::Model>> {
    let mut query = layer_value::Entity::find();
    if let Some(keys) = keys {
        query = query.filter(layer_value::Column::Key.is_in(keys.iter().cloned()));
        if phones >= MANY {
            let wanted: std::collections::HashSet<Uuid> = scopes.iter().copied().collect();
            let all = query.all(tx).await?;
            return Ok(all.into_iter().filter(|row| row.scope_id.is_some_and(|id| wanted.contains(&id))).collect());
        }
    }
    let mut found = Vec::new();
    for ids in scopes.chunks(IDS) {
        let ids = ids.iter().copied();
        found.extend(query.clone().filter(layer_value::Column::ScopeId.is_in(ids)).all(tx).await?);
    }
    Ok(found)
}
