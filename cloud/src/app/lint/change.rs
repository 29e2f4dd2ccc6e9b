//! What a change would bring and mend: the rules over documents as they are and as they would be. Of many phones an even
//! sample is looked at, and no longer than a person waits. What no phone shows is asked of the layer itself.

use std::collections::BTreeSet;
use std::collections::hash_map::{Entry, HashMap};
use std::time::{Duration, Instant};

use contract::PhoneId;
use contract::rest::PreviewLint;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use settings::lint::Finding;
use uuid::Uuid;

use super::context::name;
use super::groups::{Groups, Named};
use super::{Context, alone};
use crate::app::accounts::SLOTS;
use crate::app::desired::layers::Layers;
use crate::app::desired::store;
use crate::app::desired::targets::{self, Target};
use crate::app::layers::{Edit, Scope};
use crate::app::{App, Result, views};
use crate::db::entity::{phone, phone_document, room};
use crate::domain::layers::Desired;

/// Phones looked at, at most.
const MOST: usize = 2_000;
/// Time taken, at most; what was looked at by then is the sample.
const LONGEST: Duration = Duration::from_secs(2);
/// So many phones are looked at between two chances for others on this thread.
const AT_ONCE: usize = 50;
/// A sample ends early evenly, because it is gone through so many times with gaps.
const PASSES: usize = 16;
/// What an account's user on a server depends on, below `account.N.`.
const IDENTITY: [&str; 3] = ["enable", "sip.userid", "sip.server.1.address"];

/// What is changed.
pub enum Changing<'a> {
    /// These values of a layer.
    Layer(Scope, &'a [Edit]),
    /// Something else, after which this is known of the properties.
    Else(HashMap<Option<Uuid>, Context>),
}

/// A phone that changes.
struct Kept {
    target: Target,
    before: String,
    after: String,
}

/// Every phone that changes, or of many every second, fourth, eighth and so on.
pub struct Sample {
    every: usize,
    seen: usize,
    kept: Vec<Kept>,
}

impl Default for Sample {
    fn default() -> Self {
        Self { every: 1, seen: 0, kept: Vec::new() }
    }
}

