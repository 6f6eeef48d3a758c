//! Writes a board's facts for the linker and for the firmware's source.

use std::fmt::Write as _;

use crate::{Facts, Region, StoreFlash, UsbId};

impl Facts {
    /// The linker script `memory.x` that `cortex-m-rt` includes.
    ///
    /// The stack lies at the start of `memory.ram`, and everything else above it: one that is too deep leaves the RAM, which is a
    /// fault, and changes nothing. Linking fails if it has less than [`Facts::stack_bytes`].
    ///
    /// With `memory.statics`, only the stack and the static `ARENA` lie in `memory.ram`. The run-time does not fill the arena with zeros
    /// then: the board does, from `__sarena` to `__earena`.
    pub fn memory_x(&self) -> String {
        let (flash, ram) = (self.memory.firmware, self.memory.ram);
        if let Some(statics) = self.memory.statics {
            return self.memory_x_of_two(statics);
        }
        format!(
            "MEMORY\n\
             {{\n\
             \x20 FLASH : ORIGIN = {:#010x}, LENGTH = {:#x}\n\
             \x20 STACK : ORIGIN = {:#010x}, LENGTH = {:#x}\n\
             \x20 RAM   : ORIGIN = {:#010x}, LENGTH = {:#x}\n\
             }}\n\
             _stack_end = ORIGIN(STACK);\n\
             _stack_start = ORIGIN(STACK) + LENGTH(STACK);\n",
            flash.address,
            flash.bytes,
            ram.address,
            self.stack_bytes,
            ram.address as usize + self.stack_bytes,
            ram.bytes - self.stack_bytes
        )
    }

    fn memory_x_of_two(&self, statics: Region) -> String {
        let (flash, fast) = (self.memory.firmware, self.memory.ram);
        // A static's own section has the static's name in its name; that of the arena comes first, before `.bss` takes it.
        format!(
            "MEMORY\n\
             {{\n\
             \x20 FLASH : ORIGIN = {:#010x}, LENGTH = {:#x}\n\
             \x20 RAM   : ORIGIN = {:#010x}, LENGTH = {:#x}\n\
             \x20 FAST  : ORIGIN = {:#010x}, LENGTH = {:#x}\n\
             }}\n\
             SECTIONS\n\
             {{\n\
             \x20 .arena ORIGIN(FAST) + LENGTH(FAST) - {:#x} (NOLOAD) :\n\
             \x20 {{\n\
             \x20   __sarena = .;\n\
             \x20   *(.bss.*5ARENA*);\n\
             \x20   . = ALIGN(16);\n\
             \x20   __earena = .;\n\
             \x20 }} > FAST\n\
             }}\n\
             _stack_start = __sarena;\n\
             _stack_end = ORIGIN(FAST);\n\
             ASSERT(__earena - __sarena == {:#x}, \"{}: the arena is not in its RAM\");\n\
             ASSERT(_stack_start - _stack_end >= {:#x}, \"{}: the arena leaves too little RAM for the stack\");\n",
            flash.address,
            flash.bytes,
            statics.address,
            statics.bytes,
            fast.address,
            fast.bytes,
            self.arena_bytes,
            self.arena_bytes,
            self.name,
            self.stack_bytes,
            self.name
        )
    }

