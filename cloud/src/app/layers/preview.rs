//! What a change of a layer would do, without doing it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use contract::PhoneId;
use contract::rest::{
    LayerChange, Overridden, Preview, PreviewCount, PreviewGroup, PreviewKey, PreviewLeftOut, PreviewLint,
    PreviewPhone, SECRET_MASK, SetValue,
};
use sea_orm::EntityTrait;
use settings::Effect;
use uuid::Uuid;

use super::change::{Edit, New, Now, check, now_set, only_differing};
use super::{Scope, locks, seen};
use crate::app::desired::layers::{Entry, Layers, Text};
use crate::app::desired::plan::{self, Changed, Document};
use crate::app::desired::targets::{self, Target};
use crate::app::desired::{accepted, store};
use crate::app::lint::Context;
use crate::app::lint::change::{Changing, Sample};
use crate::app::{App, Result};
use crate::db::WriteTx;
use crate::db::entity::phone;
use crate::domain::catalogue;
use crate::domain::layers::{Bid, Effective, why_not};

/// Groups and examples shown of each key.
const SHOWN: usize = 20;
/// Phones whose documents are read together.
const ROUND: usize = 5_000;

/// The same checks as the change itself, and its effects counted.
pub async fn preview(app: &App, scope: Scope, wanted: LayerChange) -> Result<Preview> {
    let edits = check(scope, &wanted)?;
    let (db, expected) = (app.db.read(), seen::of(&wanted, &edits)?);
    locks::exists(db, scope).await?;
    let now = now_set(app, db, scope, &edits).await?;
    seen::refuse(db, scope, &edits, &expected, &now).await?;
    let set = edits.iter().filter(|edit| edit.value.is_some()).map(|edit| edit.key.clone());
    locks::refuse(db, scope, set.collect()).await?;
    of_edits(app, scope, edits, now).await
}

/// The effects of edits that were checked; `before` is what the layer has.
pub async fn of_edits(app: &App, scope: Scope, mut edits: Vec<Edit>, mut before: Now) -> Result<Preview> {
    let db = app.db.read();
    let (_, targets) = scope.targets(db).await?;
    if let Scope::Phone(id) = scope
        && let Some(phone) = phone::Entity::find_by_id(id).one(db).await?
    {
        accepted(&phone)?;
    }
    only_differing(&mut edits, &before)?;
    let keys: BTreeSet<String> = edits.iter().map(|edit| edit.key.clone()).collect();
    let mut layers = Layers::load(app, db, &targets, Some(&keys), None).await?;
    layers.apply(app, db, &targets, (scope.layer(), scope.id()), &edits).await?;
    let (mut counts, mut sample) = (Counts::new(&edits, &mut before), Sample::default());
    for round in targets.chunks(ROUND) {
        let stored = store::documents(db, round).await?;
        for target in round {
            let text = stored.get(&target.id).map_or("{}", String::as_str);
            let document = Document::read(text)?;
            let entries = layers.entries(target, Some(&keys));
            let changes = plan::changes(&app.secrets, &entries, target, &document, Some(&keys))?;
            counts.phone(&layers, target, &changes);
            counts.shields(scope, &layers, target, &entries);
            if changes.iter().any(|change| change.value) {
                sample.offer(target, text, || document.with(&changes))?;
            }
        }
    }
    let looked_for = keys.iter().map(String::as_str).collect();
    let lint = sample.compare(app, db, &layers, &looked_for, Changing::Layer(scope, &edits)).await?;
    Ok(counts.preview(targets.len(), &layers, lint))
}

/// The same of a change that was made in a transaction, which is taken back, for the phones that follow it.
pub async fn taken_back(app: &App, write: WriteTx, phones: &[Uuid]) -> Result<Preview> {
    let targets = targets::by_id(&write.tx, phones).await?;
    let layers = Layers::load(app, &write.tx, &targets, Some(&BTreeSet::new()), None).await?;
    let mut made = HashMap::new();
    for round in targets.chunks(ROUND) {
        made.extend(store::documents(&write.tx, round).await?);
    }
    let mut will = HashMap::new();
    for property in targets.iter().map(|target| target.property_id).collect::<BTreeSet<_>>() {
        will.insert(property, Context::of_property(app, &write.tx, property).await?);
    }
    // From here on everything is again as everybody else sees it, and nobody waits for this one.
    drop(write);
    let (mut counts, mut sample) = (Counts::default(), Sample::default());
    for round in targets.chunks(ROUND) {
        let kept = store::documents(app.db.read(), round).await?;
        for target in round {
            let [old, new] = [&kept, &made].map(|all| all.get(&target.id).map_or("{}", String::as_str));
            let changes = plan::between(&Document::read(old)?, &Document::read(new)?)?;
            counts.phone(&layers, target, &changes);
            sample.offer(target, old, || Ok(new.to_owned()))?;
        }
    }
    let keys = counts.keys.keys().map(String::as_str).collect();
    let lint = sample.compare(app, app.db.read(), &layers, &keys, Changing::Else(will)).await?;
    Ok(counts.preview(0, &layers, lint))
}

