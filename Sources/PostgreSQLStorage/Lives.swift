import SyncStorage
import Synchronization

/// The life that a session found its database in.
struct StoredLife: Sendable, Hashable {
    /// Its place in the order of the data's lives.
    let number: Int64
    let id: LifeID
    /// Whether the database follows another one. What it follows may begin another life at any time.
    let isOfFollower: Bool
}

/// The life that a session found last, for all who make places of the feed from what was not read with its life.
final class LatestLife: Sendable {
    private let life = Mutex(LifeID.beforeAny)

    var value: LifeID { life.withLock { $0 } }

    func note(_ found: LifeID) { life.withLock { $0 = found } }
}

extension Session {
    /// The life that the session's database is in. It is asked for once a session, as a database that was started anew ends its
    /// sessions; of one that follows another, and may be promoted under its sessions, each time.
    ///
    /// It is asked for outside of transactions: a new life is noted for all servers, whatever becomes of the caller's work.
    func currentLife() throws(StoreError) -> StoredLife {
        if let life, !life.isOfFollower { return life }
        // Like the rest of what a session begins with, it is no step of anybody's work.
        let probe = probe
        self.probe = nil
        defer { self.probe = probe }
        let found = try exchange([Request(Statements.noteLife)])[0].first { row in
            StoredLife(
                number: row.integer(0), id: LifeID(rawValue: row.integer(1)), isOfFollower: row.boolean(2))
        }
        guard let found else { throw .damaged("the data set has no life") }
        life = found
        latestLife?.note(found.id)
        return found
    }
}

extension Request {
    /// Asks how a reader's life ended for a tenant; nothing where that is known without asking.
    static func lifeEnd(of life: LifeID?, place: Int64, in tenant: String, current: StoredLife) -> [Request] {
        guard let life, life != current.id, place > 0 else { return [] }
        return [
            Request(Statements.selectLifeEnd) { row in
                row.text(tenant)
                row.integer(life.rawValue)
            }
        ]
    }
}

extension LifeEnd {
    /// Takes what `Request.lifeEnd` was answered.
    init(_ result: QueryResult?) throws(StoreError) {
        let row = try result?.first { (known: true, sequence: $0.optionalInteger(1)) }
        self = row.map { row in row.sequence.map { .at($0) } ?? .open } ?? .unknownLife
    }
}
