import Glibc
import Synchronization

/// A pipe to oneself. It lets one thread wait for traffic on a connection or for a call from another thread, whichever
/// comes first.
final class SelfPipe: Sendable {
    /// The end to read from; -1 where the system has no more descriptors. Waiting then ends with time alone.
    private let reading: Int32
    private let writing: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        if pipe(&ends) != 0 { ends = [-1, -1] }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        reading = ends[0]
        writing = ends[1]
    }

    deinit {
        if reading >= 0 { close(reading) }
        if writing >= 0 { close(writing) }
    }

    func wake() {
        var byte: UInt8 = 1
        // A full pipe is a call that has not been heard yet, which is enough.
        _ = write(writing, &byte, 1)
    }

    /// Returns when it was woken, when there is something to read, or when the time is over.
    func wait(for duration: Duration, or connection: Int32 = -1) {
        var entries = [
            pollfd(fd: reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: connection, events: Int16(POLLIN), revents: 0),
        ]
        let milliseconds = (duration / .milliseconds(1)).rounded(.up)
        poll(&entries, nfds_t(entries.count), Int32(max(0, min(milliseconds, 60_000))))
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(reading, &bytes, bytes.count) == bytes.count {}
    }
}
