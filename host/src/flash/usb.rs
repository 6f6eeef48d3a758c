//! What a loader of the class DFU is told and asked, over USB.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use facts::Dfu;
use nusb::transfer::{ControlIn, ControlOut, ControlType, Recipient};
use nusb::{DeviceInfo, Interface, MaybeFuture as _};

use super::choose;
use super::dfuse::{Controls, Dfuse};

/// Longest time for an answer. A sector is erased between two questions.
const PATIENCE: Duration = Duration::from_secs(5);
/// Number and length of the descriptor of DFU.
const DESCRIPTOR: u8 = 0x21;
/// Version of DFU with ST's extensions, binary-coded.
const DFUSE: [u8; 2] = [0x1a, 0x01];
/// English, as ST's loaders speak.
const LANGUAGE: u16 = 0x0409;

/// A loader's interface.
pub struct Loader(Interface);

fn loaders(id: &Dfu) -> Result<Vec<DeviceInfo>> {
    let devices = nusb::list_devices().wait().context("cannot list the devices on USB")?;
    Ok(devices
        .filter(|device| (device.vendor_id(), device.product_id()) == (id.vendor, id.product))
        .collect())
}

/// Whether such a loader is on USB.
pub fn is_there(id: &Dfu) -> bool {
    loaders(id).is_ok_and(|loaders| !loaders.is_empty())
}

/// Opens the only loader of this identity, or the one with this serial number.
///
/// # Errors
/// None or several; no rights; another protocol; another chip.
pub fn open(id: &Dfu, serial: Option<&str>) -> Result<Dfuse<Loader>> {
    let loaders = loaders(id)?;
    let there: Vec<(String, String)> = loaders
        .iter()
        .map(|loader| {
            let about = loader.product_string().unwrap_or("a loader");
            (loader.serial_number().unwrap_or_default().to_string(), about.to_string())
        })
        .collect();
    let chosen = choose("loader (DFU)", "--dfu", &there, serial).with_context(|| {
        format!(
            "looked for {:04x}:{:04x}: hold BOOT0 while you press and release reset",
            id.vendor, id.product
        )
    })?;
    let device = loaders[chosen]
        .open()
        .wait()
        .context("cannot open the loader: have you rights to it (udev rules)?")?;
    let interface = device.claim_interface(0).wait().context("another program uses the loader")?;
    // The first of its settings is the internal flash.
    interface.set_alt_setting(0).wait().context("the loader does not let its flash be chosen")?;
    let (mut name, mut function) = (None, None);
    for descriptor in interface.descriptors() {
        if descriptor.alternate_setting() == 0 {
            name = descriptor.string_index();
        }
        // The descriptor of DFU stands behind the last setting.
        function = function.or(descriptor
            .descriptors()
            .find(|one| one.descriptor_type() == DESCRIPTOR)
            .map(|one| one.to_vec()));
    }
    let function =
        function.filter(|bytes| bytes.len() == 9).context("the loader does not describe itself")?;
    ensure!(
        function[7..] == DFUSE,
        "the loader speaks DFU {:02x}.{:02x} without ST's extensions: use the tool of the board's maker",
        function[8],
        function[7]
    );
    let transfer_bytes = u16::from_le_bytes([function[5], function[6]]);
    let index = name.context("the loader does not describe its flash")?;
    let description = device.get_string_descriptor(index, LANGUAGE, PATIENCE).wait();
    let description = description.context("cannot read what the loader says of its flash")?;
    Dfuse::new(Loader(interface), transfer_bytes.into(), &description, &id.layout)
}

impl Controls for Loader {
    fn receive(&mut self, request: u8, value: u16, buffer: &mut [u8]) -> Result<usize> {
        let question = ControlIn {
            control_type: ControlType::Class,
            recipient: Recipient::Interface,
            request,
            value,
            index: self.0.interface_number().into(),
            length: buffer.len().try_into().context("too long for USB")?,
        };
        let answer = self.0.control_in(question, PATIENCE).wait().context("the loader does not answer")?;
        ensure!(answer.len() <= buffer.len(), "the loader answers with more than was asked");
        buffer[..answer.len()].copy_from_slice(&answer);
        Ok(answer.len())
    }

    fn send(&mut self, request: u8, value: u16, bytes: &[u8]) -> Result<()> {
        let order = ControlOut {
            control_type: ControlType::Class,
            recipient: Recipient::Interface,
            request,
            value,
            index: self.0.interface_number().into(),
            data: bytes,
        };
        self.0.control_out(order, PATIENCE).wait().context("the loader does not take what it is sent")
    }
}
