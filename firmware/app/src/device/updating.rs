//! Another image: the update group of the link.

use core::task::Poll;

use embedded_storage::nor_flash::NorFlash;
use link::Reply;
use link::message::{UpdateRefusal, UpdateReply, UpdateRequest, UpdateStage};

use super::answer::{Line, WORKING_MS, Waiting};
use super::camera::Camera;
use super::{Device, Platform};
use crate::door::Order;
use crate::update::start::people_of;
use crate::update::{Demands, ImageFlash, StoredPeople, verify};

/// Between an answer and the restart that it announces, so that it leaves the board.
pub(super) const RESTART_MS: u64 = 200;

impl<'a, 'm, P: Platform, F: NorFlash> Device<'a, 'm, P, F> {
    /// Answers a request about an update. `None`: the answer comes when the update is checked.
    pub(super) fn serve_update(
        &mut self,
        request: &UpdateRequest<'_>,
        line: Line,
        now_ms: u64,
    ) -> Option<UpdateReply> {
        let refused = |why| Some(UpdateReply::Refused(why));
        if self.about.maker_key.is_none() && !matches!(request, UpdateRequest::Status) {
            return refused(UpdateRefusal::NoKey);
        }
        let is_busy = self.door.is_enrolling() || self.desk.task.is_some() || self.testing.is_some();
        let images = self.platform.images();
        let (Some(updater), Some(store)) = (&mut self.updater, &mut self.store) else {
            return refused(UpdateRefusal::Unusable);
        };
        Some(match request {
            UpdateRequest::Status => updater.status(),
            UpdateRequest::Begin(begin) => updater.begin(images, begin, store.counters().floor),
            UpdateRequest::Chunk(offset, bytes) => updater.chunk(images, *offset, bytes),
            UpdateRequest::Finish | UpdateRequest::Confirm if is_busy => {
                UpdateReply::Refused(UpdateRefusal::Busy)
            }
            UpdateRequest::Finish => match updater.finish() {
                Poll::Ready(reply) => reply,
                Poll::Pending => {
                    self.desk.updating = Some(Waiting { line, said_ms: now_ms });
                    return None;
                }
            },
            UpdateRequest::Confirm => {
                let reply = updater.confirm(store);
                if matches!(reply, UpdateReply::Progress(progress) if progress.stage == UpdateStage::Trial) {
                    self.desk.restart_ms = Some(now_ms + RESTART_MS);
                }
                reply
            }
            UpdateRequest::Cancel => {
                if updater.is_confirmed() {
                    self.desk.restart_ms = None;
                }
                updater.cancel(images, store)
            }
        })
    }

    /// A step of what an update needs. Returns whether it took this step.
    pub(super) fn go_on_updating(&mut self, now_ms: u64) -> bool {
        if self.desk.restart_ms.is_some_and(|at_ms| now_ms >= at_ms) {
            self.desk.restart_ms = None;
            self.carry_out(&[Order::Close], now_ms);
            self.platform.restart();
            return true;
        }
        if !self.updater.as_ref().is_some_and(|updater| updater.is_working()) {
            return false;
        }
        // The check takes the arena.
        if self.seeing.is_some() {
            self.stop_seeing();
            self.platform.camera().release();
        }
        self.camera_ms = now_ms;
        let reply = match self.check_update() {
            Poll::Ready(reply) => reply,
            Poll::Pending => {
                if let Some(waiting) = &mut self.desk.updating
                    && now_ms.saturating_sub(waiting.said_ms) >= WORKING_MS
                {
                    waiting.said_ms = now_ms;
                    let line = waiting.line;
                    self.send(line, &Reply::Working);
                }
                return true;
            }
        };
        if let Some(Waiting { line, .. }) = self.desk.updating.take() {
            self.send(line, &Reply::Update(reply));
        }
        true
    }

    fn check_update(&mut self) -> Poll<UpdateReply> {
        let Some(updater) = &mut self.updater else { return Poll::Pending };
        let images = self.platform.images();
        let Some(bytes) = updater.received() else { return updater.work(images) };
        let store = self.store.as_ref();
        let demands = Demands {
            key: self.about.maker_key.as_ref(),
            floor: store.map_or(0, |store| store.counters().floor),
            enrolled: store.map(|store| StoredPeople { network: store.network(), people: people_of(store) }),
        };
        let image = images.mapped(updater.idle()).get(..bytes as usize);
        let verified = image.map(|image| verify(image, &demands, self.arena).map(|(verified, _)| verified));
        Poll::Ready(updater.judge(images, verified))
    }
}
