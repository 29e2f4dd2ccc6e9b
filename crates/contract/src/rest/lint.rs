//! What is wrong with configurations, and the numbers help is called by.

use serde::{Deserialize, Serialize};

use crate::{Mac, PhoneId};

words! {
    /// How bad a finding is. The order is how much it needs a person.
    pub enum LintSeverity {
        /// Somebody can get hurt, locked out, or robbed; or the phone does not work.
        Danger = "danger",
        Warning = "warning",
        Hint = "hint",
    }
}

body! {
    /// A rule of `docs/LINT.md`, in words for people.
    pub struct LintRule {
        pub id: String,
        pub severity: LintSeverity,
        pub title: String,
        pub why: String,
        pub remedy: String,
    }
    /// A rule that a phone's configuration breaks.
    pub struct LintFinding {
        pub rule: LintRule,
        /// The settings it is about, the one to change first.
        pub keys: Vec<String>,
        /// What was found here. Holds no secret.
        pub what: String,
    }
    /// `GET /api/v1/phones/{phone}/lint`, the worst first.
    pub struct PhoneLint {
        pub phone: PhoneId,
        pub findings: Vec<LintFinding>,
    }
    /// `GET /api/v1/properties/{property}/lint`, the worst first.
    pub struct PropertyLint {
        /// How many phones were looked at.
        pub phones: u32,
        pub groups: Vec<LintGroup>,
    }
    /// One rule, and the phones that break it.
    pub struct LintGroup {
        pub rule: LintRule,
        pub phones: u32,
        /// At most 5 of them.
        pub examples: Vec<LintExample>,
        /// What the values of a layer break by themselves, in a preview: no phone has them yet, so none is counted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub general: Vec<LintGeneral>,
    }
    pub struct LintGeneral {
        pub keys: Vec<String>,
        pub what: String,
    }
    pub struct LintExample {
        pub phone: PhoneId,
        pub mac: Mac,
        pub room_number: Option<String>,
        pub keys: Vec<String>,
        pub what: String,
    }
    /// Numbers every phone of a property must be able to dial.
    pub struct EmergencyNumbers {
        /// Whether the property named them; otherwise they are those of the country its time zone is in.
        pub own: bool,
        /// Nobody named them and the country's are not known: 112 is a guess.
        #[serde(default)]
        pub guess: bool,
        pub numbers: Vec<String>,
    }
}

request! {
    /// The whole list. Empty: those of the property's time zone.
    pub struct EmergencyNumbersChange {
        pub numbers: Vec<String>,
    }
}
