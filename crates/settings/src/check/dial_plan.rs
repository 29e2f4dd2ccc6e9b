//! The guide's dial plan language.
//!
//! ```text
//! plan   = "{" rule *( "|" rule ) "}"
//! rule   = ["^"] 1*item                    ; ^ blocks what matches
//! item   = ( char / set ) ["+" / "."] / replacement
//! char   = digit / letter / "*" / "#" / "\+" ; x: any digit, X: any digit or letter
//! set    = "[" 1*( c / c "-" c ) "]"
//! replacement = "<" *char "=" *char ">"    ; not both sides empty
//! ```
//! `+` and `.` repeat the item before them; a literal plus is written `\+`. Blanks may surround rules.

use super::Refusal;

/// Longest dial plan, in characters.
pub const MAX: usize = 1024;

/// Where and why a dial plan is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at character {position}")]
pub struct DialPlanError {
    /// Character of the given text, counted from 1.
    pub position: usize,
    /// What is wrong there.
    pub what: String,
}

pub fn canonical(value: &str) -> Result<String, Refusal> {
    check_dial_plan(value).map_err(|error| Some(error.to_string()))
}

/// The plan without the blanks around its rules.
///
/// # Errors
/// [`DialPlanError`] with the position of the first mistake.
pub fn check_dial_plan(text: &str) -> Result<String, DialPlanError> {
    Scanner { chars: text.chars().collect(), at: 0, out: String::new() }.plan()
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    out: String,
}

impl Scanner {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        self.out.push(c);
        Some(c)
    }

    fn blanks(&mut self) {
        while self.peek() == Some(' ') {
            self.at += 1;
        }
    }

    fn fail<T>(&self, what: impl Into<String>) -> Result<T, DialPlanError> {
        Err(DialPlanError { position: self.at + 1, what: what.into() })
    }

    fn plan(mut self) -> Result<String, DialPlanError> {
        if self.chars.len() > MAX {
            return Err(DialPlanError { position: MAX + 1, what: format!("more than {MAX} characters") });
        }
        self.blanks();
        if self.peek() != Some('{') {
            return self.fail("the opening { is missing");
        }
        self.take();
        loop {
            self.blanks();
            self.rule()?;
            self.blanks();
            match self.peek() {
                Some('|') => self.take(),
                Some('}') => break,
                None => return self.fail("the closing } is missing"),
                Some(' ') => return self.fail("blanks may only stand around a rule"),
                Some(c) => return self.fail(format!("'{c}' is not allowed here")),
            };
        }
        self.take();
        self.blanks();
        if self.peek().is_some() { self.fail("text after the closing }") } else { Ok(self.out) }
    }

    fn rule(&mut self) -> Result<(), DialPlanError> {
        if self.peek() == Some('^') {
            self.take();
        }
        let mut items = 0;
        let mut repeatable = false;
        loop {
            match self.peek() {
                Some('[') => {
                    self.set()?;
                    repeatable = true;
                }
                Some('<') => {
                    self.replacement()?;
                    repeatable = false;
                }
                Some('+' | '.') if repeatable => {
                    self.take();
                    repeatable = false;
                }
                Some('+') => return self.fail("nothing to repeat; a literal plus is written \\+"),
                Some('.') => return self.fail("nothing to repeat"),
                Some('\\') => {
                    self.escape()?;
                    repeatable = true;
                }
                Some(c) if is_key(c) => {
                    self.take();
                    repeatable = true;
                }
                Some('^') => return self.fail("^ may only begin a rule"),
                _ if items == 0 => return self.fail("a rule is empty"),
                _ => return Ok(()),
            }
            items += 1;
        }
    }

    fn escape(&mut self) -> Result<(), DialPlanError> {
        self.take();
        match self.peek() {
            Some('+' | '*' | '#') => {
                self.take();
                Ok(())
            }
            _ => self.fail("only +, * and # can follow \\"),
        }
    }

    fn set(&mut self) -> Result<(), DialPlanError> {
        self.take();
        let mut empty = true;
        loop {
            match self.peek() {
                Some(']') if empty => return self.fail("[] is empty"),
                Some(']') => {
                    self.take();
                    return Ok(());
                }
                Some(low) if is_key(low) => {
                    self.take();
                    empty = false;
                    if self.peek() == Some('-') {
                        self.take();
                        match self.peek() {
                            Some(high) if same_kind(low, high) && low <= high => self.take(),
                            _ => return self.fail("the range is wrong"),
                        };
                    }
                }
                Some(c) => return self.fail(format!("'{c}' is not allowed in []")),
                None => return self.fail("the closing ] is missing"),
            }
        }
    }

    fn replacement(&mut self) -> Result<(), DialPlanError> {
        self.take();
        let mut equals = false;
        let mut length = 0;
        loop {
            match self.peek() {
                Some('=') if equals => return self.fail("a second = in <>"),
                Some('=') => {
                    self.take();
                    equals = true;
                }
                Some('>') if !equals => return self.fail("<> needs an ="),
                Some('>') if length == 0 => return self.fail("<=> replaces nothing"),
                Some('>') => {
                    self.take();
                    return Ok(());
                }
                Some(c) if is_key(c) || c == '+' => {
                    self.take();
                    length += 1;
                }
                Some('\\') => {
                    self.escape()?;
                    length += 1;
                }
                Some(c) => return self.fail(format!("'{c}' is not allowed in <>")),
                None => return self.fail("the closing > is missing"),
            }
        }
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
        ] {
            assert_eq!(check_dial_plan(plan).as_deref(), Ok(compact));
            assert_eq!(check_dial_plan(compact).as_deref(), Ok(compact));
        }
    }

    #[test]
    fn mistakes_have_positions() {
        for (plan, position) in [
            ("x+", 1),
            ("{x+", 4),
            ("{x+}}", 5),
            ("{x+ | }", 7),
            ("{}", 2),
            ("{1[}", 4),
            ("{1[]}", 4),
            ("{[9-2]x}", 5),
            ("{+1}", 2),
            ("{x++}", 4),
            ("{<2011>x}", 7),
            ("{<=>x}", 4),
            ("{1^2}", 3),
            ("{1 2}", 4),
            ("{1;2}", 3),
            ("{\\x}", 3),
        ] {
            let error = check_dial_plan(plan).expect_err(plan);
            assert_eq!(error.position, position, "{plan}: {error}");
        }
        assert!(check_dial_plan(&format!("{{{}}}", "1".repeat(1023))).is_err());
        assert!(check_dial_plan(&format!("{{{}}}", "1".repeat(1022))).is_ok());
    }
}
