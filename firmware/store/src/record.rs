//! The records' bytes: the counters' record, a half's header, and a person's head. The offsets are in the
//! [crate's documentation](crate).

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use format::ModelId;

use crate::bytes::{Fields, Fill};
use crate::people::Head;
use crate::{MAX_CENTRES, MAX_NAME, VERSION};

/// Length of a counter record, and of a half's header.
pub const RECORD_BYTES: usize = 64;
/// Bytes of a record or header that its tag covers.
pub const TAGGED_BYTES: usize = 48;
/// Length of a tag.
pub const TAG_BYTES: usize = 16;
/// Length of a sealed head with its tag.
pub const HEAD_BYTES: usize = 104;
/// Length of a centre's tag.
pub const CENTRE_TAG_BYTES: usize = TAG_BYTES;
/// Offset of a head's first sealed byte, after the id.
pub(crate) const HEAD_CLEAR_BYTES: usize = 4;

const COUNTERS_MARK: [u8; 4] = *b"GCTR";
const PEOPLE_MARK: [u8; 4] = *b"GPPL";
pub(crate) const CHECK: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// They are torn, or something else.
    Damaged,
    /// They are a record of another version.
    Version(u16),
}

/// The two bytes of a prefix that depend on the record, and the key's name.
struct Prefix {
    detail: [u8; 2],
    key: [u8; 4],
}

impl Prefix {
    fn parse(bytes: &[u8], mark: [u8; 4]) -> Result<Prefix, Flaw> {
        let checked = bytes.first_chunk::<12>().ok_or(Flaw::Damaged)?;
        let mut fields = Fields(bytes);
        let mut next = || {
            let found: [u8; 4] = fields.take()?;
            Some((
                found,
                fields.u16()?,
                Prefix { detail: fields.take()?, key: fields.take()? },
                fields.u32()?,
            ))
        };
        match next() {
            Some((found, version, prefix, check)) if found == mark && check == CHECK.checksum(checked) => {
                match version {
                    VERSION => Ok(prefix),
                    0 => Err(Flaw::Damaged),
                    later => Err(Flaw::Version(later)),
                }
            }
            _ => Err(Flaw::Damaged),
        }
    }

    fn emit(&self, mark: [u8; 4], bytes: &mut [u8; RECORD_BYTES]) {
        let mut checked = [0; 12];
        Fill(&mut checked).put(&mark).put(&VERSION.to_le_bytes()).put(&self.detail).put(&self.key);
        Fill(bytes).put(&checked).put(&CHECK.checksum(&checked).to_le_bytes());
    }
}

/// The image slot that is booted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Whether slot 1 is active; otherwise it is slot 0.
    pub is_second: bool,
    /// 0 if the active slot is confirmed. Other values are a trial; their meaning is the device's, such as the number
    /// of starts so far.
    pub trial: u8,
}

/// Everything that the counter log keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Failed attempts since they were last cleared.
    pub attempts: u32,
    /// Lock-outs in a row.
    pub lockouts: u8,
    /// Whether the device is locked.
    pub is_locked: bool,
    /// How often the device has started.
    pub starts: u32,
    /// Lowest version of an image that may be started.
    pub floor: u32,
    /// The image slot that is booted.
    pub slot: Slot,
    /// Highest epoch that may have sealed anything.
    pub epoch: u64,
    /// Id of the next person, from 1.
    pub next_id: u32,
    /// Epochs reserved since the store was formatted without counters; at most [`MAX_COMMITS`].
    pub commits: u32,
}

/// Most commits that are counted.
pub const MAX_COMMITS: u32 = (1 << 24) - 1;

impl Counters {
    /// With the next epoch, for one more commit; `None` after the last epoch.
    pub(crate) fn reserve(self) -> Option<Counters> {
        let epoch = self.epoch.checked_add(1)?;
        Some(Counters { epoch, ..self }.committed(1))
    }

    /// With this many more commits.
    pub(crate) fn committed(self, count: u32) -> Counters {
        Counters { commits: self.commits.saturating_add(count).min(MAX_COMMITS), ..self }
    }
}

const LOCKED: u8 = 1;
const FORMATTING: u8 = 2;
const SECOND: u8 = 4;

/// A record of the counter log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterRecord {
    /// Name of the key.
    pub key: [u8; 4],
    /// The record with the highest sequence number is in force.
    pub sequence: u32,
    /// Whether the store is being formatted.
    pub is_formatting: bool,
    /// The counters.
    pub counters: Counters,
    /// Tag over the bytes before it.
    pub tag: [u8; TAG_BYTES],
}

