import Causality
import Foundation
import GRDB
import RejoinClient
import Values

/// An estimate: a row of the app's own table, read and written with GRDB and nothing else.
struct Estimate: Codable, Identifiable, Hashable, Sendable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "estimates"

    var id: String
    var title: String
    var client: String?
    /// In cents.
    var total: Int?
    /// A decision, not a race: where two devices decided differently, both values stay until somebody chooses.
    var status: String?
    /// Counted on every device; the server adds up.
    var visits = 0
    /// A set, as a JSON array.
    var tags: [String] = []
    var notes: String?
}

/// The app's database, kept in sync.
///
/// Only what stands under "Sync" knows of a server. All the rest is an app that keeps its rows in SQLite.
struct EstimateStore: Sendable {
    let database: DatabasePool
    let client: RejoinClient

    /// Opens the database in a folder, and makes both where they are not there.
    /// - Parameter token: gives a token of the user for a device id.
    init(
        folder: URL, server: URL, token: @escaping @Sendable (_ device: DeviceID) async throws -> String
    ) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try DatabasePool(path: folder.appendingPathComponent("estimates.sqlite").path)
        try Self.migrator.migrate(database)
        client = try RejoinClient(
            database: database, tables: [SyncedTable("estimates")], server: server, token: token)
    }

    /// The app's schema. Sync asks nothing of it but a key.
    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("estimates") { db in
            try db.create(table: "estimates") { table in
                table.primaryKey("id", .text)
                table.column("title", .text).notNull()
                table.column("client", .text)
                table.column("total", .integer)
                table.column("status", .text)
                table.column("visits", .integer).notNull().defaults(to: 0)
                table.column("tags", .text).notNull().defaults(to: "[]")
                table.column("notes", .text)
            }
        }
        return migrator
    }

    // MARK: Rows

    func estimates() async throws -> [Estimate] {
        try await database.read { db in try Self.sorted.fetchAll(db) }
    }

    /// The rows, now and whenever one changes, by whomever: what others did arrives as rows, too.
    func observeEstimates() -> AsyncValueObservation<[Estimate]> {
        ValueObservation.tracking { db in try Self.sorted.fetchAll(db) }.values(in: database)
    }

    private static var sorted: QueryInterfaceRequest<Estimate> { Estimate.order(Column("title"), Column("id")) }

    @discardableResult
    func add(_ title: String) async throws -> Estimate {
        let estimate = Estimate(id: UUID().uuidString.lowercased(), title: title, status: "draft")
        try await database.write { db in try estimate.insert(db) }
        return estimate
    }

    /// Saves what the user changed of what was shown. Columns that others changed meanwhile keep what they have.
    func save(_ edited: Estimate, shown: Estimate) async throws {
        _ = try await database.write { db in try edited.updateChanges(db, from: shown) }
    }

    /// Counts a visit. That it was counted, and not set, the server knows from its own declaration of the field.
    func countVisit(_ id: Estimate.ID) async throws {
        try await database.write { db in
            try db.execute(sql: "UPDATE estimates SET visits = visits + 1 WHERE id = ?", arguments: [id])
        }
    }

    func delete(_ id: Estimate.ID) async throws {
        _ = try await database.write { db in try Estimate.deleteOne(db, key: id) }
    }

    // MARK: Sync

    /// The statuses that devices gave an estimate without having heard of one another, by its id. The one that shows comes first.
    static func undecidedStatuses(in records: [ShownRecord]) -> [Estimate.ID: [String]] {
        var undecided: [Estimate.ID: [String]] = [:]
        for record in records {
            guard let siblings = record.siblings["status"], !siblings.isEmpty else { continue }
            undecided[record.key.id.text] = [record["status"].words] + siblings.map { Optional($0.value).words }
        }
        return undecided
    }

    func undecidedStatuses() async throws -> [Estimate.ID: [String]] {
        Self.undecidedStatuses(in: try await client.records("estimates"))
    }

    /// Decides which status an estimate has, also where it is the one that shows.
    func decideStatus(_ status: String, of id: Estimate.ID) async throws {
        try await client.choose(.string(status), for: "status", of: "estimates", ExactString(id))
    }
}

extension SyncStatus {
    /// How the device and the server stand to one another, for the user.
    var words: String {
        let doing =
            switch phase {
            case .stopped, .starting: "not connected"
            case .offline: "offline"
            case .sending: "sending"
            case .pulling: "receiving"
            case .upToDate: "up to date"
            case .paused(let pause): pause.words
            }
        return pending == 0 ? doing : "\(doing), \(pending) not sent"
    }
}

extension SyncPause {
    /// What the user has to know or do.
    var words: String {
        switch self {
        case .token: "please sign in"
        case .otherIdentity: "signed in as somebody else"
        case .refused(let code): "refused: \(code)"
        }
    }
}

extension SyncFailure {
    /// Why nothing was synced, for the user.
    var words: String {
        switch self {
        case .noAnswer: "the server does not answer"
        case .refused(let code): "the server says \(code)"
        case .paused(let pause): pause.words
        case .storage: "the database failed"
        case .runsElsewhere: "another program syncs the same data"
        }
    }
}

extension MetConflict {
    /// A conflict that an edit of this device met, with both sides.
    var words: String {
        let other = shown.map(\.words) ?? "nothing"
        return "\(unit): here \(own.words), now \(other)" + (status == "open" ? ", to be decided" : "")
    }
}

extension ObjectValue {
    fileprivate var words: String { members.map { Optional($0.value).words }.joined(separator: ", ") }
}

extension Value? {
    /// The value as a user reads it.
    fileprivate var words: String {
        switch self {
        case nil, .null?: "nothing"
        case .boolean(let flag)?: flag ? "yes" : "no"
        case .integer(let number)?: "\(number)"
        case .double(let number)?: "\(number)"
        case .string(let text)?: text.text
        case .array(let elements)?: elements.map { Optional($0).words }.joined(separator: ", ")
        case .object(let object)?: object.words
        }
    }
}
