//! Exact amounts of money. An amount becomes whole units and billionths, which the database adds as
//! integers.
//!
//! An event's `eventData.amount` is a number or a numeric text, and `eventData.currency` a code of
//! ISO 4217. Any other currency counts as `XXX`, "no currency". They become a JSON object of
//! counters, `{"USD u payment_processed":79,"USD n payment_processed":990000000}`. A company's
//! setting decides which event types count. The type is part of the key, so a type that is removed
//! from the setting stops counting at once. Limits: 9 decimals (more are rounded half away from
//! zero), and |amount| ≤ 10¹², beyond which an amount is no revenue.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

const NANOS: i64 = 1_000_000_000;
const DECIMALS: usize = 9;
const UNITS_MAX: i64 = 1_000_000_000_000;

/// The event types that count by default.
pub const DEFAULT_EVENTS: [&str; 3] = ["payment_processed", "payment_succeeded", "payment_completed"];

/// The codes of ISO 4217 that are in use.
const CURRENCIES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF \
CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR \
ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD \
NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB \
TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG";

/// A decimal number as whole units and billionths of the same sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    units: i64,
    nanos: i64,
}

impl Amount {
    /// Reads a JSON number or a plain decimal text (also `.50` and `+5`) without a float. Formats
    /// of single languages (`1.299,00`) are not guessed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let text = if negative { text } else { text.strip_prefix('+').unwrap_or(text) };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || digits.len() > 64 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        // Position of the decimal point among `digits`.
        let point = i64::try_from(whole.len()).ok()? + i64::from(exponent);
        let digit = |at: i64| usize::try_from(at).ok().and_then(|i| digits.get(i)).map_or(0, |d| i64::from(d - b'0'));
        if point > 64 {
            return digits.iter().all(|d| *d == b'0').then_some(Self::default());
        }
        let mut units = 0_i64;
        for at in 0..point.max(0) {
            units = units.checked_mul(10)?.checked_add(digit(at))?;
        }
        let decimals = i64::try_from(DECIMALS).ok()?;
        let mut nanos = (point..point + decimals).fold(0, |n, at| n * 10 + if at < 0 { 0 } else { digit(at) });
        if point + decimals >= 0 && digit(point + decimals) >= 5 {
            nanos += 1;
        }
        let sign = if negative { -1 } else { 1 };
        (units <= UNITS_MAX).then_some(Self { units: sign * (units + nanos / NANOS), nanos: sign * (nanos % NANOS) })
    }
}

impl std::fmt::Display for Amount {
    /// The shortest exact decimal: `79.99`, `-0.5`, `12`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let total = i128::from(self.units) * i128::from(NANOS) + i128::from(self.nanos);
        let (sign, total) = (if total < 0 { "-" } else { "" }, total.unsigned_abs());
        let nanos = u128::from(NANOS.unsigned_abs());
        let fraction = format!("{:09}", total % nanos);
        let fraction = fraction.trim_end_matches('0');
        write!(f, "{sign}{}{}{fraction}", total / nanos, if fraction.is_empty() { "" } else { "." })
    }
}

#[derive(Deserialize)]
struct Payment<'a> {
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    #[serde(borrow)]
    currency: Option<&'a RawValue>,
}

/// The counters of one event, if its data contain an amount.
#[must_use]
pub fn counters(event_type: &str, data: &str) -> Option<BTreeMap<String, i64>> {
    let payment: Payment = serde_json::from_str(data).ok()?;
    let amount = amount(payment.amount?)?;
    let currency = payment
        .currency
        .and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
        .map(|c| c.trim().to_uppercase());
    let currency = currency.filter(|c| c.len() == 3 && CURRENCIES.split_ascii_whitespace().any(|known| known == c));
    let currency = currency.as_deref().unwrap_or("XXX");
    let limbs = [("u", amount.units), ("n", amount.nanos)].into_iter().filter(|(_, value)| *value != 0);
    Some(limbs.map(|(part, value)| (format!("{currency} {part} {event_type}"), value)).collect())
}

/// Reads an amount: a number, or a text, which may have full-width digits of East Asian keyboards.
fn amount(raw: &RawValue) -> Option<Amount> {
    if !raw.get().starts_with('"') {
        return Amount::parse(raw.get());
    }
    let ascii = |c: char| match c {
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10).unwrap_or(c),
        '．' => '.',
        c => c,
    };
    let text: String = serde_json::from_str::<String>(raw.get()).ok()?.trim().chars().map(ascii).collect();
    Amount::parse(&text)
}