#[derive(Default)]
struct OfKey {
    own_before: Option<SetValue>,
    own_after: Option<SetValue>,
    phones: u32,
    groups: HashMap<(Option<String>, Option<String>), u32>,
    overridden: u32,
    locked: u32,
    left_out: u32,
    examples: Vec<PreviewLeftOut>,
}

#[derive(Default)]
struct Counts {
    phones: u32,
    reboot: u32,
    re_register: u32,
    in_call: u32,
    in_call_reboot: u32,
    reboot_unheard: u32,
    offline: u32,
    by_file: u32,
    named: [Vec<PreviewPhone>; 3],
    properties: BTreeMap<Option<Uuid>, u32>,
    room_types: BTreeMap<(Option<Uuid>, Option<Uuid>), u32>,
    keys: BTreeMap<String, OfKey>,
}

impl Counts {
    fn new(edits: &[Edit], before: &mut Now) -> Self {
        let of = |edit: &Edit, before: Option<New>| {
            let own = |new: &New| SetValue {
                value: if catalogue::is_secret(&edit.key) { SECRET_MASK.to_owned() } else { new.text.clone() },
                locked: new.locked,
                reason: new.reason.clone(),
            };
            let (own_before, own_after) = (before.as_ref().map(own), edit.value.as_ref().map(own));
            OfKey { own_before, own_after, ..OfKey::default() }
        };
        let keys = edits.iter().map(|edit| {
            let before = before.remove(&edit.key).map(|(before, _)| before);
            (edit.key.clone(), of(edit, before))
        });
        Self { keys: keys.collect(), ..Self::default() }
    }

    fn phone(&mut self, layers: &Layers, target: &Target, changes: &[Changed]) {
        let changes: Vec<&Changed> = changes.iter().filter(|change| change.value).collect();
        if changes.is_empty() {
            return;
        }
        self.phones += 1;
        let strongest = changes.iter().map(|change| catalogue::effect(&change.key)).max();
        let reboots = strongest == Some(Effect::Reboot);
        let offline = !target.connected && !target.only_files();
        self.reboot += u32::from(reboots);
        self.re_register += u32::from(strongest == Some(Effect::ReRegister));
        self.in_call += u32::from(target.off_hook);
        self.in_call_reboot += u32::from(target.off_hook && reboots);
        self.reboot_unheard += u32::from(reboots && target.mqtt_hash.is_empty());
        self.by_file += u32::from(target.only_files());
        self.offline += u32::from(offline);
        for (named, counts) in self.named.iter_mut().zip([reboots, target.off_hook, offline]) {
            if counts {
                first(named, layers, target);
            }
        }
        let (property, room) = layers.place(target);
        *self.properties.entry(property.map(|property| property.id)).or_default() += 1;
        let kind = (property.map(|property| property.id), room.and_then(|room| room.room_type_id));
        *self.room_types.entry(kind).or_default() += 1;
        for change in changes {
            let of_key = self.keys.entry(change.key.clone()).or_default();
            of_key.phones += 1;
            let secret = catalogue::is_secret(&change.key);
            let shown = |value: Option<&Effective>| {
                value.map(|value| if secret { SECRET_MASK.to_owned() } else { value.value.clone() })
            };
            let group = (shown(change.before.as_ref()), shown(change.after.as_ref()));
            *of_key.groups.entry(group).or_default() += 1;
        }
    }

