//! Gives memory back that only the start or a window needed.
//!
//! Once a window is drawn, or GTK has probed the graphics driver, most of the resident memory is code: of WebKit, of the
//! driver with its compiler, and of this program's own start. [`release`] drops the mappings of code pages. Those that are
//! used again are mapped again from the page cache, without a read from the disk unless the kernel needed the memory.

use std::{ffi::c_void, fs, ops::Range, ptr::NonNull};

use nix::{
    libc,
    sys::mman::{MmapAdvise, madvise},
};

/// Bytes of a page, or a multiple of them: only whole pages inside a segment are dropped.
const PAGE_BYTES: usize = 64 * 1024;

/// Drops what is not in use. To be called only while there is no window: a graphics driver may patch its code while it
/// starts to draw.
pub(super) fn release() {
    drop_code_pages();
    trim_heap();
}

/// Returns the free pages of the heap, which the page's messages have grown, to the kernel.
fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim(3) is thread-safe and frees only what is not allocated.
    unsafe {
        libc::malloc_trim(0);
    }
}

fn drop_code_pages() {
    let Ok(smaps) = fs::read_to_string("/proc/self/smaps") else { return };
    let unmodified = unmodified_ranges(&smaps);
    for segment in constant_segments() {
        for range in &unmodified {
            let both = whole_pages(segment.start.max(range.start)..segment.end.min(range.end));
            let Some(start) = NonNull::new(both.start as *mut c_void) else { continue };
            if both.is_empty() {
                continue;
            }
            // SAFETY: no page of the range was ever written to: it lies in a segment that the linker made read-only, and
            // the kernel counts no private copy in it. So the file has the same contents, which the next access maps.
            if let Err(error) = unsafe { madvise(start, both.len(), MmapAdvise::MADV_DONTNEED) } {
                tracing::debug!(%error, "code pages could not be dropped");
            }
        }
    }
}

/// Mapped segments of the program and its libraries that are never writable, not even while they are loaded (ELF,
/// `PT_LOAD` without `PF_W`). `/proc` alone does not tell them from data that was made read-only after relocation.
fn constant_segments() -> Vec<Range<usize>> {
    unsafe extern "C" fn add_object(
        object: *mut libc::dl_phdr_info,
        _size: usize,
        segments: *mut c_void,
    ) -> libc::c_int {
        // SAFETY: dl_iterate_phdr(3) passes a valid object, whose headers stay mapped during the call, and the pointer that
        // was given to it below.
        let (object, segments) = unsafe { (&*object, &mut *segments.cast::<Vec<Range<usize>>>()) };
        // SAFETY: as above; the object says how many headers there are.
        let headers =
            unsafe { std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()) };
        let base = object.dlpi_addr as usize;
        segments.extend(
            headers
                .iter()
                .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0)
                .map(|header| {
                    let start = base.wrapping_add(header.p_vaddr as usize);
                    start..start.saturating_add(header.p_filesz as usize)
                }),
        );
        0
    }
    let mut segments = Vec::new();
    // SAFETY: the callback neither panics nor keeps the pointer.
    unsafe { libc::dl_iterate_phdr(Some(add_object), (&raw mut segments).cast()) };
    segments
}

/// File-backed ranges of proc(5) `smaps` that are read-only and of which no page is a private copy.
fn unmodified_ranges(smaps: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut current = None;
    for line in smaps.lines() {
        if let Some((range, constant)) = mapping(line) {
            current = constant.then_some(range);
        } else if let Some(copied) = line.strip_prefix("Anonymous:")
            && let Some(range) = current.take()
            && copied.trim() == "0 kB"
        {
            ranges.push(range);
        }
    }
    ranges
}

/// From the first line of a mapping, `start-end mode offset device inode path`: its range, and whether it is read-only and
/// of a file. `None` for another line.
fn mapping(line: &str) -> Option<(Range<usize>, bool)> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let (start, end) =
        (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    let (mode, path) = (words.next()?, words.nth(3));
    let constant = !mode.contains('w') && path.is_some_and(|path| path.starts_with('/'));
    Some((start..end, constant))
}

fn whole_pages(range: Range<usize>) -> Range<usize> {
    range.start.next_multiple_of(PAGE_BYTES)..range.end / PAGE_BYTES * PAGE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unmodified_mappings_of_files_are_dropped() {
        let smaps = "\
1000-3000 r-xp 00000000 08:01 7   /usr/lib/libwebkit2gtk-4.1.so.0.19.9
Rss:                   8 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
3000-4000 r--p 00002000 08:01 7   /usr/lib/libwebkit2gtk-4.1.so.0.19.9
Anonymous:             4 kB
4000-5000 rw-p 00003000 08:01 7   /usr/lib/libwebkit2gtk-4.1.so.0.19.9
Anonymous:             0 kB
5000-6000 r--p 00000000 00:00 0
Anonymous:             0 kB
6000-7000 r-xp 00000000 00:00 0   [vdso]
Anonymous:             0 kB
7000-9000 r--p 00000000 08:01 8   /usr/bin/name with blanks
Anonymous:             0 kB
";
        assert_eq!(unmodified_ranges(smaps), [0x1000..0x3000, 0x7000..0x9000]);
        assert!(unmodified_ranges("Anonymous: 0 kB\nnonsense").is_empty());
    }

    #[test]
    fn only_whole_pages_are_dropped() {
        assert_eq!(whole_pages(0x1_0001..0x3_ffff), 0x2_0000..0x3_0000);
        assert!(whole_pages(0x1_0001..0x1_ffff).is_empty());
    }

    #[test]
    fn the_programs_own_code_is_among_the_segments_and_its_data_is_not() {
        static mut WRITABLE: u8 = 1;
        let holds = |address: usize| constant_segments().iter().any(|one| one.contains(&address));
        assert!(holds(release as *const () as usize));
        assert!(!holds(&raw const WRITABLE as usize));
    }

    #[test]
    fn dropped_code_still_runs() {
        drop_code_pages();
        assert_eq!("still".repeat(2), "stillstill");
    }
}
