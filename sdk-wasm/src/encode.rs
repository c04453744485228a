//! The text that ids, times and bodies are made of: hex, UUID, ISO 8601, JSON strings. Pure; a JSON library would double the
//! size of the wasm for the one thing needed here, which is to write a string.

use std::fmt::Write;

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A version 4 UUID (RFC 9562) of these random bits.
pub(crate) fn uuid_v4(random: [u8; 16]) -> String {
    let bits = u128::from_be_bytes(random);
    let bits = bits & !(0xf << 76) | (0x4 << 76);
    let bits = bits & !(0b11 << 62) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        bits >> 80 & 0xffff,
        bits >> 64 & 0xffff,
        bits >> 48 & 0xffff,
        bits & 0xffff_ffff_ffff
    )
}

/// `2025-10-18T10:00:00.000Z` for milliseconds since the epoch.
pub(crate) fn iso(ms: u64) -> String {
    let (days, in_day) = (ms / 86_400_000, ms % 86_400_000);
    // Days to a civil date in the 400-year cycle that starts on 1 March 0000, so that a leap day is the last of its year:
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    let day = days + 719_468;
    let (era, day_of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        day_of_year - (153 * march_month + 2) / 5 + 1,
        in_day / 3_600_000,
        in_day / 60_000 % 60,
        in_day / 1_000 % 60,
        in_day % 1_000
    )
}

/// A JSON string literal.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_written_as_javascript_writes_them() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_760_781_600_000, "2025-10-18T10:00:00.000Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(iso(ms), text);
        }
    }

    #[test]
    fn a_uuid_says_its_version_and_variant() {
        assert_eq!(uuid_v4([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_v4([255; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    proptest! {
        #[test]
        fn a_quoted_string_reads_back_as_itself(text in "\\PC*|[\\x00-\\x7f]*") {
            prop_assert_eq!(serde_json::from_str::<String>(&quote(&text)).ok(), Some(text));
        }

        #[test]
        fn times_sort_as_they_pass(a in 0u64..253_402_300_800_000, b in 0u64..253_402_300_800_000) {
            prop_assert_eq!(a.cmp(&b), iso(a).cmp(&iso(b)));
        }

        #[test]
        fn hex_keeps_every_bit(bits in any::<u128>()) {
            prop_assert_eq!(u128::from_str_radix(&hex(&bits.to_be_bytes()), 16).ok(), Some(bits));
        }
    }
}
