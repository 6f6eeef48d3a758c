//! The service manager that started the program: systemd, or another one that keeps to sd_notify(3) and sd_watchdog_enabled(3). It
//! hears when the device is ready, and if it wants so, that the device lives: else it ends the program and starts it anew.
//!
//! The crate `sd-notify` waits when the manager's socket is full, and would stop the device with the manager.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::time::{Duration, Instant};

use crate::say;

/// How often in the watchdog's time it is fed.
const TIMES: u32 = 4;

/// The service manager, if there is one.
pub struct Service {
    manager: Option<(UnixDatagram, SocketAddr)>,
    /// Between two words that the device lives, if there is a watchdog.
    interval: Option<Duration>,
    fed: Option<Instant>,
}

impl Service {
    /// The one that the environment names. A watchdog that is for another process is none.
    pub fn of_environment() -> Self {
        let number = |name| env::var(name).ok()?.parse().ok();
        let is_meant =
            env::var_os("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(process::id().into());
        let watchdog_us = number("WATCHDOG_USEC").filter(|&time| is_meant && time > 0);
        Self::new(env::var_os("NOTIFY_SOCKET"), watchdog_us.map(Duration::from_micros))
    }

    fn new(socket: Option<OsString>, watchdog: Option<Duration>) -> Self {
        let manager = socket.and_then(|path| {
            let opened = open(&path).inspect_err(|error| {
                say(format_args!("cannot reach the service manager at {}: {error}", path.display()));
            });
            opened.ok()
        });
        let interval = watchdog.filter(|_| manager.is_some()).map(|time| time / TIMES);
        Service { manager, interval, fed: None }
    }

    /// Whether it starts the program anew if it is not fed.
    pub fn has_watchdog(&self) -> bool {
        self.interval.is_some()
    }

    /// Says that the device is ready.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// Says that the device lives, if it is time to.
    pub fn feed(&mut self) {
        if let Some(interval) = self.interval
            && self.fed.is_none_or(|fed| fed.elapsed() >= interval)
        {
            self.fed = Some(Instant::now());
            self.tell("WATCHDOG=1");
        }
    }

    fn tell(&self, words: &str) {
        if let Some((socket, manager)) = &self.manager {
            // A manager that does not hear this ends the program, which is all that there is to do.
            let _ = socket.send_to_addr(words.as_bytes(), manager);
        }
    }
}

fn open(path: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCHDOG: Duration = Duration::from_millis(200);

    fn hears(manager: &UnixDatagram) -> Option<String> {
        manager.set_nonblocking(true).unwrap();
        let mut words = [0; 64];
        let count = manager.recv(&mut words).ok()?;
        Some(String::from_utf8(words[..count].to_vec()).unwrap())
    }

    #[test]
    fn manager_hears_that_the_device_is_ready_and_now_and_then_that_it_lives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let mut service = Service::new(Some(path.into()), Some(WATCHDOG));
        assert!(service.has_watchdog());
        service.ready();
        assert_eq!(hears(&manager).as_deref(), Some("READY=1"));
        let start = Instant::now();
        let mut count = 0;
        while start.elapsed() < 2 * WATCHDOG {
            service.feed();
            if let Some(words) = hears(&manager) {
                assert_eq!(words, "WATCHDOG=1");
                count += 1;
            }
        }
        assert!((2..=2 * TIMES + 1).contains(&count), "{count} times");
    }

    #[test]
    fn manager_without_a_watchdog_hears_of_the_start_alone() {
        let name = format!("@geode-door-{}", process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name[1..]).unwrap()).unwrap();
        let mut service = Service::new(Some(name.into()), None);
        service.feed();
        service.ready();
        assert!(!service.has_watchdog());
        assert_eq!([hears(&manager), hears(&manager)], [Some("READY=1".to_string()), None]);
    }

    #[test]
    fn manager_that_does_not_listen_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _deaf = UnixDatagram::bind(&path).unwrap();
        let mut service = Service::new(Some(path.into()), Some(Duration::from_nanos(TIMES.into())));
        let start = Instant::now();
        for _ in 0..10_000 {
            service.feed();
        }
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn without_a_manager_there_is_no_watchdog() {
        let mut service = Service::new(None, Some(WATCHDOG));
        service.ready();
        service.feed();
        assert!(!service.has_watchdog());
        let missing = Service::new(Some("/no/such\0socket".into()), Some(WATCHDOG));
        assert!(!missing.has_watchdog());
    }
}
