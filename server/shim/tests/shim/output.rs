//! From the terminal to the log and to those who read it.

use codeplane_core::{Offset, TerminalSize};
use codeplane_shim::{
    FromShim, IndexReader, IndexRecordKind, LogReader, Read, ToShim, remove_segment, segments,
};

use crate::kit::{AUTHOR, TestShim, eventually};

fn end_of(message: &FromShim) -> Option<Offset> {
    match message {
        FromShim::Exited { end, .. } => Some(*end),
        _ => None,
    }
}

#[test]
fn a_notice_never_promises_what_is_not_in_a_file() {
    let mut shim = TestShim::run("i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done");
    let mut reader = LogReader::open(shim.files().output());
    let mut at = Offset::ZERO;
    let mut buffer = vec![0; 7];

    let end = shim.until(end_of);
    for message in shim.seen() {
        let FromShim::Notice { end } = message else { continue };
        while at < *end {
            let Read::Bytes(len) = reader.read(at, *end, &mut buffer).unwrap() else { panic!() };
            at = at.plus(len);
        }
    }

    assert_eq!(at, end);
}

#[test]
fn a_reader_that_does_not_read_stops_nobody_and_finds_the_newest_state() {
    let script = "i=0; while [ $i -lt 3000 ]; do echo $i; sleep 0; i=$((i+1)); done; sleep 100";
    let mut shim = TestShim::run(script);

    // Nothing is read from the connection; its queue holds far fewer messages than there are.
    shim.until_output("2999\r\n");
    let len = shim.output().len() as u64;

    shim.until(|message| (*message == FromShim::Notice { end: Offset(len) }).then_some(()));
}

#[test]
fn ten_megabytes_arrive_in_segments_and_are_read_across_them() {
    let script = "head -c 10000000 /dev/zero | tr '\\0' x";
    let mut shim = TestShim::run_with(script, |spec| spec.segment_bytes = 1_000_000);

    let end = shim.until(end_of);

    let output = shim.output();
    assert_eq!((end, output.len()), (Offset(10_000_000), 10_000_000));
    assert!(output.iter().all(|byte| *byte == b'x'));
    let all = segments(&shim.files().output()).unwrap();
    assert!(all.len() >= 9, "{all:?}");
    for pair in all.windows(2) {
        assert_eq!(pair[0].end(), pair[1].base);
        assert!(pair[0].len_bytes < 1_000_000 + 61_440);
    }
}

#[test]
fn removed_segments_are_a_gap_and_the_rest_is_there() {
    let script = "head -c 100000 /dev/zero | tr '\\0' x; sleep 100";
    let shim = TestShim::run_with(script, |spec| spec.segment_bytes = 4096);
    let dir = shim.files().output();
    eventually("all output", || (shim.output().len() == 100_000).then_some(()));
    let all = segments(&dir).unwrap();

    remove_segment(&dir, all[0].base).unwrap();

    let read = LogReader::open(&dir).read(Offset(5), Offset(100_000), &mut [0; 9]).unwrap();
    assert_eq!(read, Read::Gap { from: Offset(5), to: all[1].base });
    assert!(remove_segment(&dir, all.last().unwrap().base).is_err());
}

#[test]
fn a_resize_reaches_the_program_and_is_recorded_where_it_happened() {
    let script = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.01; done";
    let mut shim = TestShim::run(script);
    shim.until_output("ready");
    let size = TerminalSize::new(132, 50).unwrap();

    shim.send(&ToShim::Resize { size, author: AUTHOR });

    shim.until_output("50 132");
    let logged = shim.until(|message| match message {
        FromShim::Resized(logged) => Some(*logged),
        _ => None,
    });
    assert_eq!((logged.size, logged.at), (size, Offset(7)));
    let index = IndexReader::open(&shim.files().index()).unwrap();
    let records: Vec<_> = index.records_from(0).map(Result::unwrap).collect();
    assert_eq!(records[0].kind, IndexRecordKind::Start(TerminalSize::DEFAULT));
    assert!(records.iter().any(|record| {
        record.kind == IndexRecordKind::Resize { size, author: AUTHOR } && record.offset.0 == 7
    }));
    assert!(records.is_sorted_by_key(|record| record.offset));
}

