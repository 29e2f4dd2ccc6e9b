//! The configuration as rules read it.

use crate::Catalogue;

/// Values by key, with the factory's defaults behind them.
#[derive(Clone, Copy)]
pub struct Config<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Config<'a> {
    /// `get` gives the value of a key that is set.
    pub fn new(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { get }
    }

    /// What a layer says; nothing where it says an empty value.
    pub fn given(&self, key: &str) -> Option<String> {
        (self.get)(key).filter(|value| !value.is_empty())
    }

    /// What is given, or the default; empty where there is neither.
    pub fn value(&self, key: &str) -> String {
        let default = || Catalogue::get().find(key).and_then(|found| found.setting.default.clone());
        (self.get)(key).or_else(default).unwrap_or_default()
    }

    /// Whether a switch is on.
    pub fn yes(&self, key: &str) -> bool {
        self.value(key) == "yes"
    }

    /// A whole number; `None` where there is none.
    pub fn number(&self, key: &str) -> Option<u32> {
        self.value(key).parse().ok()
    }

    /// The words of a list.
    pub fn words(&self, key: &str) -> Vec<String> {
        self.value(key).split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
    }

    /// The accounts that are switched on.
    pub fn accounts(&self) -> Vec<Account<'a>> {
        let all = (1..=2).map(|index| Account { config: *self, index });
        all.filter(|account| account.yes("enable")).collect()
    }
}

/// One account of a configuration. Keys are given without `account.N.`.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// All of it.
    pub config: Config<'a>,
    /// 1 or 2.
    pub index: u8,
}

impl Account<'_> {
    /// The whole key.
    pub fn key(&self, rest: &str) -> String {
        format!("account.{}.{rest}", self.index)
    }

    /// See [`Config::value`].
    pub fn value(&self, rest: &str) -> String {
        self.config.value(&self.key(rest))
    }

    /// See [`Config::yes`].
    pub fn yes(&self, rest: &str) -> bool {
        self.config.yes(&self.key(rest))
    }

    /// See [`Config::number`].
    pub fn number(&self, rest: &str) -> Option<u32> {
        self.config.number(&self.key(rest))
    }

    /// See [`Config::words`].
    pub fn words(&self, rest: &str) -> Vec<String> {
        self.config.words(&self.key(rest))
    }
}
