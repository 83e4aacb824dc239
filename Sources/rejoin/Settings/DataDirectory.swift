import Foundation
import SQLiteStorage
import SyncStorage

/// Where an embedded server keeps its data: the database and the key that signs tokens.
struct DataDirectory: Sendable {
    static let standardPath = "./rejoin-data"

    let path: String
    /// Where the key is that somebody else keeps, for servers on several machines; nil where it is in the directory.
    let namedKeyPath: String?

    init(path: String, namedKeyPath: String? = nil) {
        self.path = path
        self.namedKeyPath = namedKeyPath
    }

    init(_ settings: SettingsResolution, _ common: CommonOptions) {
        self.init(
            path: settings.text(.data, common.data, default: Self.standardPath).value,
            namedKeyPath: settings.text(.signingKey, common.signingKey)?.value)
    }

    var databasePath: String { path + "/rejoin.sqlite" }
    var keyPath: String { namedKeyPath ?? path + "/signing.key" }
    /// Every file that holds data, as far as it is there.
    var databaseFiles: [String] {
        DatabaseFiles.paths(at: databasePath).filter { FileManager.default.fileExists(atPath: $0) }
    }

    /// Makes the directory (mode 0700) and the key (mode 0600) where they are not there yet. A key that is named is not
    /// made: where it is missing, each server would have one of its own.
    func prepare() throws(CommandFailure) {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
            guard isDirectory.boolValue else { throw .cannotStart("\(path) is a file, not a data directory") }
        } else {
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw .cannotStart("cannot make the data directory \(path): \(Self.reason(error))")
            }
        }
        guard access(path, W_OK | X_OK) == 0 else { throw .cannotStart("the data directory \(path) is not writable") }
        if namedKeyPath == nil, !FileManager.default.fileExists(atPath: keyPath) { try makeKey() }
    }

    /// The secret that cookies and cursors come from, and the first that signs tokens.
    func secret() throws(CommandFailure) -> [UInt8] { try ownKeys().first }

    /// The server's own keys.
    func ownKeys() throws(CommandFailure) -> OwnKeys {
        guard let text = try? String(contentsOfFile: keyPath, encoding: .utf8) else {
            throw .cannotStart(
                namedKeyPath == nil
                    ? "there is no readable key at \(keyPath); 'rejoin serve' makes one, or name another --data"
                    : "there is no readable key at \(keyPath); it is 32 random bytes or more in base 64, in one line"
            )
        }
        guard let keys = OwnKeys(text) else {
            throw .cannotStart("the key at \(keyPath) is not 32 bytes or more in base 64")
        }
        return keys
    }

    /// Writes the keys anew as the body changes them: whole or not at all, and for one process at a time.
    func changeKeys(_ body: (inout OwnKeys) throws(CommandFailure) -> Void) throws(CommandFailure) {
        let temporary = keyPath + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else {
            throw .cannotStart(
                errno == EEXIST
                    ? "\(temporary) is there: somebody else changes the keys, or was interrupted; then remove it"
                    : "cannot write \(temporary)")
        }
        defer { unlink(temporary) }
        defer { close(descriptor) }
        var keys = try ownKeys()
        try body(&keys)
        let text = Array(keys.text.utf8)
        guard write(descriptor, text, text.count) == text.count, fsync(descriptor) == 0,
            rename(temporary, keyPath) == 0
        else { throw .cannotStart("cannot write \(keyPath)") }
    }

    /// Makes the key. It is written under another name and then moved, so that no other process ever reads half of it.
    /// Of two processes that start at the same time the first one's key stays.
    private func makeKey() throws(CommandFailure) {
        let secret = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) })
        let temporary = keyPath + ".\(ProcessInfo.processInfo.processIdentifier)"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw .cannotStart("cannot write the signing key in \(path)") }
        let text = Array((secret.base64EncodedString() + "\n").utf8)
        let written = write(descriptor, text, text.count)
        fsync(descriptor)
        close(descriptor)
        defer { unlink(temporary) }
        guard written == text.count else { throw .cannotStart("cannot write the signing key in \(path)") }
        guard link(temporary, keyPath) == 0 || errno == EEXIST else {
            throw .cannotStart("cannot write the signing key in \(path)")
        }
    }

    private static func reason(_ error: any Error) -> String {
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
        let code = underlying?.domain == NSPOSIXErrorDomain ? underlying?.code : nil
        return code.map { String(cString: strerror(Int32($0))) } ?? "not permitted or not possible there"
    }
}

extension DataDirectory {
    /// Opens the database for a server. Only one process at a time may.
    func openForServing() throws(CommandFailure) -> SQLiteStore {
        do {
            return try SQLiteStore.open(at: databasePath)
        } catch {
            throw .cannotStart(error.line)
        }
    }

    /// Opens the database beside a running server, for what a command writes.
    func openForCommand() throws(CommandFailure) -> SQLiteStore {
        guard FileManager.default.fileExists(atPath: databasePath) else {
            throw .cannotStart("there is no data at \(databasePath)")
        }
        do {
            return try SQLiteStore.openBeside(at: databasePath)
        } catch {
            throw .cannotStart(error.line)
        }
    }

    /// Opens the database beside a running server, for reading.
    func openForReading() throws(CommandFailure) -> SQLiteStore {
        guard FileManager.default.fileExists(atPath: databasePath) else {
            throw .cannotStart("there is no data at \(databasePath)")
        }
        do {
            return try SQLiteStore.openReadOnly(at: databasePath)
        } catch {
            throw .cannotStart(error.line)
        }
    }
}

extension StoreError {
    /// One line for people.
    var line: String {
        switch self {
        case .unavailable(let reason), .unsettled(let reason): "the database does not answer: \(reason)"
        case .tooLarge(let reason): "more than the database takes at once: \(reason)"
        case .damaged(let reason): "the database is damaged: \(reason)"
        case .newerSchema(let found, let supported):
            "the database has schema \(found), written by a later version; this one reads up to \(supported)"
        case .cannotOpen(let reason): reason
        }
    }
}
