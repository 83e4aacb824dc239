import Foundation

/// What ties a database to the installation that it was made in: a small file outside of it, and outside of backups.
///
/// A database that was copied to another device, or set back by a backup, would go on giving events that were given already. The
/// mark notices that before anything is sent: it holds a random name, which the database holds too, and how many batches were made
/// ready, which the database must not be behind.
struct InstallationMark: Sendable {
    let url: URL

    /// What the file says.
    struct Content: Sendable, Hashable {
        let name: String
        let batchesMade: Int64

        init(name: String, batchesMade: Int64) {
            self.name = name
            self.batchesMade = batchesMade
        }

        init?(text: String) {
            let parts = text.split(whereSeparator: \.isWhitespace)
            guard parts.count == 2, let count = Int64(parts[1]) else { return nil }
            self.init(name: String(parts[0]), batchesMade: count)
        }

        var text: String { "\(name) \(batchesMade)\n" }
    }

    /// - Returns: nil where there is no file.
    /// - Throws: where there is one that cannot be read now: a locked device is no copy.
    func read() throws -> Content? {
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        let data = try Data(contentsOf: url)
        return Content(text: String(decoding: data, as: UTF8.self))
    }

    /// Writes the file, and has it left out of backups where the system knows how.
    func write(_ content: Content) throws {
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content.text.utf8).write(to: url, options: .atomic)
        #if canImport(Darwin)
            var values = URLResourceValues()
            values.isExcludedFromBackup = true
            var place = url
            try place.setResourceValues(values)
        #endif
    }

    /// The place where the system keeps what is this installation's alone.
    /// - Parameter databasePath: of the database that the mark is for.
    static func usual(for databasePath: String) -> InstallationMark {
        var path = URL(fileURLWithPath: databasePath).standardizedFileURL.path
        #if canImport(Darwin)
            // An app's container moves with updates: within it the path stays. Unsandboxed apps share a home.
            if path.hasPrefix(NSHomeDirectory()) { path.removeFirst(NSHomeDirectory().count) }
            path += " " + (Bundle.main.bundleIdentifier ?? "")
        #endif
        // FNV-1a (Fowler, Noll and Vo).
        let name = path.utf8.reduce(into: UInt64(0xCBF2_9CE4_8422_2325)) { $0 = ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let folder = SystemFolders.state.appendingPathComponent("rejoin", isDirectory: true)
        return InstallationMark(url: folder.appendingPathComponent("\(name).installation"))
    }
}

/// Where the system keeps the state of programs.
enum SystemFolders {
    static var state: URL {
        #if canImport(Darwin)
            let search = FileManager.default.urls(for: .applicationSupportDirectory, in: .userDomainMask)
            return search.first ?? FileManager.default.temporaryDirectory
        #else
            // The XDG base directory specification, version 0.8.
            let environment = ProcessInfo.processInfo.environment
            if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return URL(fileURLWithPath: state) }
            let home = environment["HOME"] ?? NSHomeDirectory()
            return URL(fileURLWithPath: home).appendingPathComponent(".local/state", isDirectory: true)
        #endif
    }
}

extension Replica {
    /// The mark that belongs to this database; nil for one in memory.
    var mark: InstallationMark? {
        if let url = options.installationMark { return InstallationMark(url: url) }
        let path = database.path
        return path.isEmpty || path == ":memory:" ? nil : .usual(for: path)
    }

    /// Looks whether this database is the one that it was, and has everything go under a new device id where it is a copy.
    func checkInstallation() async throws {
        guard let mark else { return }
        let found = try mark.read()
        let content = try await write { transaction in
            let made = try transaction.integer(.batchesMade) ?? 0
            let name = try transaction.text(.installation)
            if let name, found?.name == name, (found?.batchesMade ?? 0) <= made {
                return InstallationMark.Content(name: name, batchesMade: made)
            }
            // A database that never sent anything has no events that another could have given too.
            if name != nil, made > 0 { try transaction.set(.needsIdentity, "copied") }
            let new = UUID().uuidString.lowercased()
            try transaction.set(.installation, new)
            return InstallationMark.Content(name: new, batchesMade: made)
        }
        if content != found { try mark.write(content) }
    }

    /// Notes outside the database that a batch was made ready, before it leaves.
    func noteBatch() async throws {
        guard let mark else { return }
        let content = try await read { transaction in
            try transaction.text(.installation).map {
                InstallationMark.Content(name: $0, batchesMade: try transaction.integer(.batchesMade) ?? 0)
            }
        }
        if let content, try mark.read() != content { try mark.write(content) }
    }
}
