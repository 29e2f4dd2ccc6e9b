//! Sizes, speeds and short times as people read them.

/// `0 B`, `812 B`, `4.1 kB`, `13 MB`: decimal, as networks and disks are sold.
pub fn bytes(count: u64) -> String {
    scaled(count as f64, &["B", "kB", "MB", "GB", "TB"])
}

/// `94.2 Mbit/s`.
pub fn speed(bits_per_second: u64) -> String {
    scaled(bits_per_second as f64, &["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"])
}

/// `0.42 ms`, `12 ms`, `1.8 s`.
pub fn milliseconds(ms: f64) -> String {
    match ms {
        ..1.0 => format!("{ms:.2} ms"),
        ..10.0 => format!("{ms:.1} ms"),
        ..999.5 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1000.0),
    }
}

fn scaled(number: f64, units: &[&str]) -> String {
    let (mut number, mut unit) = (number, 0);
    // What would be written as 1000 is one of the next unit.
    while number >= 999.5 && unit + 1 < units.len() {
        number /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && number < 99.95);
    format!("{number:.digits$} {}", units.get(unit).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        for (count, text) in [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_096, "4.1 kB"), (999_999, "1.0 MB")] {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(bytes(250_000_000), "250 MB");
        assert_eq!(speed(94_210_000), "94.2 Mbit/s");
        assert_eq!(speed(812), "812 bit/s");
    }

    #[test]
    fn short_times_read_well() {
        for (ms, text) in [(0.0, "0.00 ms"), (0.417, "0.42 ms"), (3.24, "3.2 ms"), (42.4, "42 ms"), (1810.0, "1.8 s")] {
            assert_eq!(milliseconds(ms), text);
        }
    }
}
