//! The guide's dial plan language: which numbers may be dialled, and what they become.
//!
//! ```text
//! plan   = "{" rule *( "|" rule ) "}"
//! rule   = ["^"] 1*item                    ; ^ blocks what matches
//! item   = ( char / set ) ["+" / "."] / replacement
//! char   = digit / letter / "*" / "#" / "\+" / "\*" / "\#"
//! set    = "[" 1*( c / c "-" c ) "]"
//! replacement = "<" *char "=" *char ">"    ; not both sides empty
//! ```
//! `x` is any digit and `X` any digit or letter, in a set too; in `<>` and in a range they are letters. Other letters
//! stand for themselves, in either case. `+` repeats the item before it once or more, `.` never or more; a literal plus
//! is written `\+`. `<2=011>` takes a 2 and sends 011, `<=1617>` sends 1617 in front of what follows. Blanks may
//! surround rules.
//!
//! The first rule that takes all keys decides. Where a number can be read in several ways, a repeat takes as many keys
//! as the rest of its rule leaves it.
//!
//! Pure: runs unchanged in the phone, the server and the browser.
//!
//! ```
//! use dial_plan::{DialPlan, Verdict};
//! let plan = DialPlan::parse("{^1900x.|<2=011>x+}")?;
//! assert_eq!(plan.dial("249"), Verdict::Dial { number: "01149".into(), rule: 1, more: true });
//! assert_eq!(plan.dial("1900"), Verdict::Blocked { rule: 0, more: false });
//! # Ok::<(), dial_plan::DialPlanError>(())
//! ```

mod item;
mod keys;
mod parse;
mod plan;
mod rule;

pub use parse::DialPlanError;
pub use plan::{DialPlan, RuleState, RuleTrace, Verdict};

/// Numbers our own phone software dials whatever a plan says; another maker's phone may not.
pub const ALWAYS_DIALLED: [&str; 2] = ["112", "911"];
/// Longest dial plan, in characters.
pub const MAX_PLAN: usize = 1024;
/// Most keys of one number; a longer one is refused.
pub const MAX_KEYS: usize = 64;
