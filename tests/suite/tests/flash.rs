//! `host flash` on boards that are not emulated, as far as it goes without one.

use std::path::Path;

use host::containers::{Container, Wrapping};
use suite::command::{EXPORT, fails, folder, is_wrong_use, succeeds};

/// A program for an STM32H743 whose stack begins there: an ELF file with one segment.
fn firmware(path: &Path, stack: u32) {
    let vectors: Vec<u8> = [stack, 0x0800_0101].iter().flat_map(|word| word.to_le_bytes()).collect();
    let elf = Wrapping { container: Container::Elf, address: 0x0800_0000, family: None };
    std::fs::write(path, elf.wrap(&vectors).unwrap()).unwrap();
}

#[test]
fn board_that_is_not_there_is_told_with_all_ways_to_it() {
    let folder = folder();
    let at = folder.path();
    firmware(&at.join("door"), 0x2000_8000);
    let said = fails(at, &["flash", "--board", "stm32h743", "--firmware", "door"]);
    for way in ["no way to the board stm32h743", "BOOT0", "--features host/probes", "host update --port"] {
        assert!(said.contains(way), "{way}: {said}");
    }
    let said = fails(at, &["flash", "--board", "stm32h743", "--firmware", "door", "--probe", "0123"]);
    assert!(said.contains("built without probes"), "{said}");
    for option in ["--save", "--drive"] {
        let said = fails(at, &["flash", "--board", "stm32h743", "--firmware", "door", option, "x"]);
        assert!(said.contains("stm32h743 is not a drive"), "{said}");
        assert!(!at.join("x").exists());
    }
}

#[test]
fn files_for_other_boards_and_other_files_are_refused() {
    let folder = folder();
    let at = folder.path();
    let refused = |arguments: &[&str]| fails(at, &[&["flash", "--board", "stm32h743"], arguments].concat());
    firmware(&at.join("door"), 0x2004_0000);
    assert!(refused(&["--firmware", "door"]).contains("its stack is not in the RAM of the board stm32h743"));
    assert!(refused(&["--firmware", "net.onnx"]).contains("net.onnx is no program"));
    assert!(refused(&["--firmware", "nothing"]).contains("cannot read firmware nothing"));
    succeeds(at, &[&EXPORT[..], &["--force", "--format", "hex"]].concat());
    let said = refused(&["image.geode"]);
    assert!(said.contains("is for address 0x60000000") && said.contains("--board stm32h743"), "{said}");
    succeeds(at, &[&EXPORT[..], &["--force", "--format", "elf", "--board", "stm32h743"]].concat());
    let said = refused(&["--firmware", "image.geode"]);
    assert!(said.contains("holds an image, not a program"), "{said}");
    // That is the board's own: there is only no way to it.
    assert!(refused(&["image.geode"]).contains("no way to the board"));
}

#[test]
fn emulated_boards_take_no_firmware_and_need_an_image() {
    let folder = folder();
    let said = is_wrong_use(folder.path(), &["flash", "--firmware", "door"]);
    assert!(said.contains("qemu-m7 is emulated"), "{said}");
    assert!(is_wrong_use(folder.path(), &["flash"]).contains("IMAGE"));
}
