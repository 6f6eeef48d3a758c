//! Names of the gates that a face passes before it is recognised, for counts of refusals.

use face::Fault;

/// The name of the gate that a face did not pass.
pub fn name(fault: &Fault) -> &'static str {
    match fault {
        Fault::TooSmall { .. } => "too small",
        Fault::NoFace { .. } => "landmarks do not stay in the mirror image",
        Fault::Nowhere => "landmarks of no face",
        Fault::TurnedAside { .. } => "turned aside",
        Fault::TurnedUpOrDown { .. } => "looks up or down",
        Fault::Inclined { .. } => "inclined",
        Fault::TooDark { .. } => "too dark",
        Fault::TooBright { .. } => "too bright",
        Fault::Clipped { .. } => "black or white altogether",
        Fault::Flat { .. } => "too little contrast",
        Fault::Blurred { .. } => "blurred",
    }
}
