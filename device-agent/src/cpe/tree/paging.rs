//! The addresses the phone listens to for pages, as a table that grows: `Device.X_BELLHOP_Paging.Listening.{i}.`, up to
//! ten rows. It is the setting `multicast.listening` seen in rows; the row's number is its priority.

use crate::device::Device;

pub const TABLE: &str = "Device.X_BELLHOP_Paging.Listening.";
pub const SETTING: &str = "multicast.listening";
/// The guide's.
pub const MOST_ROWS: u8 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageField {
    /// Multicast address with port; empty: nothing is listened to.
    Address,
    Label,
}

impl PageField {
    pub const ALL: [Self; 2] = [Self::Address, Self::Label];

    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "Address",
            Self::Label => "Label",
        }
    }
}

/// The table taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    rows: Vec<(String, String)>,
    /// Rows that exist without an address: bit 0 is row 1.
    empty: u16,
}

impl Rows {
    pub fn of(device: &Device) -> Self {
        Self::parse(&device.value(SETTING), device.document(|document| document.paging_rows))
    }

    fn parse(setting: &str, empty: u16) -> Self {
        let row = |entry: &str| {
            let (address, label) = entry.split_once('=').unwrap_or((entry, ""));
            (address.trim().to_owned(), label.trim().to_owned())
        };
        let mut rows: Vec<_> = setting.split(';').take(MOST_ROWS.into()).map(row).collect();
        rows.resize(MOST_ROWS.into(), Default::default());
        Self { rows, empty }
    }

    /// The setting's text, and the rows that exist beside it.
    pub fn print(&self) -> (String, u16) {
        let entry = |(address, label): &(String, String)| match (address.is_empty(), label.is_empty()) {
            (true, _) => String::new(),
            (false, true) => address.clone(),
            (false, false) => format!("{address}={label}"),
        };
        let entries: Vec<String> = self.rows.iter().map(entry).collect();
        (entries.join(";").trim_end_matches(';').to_owned(), self.empty)
    }

    pub fn existing(&self) -> impl Iterator<Item = u8> + '_ {
        (1..=MOST_ROWS).filter(|row| self.exists(*row))
    }

    fn exists(&self, row: u8) -> bool {
        self.empty & bit(row) != 0 || !self.get(row, PageField::Address).is_empty()
    }

    pub fn get(&self, row: u8, field: PageField) -> &str {
        let Some((address, label)) = self.rows.get(usize::from(row).wrapping_sub(1)) else { return "" };
        match field {
            PageField::Address => address,
            PageField::Label => label,
        }
    }

    /// A row whose address is taken away goes on existing.
    pub fn set(&mut self, row: u8, field: PageField, text: &str) {
        let Some((address, label)) = self.rows.get_mut(usize::from(row).wrapping_sub(1)) else { return };
        match field {
            PageField::Address => text.trim().clone_into(address),
            PageField::Label => text.trim().clone_into(label),
        }
        self.empty |= bit(row);
    }

    /// The first row with a label but no address, which cannot be kept.
    pub fn label_alone(&self) -> Option<u8> {
        (1..=MOST_ROWS)
            .find(|row| self.get(*row, PageField::Address).is_empty() && !self.get(*row, PageField::Label).is_empty())
    }

    /// The number of a new row; `None`: there are ten.
    pub fn add(&mut self) -> Option<u8> {
        let row = (1..=MOST_ROWS).find(|row| !self.exists(*row))?;
        self.empty |= bit(row);
        Some(row)
    }

    /// Whether there was such a row.
    pub fn remove(&mut self, row: u8) -> bool {
        let there = self.exists(row);
        if let Some(entry) = self.rows.get_mut(usize::from(row).wrapping_sub(1)) {
            *entry = Default::default();
            self.empty &= !bit(row);
        }
        there
    }
}

fn bit(row: u8) -> u16 {
    if (1..=MOST_ROWS).contains(&row) { 1 << (row - 1) } else { 0 }
}

/// Whether AddObject works on this object, or DeleteObject.
pub fn grows(object: &str) -> bool {
    object == TABLE || row_of(object).is_some()
}

/// The row an object path names.
pub fn row_of(object: &str) -> Option<u8> {
    object.strip_prefix(TABLE)?.strip_suffix('.')?.parse().ok().filter(|row| (1..=MOST_ROWS).contains(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_and_go() {
        let mut rows = Rows::parse(";224.0.1.75:5004=Pool", 0);
        assert_eq!(rows.existing().collect::<Vec<_>>(), [2]);
        assert_eq!(rows.add(), Some(1));
        assert_eq!(rows.print(), (";224.0.1.75:5004=Pool".to_owned(), 1));
        rows.set(1, PageField::Label, "Lobby");
        assert_eq!(rows.label_alone(), Some(1));
        rows.set(1, PageField::Address, "224.0.1.76:5004");
        assert_eq!(rows.label_alone(), None);
        assert_eq!(rows.print().0, "224.0.1.76:5004=Lobby;224.0.1.75:5004=Pool");
        assert!(rows.remove(1) && !rows.remove(1) && !rows.remove(11));
        assert_eq!(rows.print(), (";224.0.1.75:5004=Pool".to_owned(), 0));
        for _ in 0..9 {
            assert!(rows.add().is_some());
        }
        assert_eq!(rows.add(), None);
        assert_eq!(Rows::parse(&rows.print().0, rows.print().1), rows);
    }

    #[test]
    fn paths() {
        assert!(grows(TABLE) && grows("Device.X_BELLHOP_Paging.Listening.3."));
        assert_eq!(row_of("Device.X_BELLHOP_Paging.Listening.11."), None);
        assert_eq!(row_of("Device.X_BELLHOP_Paging.Listening."), None);
    }
}