#[test]
fn a_redraw_shows_the_program_another_size_and_then_its_own() {
    let script = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.01; done";
    let mut shim = TestShim::run(script);
    shim.until_output("ready");

    shim.send(&ToShim::Redraw);

    let output = shim.until_output("24 80");
    assert!(output.contains("23 80\r\n24 80\r\n"), "{output}");
    let sizes = std::cell::RefCell::new(Vec::new());
    shim.until(|message| {
        if let FromShim::Resized(logged) = message {
            sizes.borrow_mut().push(logged.size.rows());
        }
        (sizes.borrow().as_slice() == [23, 24]).then_some(())
    });
}

#[test]
fn the_index_tells_when_output_came_and_that_the_program_ended() {
    let shim = TestShim::run("echo a; sleep 0.05; echo b");
    shim.until_status();

    let index = IndexReader::open(&shim.files().index()).unwrap();

    let records: Vec<_> = index.records_from(0).map(Result::unwrap).collect();
    let times: Vec<_> = records
        .iter()
        .filter(|record| record.kind == IndexRecordKind::Time)
        .map(|record| record.offset.0)
        .collect();
    assert_eq!(times, [0, 3]);
    assert!(matches!(records.last().unwrap().kind, IndexRecordKind::Exit(_)));
    assert_eq!(index.first_at(Offset(1)).unwrap(), 2);
}

/// A small file system, where the test may mount one.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(path: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(&path)
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }

    fn grow(&self) {
        let grown = std::process::Command::new("mount")
            .args(["-o", "remount,size=4m"])
            .arg(&self.0)
            .status()
            .unwrap();
        assert!(grown.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        std::process::Command::new("umount").arg("-l").arg(&self.0).output().ok();
    }
}

#[test]
fn a_full_disk_stops_nothing_and_is_a_gap_once_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(dir.path().join("disk")) else {
        eprintln!("skipped: a file system cannot be mounted here");
        return;
    };
    let script = "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end; read line; echo after";
    let mut shim = TestShim::run_with(script, |spec| spec.bundle = disk.0.join("bundle"));

    let since = shim.until(|message| match message {
        FromShim::Disk(codeplane_shim::DiskState::Full { since }) => Some(*since),
        _ => None,
    });
    // The program goes on: it reads a line although nothing of its output fits.
    shim.register();
    shim.type_(1, b"\n");
    shim.until(|message| matches!(message, FromShim::InputAck { seq: 1, .. }).then_some(()));
    let hello = shim.reconnect();
    assert_eq!(hello.disk, codeplane_shim::DiskState::Full { since });
    disk.grow();

    let (from, to) = shim.until(|message| match message {
        FromShim::Disk(codeplane_shim::DiskState::Recovered { from, to }) => Some((*from, *to)),
        _ => None,
    });

    assert_eq!(from, since);
    assert!(from < to);
    shim.until_status();
    shim.until_gone();
    let dir = shim.files().output();
    let end = codeplane_shim::log_end(&dir).unwrap();
    let read = LogReader::open(&dir).read(from, end, &mut [0; 9]).unwrap();
    assert_eq!(read, Read::Gap { from, to });
    assert!(shim.output().ends_with(b"after\r\n"));
    let index = IndexReader::open(&shim.files().index()).unwrap();
    let gap = IndexRecordKind::Gap { from, to };
    assert!(index.records_from(0).any(|record| record.unwrap().kind == gap));
}

#[test]
fn a_status_the_disk_does_not_take_is_told_and_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(dir.path().join("disk")) else {
        eprintln!("skipped: a file system cannot be mounted here");
        return;
    };
    let script = "head -c 2000000 /dev/zero | tr '\\0' x; exit 5";
    let mut shim = TestShim::run_with(script, |spec| spec.bundle = disk.0.join("bundle"));

    let status = shim.until(|message| match message {
        FromShim::Exited { status, .. } => Some(*status),
        _ => None,
    });
    assert_eq!(shim.files().read_exit().unwrap(), None);
    assert!(shim.process.try_wait().unwrap().is_none(), "gone with what only it knew");
    disk.grow();

    assert_eq!(status, codeplane_core::ExitStatus::Code(5));
    assert_eq!(shim.until_status(), status);
    shim.until_gone();
    assert!(shim.output().ends_with(b"xxx"));
}
