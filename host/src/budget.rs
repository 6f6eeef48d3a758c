//! The limits of a board, and the parts of a network or an image that exceed them.
//!
//! This is the only list of limits: `inspect`, `export` and every command that starts a board use it.

use std::fmt;

use anyhow::{Result, ensure};
use format::PixelFormat;
use format::header::{self, Section};
use format::layer::{Layer, Tensor};
use format::preprocess::Colour;
use format::{Image, Role};

use crate::sight::frames::FRAME;

/// Room for an image and its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of image.
    pub image_bytes: usize,
    /// Bytes of arena.
    pub arena_bytes: usize,
    /// Layers of a network.
    pub layers: usize,
    /// Bytes of a row of the embedder's crop: one message of the link carries it. Pictures for the other networks are cut from
    /// a frame in the board's memory, so that their rows may be longer.
    pub row_bytes: usize,
    /// Bytes of a camera's frame: the RAM beside arena and stack.
    pub frame_bytes: usize,
}

/// The budget of a board, or one that the user gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Name, for messages.
    pub name: String,
    /// The limits.
    pub budget: Budget,
}

impl Room {
    /// Refuses a network or image that exceeds limits.
    ///
    /// # Errors
    /// Names the limits that are exceeded.
    pub fn check(&self, excesses: &[Excess]) -> Result<()> {
        let words: Vec<String> = excesses.iter().map(Excess::to_string).collect();
        ensure!(
            words.is_empty(),
            "too much for {}: {}. Choose another --board, --memory or limit, or a smaller network",
            self.name,
            words.join("; ")
        );
        Ok(())
    }
}

/// A limit that is exceeded: the excess, its place, and how to stay within the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excess {
    /// The network has too many layers.
    Layers {
        /// Number of layers of the network.
        layers: usize,
        /// Most layers of a network.
        room: usize,
        /// Name of the first layer beyond the limit.
        first: String,
    },
    /// A row of the crop is too long.
    Row {
        /// Name of the network's input.
        input: String,
        /// Shape of the crop.
        crop: Tensor,
        /// Most bytes of a row.
        room: usize,
    },
    /// The network's rows need too much RAM.
    Arena {
        /// Bytes they need.
        bytes: usize,
        /// Bytes of arena.
        room: usize,
        /// Name of the layer with the largest tensor.
        layer: String,
        /// The largest tensor.
        tensor: Tensor,
    },
    /// The image is too large for its flash.
    Image {
        /// Bytes of the image.
        bytes: usize,
        /// Bytes of the flash.
        room: usize,
        /// The largest part of the image, and its bytes.
        largest: String,
    },
    /// A frame that the image's networks look at needs too much RAM.
    Frame {
        /// Bytes of the frame.
        bytes: usize,
        /// Bytes beside arena and stack.
        room: usize,
        /// Whether a network needs its colours.
        is_colour: bool,
    },
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layers { layers, room, first } => write!(
                f,
                "the network has {layers} layers, {} too many; the first too many is {first}: take a network of at most \
                 {room} layers",
                layers - room
            ),
            Self::Row { input, crop, room } => write!(
                f,
                "a row of the crop ({input}) has {} bytes, {} pixels of {}, and the link carries rows of {room}: make the \
                 network for crops of at most {} pixels in width",
                crop.row_elements(),
                crop.width,
                crop.channels,
                room / crop.channels as usize
            ),
            Self::Arena { bytes, room, layer, tensor } => {
                let Tensor { height, width, channels, ring, .. } = tensor;
                write!(
                    f,
                    "the network needs {bytes} bytes of arena, {} too many; the largest part is the tensor of {layer}, \
                     {height}×{width}×{channels}, of which {ring} rows are kept: {} bytes; take smaller crops or fewer \
                     channels there",
                    bytes - room,
                    tensor.ring_bytes()
                )
            }
            Self::Image { bytes, room, largest } => write!(
                f,
                "the image has {bytes} bytes, {} too many; the largest part is {largest}",
                bytes - room
            ),
            Self::Frame { bytes, room, is_colour } => {
                let [width, height] = FRAME;
                let colour = if *is_colour { "colour" } else { "grey" };
                let remedy = match (room, is_colour) {
                    (0, _) => {
                        "the board has no memory for frames: take another board, or export without eyes and send it \
                         aligned faces"
                    }
                    (_, true) => {
                        "take an embedder for grey pictures and no photo check, or a board with more memory for frames"
                    }
                    (_, false) => "take a board with more memory for frames",
                };
                write!(
                    f,
                    "a {colour} frame of {width}×{height} has {bytes} bytes, {} more than the board's memory for frames; \
                     {remedy}",
                    bytes - room
                )
            }
        }
    }
}

