import Causality
import Foundation
import GRDB

/// How a client keeps and syncs its records.
public struct ClientOptions: Sendable {
    /// The collections that are kept here; empty for all that the server has for this device.
    public var collections: [ExactString] = []
    /// Collections of which only those records are kept that were asked for with ``RejoinClient/want(_:_:)`` or edited here. They need
    /// not be among ``collections``.
    public var onDemand: Set<ExactString> = []
    /// The device id to begin with; nil for a random one. It counts for a new database only.
    public var device: DeviceID?
    /// Which tenant is meant, where the token's user may be a member of several and the token names none (`Rejoin-Tenant`); nil
    /// otherwise. One database is of one tenant.
    public var tenant: ExactString?
    /// Called for each record that the server changed, within the transaction that takes it. When it throws, the change is set
    /// aside, the others are taken, and it is tried again at every page.
    public var applying: (@Sendable (Database, ShownRecord) throws -> Void)?
    /// Whether nothing is asked of the feed: there is no collection that is kept here.
    package var takesNothing = false
    /// Whether edits stay here: nothing is sent, and ``RejoinClient/pending()`` shows what would be.
    public var sendsNothing = false
    /// For how long a poll for changes may be held by the server, in seconds.
    public var waitSeconds = 25
    /// For how long a request may take, beside what the server may hold it.
    public var requestTimeout: Duration = .seconds(60)
    /// Where the mark of this installation lies, outside the database and outside of backups; nil for a place of the system's.
    public var installationMark: URL?
    /// What time it is.
    public var clock: DeviceClock = .system
    /// What keeps the app's own tables; nil where there are none.
    package var mirror: (any TableMirror)?
    /// Where the log goes.
    public var log = SyncLogger { _, _ in }

    /// The options of a client that keeps everything.
    public init() {}

    /// What of the feed is wanted, as one text: a cursor is good for one selection.
    /// A collection that was kept on demand and is kept whole from now on has to be pulled from the beginning.
    var selection: String {
        let whole = Set(collections).subtracting(onDemand).map(\.text).sorted().joined(separator: "\n")
        guard !onDemand.isEmpty else { return whole }
        return whole + "\n\non demand:\n" + onDemand.map(\.text).sorted().joined(separator: "\n")
    }
}

/// Where a client's log goes.
///
/// A line says what was asked, with status and sizes, and which fields an operation names; it never holds a token or a value.
public struct SyncLogger: Sendable {
    /// How much a line matters, the least first: `debug` for each exchange, `notice` for what did not go well at first, `warning` for what
    /// somebody should know.
    public enum Level: Int, Sendable, Hashable, Comparable {
        case debug, notice, warning

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    private let write: @Sendable (Level, String) -> Void

    /// Takes where lines go.
    public init(_ write: @escaping @Sendable (Level, String) -> Void) { self.write = write }

    func log(_ level: Level, _ text: String) { write(level, text) }
}
