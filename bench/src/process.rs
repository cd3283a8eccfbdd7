//! What the kernel tells of a process in `/proc`: processor time and memory.

use std::{fs, io, time::Duration};

/// The kernel's clock ticks a second in `/proc/PID/stat` (`USER_HZ`, 100 on every current Linux).
const TICKS_A_SECOND: u32 = 100;

/// Physical memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Now (`VmRSS`).
    pub(crate) resident: u64,
    /// At most, since the start or since [`reset_peak`] (`VmHWM`).
    pub(crate) peak: u64,
}

/// Processor time that the process has used, in user and system mode.
pub(crate) fn cpu_time(pid: u32) -> io::Result<Duration> {
    parse_cpu_time(&fs::read_to_string(format!("/proc/{pid}/stat"))?)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unexpected form of /proc/PID/stat"))
}

/// Memory that the process uses.
pub(crate) fn memory(pid: u32) -> io::Result<Memory> {
    parse_memory(&fs::read_to_string(format!("/proc/{pid}/status"))?)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unexpected form of /proc/PID/status"))
}

/// Makes the present use of memory the highest one seen.
pub(crate) fn reset_peak(pid: u32) -> io::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

/// The processors that this process may run on.
pub(crate) fn allowed_cpus() -> io::Result<Vec<u32>> {
    let status = fs::read_to_string("/proc/self/status")?;
    Ok(status_field(&status, "Cpus_allowed_list").and_then(parse_cpu_list).unwrap_or_default())
}

/// Fields 14 and 15 of `/proc/PID/stat`; field 2, the name, may hold spaces and brackets, so counting starts after it.
fn parse_cpu_time(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(Duration::from_secs(1) * user.checked_add(system)? / TICKS_A_SECOND)
}

fn parse_memory(status: &str) -> Option<Memory> {
    let bytes = |name| {
        let kibibytes: u64 = status_field(status, name)?.strip_suffix("kB")?.trim().parse().ok()?;
        kibibytes.checked_mul(1024)
    };
    Some(Memory { resident: bytes("VmRSS")?, peak: bytes("VmHWM")? })
}

fn status_field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// `0-3,8` as 0, 1, 2, 3, 8.
fn parse_cpu_list(list: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for part in list.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        cpus.extend(from.trim().parse::<u32>().ok()?..=to.trim().parse().ok()?);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn cpu_time_is_user_and_system_time_even_behind_an_odd_name() {
        let stat = "4917 (a) b (c) S 1 4917 4917 0 -1 4194304 100 0 3 0 250 130 7 9 20 0 5 0 12345 1000 200 18446744073709551615";
        assert_eq!(parse_cpu_time(stat), Some(Duration::from_millis(3800)));
        assert_eq!(parse_cpu_time("4917 (signet) S 1 2"), None);
        assert_eq!(parse_cpu_time(""), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tsignet\nVmPeak:\t  999 kB\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n";
        assert_eq!(parse_memory(status), Some(Memory { resident: 10 << 20, peak: 20 << 20 }));
        assert_eq!(parse_memory("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn processor_lists_have_ranges() {
        assert_eq!(parse_cpu_list("0-2,8"), Some(vec![0, 1, 2, 8]));
        assert_eq!(parse_cpu_list("5"), Some(vec![5]));
        assert_eq!(parse_cpu_list("x"), None);
    }

    #[test]
    fn this_process_can_be_read() {
        let pid = std::process::id();
        cpu_time(pid).unwrap();
        assert!(memory(pid).unwrap().peak > 0);
        assert!(!allowed_cpus().unwrap().is_empty());
    }
}
