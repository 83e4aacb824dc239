import Foundation
import SyncStorage

/// The files of a database: they are the server's own, whatever the directory and the process's umask let through.
public enum DatabaseFiles {
    /// Of the file itself, and of what stands beside it. SQLite makes them with the mode of the file.
    private static let suffixes = ["", "-wal", "-shm", ".lock"]
    private static let mode: mode_t = 0o600

    /// The paths of all files that a database can have, its own first. Not all of them need be there.
    public static func paths(at path: String) -> [String] { suffixes.map { path + $0 } }

    /// Makes the file where it is not there, and takes from those that are there what others may do with them.
    static func makePrivate(at path: String) throws(StoreError) {
        // Made here and not by SQLite, so that there is no moment at which others can open it.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode)
        // What is wrong with a file that cannot be opened, SQLite says.
        if descriptor >= 0 { close(descriptor) }
        for file in paths(at: path) {
            var status = stat()
            guard stat(file, &status) == 0, status.st_mode & 0o077 != 0 else { continue }
            guard chmod(file, mode) == 0 else {
                throw .cannotOpen(
                    "\(file) can be read by others, and its mode cannot be changed; chmod 600 it.")
            }
        }
    }
}
