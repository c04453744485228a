//! Writes CSV by RFC 4180, with cells that no spreadsheet runs.
//!
//! A spreadsheet recognises a formula by its first character, and an apostrophe before it makes the
//! cell a text. A cell that begins like a formula, also after blanks, gets an apostrophe. A number
//! gets none, so `-5` stays a number. A telephone number gets none either: `+49 170 1234567` is a
//! harmless formula, and an apostrophe would spoil it for other programs.
//!
//! Each spreadsheet chooses the sign that separates cells. In most of Europe this is a semicolon,
//! elsewhere also a tab, and the quotes of a comma file mean nothing there. So the text after a
//! semicolon, a tab or a line end within a cell is checked like a cell.

/// The sign by which spreadsheets recognise UTF-8.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Writes one record and ends its line.
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
    let cell = guarded(cell);
    if cell.contains(['"', ',', ';', '\t', '\r', '\n']) || cell.starts_with(' ') || cell.ends_with(' ') {
        out.push('"');
        out.push_str(&cell.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(&cell);
    }
}

/// The cell as written. Each part that a spreadsheet might run gets an apostrophe. NULs are left
/// out, because many readers stop at one.
#[must_use]
pub fn guarded(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    let (mut rest, mut before) = (cell, None);
    while !rest.is_empty() {
        if might_run(rest, before) {
            out.push('\'');
        }
        let end = rest.find([';', '\t', '\r', '\n']).map_or(rest.len(), |at| at + 1);
        let (part, after) = rest.split_at(end);
        out.extend(part.chars().filter(|c| *c != '\0'));
        (rest, before) = (after, part.chars().last());
    }
    out
}

/// Whether a spreadsheet might run the text that begins here, after this sign. A reader that
/// separates cells at one sign ignores the others, but a line end begins a cell for all of them.
fn might_run(rest: &str, before: Option<char>) -> bool {
    let signs: &[char] = match before {
        None => return is_formula(rest),
        Some(';') => &[';'],
        Some('\t') => &['\t'],
        Some(_) => &[';', '\t'],
    };
    // A reader may take a quote there for the end of the cell.
    let alone = |sign: &char| {
        let end = rest.find(['\r', '\n', *sign]).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default().trim_start_matches(['"', ' '])
    };
    signs.iter().map(alone).any(is_formula)
}

/// Whether a spreadsheet might run this cell.
fn is_formula(cell: &str) -> bool {
    // Blanks of any script, and signs without width, which some programs skip.
    let seen = cell.trim_start_matches(|c: char| {
        matches!(c, ' ' | '\n' | '\0' | '\u{feff}' | '\u{200b}') || (c.is_whitespace() && c != '\t' && c != '\r')
    });
    let begins = seen.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    begins && !is_number(cell) && !is_telephone(cell)
}

/// Whether this is a number in JSON's notation.
fn is_number(cell: &str) -> bool {
    cell.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'))
        && serde_json::from_str::<serde_json::Number>(cell).is_ok()
}

/// Whether this is an international telephone number: `+`, 1 to 15 digits, and the usual signs
/// between them.
fn is_telephone(cell: &str) -> bool {
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let (parts, is_one) =
        (|c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')' | '.'), (1..=15).contains(&digits));
    is_one && cell.len() <= 30 && cell.strip_prefix('+').is_some_and(|rest| rest.chars().all(parts))
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
    fn cells_with_special_signs_are_quoted() {
        assert_eq!(
            line(&["a", "b,c", "say \"x\"", "two\r\nlines", "", " é "]),
            "a,\"b,c\",\"say \"\"x\"\"\",\"two\r\nlines\",,\" é \"\r\n"
        );
        assert_eq!(line(&["a;b", "a\tb", "a\0b\0"]), "\"a;b\",\"a\tb\",ab\r\n");
    }

    #[test]
    fn formulas_become_texts_and_numbers_stay_numbers() {
        for cell in [
            "=1+1",
            "+1/0",
            "+1+12345",
            "+cmd|x",
            "\0=1",
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
            "\t",
            "\u{3000}＝1",
            "-0x10",
            "-1e",
            "--1",
        ] {
            assert!(line(&[cell]).trim_start_matches('"').starts_with('\''), "{cell:?}");
        }
        let telephones = ["+5", "+4917012345678", "+49 170 1234567", "+1 (555) 010-9999", "+33.1.23.45.67.89"];
        for cell in telephones.into_iter().chain(["-5", "-5.25", "-1e3", "5", "a=1", "'=1", "", "Ann-Marie", "é@x"]) {
            assert_eq!(guarded(cell), cell);
        }
    }

    #[test]
    fn no_part_of_a_cell_is_a_formula_wherever_a_reader_splits_it() {
        for (cell, written) in [
            ("x;=1+1", "x;'=1+1"),
            ("x\t=1", "x\t'=1"),
            ("x\n=1", "x\n'=1"),
            ("x\r\n@y", "x\r\n'@y"),
            ("a; \"=1", "a;' \"=1"),
            ("vip;=HYPERLINK(\"https://x.example\")", "vip;'=HYPERLINK(\"https://x.example\")"),
            (";;-1;-x", ";;-1;'-x"),
            ("x;+49 170 1234567", "x;+49 170 1234567"),
            ("\r+0;x", "'\r'+0;x"),
            ("x;-1\ty", "x;'-1\ty"),
            (r#"{"a":[1,-5],"b":"x;y"}"#, r#"{"a":[1,-5],"b":"x;y"}"#),
        ] {
            assert_eq!(guarded(cell), written);
        }
    }

    proptest! {
        // A reader of RFC 4180 gets the cells back, except for the apostrophes.
        #[test]
        fn a_reader_of_rfc_4180_gets_the_cells_back(
            cells in prop::collection::vec("[=+@\\-\t\r\n \",;'a-c0-9é＝]{0,8}", 2..6)) {
            let text = line(&cells.iter().map(String::as_str).collect::<Vec<_>>());
            let mut reader = csv::ReaderBuilder::new();
            let reader = reader.has_headers(false).terminator(csv::Terminator::CRLF);
            let mut reader = reader.from_reader(text.as_bytes());
            let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), 1);
            let expected: Vec<String> = cells.iter().map(|c| guarded(c)).collect();
            prop_assert_eq!(read[0].iter().collect::<Vec<_>>(), expected);
        }

        // A reader that splits at another sign, with or without quotes, finds nothing to run.
        #[test]
        fn a_reader_that_splits_cells_elsewhere_finds_no_formula(
            cells in prop::collection::vec("[=+@\\-\t\r\n \",;'a-c0-9é＝]{0,8}", 2..6),
            at in prop::sample::select(vec![';', '\t'])) {
            let text = line(&cells.iter().map(String::as_str).collect::<Vec<_>>());
            for quoting in [true, false] {
                let mut reader = csv::ReaderBuilder::new();
                reader.has_headers(false).flexible(true).quoting(quoting).delimiter(u8::try_from(at).unwrap());
                for record in reader.from_reader(text.as_bytes()).records() {
                    for cell in &record.unwrap() {
                        // Tabs and blanks alone run nothing. After a number, the next column does
                        // not belong to a formula.
                        let cell = cell.trim_start_matches([' ', '\t', '\r']);
                        let begins = cell.split([',', '"']).next().unwrap_or_default();
                        prop_assert!(!is_formula(begins), "{:?} of {:?}, quotes {}", cell, text, quoting);
                    }
                }
            }
        }
    }
}
