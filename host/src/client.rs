//! The host's end of a board's link.

use anyhow::{Result, anyhow, bail, ensure};
use app::link::{Link, LinkError};
use app::protocol::{Cost, Hello, Recognised, Reply, Request, VERSION};

use crate::transport::{GREETING, SILENCE, Transport};

/// A board that answered.
pub struct Client {
    link: Link<Transport>,
    hello: Hello,
}

impl Client {
    /// Greets the board at the other end.
    ///
    /// # Errors
    /// When nobody answers, the firmware is of another version, or the board has no usable image.
    pub fn connect(transport: Transport) -> Result<Self> {
        let mut link = Link::new(transport);
        link.stream().set_timeout(GREETING)?;
        link.resynchronise().map_err(|error| explain(&mut link, error))?;
        link.send(&Request::Hello).map_err(|error| explain(&mut link, error))?;
        let hello = match receive(&mut link)? {
            Reply::Hello(hello) => hello,
            Reply::Failed(why) => bail!("the board answers but cannot work: {why}"),
            _ => bail!("the board answers out of turn; reset it"),
        };
        ensure!(
            hello.version == VERSION,
            "the board speaks version {} of the link, this program {VERSION}; flash matching firmware",
            hello.version
        );
        link.stream().set_timeout(SILENCE)?;
        Ok(Client { link, hello })
    }

    /// Who answered.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Recognises an aligned crop, `[h][w][c]` bytes in the image's colour order.
    ///
    /// # Errors
    /// When the crop has the wrong size or the link fails.
    pub fn recognise(&mut self, crop: &[u8]) -> Result<Recognised> {
        match self.feed(Request::Recognise, crop)? {
            Reply::Recognised(recognised) => Ok(recognised),
            Reply::Failed(why) => bail!("the board: {why}"),
            _ => bail!("the board answers out of turn; reset it"),
        }
    }

    /// Embedding of an aligned crop, and what it cost.
    ///
    /// # Errors
    /// As [`Self::recognise`].
    pub fn embed(&mut self, crop: &[u8]) -> Result<(Vec<i16>, Cost)> {
        let mut embedding = Vec::new();
        let mut reply = self.feed(Request::Embed, crop)?;
        loop {
            match reply {
                Reply::Embedding(part) => embedding.extend_from_slice(&part),
                Reply::Done(cost) => {
                    ensure!(
                        embedding.len() == self.hello.dimension as usize,
                        "the board sent half an embedding"
                    );
                    return Ok((embedding, cost));
                }
                Reply::Failed(why) => bail!("the board: {why}"),
                _ => bail!("the board answers out of turn; reset it"),
            }
            reply = receive(&mut self.link)?;
        }
    }

    /// Sends a request and the rows the board asks for; gives the first reply that is not for a row.
    fn feed(&mut self, request: Request<'_>, crop: &[u8]) -> Result<Reply> {
        let [height, width, channels] = self.hello.crop.map(usize::from);
        ensure!(
            crop.len() == height * width * channels,
            "crop of {} bytes, the board takes {height} × {width} × {channels}",
            crop.len()
        );
        self.send(request)?;
        loop {
            match receive(&mut self.link)? {
                Reply::Row(row) => match crop.chunks_exact(width * channels).nth(row as usize) {
                    Some(pixels) => self.send(Request::Pixels(pixels))?,
                    None => bail!("the board asks for row {row} of {height}"),
                },
                other => return Ok(other),
            }
        }
    }

    fn send(&mut self, request: Request<'_>) -> Result<()> {
        self.link.send(&request).map_err(|error| explain(&mut self.link, error))
    }
}

fn receive(link: &mut Link<Transport>) -> Result<Reply> {
    // The borrow of a received message lasts as long as the link's: replies own what they hold.
    let received: Result<Reply, LinkError> = link.receive();
    received.map_err(|error| explain(link, error))
}

/// A link's error for people.
fn explain(link: &mut Link<Transport>, error: LinkError) -> anyhow::Error {
    let complaints = link.stream().complaints();
    if !complaints.is_empty() {
        return anyhow!("QEMU: {complaints}");
    }
    match error {
        LinkError::Stream(embedded_io::ErrorKind::TimedOut) => {
            anyhow!("no answer from the board; is it on, flashed and on this port?")
        }
        LinkError::Closed => anyhow!("the board closed the link; it was switched off, or its program ended"),
        other => anyhow!("{other}"),
    }
}
