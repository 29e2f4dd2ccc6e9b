//! Whether help can be called from every account.

use dial_plan::{DialPlan, Verdict};

use super::{Account, Look, Rule, Severity};

pub const NOT_DIALABLE: Rule = Rule {
    id: "emergency-blocked",
    severity: Severity::Danger,
    title: "An emergency number cannot be dialled",
    why: "Somebody who needs help calls it from the next phone. In many countries a phone that cannot is against the law.",
    remedy: "Put a rule for the number in front of the dial plan, such as {911|933|x+}, and try it in the tester.",
};

pub const HOTLINE: Rule = Rule {
    id: "emergency-hotline",
    severity: Severity::Danger,
    title: "The phone dials by itself as soon as it is lifted",
    why: "With a hotline without delay no other number can be dialled, an emergency number neither.",
    remedy: "Give the off-hook auto dial a delay of some seconds, or make sure that who answers it can call for help.",
};

pub const CHANGED: Rule = Rule {
    id: "emergency-changed",
    severity: Severity::Warning,
    title: "An emergency number is sent as another number",
    why: "The dial plan or its prefix changes it on the way; the PBX has to know that number, or nobody answers.",
    remedy: "Let the number through as it is, or check that the PBX routes what is sent. Make a test call (933 in the USA).",
};

pub fn look(look: &mut Look) {
    if look.facts.emergency.is_empty() {
        return;
    }
    for account in look.config.accounts() {
        of_account(look, &account);
    }
    let hotline = "call.dial.offhook.autodial.number";
    let delay = "call.dial.offhook.autodial.delay";
    if let Some(number) = look.config.given(hotline)
        && look.config.number(delay).unwrap_or(0) == 0
        && !look.facts.emergency.contains(&number)
    {
        look.found(&HOTLINE, [hotline, delay], format!("It calls {number} at once."));
    }
}

fn of_account(look: &mut Look, account: &Account) {
    let key = account.key("call.dialplan");
    // The plan is not asked then.
    let bypassed = account.words("call.dialplanbypass").iter().any(|word| word == "dialing");
    let plan = match DialPlan::parse(&account.value("call.dialplan")) {
        Ok(plan) => plan,
        Err(error) => {
            let what = format!("Account {}: the dial plan does not read: {error}.", account.index);
            return look.found(&NOT_DIALABLE, [key], what);
        }
    };
    let prefix = account.value("call.dialplanprefix");
    let (mut refused, mut changed) = (Vec::new(), Vec::new());
    for number in &look.facts.emergency {
        let sent = match plan.dial(number) {
            _ if bypassed => number.clone(),
            Verdict::Dial { number, .. } => number,
            _ => {
                refused.push(number.as_str());
                continue;
            }
        };
        let sent = format!("{prefix}{sent}");
        if sent != *number {
            changed.push(format!("{number} is sent as {sent}"));
        }
    }
    if !refused.is_empty() {
        let what = format!("Account {}: {} cannot be dialled.", account.index, refused.join(", "));
        look.found(&NOT_DIALABLE, [key.clone()], what);
    }
    if !changed.is_empty() {
        let what = format!("Account {}: {}.", account.index, changed.join(", "));
        look.found(&CHANGED, [key, account.key("call.dialplanprefix")], what);
    }
}
