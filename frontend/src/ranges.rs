//! Room numbers as people type them: `1201-1210, 1215, A1-A4`.

/// The most rooms one floor may get at once; more is a typing mistake.
pub const MAX_ROOMS: usize = 500;

/// The room numbers of a text, in order, without repetition; the error says which part is wrong and how to write it.
pub fn parse(text: &str) -> Result<Vec<String>, String> {
    let mut rooms: Vec<String> = Vec::new();
    for part in text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
        for room in expand(part)? {
            if !rooms.contains(&room) {
                rooms.push(room);
            }
        }
        if rooms.len() > MAX_ROOMS {
            return Err(format!("More than {MAX_ROOMS} rooms on one floor; check the range \u{201c}{part}\u{201d}."));
        }
    }
    if rooms.is_empty() {
        return Err("Write at least one room, for example 1201-1210, 1215.".into());
    }
    Ok(rooms)
}

/// The rooms that are named one by one and not by a range, which may hold numbers no door has.
pub fn singles(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty() && !part.contains(['-', '–']))
}

fn expand(part: &str) -> Result<Vec<String>, String> {
    let Some((from, to)) = part.split_once(['-', '–']) else {
        return Ok(vec![part.to_owned()]);
    };
    let (from, to) = (from.trim(), to.trim());
    let wrong = || format!("\u{201c}{part}\u{201d} is not a range; write it like 1201-1210 or A1-A4.");
    let (prefix, first) = split(from).ok_or_else(wrong)?;
    let (other, last) = split(to).ok_or_else(wrong)?;
    if !other.is_empty() && other != prefix {
        return Err(wrong());
    }
    let (low, high): (u32, u32) = (first.parse().map_err(|_| wrong())?, last.parse().map_err(|_| wrong())?);
    if low > high {
        return Err(format!("\u{201c}{part}\u{201d} runs backwards; write the lower number first."));
    }
    if (high - low) as usize >= MAX_ROOMS {
        return Err(format!("\u{201c}{part}\u{201d} is more than {MAX_ROOMS} rooms; check the numbers."));
    }
    let width = first.len();
    Ok((low..=high).map(|number| format!("{prefix}{number:0width$}")).collect())
}

/// `A12` as `("A", "12")`.
fn split(text: &str) -> Option<(&str, &str)> {
    let at = text
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let (prefix, digits) = text.split_at(at);
    (!digits.is_empty()).then_some((prefix, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_type() {
        assert_eq!(parse("1201-1203, 1215").unwrap(), ["1201", "1202", "1203", "1215"]);
        assert_eq!(parse("A1 – A3; A2\nSpa").unwrap(), ["A1", "A2", "A3", "Spa"]);
        assert_eq!(parse("008-011").unwrap(), ["008", "009", "010", "011"]);
    }

    #[test]
    fn rooms_named_one_by_one_are_known_as_such() {
        assert_eq!(singles("1201-1210, 1399;Spa,,A1 – A3").collect::<Vec<_>>(), ["1399", "Spa"]);
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(parse(" ,").unwrap_err().contains("at least one"));
        assert!(parse("1210-1201").unwrap_err().contains("backwards"));
        assert!(parse("A1-B4").unwrap_err().contains("not a range"));
        assert!(parse("é-ü").is_err());
        assert!(parse("1-99999").unwrap_err().contains("more than"));
    }
}