/// Whether a frame for an image's networks must have colours; `None` if the image has no eyes.
pub fn frame_is_colour(image: &Image<'_>) -> Option<bool> {
    image.sight?;
    let networks = Role::ALL.into_iter().filter_map(|role| image.network(role));
    Some(networks.into_iter().any(|model| model.preprocess().colour != Colour::Grey))
}

/// Bytes of a camera's frame: two for a pixel in colour, one in grey.
pub fn frame_bytes(is_colour: bool) -> usize {
    let pixels = FRAME.map(|side| side as usize).iter().product::<usize>();
    let format = if is_colour { PixelFormat::Rgb565 } else { PixelFormat::Grey };
    pixels * format.pixel_bytes()
}

impl Budget {
    /// The limits that an image exceeds: those of each of its networks, of the whole image, and of a frame if it has
    /// eyes. `name` gives the name of a layer of the image's embedder, by number.
    pub fn excesses_of_image(
        &self,
        image: &Image<'_>,
        bytes: &[u8],
        name: impl Fn(usize) -> String,
    ) -> Vec<Excess> {
        let mut excesses = Vec::new();
        let of_role = |role: Role, layer: usize| match role {
            Role::Embedder => name(layer),
            other => format!("layer {layer} of the {}", other.name()),
        };
        for role in Role::ALL {
            let Some(model) = image.network(role) else { continue };
            let layers: Vec<Layer> = model.layers().collect();
            excesses.extend(self.excesses(role, &layers, model.arena_bytes(), |layer| of_role(role, layer)));
        }
        if bytes.len() > self.image_bytes {
            let largest = largest_part(image, bytes, of_role);
            excesses.push(Excess::Image { bytes: bytes.len(), room: self.image_bytes, largest });
        }
        if let Some(is_colour) = frame_is_colour(image) {
            let (bytes, room) = (frame_bytes(is_colour), self.frame_bytes);
            if bytes > room {
                excesses.push(Excess::Frame { bytes, room, is_colour });
            }
        }
        excesses
    }

    /// The limits that a network of this role exceeds alone: its layers, the rows of its input, its arena.
    pub fn excesses(
        &self,
        role: Role,
        layers: &[Layer],
        arena_bytes: usize,
        name: impl Fn(usize) -> String,
    ) -> Vec<Excess> {
        let mut excesses = Vec::new();
        if layers.len() > self.layers {
            let first = name(self.layers);
            excesses.push(Excess::Layers { layers: layers.len(), room: self.layers, first });
        }
        if let (Role::Embedder, Some(Layer { output: crop, .. })) = (role, layers.first())
            && crop.row_elements() > self.row_bytes
        {
            excesses.push(Excess::Row { input: name(0), crop: *crop, room: self.row_bytes });
        }
        if arena_bytes > self.arena_bytes
            && let Some((index, tensor)) = largest_ring(layers)
        {
            let (bytes, room) = (arena_bytes, self.arena_bytes);
            excesses.push(Excess::Arena { bytes, room, layer: name(index), tensor: *tensor });
        }
        excesses
    }

    /// Whether the weights alone, with this many bytes, exceed the image's flash.
    pub fn weights_excess(
        &self,
        layers: &[Layer],
        bytes: usize,
        name: impl Fn(usize) -> String,
    ) -> Option<Excess> {
        let room = self.image_bytes;
        (bytes > room).then(|| Excess::Image {
            bytes,
            room,
            largest: largest_of_network(layers, bytes, name),
        })
    }
}

fn largest_ring(layers: &[Layer]) -> Option<(usize, &Tensor)> {
    layers.iter().map(|layer| &layer.output).enumerate().max_by_key(|(_, tensor)| tensor.ring_bytes())
}

/// The part of an image that takes the most bytes.
fn largest_part(image: &Image<'_>, bytes: &[u8], name: impl Fn(Role, usize) -> String) -> String {
    let (section, section_bytes) = largest_section(bytes);
    match section {
        Section::Network(role) => {
            let layers: Vec<Layer> =
                image.network(role).map(|model| model.layers().collect()).unwrap_or_default();
            largest_of_network(&layers, section_bytes, |layer| name(role, layer))
        }
        Section::Gallery => {
            format!(
                "the gallery, {section_bytes} bytes; fewer people or fewer photos of each make it smaller"
            )
        }
        Section::Cohort => {
            format!("the cohort of strangers, {section_bytes} bytes; --without-cohort leaves it out")
        }
        other => format!("{other:?}, {section_bytes} bytes"),
    }
}

fn largest_of_network(layers: &[Layer], bytes: usize, name: impl Fn(usize) -> String) -> String {
    match largest_weights(layers) {
        Some((index, weights)) => {
            format!(
                "the network, {bytes} bytes, of which {} takes {weights}; take a smaller network",
                name(index)
            )
        }
        None => format!("the network, {bytes} bytes; take a smaller one"),
    }
}

