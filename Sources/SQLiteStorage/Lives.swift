import SyncStorage

/// The life that the file is in, as this process opened it.
struct StoredLife: Sendable, Hashable {
    /// Its place in the order of the file's lives.
    let number: Int64
    let id: LifeID
}

extension Connection {
    /// Notes that a server begins to write to this file. Whatever was put in the place of the file since the last one did has a
    /// life of its own by that.
    func beginLife() throws(StoreError) -> StoredLife {
        try transaction { (connection: Connection) throws(StoreError) in
            let last = try connection.lastLife()
            let life = StoredLife(number: last.number + 1, id: .random())
            try connection.prepare(Statements.insertLife).execute { row in
                row.integer(life.number)
                row.integer(life.id.rawValue)
            }
            // A server that is started again and again fills no disk.
            let oldest = life.number - Int64(LifeID.rememberedCount)
            let forgotten = try connection.prepare(Statements.forgetLives).execute { $0.integer(oldest) }
            if forgotten > 0 { try connection.prepare(Statements.forgetLifeBeginnings).execute { $0.integer(oldest) } }
            return (life, .commit)
        }
    }

    /// The life that the last server noted.
    func lastLife() throws(StoreError) -> StoredLife {
        let life = try prepare(Statements.selectLastLife).first { row in
            StoredLife(number: row.integer(0), id: LifeID(rawValue: row.integer(1)))
        }
        guard let life else { throw .damaged("the data set has no life") }
        return life
    }

    /// Whether the feed goes on from where a reader was; nil where nobody asks.
    func course(
        of place: Int64, in life: LifeID?, _ tenant: String, over head: TenantHead, current: StoredLife
    ) throws(StoreError) -> FeedCourse? {
        guard let life else { return nil }
        return try FeedCourse(of: place, in: life, current: current.id, head: head.sequence) {
            () throws(StoreError) in
            let number = try prepare(Statements.selectLife).first({ $0.integer(life.rawValue) }, { $0.integer(0) })
            guard let number else { return .unknownLife }
            let end = try prepare(Statements.selectLifeEnd).first(
                { row in
                    row.text(tenant)
                    row.integer(number)
                }, { $0.integer(0) })
            return end.map { .at($0) } ?? .open
        }
    }

    /// Notes where a life's first commit found its tenant.
    func insertBeginning(of life: StoredLife, _ tenant: String, at sequence: Int64) throws(StoreError) {
        try prepare(Statements.insertLifeBeginning).execute { row in
            row.text(tenant)
            row.integer(life.number)
            row.integer(sequence)
        }
    }
}
