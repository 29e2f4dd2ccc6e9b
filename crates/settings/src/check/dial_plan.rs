//! Dial plans, by the one parser of their language.

use dial_plan::{DialPlan, DialPlanError};

use super::Refusal;

pub fn canonical(value: &str) -> Result<String, Refusal> {
    check_dial_plan(value).map_err(|error| Some(error.to_string()))
}

/// The plan without the blanks around its rules.
///
/// # Errors
/// [`DialPlanError`] with the position of the first mistake.
pub fn check_dial_plan(text: &str) -> Result<String, DialPlanError> {
    DialPlan::parse(text).map(|plan| plan.canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_is_wrong_and_where() {
        assert_eq!(canonical("{ x+ | 9[2-4] }").as_deref(), Ok("{x+|9[2-4]}"));
        assert_eq!(
            canonical("{x++}"),
            Err(Some("nothing to repeat; a literal plus is written \\+ at character 4".into()))
        );
    }
}
