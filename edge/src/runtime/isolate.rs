//! This isolate: its name, its memory and its cost in D1. The tests read them to see a restart and
//! the cost of a request.

use trackmate_wire::hex::hex;

use crate::runtime::random;
use crate::store::{self, Cost};

thread_local! {
    /// This isolate's name.
    static ISOLATE: String = hex(&random::bytes::<8>());
}

/// The name of the isolate, the bytes of its memory (which never shrinks), and its cost in D1 so
/// far, including work after answers.
pub(crate) fn description() -> String {
    #[cfg(target_arch = "wasm32")]
    let bytes = core::arch::wasm32::memory_size::<0>() * 65_536;
    #[cfg(not(target_arch = "wasm32"))]
    let bytes = 0;
    let Cost { trips, read, written, .. } = store::total();
    ISOLATE.with(|name| format!("name={name} memory={bytes} trips={trips} read={read} written={written}"))
}
