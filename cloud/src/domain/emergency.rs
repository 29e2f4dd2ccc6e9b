//! The numbers help is called by, country by country, as a phone of the land network dials them: the general number
//! first, then those for police, ambulance and fire where it does not reach them. Countries hotels are usual in; what is
//! not listed is not known, and 112 is a guess. No room is called by such a number, so none is named without need.

/// The number of the European Union and of many others.
pub const GUESS: &[&str] = &["112"];

/// Numbers → the countries that have them (ISO 3166-1, two letters).
const TABLE: &[(&[&str], &str)] = &[
    // 933 reads back the address that 911 would show.
    (&["911", "933"], "US PR GU VI"),
    (&["911"], "AG AI AS AW BB BM BS BZ CA CR DM DO EC GD HN JO KN KY LC MH MP MX PA PH PW PY SV SX TC UY VC VE VG"),
    (
        &["112"],
        "AD AL AM AT AX AZ BE BG BY CH CY CZ DK EE ES FI FO GE GH GL GR HR HU IN IS IT KW KZ LI LT LU LV MC MD ME MK MT \
         NG NL PL PT RO RU RW SE SI SK SM TR UA UZ VA",
    ),
    // North and South America.
    (&["911", "107", "100"], "AR"),
    (&["190", "192", "193"], "BR"),
    (&["131", "132", "133"], "CL"),
    (&["123"], "CO"),
    (&["105", "106", "116"], "PE"),
    (&["110", "118", "119"], "BO"),
    (&["104", "105", "106"], "CU"),
    (&["119", "110"], "JM"),
    (&["999", "811", "990"], "TT"),
    // Europe.
    (&["999", "112"], "GB GG IM JE GI"),
    (&["112", "999"], "IE"),
    (&["112", "110"], "DE"),
    (&["112", "15", "17", "18"], "FR GP MQ RE GF YT BL MF PM PF NC"),
    (&["112", "110", "113"], "NO SJ"),
    (&["122", "123", "124"], "BA"),
    (&["112", "192", "193", "194"], "RS"),
    // Asia.
    (&["110", "119"], "JP TW"),
    (&["110", "119", "120"], "CN"),
    (&["112", "119"], "KR"),
    (&["999"], "HK MO MY BD BH QA"),
    (&["999", "995"], "SG"),
    (&["191", "1669", "199"], "TH"),
    (&["113", "114", "115"], "VN"),
    (&["117", "118", "119"], "KH"),
    (&["112", "110", "113", "119"], "ID"),
    (&["991", "993", "995"], "BN"),
    (&["101", "102", "103"], "MN"),
    (&["119", "110", "1990"], "LK"),
    (&["119", "102", "118"], "MV"),
    (&["100", "101", "102"], "NP IL"),
    (&["15", "16", "1122"], "PK"),
    (&["999", "998", "997"], "AE"),
    (&["911", "999", "997", "998"], "SA"),
    (&["9999"], "OM"),
    (&["112", "140", "175"], "LB"),
    // Africa and the Indian Ocean.
    (&["122", "123", "180"], "EG"),
    (&["19", "15", "177"], "MA"),
    (&["197", "190", "198"], "TN"),
    (&["112", "10111", "10177"], "ZA"),
    (&["999", "112"], "KE UG"),
    (&["112", "114"], "TZ"),
    (&["999", "114", "115"], "MU"),
    (&["999"], "SC ZM ZW"),
    (&["999", "997", "998"], "BW"),
    (&["17", "18", "1515"], "SN"),
    // Australia and the Pacific.
    (&["000", "112"], "AU CC CX NF"),
    (&["111"], "NZ"),
    (&["911", "917"], "FJ"),
];

/// The numbers of a country; `None` where they are not known.
pub fn of_country(code: &str) -> Option<&'static [&'static str]> {
    TABLE.iter().find(|(_, countries)| countries.split_whitespace().any(|one| one == code)).map(|(numbers, _)| *numbers)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_country_stands_once_and_its_numbers_can_be_dialled() {
        let mut seen = HashSet::new();
        for (numbers, countries) in TABLE {
            for country in countries.split_whitespace() {
                assert!(country.len() == 2 && seen.insert(country), "{country}");
            }
            let fine = |number: &&str| (2..=15).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
            assert!(!numbers.is_empty() && numbers.iter().all(fine), "{numbers:?}");
            assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len(), "{numbers:?}");
        }
    }

    #[test]
    fn numbers_are_those_of_the_country_and_unknown_ones_are_not_made_up() {
        for (country, numbers) in [
            ("JP", ["110", "119"].as_slice()),
            ("CN", &["110", "119", "120"]),
            ("HK", &["999"]),
            ("SG", &["999", "995"]),
            ("AE", &["999", "998", "997"]),
            ("BR", &["190", "192", "193"]),
            ("CO", &["123"]),
            ("PT", &["112"]),
        ] {
            assert_eq!(of_country(country), Some(numbers), "{country}");
        }
        assert_eq!(of_country("AQ"), None);
        assert_eq!(of_country(""), None);
    }
}
