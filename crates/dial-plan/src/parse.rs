//! Reading a plan. Every mistake has a position.

use crate::MAX_PLAN;
use crate::item::{Item, Repeat};
use crate::keys::KeySet;
use crate::rule::Rule;

/// Where and why a dial plan is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at character {position}")]
pub struct DialPlanError {
    /// Character of the given text, counted from 1.
    pub position: usize,
    /// What is wrong there.
    pub what: String,
}

type Result<T> = std::result::Result<T, DialPlanError>;

/// The rules of a plan, in order. At least one, each with at least one item.
pub fn rules(text: &str) -> Result<Vec<Rule>> {
    if text.chars().nth(MAX_PLAN).is_some() {
        return Err(DialPlanError { position: MAX_PLAN + 1, what: format!("more than {MAX_PLAN} characters") });
    }
    Scanner { chars: text.chars().collect(), at: 0 }.plan()
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
}

impl Scanner {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self) {
        self.at += 1;
    }

    fn blanks(&mut self) {
        while self.peek() == Some(' ') {
            self.take();
        }
    }

    fn fail<T>(&self, what: impl Into<String>) -> Result<T> {
        Err(DialPlanError { position: self.at + 1, what: what.into() })
    }

    fn plan(mut self) -> Result<Vec<Rule>> {
        let mut rules = Vec::new();
        self.blanks();
        if self.peek() != Some('{') {
            return self.fail("the opening { is missing");
        }
        self.take();
        loop {
            self.blanks();
            rules.push(self.rule()?);
            let end = self.at;
            self.blanks();
            match self.peek() {
                Some('|') => self.take(),
                Some('}') => break,
                None => return self.fail("the closing } is missing"),
                Some(_) if self.at > end => return self.fail("blanks may only stand around a rule: | or } is missing"),
                Some(c) => return self.fail(format!("'{c}' is not allowed here")),
            }
        }
        self.take();
        self.blanks();
        if self.peek().is_some() { self.fail("text after the closing }") } else { Ok(rules) }
    }

    fn rule(&mut self) -> Result<Rule> {
        let start = self.at;
        let blocks = self.peek() == Some('^');
        if blocks {
            self.take();
        }
        let mut items = Vec::new();
        loop {
            match self.peek() {
                Some('[') => items.push(Item::once(self.set()?)),
                Some('<') => items.push(self.replacement()?),
                Some('\\') => items.push(Item::once(KeySet::one(self.escape()?))),
                Some(sign @ ('+' | '.')) => self.repeat(sign, items.last_mut())?,
                Some(c) if is_key(c) => {
                    self.take();
                    items.push(Item::once(wildcard(c)));
                }
                Some('^') => return self.fail("^ may only begin a rule"),
                _ if items.is_empty() => return self.fail("a rule is empty"),
                _ => break,
            }
        }
        let text = self.chars.get(start..self.at).unwrap_or_default().iter().collect();
        Ok(Rule { text, blocks, items })
    }

    fn repeat(&mut self, sign: char, last: Option<&mut Item>) -> Result<()> {
        let plus = sign == '+';
        let Some(Item::Take { repeat: repeat @ Repeat::Once, .. }) = last else {
            return self.fail(if plus {
                "nothing to repeat; a literal plus is written \\+"
            } else {
                "nothing to repeat"
            });
        };
        *repeat = if plus { Repeat::OnceOrMore } else { Repeat::NeverOrMore };
        self.take();
        Ok(())
    }

    fn escape(&mut self) -> Result<char> {
        self.take();
        match self.peek() {
            Some(c @ ('+' | '*' | '#')) => {
                self.take();
                Ok(c)
            }
            _ => self.fail("only +, * and # can follow \\"),
        }
    }

    fn set(&mut self) -> Result<KeySet> {
        self.take();
        let mut set = KeySet::default();
        loop {
            match self.peek() {
                Some(']') if set.is_empty() => return self.fail("[] is empty"),
                Some(']') => {
                    self.take();
                    return Ok(set);
                }
                Some(low) if is_key(low) => {
                    self.take();
                    set = set.or(if self.peek() == Some('-') { self.range(low)? } else { wildcard(low) });
                }
                Some(c) => return self.fail(format!("'{c}' is not allowed in []")),
                None => return self.fail("the closing ] is missing"),
            }
        }
    }

    fn range(&mut self, low: char) -> Result<KeySet> {
        self.take();
        match self.peek() {
            Some(high) if same_kind(low, high) && low <= high => {
                self.take();
                Ok(KeySet::range(low, high))
            }
            _ => self.fail("the range is wrong"),
        }
    }

    fn replacement(&mut self) -> Result<Item> {
        self.take();
        let mut from = Vec::new();
        let mut to = None::<String>;
        loop {
            let c = match (self.peek(), &to) {
                (Some('='), Some(_)) => return self.fail("a second = in <>"),
                (Some('='), None) => {
                    self.take();
                    to = Some(String::new());
                    continue;
                }
                (Some('>'), None) => return self.fail("<> needs an ="),
                (Some('>'), Some(text)) if from.is_empty() && text.is_empty() => {
                    return self.fail("<=> replaces nothing");
                }
                (Some('>'), Some(_)) => {
                    self.take();
                    return Ok(Item::Replace { from, to: to.unwrap_or_default() });
                }
                (Some(c), _) if is_key(c) || c == '+' => {
                    self.take();
                    c
                }
                (Some('\\'), _) => self.escape()?,
                (Some(c), _) => return self.fail(format!("'{c}' is not allowed in <>")),
                (None, _) => return self.fail("the closing > is missing"),
            };
            match &mut to {
                Some(text) => text.push(c),
                None => from.push(KeySet::one(c)),
            }
        }
    }
}