    /// Rust constants: `NAME`, `ARENA_BYTES`, `LAYERS` and `ROW_BYTES` (the limits), `IMAGES` (address and length of the internal
    /// flash, both 0 without one, and of the external flash that may hold an image), `FRAME` (address and length of the memory for
    /// frames; both 0 without one); if there is one, `STORE` (of the memory for people) with `STORE_WORD`, `STORE_PAGES` and
    /// `STORE_CYCLES`, `FLASH` (of the external flash), `KEYS` (of the page for the device's keys), `RETAINED` (of the RAM that no
    /// restart clears), `SLOTS` (of each) and `USB` (vendor and product); and the address of each device under the device's name.
    pub fn constants(&self) -> String {
        let mut text = String::new();
        let mut constant = |about: &str, name: &str, kind: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "/// {about}.\npub const {name}: {kind} = {value};");
        };
        constant("Name of the board", "NAME", "&str", format!("{:?}", self.name));
        constant("RAM for the network's rows, bytes", "ARENA_BYTES", "usize", self.arena_bytes.to_string());
        constant("Most layers of a network", "LAYERS", "usize", self.limits.layers.to_string());
        let about = "Most bytes of a row that the link carries";
        constant(about, "ROW_BYTES", "usize", self.limits.row_bytes.to_string());
        let none = Region { address: 0, bytes: 0 };
        let images = [self.memory.internal.unwrap_or(none), self.memory.external];
        let images = images.map(|region| format!("({:#010x}, {:#x})", region.address, region.bytes));
        let images = format!("[{}]", images.join(", "));
        constant(
            "Internal and external flash for images: address and bytes; none if both are 0",
            "IMAGES",
            "[(usize, usize); 2]",
            images,
        );
        let pair = |Region { address, bytes }: Region| format!("({address:#010x}, {bytes:#x})");
        constant(
            "Memory for frames: address and bytes; none if both are 0",
            "FRAME",
            "(usize, usize)",
            pair(self.memory.frame.unwrap_or(none)),
        );
        for (about, name, region) in [
            ("Memory for people and counters", "STORE", self.memory.store),
            ("External flash", "FLASH", self.memory.flash),
            ("Page for the device's keys", "KEYS", self.memory.keys),
            ("RAM that no restart clears", "RETAINED", self.memory.retained),
        ] {
            if let Some(region) = region {
                constant(&format!("{about}: address and bytes"), name, "(usize, usize)", pair(region));
            }
        }
        if let Some(StoreFlash { word_bytes, log_pages, half_pages, cycles }) = self.store {
            let word = word_bytes.to_string();
            constant("Smallest write to the memory for people, bytes", "STORE_WORD", "usize", word);
            let pages = format!("[{log_pages}, {half_pages}]");
            let about = "Pages of that memory: of the counter log, and of each half";
            constant(about, "STORE_PAGES", "[u32; 2]", pages);
            let about = "How often a page of that memory can be erased";
            constant(about, "STORE_CYCLES", "u32", cycles.to_string());
        }
        if let Some(UsbId { vendor, product }) = self.chip.as_ref().and_then(|chip| chip.usb) {
            let id = format!("({vendor:#06x}, {product:#06x})");
            constant("Vendor and product of the USB device", "USB", "(u16, u16)", id);
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
        for (name, number) in &self.interrupts {
            let about = format!("Number of the interrupt with which the device `{name}` receives");
            constant(&about, &format!("{}_INTERRUPT", name.to_uppercase()), "u16", number.to_string());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use crate::Facts;
    use crate::tests::{CHIP, TEXT};

    #[test]
    fn linker_script_is_pinned() {
        assert_eq!(
            Facts::parse(TEXT).unwrap().memory_x(),
            "MEMORY
{
  FLASH : ORIGIN = 0x00000000, LENGTH = 0x40000
  STACK : ORIGIN = 0x20000000, LENGTH = 0x4000
  RAM   : ORIGIN = 0x20004000, LENGTH = 0x1c000
}
_stack_end = ORIGIN(STACK);
_stack_start = ORIGIN(STACK) + LENGTH(STACK);
"
        );
    }

    #[test]
    fn linker_script_with_fast_ram_for_arena_and_stack_is_pinned() {
        assert_eq!(
            Facts::parse(CHIP).unwrap().memory_x(),
            "MEMORY
{
  FLASH : ORIGIN = 0x08000000, LENGTH = 0x100000
  RAM   : ORIGIN = 0x24040000, LENGTH = 0x40000
  FAST  : ORIGIN = 0x20000000, LENGTH = 0x20000
}
SECTIONS
{
  .arena ORIGIN(FAST) + LENGTH(FAST) - 0x16000 (NOLOAD) :
  {
    __sarena = .;
    *(.bss.*5ARENA*);
    . = ALIGN(16);
    __earena = .;
  } > FAST
}
_stack_start = __sarena;
_stack_end = ORIGIN(FAST);
ASSERT(__earena - __sarena == 0x16000, \"kettle: the arena is not in its RAM\");
ASSERT(_stack_start - _stack_end >= 0xa000, \"kettle: the arena leaves too little RAM for the stack\");
"
        );
    }

    #[test]
    fn constants_of_a_chip_are_pinned() {
        let constants = Facts::parse(CHIP).unwrap().constants();
        let wanted = "/// Memory for people and counters: address and bytes.
pub const STORE: (usize, usize) = (0x90780000, 0x80000);
/// External flash: address and bytes.
pub const FLASH: (usize, usize) = (0x90000000, 0x800000);
/// Page for the device's keys: address and bytes.
pub const KEYS: (usize, usize) = (0x081e0000, 0x20000);
/// RAM that no restart clears: address and bytes.
pub const RETAINED: (usize, usize) = (0x38800000, 0x1000);
/// Smallest write to the memory for people, bytes.
pub const STORE_WORD: usize = 1;
/// Pages of that memory: of the counter log, and of each half.
pub const STORE_PAGES: [u32; 2] = [2, 63];
/// How often a page of that memory can be erased.
pub const STORE_CYCLES: u32 = 100000;
/// Vendor and product of the USB device.
pub const USB: (u16, u16) = (0x1209, 0x0001);
/// Slots of a device's images in external flash: address and bytes of each.
pub const SLOTS: [(usize, usize); 2] = [(0x90000000, 0x3c0000), (0x903c0000, 0x3c0000)];
";
        assert!(constants.ends_with(wanted), "{constants}");
    }

    #[test]
    fn constants_are_pinned() {
        assert_eq!(
            Facts::parse(TEXT).unwrap().constants(),
            "/// Name of the board.
pub const NAME: &str = \"toaster\";
/// RAM for the network's rows, bytes.
pub const ARENA_BYTES: usize = 65536;
/// Most layers of a network.
pub const LAYERS: usize = 128;
/// Most bytes of a row that the link carries.
pub const ROW_BYTES: usize = 3072;
/// Internal and external flash for images: address and bytes; none if both are 0.
pub const IMAGES: [(usize, usize); 2] = [(0x00040000, 0xc0000), (0x90000000, 0x800000)];
/// Memory for frames: address and bytes; none if both are 0.
pub const FRAME: (usize, usize) = (0x90f00000, 0x100000);
/// Address of the device `uart`.
pub const UART: usize = 0x40004000;
/// Number of the interrupt with which the device `uart` receives.
pub const UART_INTERRUPT: u16 = 4;
"
        );
    }
}
