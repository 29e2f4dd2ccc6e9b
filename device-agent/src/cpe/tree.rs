//! The data model: what each path is, by model. Settings come from the catalogue; the rest are the tables of `fixed`,
//! `own`, `paging` and [`crate::diagnostics::model`].

mod fixed;
pub mod own;
pub mod paging;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::OnceLock;

use cwmp::{Value, XsdType};
use settings::{Catalogue, Model, SettingRef, ValueType, value_to_path, vendor_path};

use crate::device::Device;
use crate::diagnostics::model::{self as tests, TestParameter};

pub use fixed::{Fixed, INFORM, MANUFACTURER, MqttField, PARAMETER_KEY};
pub use own::Own;
pub use paging::PageField;

/// What stands behind a path.
#[derive(Clone, Copy, Debug)]
pub enum Leaf {
    Setting(SettingRef),
    Fixed(Fixed),
    Own(&'static Own),
    Test(&'static TestParameter),
    /// A hop of the last route test, from 1.
    Hop(usize),
    /// A row of the paging table, 1 to 10.
    Page(u8, PageField),
}

/// One model's paths that are always there, sorted. Built once a process.
#[derive(Debug)]
struct Tree {
    leaves: BTreeMap<String, Leaf>,
}

impl Tree {
    fn of(model: Model) -> &'static Self {
        static TREES: [OnceLock<Tree>; Model::ALL.len()] = [const { OnceLock::new() }; Model::ALL.len()];
        let index = Model::ALL.iter().position(|known| *known == model).unwrap_or(0);
        TREES[index].get_or_init(|| Self::build(model))
    }

    fn build(model: Model) -> Self {
        let mut leaves = BTreeMap::new();
        fixed::every(|path, fixed| {
            leaves.insert(path, Leaf::Fixed(fixed));
        });
        leaves.extend(own::TABLE.iter().map(|own| (own.path.to_owned(), Leaf::Own(own))));
        leaves.extend(tests::TABLE.iter().map(|test| (test.path.to_owned(), Leaf::Test(test))));
        for found in Catalogue::get().concrete(model) {
            leaves.insert(vendor_path(&found.key()), Leaf::Setting(found));
            if let Some(path) = found.tr069_path() {
                leaves.entry(path).or_insert(Leaf::Setting(found));
            }
        }
        // One setting for the whole phone, which the standard has in each profile.
        for (name, key) in IN_EACH_PROFILE {
            let Some(found) = Catalogue::get().find(key).filter(|found| found.on(model)) else { continue };
            for account in crate::phone::ACCOUNTS {
                leaves.insert(format!("{PROFILES}{account}.{name}"), Leaf::Setting(found));
            }
        }
        Self { leaves }
    }
}

const PROFILES: &str = "Device.Services.VoiceService.1.VoiceProfile.";
const IN_EACH_PROFILE: &[(&str, &str)] = &[
    ("STUNServer", "network.stunserver"),
    ("SIP.DSCPMark", "network.qos.forsip"),
    ("RTP.DSCPMark", "network.qos.forrtp"),
    ("RTP.LocalPortMin", "network.rtp.local.port"),
];

/// The data model of one phone as it is now: what is always there and the rows of tables.
pub struct View {
    tree: &'static Tree,
    rows: BTreeMap<String, Option<Leaf>>,
}

impl View {
    pub fn of(device: &Device) -> Self {
        let mut rows = BTreeMap::new();
        rows.insert(tests::HOPS.to_owned(), None);
        for hop in 1..=tests::hops(device) {
            rows.insert(format!("{}{hop}.", tests::HOPS), None);
            rows.insert(format!("{}{hop}.{}", tests::HOPS, tests::HOP_HOST), Some(Leaf::Hop(hop)));
        }
        rows.insert(paging::TABLE.to_owned(), None);
        for row in paging::Rows::of(device).existing() {
            rows.insert(format!("{}{row}.", paging::TABLE), None);
            for field in PageField::ALL {
                rows.insert(format!("{}{row}.{}", paging::TABLE, field.name()), Some(Leaf::Page(row, field)));
            }
        }
        Self { tree: Tree::of(device.identity().model), rows }
    }

    /// A full name. Vendor paths are found in any case.
    pub fn leaf(&self, path: &str) -> Option<Leaf> {
        if let Some(leaf) = self.tree.leaves.get(path) {
            return Some(*leaf);
        }
        if let Some(row) = self.rows.get(path) {
            return *row;
        }
        let key = settings::key_of_path(path)?;
        self.tree.leaves.get(&vendor_path(&key)).copied()
    }

    /// Every parameter below a partial path (empty, or ending in a dot), sorted; `None` if there is no such object.
    pub fn below<'a>(&'a self, partial: &str) -> Option<Vec<(&'a str, Leaf)>> {
        let mut found: Vec<(&str, Leaf)> = Vec::new();
        let mut any = false;
        for (path, leaf) in range(&self.tree.leaves, partial) {
            found.push((path, *leaf));
        }
        for (path, row) in range(&self.rows, partial) {
            any = true;
            found.extend(row.map(|leaf| (path, leaf)));
        }
        found.sort_unstable_by_key(|(path, _)| *path);
        (any || !found.is_empty()).then_some(found)
    }