fn wildcard(c: char) -> KeySet {
    match c {
        'x' => KeySet::digits(),
        'X' => KeySet::alphanumerics(),
        _ => KeySet::one(c),
    }
}

const fn is_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '*' | '#')
}

const fn same_kind(a: char, b: char) -> bool {
    (a.is_ascii_digit() && b.is_ascii_digit())
        || (a.is_ascii_lowercase() && b.is_ascii_lowercase())
        || (a.is_ascii_uppercase() && b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plan without blanks, or what is wrong.
    fn check(text: &str) -> Result<String> {
        let rules: Vec<String> = rules(text)?.into_iter().map(|rule| rule.text).collect();
        Ok(format!("{{{}}}", rules.join("|")))
    }

    #[test]
    fn plans_of_the_guide() {
        for (plan, compact) in [
            ("{[369]11 | 1617xxxxxxx}", "{[369]11|1617xxxxxxx}"),
            ("{^1900x+ | <=1617>xxxxxxx}", "{^1900x+|<=1617>xxxxxxx}"),
            ("{1xxx[2-9]xxxxxx | <2=011>x+}", "{1xxx[2-9]xxxxxx|<2=011>x+}"),
            (
                "{ ^1900x. | <=1617>[2-9]xxxxxx | 1[2-9]xx[2-9]xxxxxx | 011[2-9]x. | [3469]11 }",
                "{^1900x.|<=1617>[2-9]xxxxxx|1[2-9]xx[2-9]xxxxxx|011[2-9]x.|[3469]11}",
            ),
            ("{ x+ | \\+x+ | *x+ | *xx*x+ }", "{x+|\\+x+|*x+|*xx*x+}"),
            ("{test}", "{test}"),
            (" { \\*[x*]+<\\#+=\\+> } ", "{\\*[x*]+<\\#+=\\+>}"),
        ] {
            assert_eq!(check(plan).as_deref(), Ok(compact));
            assert_eq!(check(compact).as_deref(), Ok(compact));
        }
    }

    #[test]
    fn mistakes_have_positions() {
        for (plan, position, what) in [
            ("", 1, "the opening { is missing"),
            ("x+", 1, "the opening { is missing"),
            ("{x+", 4, "the closing } is missing"),
            ("{x+}}", 5, "text after the closing }"),
            ("{x+ | }", 7, "a rule is empty"),
            ("{}", 2, "a rule is empty"),
            ("{^}", 3, "a rule is empty"),
            ("{;}", 2, "a rule is empty"),
            ("{1[}", 4, "'}' is not allowed in []"),
            ("{1[2", 5, "the closing ] is missing"),
            ("{1[]}", 4, "[] is empty"),
            ("{[9-2]x}", 5, "the range is wrong"),
            ("{[a-Z]x}", 5, "the range is wrong"),
            ("{[1-", 5, "the range is wrong"),
            ("{+1}", 2, "nothing to repeat; a literal plus is written \\+"),
            ("{x++}", 4, "nothing to repeat; a literal plus is written \\+"),
            ("{x+.}", 4, "nothing to repeat"),
            ("{<2=1>.}", 7, "nothing to repeat"),
            ("{<2011>x}", 7, "<> needs an ="),
            ("{<2=0=1>x}", 6, "a second = in <>"),
            ("{<=>x}", 4, "<=> replaces nothing"),
            ("{<2-=1>}", 4, "'-' is not allowed in <>"),
            ("{<2=", 5, "the closing > is missing"),
            ("{1^2}", 3, "^ may only begin a rule"),
            ("{1 2}", 4, "blanks may only stand around a rule: | or } is missing"),
            ("{1;2}", 3, "';' is not allowed here"),
            ("{é", 2, "a rule is empty"),
            ("{1é}", 3, "'é' is not allowed here"),
            ("{\\x}", 3, "only +, * and # can follow \\"),
        ] {
            let error = check(plan).expect_err(plan);
            assert_eq!((error.position, error.what.as_str()), (position, what), "{plan}");
        }
        assert_eq!(check("{x+").expect_err("no end").to_string(), "the closing } is missing at character 4");
    }

    #[test]
    fn a_plan_has_at_most_1024_characters() {
        let error = check(&format!("{{{}}}", "1".repeat(1023))).expect_err("1025 characters");
        assert_eq!(error.position, 1025);
        assert!(check(&format!("{{{}}}", "1".repeat(1022))).is_ok());
    }
}