/// The layer with the most weights, and their bytes.
fn largest_weights(layers: &[Layer]) -> Option<(usize, u64)> {
    let work = crate::cost::Work::of(layers);
    let bytes = work.iter().map(|work| work.weight_bytes / work.rows.max(1));
    bytes.enumerate().max_by_key(|&(_, bytes)| bytes)
}

fn largest_section(bytes: &[u8]) -> (Section, usize) {
    let sections = header::parse(bytes).ok();
    let size = |section| Some((section, sections.as_ref()?.get(section)?.len()));
    let sizes = Section::ALL.iter().filter_map(|&section| size(section));
    sizes.max_by_key(|&(_, size)| size).unwrap_or((Section::Policy, bytes.len()))
}

#[cfg(test)]
mod tests {
    use format::layer::{Element, Operator, Window};

    use super::*;

    const ROOM: Budget = Budget {
        image_bytes: 1 << 20,
        arena_bytes: 40_000,
        layers: 4,
        row_bytes: 3072,
        frame_bytes: 1 << 20,
    };

    /// A crop of four rows, and pools over it until there are `count` layers.
    fn layers(width: u16, count: usize) -> Vec<Layer> {
        let map = |ring| Tensor {
            height: 4,
            width,
            channels: 3,
            element: Element::I8,
            zero_point: 0,
            ring,
            offset: 0,
        };
        let window = Window { kernel: [3; 2], pad: [1; 2], ..Window::PIXEL };
        let pool = |input| Layer { window, ..Layer::new(Operator::MaxPool, &[input], map(4)) };
        let crop = Layer::new(Operator::Input, &[], map(3));
        let pools = (1..count).map(|index| pool(index as u16 - 1));
        std::iter::once(crop).chain(pools).collect()
    }

    fn words_of(role: Role, width: u16, count: usize, arena_bytes: usize) -> Vec<String> {
        let name = |index| format!("node {index}");
        ROOM.excesses(role, &layers(width, count), arena_bytes, name).iter().map(Excess::to_string).collect()
    }

    fn words(width: u16, count: usize, arena_bytes: usize) -> Vec<String> {
        words_of(Role::Embedder, width, count, arena_bytes)
    }

    #[test]
    fn what_just_fits_is_not_refused() {
        assert_eq!(words(1024, 4, 40_000), [""; 0]);
        assert_eq!(ROOM.weights_excess(&layers(1024, 4), 1 << 20, |_| String::new()), None);
    }

    #[test]
    fn network_too_deep_is_refused_with_the_first_layer_too_many() {
        assert_eq!(
            words(10, 6, 0),
            [
                "the network has 6 layers, 2 too many; the first too many is node 4: take a network of at most 4 layers"
            ]
        );
    }

    #[test]
    fn row_too_wide_is_refused_with_the_width_that_passes() {
        assert_eq!(
            words(1025, 2, 0),
            [
                "a row of the crop (node 0) has 3075 bytes, 1025 pixels of 3, and the link carries rows of 3072: make the \
              network for crops of at most 1024 pixels in width"
            ]
        );
    }

    #[test]
    fn rows_of_networks_that_look_at_a_frame_in_memory_may_be_longer_than_the_link_carries() {
        for role in Role::ALL.into_iter().filter(|&role| role != Role::Embedder) {
            assert_eq!(words_of(role, 2000, 4, 40_000), [""; 0], "{role:?}");
            assert_eq!(words_of(role, 2000, 5, 50_000).len(), 2, "{role:?}");
        }
    }

    #[test]
    fn arena_too_large_is_refused_with_the_largest_tensor() {
        assert_eq!(
            words(100, 2, 40_016),
            [
                "the network needs 40016 bytes of arena, 16 too many; the largest part is the tensor of node 1, 4×100×3, of \
              which 4 rows are kept: 1200 bytes; take smaller crops or fewer channels there"
            ]
        );
    }

    #[test]
    fn frame_too_large_is_refused_with_what_helps() {
        assert_eq!([frame_bytes(true), frame_bytes(false)], [153_600, 76_800]);
        let said =
            |room, is_colour| Excess::Frame { bytes: frame_bytes(is_colour), room, is_colour }.to_string();
        let colour = said(100_000, true);
        assert!(colour.contains("153600 bytes, 53600 more") && colour.contains("grey pictures"), "{colour}");
        let grey = said(70_000, false);
        assert!(
            grey.contains("76800 bytes, 6800 more") && grey.ends_with("more memory for frames"),
            "{grey}"
        );
        let blind = said(0, false);
        assert!(blind.contains("no memory for frames: take another board"), "{blind}");
    }

    #[test]
    fn every_limit_exceeded_is_told_at_once() {
        let told = words(2000, 5, 50_000);
        assert_eq!(told.len(), 3);
        assert!(
            told[0].contains("layers") && told[1].contains("row") && told[2].contains("arena"),
            "{told:?}"
        );
    }
}
