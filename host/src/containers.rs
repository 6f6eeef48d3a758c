//! Containers that flashers take: an image with the address it goes to.

use anyhow::{Context, Result, anyhow};
use ihex::Record;
use object::elf;
use object::endian::Endianness;
use object::write::elf::{FileHeader, ProgramHeader, Writer};

/// Container of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// The bytes as they are.
    Bin,
    /// Intel HEX.
    Hex,
    /// UF2, for mass-storage boot loaders.
    Uf2,
    /// ELF with one loadable segment.
    Elf,
}

/// Bytes of data in a line of Intel HEX.
const HEX_LINE: usize = 32;

/// Wraps an image that goes to `address`.
///
/// # Errors
/// When the address is not one the container can express.
pub fn wrap(container: Container, image: &[u8], address: u32) -> Result<Vec<u8>> {
    match container {
        Container::Bin => Ok(image.to_vec()),
        Container::Hex => hex(image, address),
        Container::Uf2 => uf2::bin_to_uf2(&image.to_vec(), 0, address).context("cannot make a UF2 file"),
        Container::Elf => elf(image, address),
    }
}

/// Intel HEX with extended linear addresses.
fn hex(image: &[u8], address: u32) -> Result<Vec<u8>> {
    let mut records = Vec::new();
    let mut upper = None;
    for (index, line) in image.chunks(HEX_LINE).enumerate() {
        let place = address.checked_add((index * HEX_LINE) as u32).context("the image ends beyond 4 GiB")?;
        if upper != Some(place >> 16) {
            upper = Some(place >> 16);
            records.push(Record::ExtendedLinearAddress((place >> 16) as u16));
        }
        records.push(Record::Data { offset: place as u16, value: line.to_vec() });
    }
    records.push(Record::EndOfFile);
    let text = ihex::create_object_file_representation(&records);
    Ok(text.map_err(|error| anyhow!("cannot make an Intel HEX file: {error}"))?.into_bytes())
}

/// An ELF file with one loadable segment and no code.
fn elf(image: &[u8], address: u32) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut writer = Writer::new(Endianness::Little, false, &mut file);
    let failed = |error| anyhow!("cannot make an ELF file: {error}");
    writer.reserve_file_header();
    writer.reserve_program_headers(1);
    let offset = writer.reserve(image.len() as u64, format::ALIGNMENT as u64);
    writer
        .write_file_header(&FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_EXEC,
            e_machine: elf::EM_ARM,
            e_entry: 0,
            e_flags: elf::EF_ARM_EABI_VER5,
        })
        .map_err(failed)?;
    writer.write_align_program_headers();
    writer.write_program_header(&ProgramHeader {
        p_type: elf::PT_LOAD,
        p_flags: elf::PF_R,
        p_offset: offset,
        p_vaddr: address.into(),
        p_paddr: address.into(),
        p_filesz: image.len() as u64,
        p_memsz: image.len() as u64,
        p_align: format::ALIGNMENT as u64,
    });
    writer.write_align(format::ALIGNMENT as u64);
    writer.write(image);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use object::read::elf::{FileHeader as _, ProgramHeader as _};

    use super::*;

    const ADDRESS: u32 = 0x2100_ffe0;

    fn image() -> Vec<u8> {
        (0..1000u32).map(|i| (i * 7) as u8).collect()
    }

    #[test]
    fn hex_reads_back() {
        let text = String::from_utf8(wrap(Container::Hex, &image(), ADDRESS).unwrap()).unwrap();
        let mut upper = 0;
        let mut bytes = Vec::new();
        for record in ihex::Reader::new(&text) {
            match record.unwrap() {
                Record::ExtendedLinearAddress(address) => upper = u32::from(address) << 16,
                Record::Data { offset, value } => {
                    assert_eq!(upper + u32::from(offset), ADDRESS + bytes.len() as u32);
                    bytes.extend(value);
                }
                _ => {}
            }
        }
        assert_eq!(bytes, image());
    }

    #[test]
    fn uf2_reads_back() {
        let file = wrap(Container::Uf2, &image(), ADDRESS).unwrap();
        let mut bytes = Vec::new();
        for block in file.chunks_exact(512) {
            let word = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().unwrap());
            assert_eq!([word(0), word(4), word(508)], [0x0A32_4655, 0x9E5D_5157, 0x0AB1_6F30]);
            assert_eq!(word(12), ADDRESS + bytes.len() as u32);
            bytes.extend_from_slice(&block[32..32 + word(16) as usize]);
        }
        assert_eq!(bytes[..1000], image());
    }

    #[test]
    fn elf_reads_back() {
        let file = wrap(Container::Elf, &image(), ADDRESS).unwrap();
        let header = elf::FileHeader32::<Endianness>::parse(&*file).unwrap();
        let endian = header.endian().unwrap();
        let [segment] = header.program_headers(endian, &*file).unwrap() else { panic!("one segment") };
        assert_eq!(segment.p_paddr(endian), ADDRESS);
        assert_eq!(segment.data(endian, &*file).unwrap(), image());
    }
}