impl Sample {
    /// A phone that changes, with its documents before and after.
    pub fn offer(&mut self, target: &Target, before: &str, after: impl FnOnce() -> Result<String>) -> Result<()> {
        if self.seen.is_multiple_of(self.every) {
            self.kept.push(Kept { target: target.clone(), before: before.to_owned(), after: after()? });
        }
        self.seen += 1;
        if self.kept.len() > MOST {
            self.every *= 2;
            let mut at = 0;
            self.kept.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
        Ok(())
    }

    /// Looks at them, for a change of these settings.
    pub async fn compare(
        self,
        app: &App,
        db: &impl ConnectionTrait,
        layers: &Layers,
        keys: &BTreeSet<&str>,
        changing: Changing<'_>,
    ) -> Result<PreviewLint> {
        let begun = Instant::now();
        let ids = self.kept.iter().map(|kept| kept.target.id);
        let rows = phone_document::Entity::find().filter(phone_document::Column::PhoneId.is_in(ids)).all(db).await?;
        let reported: HashMap<Uuid, String> = rows.into_iter().map(|row| (row.phone_id, row.reported)).collect();
        // Who else has an extension is known only where every phone that changes is looked at.
        let identity = self.kept.len() == self.seen && keys.iter().any(|key| is_identity(key));
        let after: HashMap<Uuid, &str> = self.kept.iter().map(|kept| (kept.target.id, kept.after.as_str())).collect();
        let mut contexts: HashMap<Option<Uuid>, (Context, Context)> = HashMap::new();
        let (mut brings, mut mends, mut stays) = (Groups::default(), Groups::default(), Groups::default());
        let (mut looked_at, mut on) = (0, BTreeSet::new());
        let passes = (0..PASSES).flat_map(|first| self.kept.iter().skip(first).step_by(PASSES));
        for kept in passes {
            if begun.elapsed() > LONGEST {
                break;
            }
            if looked_at % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            let (id, property) = (kept.target.id, kept.target.property_id);
            let (was, will) = match contexts.entry(property) {
                Entry::Occupied(there) => there.into_mut(),
                Entry::Vacant(free) => {
                    let given = if let Changing::Else(will) = &changing { will.get(&property).cloned() } else { None };
                    free.insert(both(app, db, property, given, identity.then_some(&after)).await?)
                }
            };
            let told = match reported.get(&id) {
                Some(text) => serde_json::from_str(text)?,
                None => Default::default(),
            };
            let before = was.check(app, id, &serde_json::from_str(&kept.before)?, &told)?;
            let wanted: Desired = serde_json::from_str(&kept.after)?;
            on.extend(SLOTS.into_iter().filter(|slot| is_on(&wanted, *slot)));
            let after = will.check(app, id, &wanted, &told)?;
            let room = layers.place(&kept.target).1;
            let mac = views::stored_mac(&kept.target.mac);
            let phone = Named { id: PhoneId(id), mac, room_number: room.map(|room| room.number.as_str()) };
            let touches = |finding: &&Finding| finding.keys.iter().any(|key| keys.contains(key.as_str()));
            let is_in = |all: &[Finding], one: &Finding| all.iter().any(|other| same(other, one));
            brings.add(&phone, after.iter().filter(|one| !is_in(&before, one)).cloned());
            mends.add(&phone, before.iter().filter(|one| !is_in(&after, one)).cloned());
            stays.add(&phone, after.iter().filter(touches).filter(|one| is_in(&before, one)).cloned());
            looked_at += 1;
        }
        // Of accounts that are on nowhere yet, phones show nothing; where none changes, they show nothing at all.
        let unseen = |key: &str| self.seen == 0 || alone::slot(key).is_some_and(|slot| !on.contains(&slot));
        if let Changing::Layer(scope, edits) = changing
            && keys.iter().any(|key| unseen(key))
        {
            let alone::Found { before, after } = alone::look(app, db, scope, edits).await?;
            let shown = |one: &&Finding| one.keys.iter().any(|key| keys.contains(key.as_str()) && unseen(key));
            let is_in = |all: &[Finding], one: &Finding| all.iter().any(|other| same(other, one));
            brings.add_general(after.iter().filter(shown).filter(|one| !is_in(&before, one)).cloned());
            mends.add_general(before.iter().filter(shown).filter(|one| !is_in(&after, one)).cloned());
            stays.add_general(after.iter().filter(shown).filter(|one| is_in(&before, one)).cloned());
        }
        Ok(PreviewLint { looked_at: looked_at as u32, brings: brings.done(), mends: mends.done(), stays: stays.done() })
    }
}

/// The same thing wrong with the same settings; its figures may differ.
fn same(one: &Finding, other: &Finding) -> bool {
    one.rule.id == other.rule.id && one.keys == other.keys
}

/// Whether a phone is to register an account.
fn is_on(wanted: &Desired, slot: i32) -> bool {
    wanted.get(&format!("account.{slot}.enable")).is_some_and(|held| held.value == "yes")
}

fn is_identity(key: &str) -> bool {
    key.starts_with("account.") && IDENTITY.iter().any(|rest| key.get("account.1.".len()..) == Some(rest))
}

/// What is known of a property before, and after, where that is `given`; else it is the same. With `after`, the documents
/// of all phones that change, also who has which extension.
async fn both(
    app: &App,
    db: &impl ConnectionTrait,
    property: Option<Uuid>,
    given: Option<Context>,
    after: Option<&HashMap<Uuid, &str>>,
) -> Result<(Context, Context)> {
    let context = Context::of_property(app, db, property).await?;
    let mut pair = (context.clone(), given.unwrap_or(context));
    if let (Some(property), Some(after)) = (property, after) {
        add_all(db, property, after, &mut pair).await?;
    }
    Ok(pair)
}

/// Who has which extension in a property, before and after.
async fn add_all(
    db: &impl ConnectionTrait,
    property: Uuid,
    after: &HashMap<Uuid, &str>,
    (was, will): &mut (Context, Context),
) -> Result<()> {
    let all = targets::load(db, phone::Column::PropertyId.eq(property)).await?;
    let rooms = room::Entity::find().filter(room::Column::PropertyId.eq(property)).all(db).await?;
    let rooms: HashMap<Uuid, String> = rooms.into_iter().map(|room| (room.id, room.number)).collect();
    for some in all.chunks(MOST) {
        let documents = store::documents(db, some).await?;
        for target in some {
            let Some(text) = documents.get(&target.id) else { continue };
            let number = target.room_id.and_then(|id| rooms.get(&id)).map(String::as_str);
            let called = name(&target.mac, number);
            let wanted: Desired = serde_json::from_str(text)?;
            was.add(target.id, &called, &wanted);
            match after.get(&target.id) {
                Some(text) => will.add(target.id, &called, &serde_json::from_str(text)?),
                None => will.add(target.id, &called, &wanted),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use contract::Mac;
    use contract::rest::Enrolment;

    use super::*;
    use crate::app::announce::blank;

    #[test]
    fn few_phones_are_all_kept_and_of_many_an_even_sample() {
        let target = Target::of(&blank(Mac::new([0xc0, 0x74, 0xad, 1, 2, 3]), "S1", Enrolment::Enrolled));
        let of = |count: usize| {
            let mut sample = Sample::default();
            for at in 0..count {
                sample.offer(&target, &at.to_string(), || Ok(String::new())).unwrap();
            }
            sample.kept.iter().map(|kept| kept.before.parse().unwrap()).collect::<Vec<usize>>()
        };
        assert_eq!(of(MOST), (0..MOST).collect::<Vec<_>>());
        let many = of(10 * MOST);
        assert!((MOST / 2..=MOST).contains(&many.len()), "{}", many.len());
        let gaps: BTreeSet<usize> = many.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(gaps.len(), 1, "evenly: {gaps:?}");
        assert!(10 * MOST - many.last().unwrap() <= *gaps.first().unwrap(), "to the end");
    }

    #[test]
    fn what_extensions_depend_on_is_known() {
        assert!(is_identity("account.2.sip.userid") && is_identity("account.1.enable"));
        assert!(!is_identity("account.1.name") && !is_identity("sip.userid") && !is_identity("account."));
    }
}