    /// Where the layer's own values do not count.
    fn shields(&mut self, scope: Scope, layers: &Layers, target: &Target, entries: &[Entry<'_>]) {
        for of_key in entries.chunk_by(|a, b| a.key == b.key) {
            let own = |entry: &Entry<'_>| entry.set.is_some_and(|set| set.scope == scope.id());
            let Some(at) = of_key.iter().position(own) else { continue };
            let Some(entry) = of_key.get(at).filter(|entry| catalogue::exists_on(&entry.key, &target.model)) else {
                continue;
            };
            let Some(counts) = self.keys.get_mut(entry.key.as_ref()) else { continue };
            let bids: Vec<Bid> = of_key.iter().map(Entry::bid).collect();
            match why_not(&bids, at) {
                None => {}
                Some(Overridden::Nearer) => counts.overridden += 1,
                Some(Overridden::Locked) => counts.locked += 1,
                Some(Overridden::NotFilledIn) => {
                    counts.left_out += 1;
                    if let (Text::Missing(reason), true) = (&entry.text, counts.examples.len() < SHOWN) {
                        let PreviewPhone { phone, mac, room_number } = named(layers, target);
                        let reason = reason.clone();
                        counts.examples.push(PreviewLeftOut { phone, mac, room_number, reason });
                    }
                }
            }
        }
    }

    fn preview(self, in_scope: usize, layers: &Layers, lint: PreviewLint) -> Preview {
        let property = |id: Option<Uuid>| id.and_then(|id| layers.properties.get(&id));
        let property_name = |id| property(id).map(|property| property.name.clone()).unwrap_or_default();
        let by_property = self.properties.into_iter().map(|(id, phones)| {
            let name = property_name(id);
            PreviewCount { id, property_name: name.clone(), name, phones }
        });
        let by_room_type = self.room_types.into_iter().map(|((property, id), phones)| {
            let name = id.and_then(|id| layers.room_types.get(&id)).map(|kind| kind.name.clone()).unwrap_or_default();
            PreviewCount { id, name, property_name: property_name(property), phones }
        });
        let [reboot_phones, in_call_phones, offline_phones] = self.named;
        let mut preview = Preview {
            in_scope: in_scope as u32,
            phones: self.phones,
            reboot: self.reboot,
            re_register: self.re_register,
            in_call: self.in_call,
            in_call_reboot: self.in_call_reboot,
            reboot_unheard: self.reboot_unheard,
            offline: self.offline,
            by_file: self.by_file,
            reboot_phones,
            in_call_phones,
            offline_phones,
            by_property: by_property.collect(),
            by_room_type: by_room_type.collect(),
            keys: self.keys.into_iter().map(|(key, counts)| shown(key, counts)).collect(),
            lint,
        };
        let order = |count: &PreviewCount| (count.property_name.clone(), count.name.clone());
        preview.by_property.sort_by_key(order);
        preview.by_room_type.sort_by_key(order);
        preview
    }
}

fn named(layers: &Layers, target: &Target) -> PreviewPhone {
    let mac = target.mac.parse().unwrap_or_else(|_| contract::Mac::new([0; 6]));
    let room_number = layers.place(target).1.map(|room| room.number.clone());
    PreviewPhone { phone: PhoneId(target.id), mac, room_number }
}

/// Keeps a phone if it is among the first, by room.
fn first(of: &mut Vec<PreviewPhone>, layers: &Layers, target: &Target) {
    let phone = named(layers, target);
    // Numbers of equal length in their order, and phones without a room last.
    let order = |phone: &PreviewPhone| {
        let room = phone.room_number.clone();
        (room.is_none(), room.as_ref().map_or(0, String::len), room, phone.mac)
    };
    let at = of.partition_point(|other| order(other) <= order(&phone));
    if at < SHOWN {
        of.insert(at, phone);
        of.truncate(SHOWN);
    }
}

fn shown(key: String, counts: OfKey) -> PreviewKey {
    let (title, page) = catalogue::title_and_page(&key);
    let groups = counts.groups.into_iter().map(|((before, after), phones)| PreviewGroup { before, after, phones });
    let mut groups: Vec<PreviewGroup> = groups.collect();
    groups.sort_by(|a, b| b.phones.cmp(&a.phones).then_with(|| (&a.before, &a.after).cmp(&(&b.before, &b.after))));
    groups.truncate(SHOWN);
    PreviewKey {
        title,
        page,
        secret: catalogue::is_secret(&key),
        own_before: counts.own_before,
        own_after: counts.own_after,
        effect: catalogue::effect(&key).as_str().to_owned(),
        phones: counts.phones,
        groups,
        overridden: counts.overridden,
        locked: counts.locked,
        left_out: counts.left_out,
        left_out_examples: counts.examples,
        key,
    }
}
