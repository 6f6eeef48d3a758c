//! Writes a board's facts for the linker and for the firmware's source.

use std::fmt::Write as _;

use crate::{Facts, Region};

impl Facts {
    /// The linker script `memory.x` that `cortex-m-rt` includes. Linking fails if the statics leave less than
    /// [`Facts::stack_bytes`] of RAM.
    pub fn memory_x(&self) -> String {
        let (flash, ram) = (self.memory.firmware, self.memory.ram);
        format!(
            "MEMORY\n\
             {{\n\
             \x20 FLASH : ORIGIN = {:#010x}, LENGTH = {:#x}\n\
             \x20 RAM   : ORIGIN = {:#010x}, LENGTH = {:#x}\n\
             }}\n\
             ASSERT(_stack_start - __sheap >= {:#x}, \"{}: its statics leave too little RAM for the stack\");\n",
            flash.address, flash.bytes, ram.address, ram.bytes, self.stack_bytes, self.name
        )
    }

    /// Rust constants: `NAME`, `ARENA_BYTES`, `IMAGES` (address and length of the internal and the external flash
    /// that may hold an image), `FRAME` (address and length of the memory for frames; both 0 without one), `STORE` (of the memory
    /// for people, if there is one), `SLOTS` (of each, if there are any), and the address of each device under the device's name.
    pub fn constants(&self) -> String {
        let mut text = String::new();
        let mut constant = |about: &str, name: &str, kind: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "/// {about}.\npub const {name}: {kind} = {value};");
        };
        constant("Name of the board", "NAME", "&str", format!("{:?}", self.name));
        constant("RAM for the network's rows, bytes", "ARENA_BYTES", "usize", self.arena_bytes.to_string());
        let images = [self.memory.internal, self.memory.external];
        let images = images.map(|region| format!("({:#010x}, {:#x})", region.address, region.bytes));
        let images = format!("[{}]", images.join(", "));
        constant(
            "Internal and external flash for images: address and bytes",
            "IMAGES",
            "[(usize, usize); 2]",
            images,
        );
        let pair = |Region { address, bytes }: Region| format!("({address:#010x}, {bytes:#x})");
        let none = Region { address: 0, bytes: 0 };
        constant(
            "Memory for frames: address and bytes; none if both are 0",
            "FRAME",
            "(usize, usize)",
            pair(self.memory.frame.unwrap_or(none)),
        );
        if let Some(store) = self.memory.store {
            constant(
                "Memory for people and counters: address and bytes",
                "STORE",
                "(usize, usize)",
                pair(store),
            );
        }
        if let Some(slots) = self.memory.slots {
            let slots = slots.map(pair).join(", ");
            let about = "Slots of a device's images in external flash: address and bytes of each";
            constant(about, "SLOTS", "[(usize, usize); 2]", format!("[{slots}]"));
        }
        for (name, address) in &self.devices {
            let about = format!("Address of the device `{name}`");
            constant(&about, &name.to_uppercase(), "usize", format!("{address:#010x}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use crate::Facts;
    use crate::tests::TEXT;

    #[test]
    fn linker_script_is_pinned() {
        assert_eq!(
            Facts::parse(TEXT).unwrap().memory_x(),
            "MEMORY
{
  FLASH : ORIGIN = 0x00000000, LENGTH = 0x40000
  RAM   : ORIGIN = 0x20000000, LENGTH = 0x20000
}
ASSERT(_stack_start - __sheap >= 0x4000, \"toaster: its statics leave too little RAM for the stack\");
"
        );
    }

    #[test]
    fn constants_are_pinned() {
        assert_eq!(
            Facts::parse(TEXT).unwrap().constants(),
            "/// Name of the board.
pub const NAME: &str = \"toaster\";
/// RAM for the network's rows, bytes.
pub const ARENA_BYTES: usize = 65536;
/// Internal and external flash for images: address and bytes.
pub const IMAGES: [(usize, usize); 2] = [(0x00040000, 0xc0000), (0x90000000, 0x800000)];
/// Memory for frames: address and bytes; none if both are 0.
pub const FRAME: (usize, usize) = (0x90f00000, 0x100000);
/// Address of the device `uart`.
pub const UART: usize = 0x40004000;
"
        );
    }
}
