import Foundation
import SyncStorage
import Synchronization

/// The mark that one process serves a file: an advisory lock on `<path>.lock`. The system releases it when the process ends,
/// however it ends. The lock file stays; removing it could let two processes lock two files of one name.
final class ServerLock: Sendable {
    private let descriptor: Mutex<Int32?>

    init(besides path: String) throws(StoreError) {
        let lockPath = path + ".lock"
        let descriptor = Foundation.open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .cannotOpen("\(lockPath) cannot be created: \(String(cString: strerror(errno))).")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            Foundation.close(descriptor)
            throw .cannotOpen("\(path) is already open in another server; stop it, or choose another data directory.")
        }
        self.descriptor = Mutex(descriptor)
    }

    func release() {
        descriptor.withLock { descriptor in
            guard let open = descriptor else { return }
            // A process that is being started has a copy of the descriptor until it is another program, and would keep the lock
            // for as long.
            flock(open, LOCK_UN)
            Foundation.close(open)
            descriptor = nil
        }
    }

    deinit { release() }
}
