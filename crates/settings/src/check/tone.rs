//! Call progress tones: `f1=440@-13,f2=480@-13,c=200/400;`.

use super::{Refusal, refuse};

/// One or two frequencies (0-4000 Hz, level -96 to 0 dBm) and up to three cadences `on/off` joined by `-`.
pub fn tone(value: &str) -> Result<String, Refusal> {
    let body = value.trim().trim_end_matches(';');
    let mut fields: Vec<String> = vec![];
    let mut seen: Vec<String> = vec![];
    for field in body.split(',') {
        let Some((name, given)) = field.split_once('=') else {
            return refuse(format!("\"{}\" has no =", crate::error::printable(field)));
        };
        let name = name.trim().to_ascii_lowercase();
        if seen.contains(&name) {
            return refuse(format!("{name} appears twice"));
        }
        let given = match name.as_str() {
            "f1" | "f2" => frequency(given.trim())?,
            "c" => cadences(given.trim())?,
            _ => return refuse(format!("{} is not f1, f2 or c", crate::error::printable(&name))),
        };
        fields.push(format!("{name}={given}"));
        seen.push(name);
    }
    if seen.iter().any(|name| name == "f1") { Ok(format!("{};", fields.join(","))) } else { refuse("f1 is missing") }
}

fn frequency(text: &str) -> Result<String, Refusal> {
    let (hertz, level) = match text.split_once('@') {
        Some((hertz, level)) => (hertz.trim(), Some(level.trim())),
        None => (text, None),
    };
    let hertz = hertz
        .parse::<u16>()
        .ok()
        .filter(|hz| *hz <= 4000)
        .ok_or_else(|| Some("a frequency must be 0 to 4000 Hz".to_owned()))?;
    let Some(level) = level else {
        return Ok(hertz.to_string());
    };
    match level.parse::<i16>() {
        Ok(level) if (-96..=0).contains(&level) => Ok(format!("{hertz}@{level}")),
        _ => refuse("a level must be -96 to 0 dBm"),
    }
}

fn cadences(text: &str) -> Result<String, Refusal> {
    let mut pairs = vec![];
    for pair in text.split('-') {
        let times = pair.split_once('/').map(|(on, off)| (on.trim().parse::<u16>(), off.trim().parse::<u16>()));
        match times {
            Some((Ok(on), Ok(off))) => pairs.push(format!("{on}/{off}")),
            _ => return refuse("a cadence is on/off, each 0 to 65535"),
        }
    }
    if pairs.len() > 3 { refuse("more than three cadences") } else { Ok(pairs.join("-")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones() {
        assert_eq!(tone("F1=440@-13, f2=480@-13 ,c=200/400").as_deref(), Ok("f1=440@-13,f2=480@-13,c=200/400;"));
        assert_eq!(tone("f1=350,f2=440;").as_deref(), Ok("f1=350,f2=440;"));
        assert_eq!(tone("f1=350,c=10/10-20/20-30/0;").as_deref(), Ok("f1=350,c=10/10-20/20-30/0;"));
        for bad in
            ["", ";", "f1", "f2=440", "f1=5000", "f1=440@3", "f1=1,c=1", "f1=1,c=1/1-1/1-1/1-1/1", "f1=1,f1=2", "f3=1"]
        {
            assert!(tone(bad).is_err(), "{bad}");
        }
    }
}