    /// The names a GetParameterNames answers with, objects ending in a dot; `None` if there is no such path.
    pub fn names(&self, path: &str, next_level: bool) -> Option<Vec<(String, bool)>> {
        if !path.is_empty() && !path.ends_with('.') {
            let leaf = self.leaf(path)?;
            // TR-069 A.3.2.3: a full name has no next level.
            return (!next_level).then(|| vec![(path.to_owned(), leaf.writable())]);
        }
        let tree = range(&self.tree.leaves, path).map(|(full, leaf)| (full, leaf.writable()));
        let rows = range(&self.rows, path).map(|(full, row)| (full, row.is_some_and(Leaf::writable)));
        let mut names: BTreeMap<&str, bool> = BTreeMap::new();
        let mut any = false;
        for (full, writable) in tree.chain(rows) {
            any = true;
            let rest = full.get(path.len()..).unwrap_or_default();
            let mut dots = rest.match_indices('.').map(|(at, _)| path.len() + at + 1);
            if next_level {
                match dots.next().and_then(|end| full.get(..end)) {
                    Some(object) => names.insert(object, paging::grows(object)),
                    None if rest.is_empty() => None,
                    None => names.insert(full, writable),
                };
            } else {
                names.extend(dots.filter_map(|end| full.get(..end)).map(|object| (object, paging::grows(object))));
                if !full.ends_with('.') {
                    names.insert(full, writable);
                }
            }
        }
        if !any {
            return None;
        }
        if !next_level && !path.is_empty() {
            names.insert(path, paging::grows(path));
        }
        Some(names.into_iter().map(|(name, writable)| (name.to_owned(), writable)).collect())
    }
}

fn range<'a, 'p, T>(
    map: &'a BTreeMap<String, T>,
    partial: &'p str,
) -> impl Iterator<Item = (&'a str, &'a T)> + use<'a, 'p, T> {
    let from = map.range::<str, _>((Bound::Included(partial), Bound::Unbounded));
    from.take_while(move |(path, _)| path.starts_with(partial)).map(|(path, leaf)| (path.as_str(), leaf))
}

impl Leaf {
    pub fn writable(self) -> bool {
        match self {
            Self::Setting(_) | Self::Own(_) | Self::Page(..) => true,
            Self::Fixed(fixed) => matches!(fixed, Fixed::Mqtt(_)),
            Self::Test(test) => test.input,
            Self::Hop(_) => false,
        }
    }

    /// Whether the ACS can be told of each change (TR-106 has parameters for which a phone may refuse that: those that
    /// change all the time, or only because the ACS changes them).
    pub fn active_possible(self) -> bool {
        !matches!(self, Self::Test(_) | Self::Hop(_)) && !matches!(self, Self::Fixed(fixed) if fixed.restless())
    }

    /// The type the parameter has at this path.
    pub fn xsd_type(self, path: &str) -> XsdType {
        match self {
            Self::Fixed(fixed) => fixed.xsd_type(),
            Self::Own(own) => own.kind.xsd_type(),
            Self::Test(test) => test.kind.xsd_type(),
            Self::Hop(_) | Self::Page(..) => XsdType::String,
            // TR-104 has words for a line's Enable.
            Self::Setting(_) if path.ends_with(".Line.1.Enable") => XsdType::String,
            Self::Setting(found) => match &found.setting.value_type {
                // Words besides the number ("0 or default") make it a text.
                _ if found.setting.extra.iter().any(|extra| extra.parse::<i64>().is_err()) => XsdType::String,
                ValueType::Bool => XsdType::Boolean,
                ValueType::Int { min, .. } | ValueType::Percent { min, .. } | ValueType::Port { min, .. } => {
                    if *min < 0 { XsdType::Int } else { XsdType::UnsignedInt }
                }
                _ => XsdType::String,
            },
        }
    }

    fn secret(self) -> bool {
        match self {
            Self::Setting(found) => found.setting.secret,
            Self::Own(own) => own.secret,
            Self::Fixed(fixed) => matches!(fixed, Fixed::Mqtt(MqttField::Password)),
            _ => false,
        }
    }

    /// The value now. Secrets read as empty (TR-069 A.3.2.2 leaves them unreadable).
    pub fn read(self, path: &str, device: &Device) -> Value {
        let text = if self.secret() { String::new() } else { self.secret_value(path, device) };
        // A number or boolean that was never set has no lexical form of its type.
        let type_ = if text.is_empty() { XsdType::String } else { self.xsd_type(path) };
        Value::new(type_, text)
    }

    /// The value now, even if nobody may read it.
    pub(super) fn secret_value(self, path: &str, device: &Device) -> String {
        match self {
            Self::Setting(found) => value_to_path(found, path, &device.value(&found.key())),
            Self::Fixed(fixed) => fixed.read(device),
            Self::Own(own) => own::value(device, own),
            Self::Test(test) => tests::read(device, test),
            Self::Hop(number) => tests::hop(device, number),
            Self::Page(row, field) => paging::Rows::of(device).get(row, field).to_owned(),
        }
    }
}
