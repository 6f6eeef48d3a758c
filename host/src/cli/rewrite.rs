//! An image that a command changes, in place or into another file, in the container it is in.

use std::path::Path;

use anyhow::Result;
use host::containers;
use host::output::{self, Hold, Named, PATIENCE, Planned};

/// Writes the image that `make` gives, over the image unless an output is given. `read` is what else is read. Returns what else
/// `make` gives, and the file written.
pub fn rewrite<'p, T>(
    image: &'p Path,
    output: Option<&'p Path>,
    read: impl IntoIterator<Item = Named>,
    make: impl FnOnce() -> Result<(Vec<u8>, T)>,
) -> Result<(T, &'p Path)> {
    let (written, inputs) = match output {
        Some(output) => (Named::new("--output", output), Some(Named::new("IMAGE", image))),
        None => (Named::new("IMAGE", image), None),
    };
    Planned {
        outputs: vec![written],
        inputs: inputs.into_iter().chain(read).collect(),
        ..Planned::default()
    }
    .check()?;
    // Whoever changes it at the same time would lose what this writes, or the other way round.
    let _hold = output.is_none().then(|| Hold::on(image, PATIENCE)).transpose()?;
    let (_, wrapping) = containers::read(image)?;
    let (changed, made) = make()?;
    let path = output.unwrap_or(image);
    output::write_whole(path, &wrapping.wrap(&changed)?)?;
    Ok((made, path))
}
