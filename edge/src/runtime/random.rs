//! Random numbers from the runtime's own source.

use trackmate_wire::hex::hex;

/// Random bytes. The runtime's source does not fail. If it did, ids would collide and be refused as
/// duplicates; nobody could guess them.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        worker::console_error!("no random numbers: {error}");
    }
    bytes
}

/// A message id for an event that has none.
#[must_use]
pub fn message_id() -> String {
    format!("m_{}", hex(&bytes::<16>()))
}

/// A random integer of 53 bits, which D1 binds exactly.
#[must_use]
pub fn number() -> i64 {
    i64::from_be_bytes(bytes()) & ((1 << 53) - 1)
}

/// A random number from 0 to 1.
#[must_use]
pub fn unit() -> f64 {
    f64::from(u32::from_be_bytes(bytes())) / f64::from(u32::MAX)
}