impl CounterRecord {
    /// Reads a record. Its tag is not checked.
    ///
    /// # Errors
    /// [`Flaw`].
    pub fn parse(bytes: &[u8; RECORD_BYTES]) -> Result<Self, Flaw> {
        let Prefix { detail: [flags, trial], key } = Prefix::parse(bytes, COUNTERS_MARK)?;
        let mut fields = Fields(bytes.get(16..).unwrap_or_default());
        let mut next = || {
            let sequence = fields.u32()?;
            let (attempts, floor, next_id) = (fields.u32()?, fields.u32()?, fields.u32()?);
            let epoch = fields.u64()?;
            let ([lockouts, commits @ ..], starts, tag) =
                (fields.take::<4>()?, fields.u32()?, fields.take()?);
            let [first, second, third] = commits;
            let commits = u32::from_le_bytes([first, second, third, 0]);
            if flags & !(LOCKED | FORMATTING | SECOND) != 0 {
                return None;
            }
            let is_locked = flags & LOCKED != 0;
            let slot = Slot { is_second: flags & SECOND != 0, trial };
            let counters =
                Counters { attempts, lockouts, is_locked, starts, floor, slot, epoch, next_id, commits };
            Some(CounterRecord { key, sequence, is_formatting: flags & FORMATTING != 0, counters, tag })
        };
        next().ok_or(Flaw::Damaged)
    }

    /// The record's bytes.
    pub fn emit(&self) -> [u8; RECORD_BYTES] {
        let Counters { attempts, lockouts, is_locked, starts, floor, slot, epoch, next_id, commits } =
            self.counters;
        let lockouts_and_commits = u32::from(lockouts) | commits << 8;
        let flags = [(is_locked, LOCKED), (self.is_formatting, FORMATTING), (slot.is_second, SECOND)];
        let flags = flags.iter().filter(|(is_set, _)| *is_set).fold(0, |sum, (_, flag)| sum | flag);
        let mut bytes = [0; RECORD_BYTES];
        Prefix { detail: [flags, slot.trial], key: self.key }.emit(COUNTERS_MARK, &mut bytes);
        let mut fill = Fill(bytes.get_mut(16..).unwrap_or_default());
        for field in [self.sequence, attempts, floor, next_id] {
            fill.put(&field.to_le_bytes());
        }
        fill.put(&epoch.to_le_bytes());
        fill.put(&lockouts_and_commits.to_le_bytes()).put(&starts.to_le_bytes()).put(&self.tag);
        bytes
    }
}

/// The header of a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Number of people.
    pub people: u16,
    /// Name of the key.
    pub key: [u8; 4],
    /// The network that made the centres.
    pub network: ModelId,
    /// The half with the higher epoch is in force.
    pub epoch: u64,
    /// Bytes of the pieces, with their padding.
    pub length: u32,
    /// Elements of a centre.
    pub dimension: u16,
    /// Tag over the bytes before it and the pieces.
    pub tag: [u8; TAG_BYTES],
}

impl Header {
    /// Reads a header. Its tag is not checked.
    ///
    /// # Errors
    /// [`Flaw`].
    pub fn parse(bytes: &[u8; RECORD_BYTES]) -> Result<Self, Flaw> {
        let Prefix { detail, key } = Prefix::parse(bytes, PEOPLE_MARK)?;
        let mut fields = Fields(bytes.get(16..).unwrap_or_default());
        let mut next = || {
            let (network, epoch, length) = (ModelId(fields.take()?), fields.u64()?, fields.u32()?);
            let (dimension, zero, tag) = (fields.u16()?, fields.u16()?, fields.take()?);
            let people = u16::from_le_bytes(detail);
            (zero == 0).then_some(Header { people, key, network, epoch, length, dimension, tag })
        };
        next().ok_or(Flaw::Damaged)
    }

    /// The header's bytes.
    pub fn emit(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        Prefix { detail: self.people.to_le_bytes(), key: self.key }.emit(PEOPLE_MARK, &mut bytes);
        Fill(bytes.get_mut(16..).unwrap_or_default())
            .put(&self.network.0)
            .put(&self.epoch.to_le_bytes())
            .put(&self.length.to_le_bytes())
            .put(&self.dimension.to_le_bytes())
            .put(&[0; 2])
            .put(&self.tag);
        bytes
    }
}

/// Reads a head that is not sealed, without its tag. `None` if a field is out of its range.
pub(crate) fn parse_head(bytes: &[u8], head: &mut Head) -> Option<()> {
    let mut fields = Fields(bytes);
    head.id = fields.u32()?;
    head.flags = fields.u16()?;
    head.centres = fields.u8()?;
    head.name_bytes = fields.u8()?;
    for photos in &mut head.photos {
        *photos = fields.u16()?;
    }
    head.name = fields.take()?;
    let is_sound = usize::from(head.centres) <= MAX_CENTRES
        && (1..=MAX_NAME).contains(&usize::from(head.name_bytes))
        && !head.name().is_empty()
        && head.photos.iter().skip(head.centres.into()).all(|&photos| photos == 0)
        && head.name.iter().skip(head.name_bytes.into()).all(|&byte| byte == 0);
    is_sound.then_some(())
}

/// Writes a head that is not sealed, without its tag.
pub(crate) fn emit_head(head: &Head, bytes: &mut [u8]) {
    let mut fill = Fill(bytes);
    fill.put(&head.id.to_le_bytes()).put(&head.flags.to_le_bytes()).put(&[head.centres, head.name_bytes]);
    for photos in head.photos {
        fill.put(&photos.to_le_bytes());
    }
    fill.put(&head.name);
}
