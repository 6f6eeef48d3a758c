//! What the front end needs of a device: people, and one task at a time.

use heapless::String;

use crate::message::{Direction, FaceState, Name, Outcome, Status};

/// Longest name of a person, in bytes. The wire has room for fewer.
pub const MAX_NAME_BYTES: usize = 64;

/// A person who is enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The device's own id.
    pub id: u32,
    /// The name.
    pub name: String<MAX_NAME_BYTES>,
    /// Whether the person is an administrator. Means nothing to the front end.
    pub is_admin: bool,
}

/// An enrolment, or one of its five shots. The front end knows shots by the name alone: the device checks that all show
/// the same face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// The name; may be empty, as many locks do not know names.
    pub name: Name,
    /// Whether the person is to be an administrator.
    pub is_admin: bool,
    /// Where the person looks during this shot; `None` if one shot is all.
    pub direction: Option<Direction>,
    /// Whether the person is to be enrolled with this shot and those before it. Otherwise the device keeps the shot.
    pub is_last: bool,
    /// Whether the controller accepts that the face is enrolled already. A device may refuse it all the same.
    pub may_repeat: bool,
}

/// A task of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Who stands in front of the camera?
    Verify,
    /// Enrol a person, or take a shot for it.
    Enrol(Enrolment),
    /// Delete the person with this id.
    Delete(u32),
    /// Delete all people.
    DeleteAll,
}

/// How far a task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not finished. Holds what the camera shows, if the task looks.
    Working(Option<FaceState>),
    /// Not finished, and too late to be ended: people are being stored. Time does not end the task any more.
    Storing,
    /// This person stands in front of the camera.
    Verified(Person),
    /// The shot is taken and kept; others are to follow.
    Taken,
    /// The person is enrolled, with this id.
    Enrolled(u32),
    /// The people are deleted, as far as is durable.
    Deleted,
    /// The task has failed.
    Failed(Failure),
}

/// Why a task fails or does not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The device carries out another task that cannot be ended.
    Busy,
    /// The face is of nobody who is enrolled.
    Stranger,
    /// Nobody is enrolled.
    NobodyEnrolled,
    /// There is no person with this id.
    UnknownPerson,
    /// Too many strangers came; the device waits.
    Locked,
    /// Something else ended the task.
    Stopped,
    /// No picture comes from the camera.
    Camera,
    /// The photo check refused the face.
    NotLive,
    /// There was no usable face in time. The front end also says so by itself.
    NoFace,
    /// No more people can be enrolled.
    Full,
    /// The face is enrolled already.
    AlreadyEnrolled,
    /// The name cannot be used.
    Name,
    /// Too little memory.
    Memory,
    /// The store cannot be read.
    Read,
    /// The store cannot be written.
    Write,
    /// Another reason.
    Other,
}

impl Failure {
    /// All failures.
    pub const ALL: [Failure; 16] = [
        Failure::Busy,
        Failure::Stranger,
        Failure::NobodyEnrolled,
        Failure::UnknownPerson,
        Failure::Locked,
        Failure::Stopped,
        Failure::Camera,
        Failure::NotLive,
        Failure::NoFace,
        Failure::Full,
        Failure::AlreadyEnrolled,
        Failure::Name,
        Failure::Memory,
        Failure::Read,
        Failure::Write,
        Failure::Other,
    ];

    /// The result that a controller gets. A stranger is [`Outcome::Rejected`], as ESPHome and the modules have it.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Busy | Self::Stranger => Outcome::Rejected,
            Self::NobodyEnrolled | Self::UnknownPerson => Outcome::UnknownUser,
            Self::Locked | Self::Stopped => Outcome::Aborted,
            Self::Camera => Outcome::Camera,
            Self::NotLive => Outcome::NotLive,
            Self::NoFace => Outcome::TimeOut,
            Self::Full => Outcome::Full,
            Self::AlreadyEnrolled => Outcome::AlreadyEnrolled,
            Self::Name => Outcome::InvalidParameter,
            Self::Memory => Outcome::NoMemory,
            Self::Read => Outcome::ReadFailed,
            Self::Write => Outcome::WriteFailed,
            Self::Other => Outcome::Unknown,
        }
    }
}

/// A device, as the front end sees it. No function blocks: a task is begun, then polled until it is finished.
pub trait Door {
    /// What the device does.
    fn status(&self) -> Status;

    /// The version of the firmware. At most 32 bytes of it are sent.
    fn version(&self) -> &str;

    /// The device's serial number. At most 32 bytes of it are sent.
    fn serial(&self) -> &str;

    /// Whether the button that permits changes is held down now.
    fn is_button_held(&self) -> bool;

    /// The id of a person by its place, from 0, in any order that stays while nobody changes; `None` after the last.
    fn id(&mut self, place: usize) -> Option<u32>;

    /// The person with this id.
    fn person(&mut self, id: u32) -> Option<Person>;

    /// Begins a task.
    ///
    /// # Errors
    /// [`Failure`] when the task does not begin; then it is not polled.
    fn begin(&mut self, task: Task) -> Result<(), Failure>;

    /// Takes a bounded step of the task. It is finished after anything but [`Progress::Working`] and [`Progress::Storing`].
    fn poll(&mut self, now_ms: u64) -> Progress;

    /// Ends the task. A deletion that has begun, and what is being stored, is completed all the same.
    fn stop(&mut self);

    /// Forgets the shots that were [`Taken`](Progress::Taken) for a person who is not enrolled yet.
    fn forget_shots(&mut self);
}
