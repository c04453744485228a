//! CSV as RFC 4180 says it, with cells that no spreadsheet runs.
//!
//! A spreadsheet takes a cell for a formula by its first character, and an apostrophe before it makes the cell a text. What begins so, also behind blanks, gets
//! one; a plain number does not, so that `-5` stays the number it is.

/// Writes one record from its cells and ends its line.
pub fn record<'a>(out: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            out.push(',');
        }
        write(out, cell);
    }
    out.push_str("\r\n");
}

fn write(out: &mut String, cell: &str) {
    let guard = if is_formula(cell) { "'" } else { "" };
    if cell.contains(['"', ',', '\r', '\n']) || cell.starts_with(' ') || cell.ends_with(' ') {
        out.push('"');
        out.push_str(guard);
        out.push_str(&cell.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(guard);
        out.push_str(cell);
    }
}

/// Whether a spreadsheet might run this cell.
#[must_use]
pub fn is_formula(cell: &str) -> bool {
    // Blanks of any script, and the signs of no width that some programs skip.
    let seen = cell.trim_start_matches(|c: char| {
        c == ' ' || c == '\n' || c == '\u{feff}' || c == '\u{200b}' || (c.is_whitespace() && c != '\t' && c != '\r')
    });
    let begins = seen.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    begins && !is_number(cell)
}

/// Whether this is a number as JSON writes one.
fn is_number(cell: &str) -> bool {
    cell.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'))
        && serde_json::from_str::<serde_json::Number>(cell).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(cells: &[&str]) -> String {
        let mut out = String::new();
        record(&mut out, cells.iter().copied());
        out
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(
            line(&["a", "b,c", "say \"x\"", "two\r\nlines", "", " é "]),
            "a,\"b,c\",\"say \"\"x\"\"\",\"two\r\nlines\",,\" é \"\r\n"
        );
    }

    #[test]
    fn what_a_spreadsheet_would_run_becomes_a_text_and_numbers_stay_numbers() {
        for cell in [
            "=1+1",
            "+47 123",
            "-2+3",
            "@SUM(A1)",
            "\tx",
            "\r=x",
            "  =1",
            "\u{a0}=1",
            "\u{feff}=1",
            "\n=1",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            "-",
            "+5",
            "\t",
            "\u{3000}＝1",
            "-0x10",
            "-1e",
            "--1",
        ] {
            assert!(line(&[cell]).trim_start_matches('"').starts_with('\''), "{cell:?}");
        }
        for cell in ["-5", "-5.25", "-1e3", "5", "a=1", "'=1", "", "Ann-Marie", "é@x"] {
            assert!(!is_formula(cell), "{cell:?}");
        }
    }

    proptest! {
        // A reader of the same standard gets the cells back, but for the apostrophes.
        #[test]
        fn another_reader_reads_what_was_written(cells in prop::collection::vec("[=+@\\-\t\r\n \",;'a-c0-9é＝]{0,8}", 2..6)) {
            let text = line(&cells.iter().map(String::as_str).collect::<Vec<_>>());
            let mut reader = csv::ReaderBuilder::new().has_headers(false).terminator(csv::Terminator::CRLF).from_reader(text.as_bytes());
            let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), 1);
            let expected: Vec<String> = cells.iter().map(|c| if is_formula(c) { format!("'{c}") } else { c.clone() }).collect();
            prop_assert_eq!(read[0].iter().collect::<Vec<_>>(), expected);
        }
    }
}