/// Whether an event's data contain an invalid amount, which counts nothing.
#[must_use]
pub fn is_unread(data: &str) -> bool {
    if !data.contains("amount") {
        return false;
    }
    let payment = serde_json::from_str::<Payment<'_>>(data).ok();
    payment.and_then(|payment| payment.amount).is_some_and(|raw| raw.get() != "null" && amount(raw).is_none())
}

/// Adds counters up to an amount for each currency, over the event types that count.
#[must_use]
pub fn totals(counters: &BTreeMap<String, i64>, counted: &[String]) -> BTreeMap<String, Amount> {
    let mut sums = BTreeMap::<String, Amount>::new();
    for (key, value) in counters {
        let mut parts = key.splitn(3, ' ');
        let (Some(currency), Some(part), Some(event_type)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        if counted.iter().any(|c| c == event_type) {
            let sum = sums.entry(currency.to_owned()).or_default();
            let limb = if part == "u" { &mut sum.units } else { &mut sum.nanos };
            *limb = limb.saturating_add(*value);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Option<String> {
        Amount::parse(text).map(|a| a.to_string())
    }

    #[test]
    fn amounts_are_read_exactly() {
        for (text, expected) in [
            ("79.99", "79.99"),
            ("0.1", "0.1"),
            ("-5", "-5"),
            ("-0.50", "-0.5"),
            ("1e3", "1000"),
            ("7999e-2", "79.99"),
            ("1E-9", "0.000000001"),
            ("1e-10", "0"),
            ("5e-10", "0.000000001"),
            ("0.30000000000000004", "0.3"),
            ("0.9999999999", "1"),
            ("1000000000000", "1000000000000"),
            ("0e99", "0"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
        for (text, expected) in [(".50", "0.5"), ("+5", "5"), ("5.", "5"), ("-.5", "-0.5")] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            ".",
            "+",
            "+-5",
            "-+5",
            "++5",
            "79,99",
            "1,299.00",
            "$79.99",
            "5 USD",
            "abc",
            "1e99",
            "1000000000001",
            "1.2.3",
            "0x1",
            "--1",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn an_event_without_an_amount_counts_nothing_and_an_unknown_currency_counts_as_none() {
        assert_eq!(counters("x", "{}"), None);
        assert_eq!(counters("x", r#"{"amount":true}"#), None);
        let keys: Vec<_> = counters("buy it", r#"{"amount":"1.5","currency":"gold"}"#).unwrap().into_keys().collect();
        assert_eq!(keys, ["XXX n buy it", "XXX u buy it"]);
    }

    #[test]
    fn an_invalid_amount_differs_from_a_missing_one() {
        for data in [r#"{"amount":"79,99"}"#, r#"{"amount":{}}"#, r#"{"amount":"5 USD"}"#, r#"{"amount":1e99}"#] {
            assert!(is_unread(data) && counters("x", data).is_none(), "{data}");
        }
        for data in [r#"{"amount":"７９．９９"}"#, r#"{"amount":" \u0035"}"#, r#"{"amount":0}"#] {
            assert!(!is_unread(data) && counters("x", data).is_some(), "{data}");
        }
        for data in ["{}", r#"{"amount":null}"#, r#"{"amounts":"79,99"}"#] {
            assert!(!is_unread(data) && counters("x", data).is_none(), "{data}");
        }
    }

    #[test]
    fn only_event_types_on_the_list_are_summed() {
        let sums = BTreeMap::from([("USD u a".to_owned(), 1), ("USD n a".to_owned(), 5), ("USD u b b".to_owned(), 7)]);
        assert_eq!(totals(&sums, &["b b".into()])["USD"].to_string(), "7");
        assert_eq!(totals(&sums, &["a".into()])["USD"].to_string(), "1.000000005");
        assert!(totals(&sums, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn sums_of_cents_are_exact(cents in prop::collection::vec(-10_000_000_i64..10_000_000, 1..50)) {
            let mut sums = BTreeMap::<String, i64>::new();
            for c in &cents {
                let text = format!("{}{}.{:02}", if *c < 0 { "-" } else { "" }, c.abs() / 100, c.abs() % 100);
                for (key, value) in counters("p", &format!(r#"{{"amount":{text},"currency":"usd"}}"#)).unwrap() {
                    *sums.entry(key).or_default() += value;
                }
            }
            let total: i64 = cents.iter().sum();
            let expected = Amount { units: total / 100, nanos: total % 100 * 10_000_000 };
            prop_assert_eq!(totals(&sums, &["p".into()])["USD"].to_string(), expected.to_string());
        }
    }
}
