//! A probe on the chip's debug port: ST-Link, CMSIS-DAP, J-Link.

use anyhow::{Context, Result, ensure};
use facts::Region;
use probe_rs::config::{Registry, TargetSelector};
use probe_rs::flashing::{DownloadOptions, FlashProgress, ProgressEvent, ProgressOperation};
use probe_rs::probe::DebugProbeInfo;
use probe_rs::probe::list::Lister;
use probe_rs::{MemoryInterface as _, Permissions, Session};

use super::{Programmer, choose};
use crate::containers::Run;

/// A probe and the chip at it.
pub struct Probe {
    session: Session,
    name: String,
}

/// Whether a probe is on USB.
pub fn is_there() -> bool {
    !Lister::new().list_all().is_empty()
}

impl Probe {
    /// Attaches to a chip, by its name in probe-rs, over the only probe or the one with this serial number.
    ///
    /// # Errors
    /// No probe or several; it cannot be used; the chip does not answer or is another one.
    pub fn attach(chip: &str, serial: Option<&str>) -> Result<Self> {
        let probes = Lister::new().list_all();
        let there: Vec<(String, String)> = probes
            .iter()
            .map(|probe| (probe.serial_number.clone().unwrap_or_default(), probe.to_string()))
            .collect();
        let info = &probes[choose("probe", "--probe", &there, serial)?];
        let registry = Registry::from_builtin_families();
        // Some chips tell which they are, others do not.
        if let Ok(found) = open(info)?.attach(TargetSelector::Auto, Permissions::default()) {
            let found = &found.target().name;
            ensure!(
                family(&registry, found) == family(&registry, chip),
                "the chip at {info} is a {found}, and the board has a {chip}: choose the board with --board, or another probe with \
                 --probe"
            );
        }
        let session = open(info)?.attach(chip, Permissions::default()).with_context(|| {
            format!("no {chip} answers at {info}: is the board supplied, and are SWDIO, SWCLK and ground connected?")
        })?;
        Ok(Probe { session, name: info.to_string() })
    }
}

fn open(info: &DebugProbeInfo) -> Result<probe_rs::probe::Probe> {
    info.open().with_context(|| {
        format!("cannot use the probe {info}: is it another program's, or do udev rules miss?")
    })
}

/// Name of the family of chips that one belongs to.
fn family<'r>(registry: &'r Registry, chip: &str) -> Option<&'r str> {
    let is_of = |name: &str| name.eq_ignore_ascii_case(chip);
    let mut families = registry.families().iter();
    let found = families.find(|family| family.variants.iter().any(|variant| is_of(&variant.name)));
    found.map(|family| &*family.name)
}

impl Programmer for Probe {
    fn name(&self) -> String {
        format!("the probe {}", self.name)
    }

    fn reaches(&self, region: &Region) -> bool {
        let memories = self.session.target().memory_map.iter().filter_map(|memory| memory.as_nvm_region());
        let (start, end) = (u64::from(region.address), region.end());
        memories.into_iter().any(|memory| memory.range.start <= start && end <= memory.range.end)
    }

    fn write(&mut self, runs: &[Run], written: &mut dyn FnMut(usize)) -> Result<()> {
        let mut loader = self.session.target().flash_loader();
        for (address, bytes) in runs {
            let place = || format!("{} bytes at {address:#x} cannot be written", bytes.len());
            loader.add_data(u64::from(*address), bytes).with_context(place)?;
        }
        let mut options = DownloadOptions::default();
        // What else lies in an erased sector stays, such as the keys of a device.
        options.keep_unwritten_bytes = true;
        options.progress = FlashProgress::new(|event| {
            if let ProgressEvent::Progress { operation: ProgressOperation::Program, size, .. } = event {
                written(size as usize);
            }
        });
        loader.commit(&mut self.session, options).with_context(|| format!("{} cannot write", self.name()))
    }

    fn read(&mut self, address: u32, buffer: &mut [u8]) -> Result<()> {
        let mut core = self.session.core(0).context("the chip's core does not answer")?;
        core.read(u64::from(address), buffer).with_context(|| format!("cannot read from {address:#x}"))
    }

    fn start(&mut self, _address: u32) -> Result<()> {
        let mut core = self.session.core(0).context("the chip's core does not answer")?;
        core.reset().context("the chip does not start anew: take its supply away for a moment")
    }
}
