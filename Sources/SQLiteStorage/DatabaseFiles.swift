import Foundation
import SyncStorage

/// The files of a database. They are the server's own, whatever the directory and the process's umask let through.
public enum DatabaseFiles {
    /// What is added to the path for the file itself, and for what stands beside it. SQLite makes those with the mode
    /// of the file.
    private static let suffixes = ["", "-wal", "-shm", ".lock"]
    private static let mode: mode_t = 0o600

    /// The paths of all files that a database can have, its own first. Some of them may not be there.
    public static func paths(at path: String) -> [String] { suffixes.map { path + $0 } }

    /// Makes the file where it is not there, and takes away from those that are there what others may do with them.
    static func makePrivate(at path: String) throws(StoreError) {
        // The file is made here and not by SQLite, so that there is no moment at which others can open it.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode)
        // SQLite says what is wrong with a file that cannot be opened.
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
