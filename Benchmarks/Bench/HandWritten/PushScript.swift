import Synchronization

/// Calls of the hand-written function for pgbench. The payload is sent as a text that is the same in each call but for what
/// SQL puts in the place of a few marks, so that its way and its reading are measured too.
struct PushScript {
    let rows: Int
    private let payload: String

    private static let stamps = Mutex(0)

    init(rows: Int) {
        self.rows = rows
        // Each id is a random UUID: the first eight digits differ by row, the others by call. pgbench takes a colon before a
        // letter or a digit for a variable.
        var random = SystemRandomNumberGenerator()
        let elements = (0..<rows).map { row in
            let digits = String(UInt32.random(in: 0...UInt32.max, using: &random), radix: 16)
            let id = String(repeating: "0", count: 8 - digits.count) + digits + "-@b"
            return """
                {"id": "\(id)", "syncable_owner_id": "@c", "term": "Kitchen and bath \(10_000_000 + row)", \
                "note": "Call before nine", "lang": "de", "reviewed": 3, "paid": false, "syncable_modified_time": "@m", \
                "syncable_deleted_at": null}
                """
        }
        payload = "[" + elements.joined(separator: ", ") + "]"
    }

    /// Numbers for calls that nobody had yet: those of a run are greater than those of the runs before, or it would lose.
    static func nextStamps() -> Int {
        stamps.withLock {
            $0 += 10_000_000
            return $0
        }
    }

    /// How many groups of rows each client has to update.
    private var groups: Int { rows <= 20 ? 200 : 10 }

    /// A script of calls that bring new rows (`insert`), rewrite rows that are there (`update`), or come too late (`stale`).
    func text(_ kind: String) -> String {
        let group = kind == "insert" ? ":m" : "random(1, \(groups))"
        let time =
            kind == "stale"
            ? "'1999-01-01T00:00:00Z'" : "(timestamptz '2025-01-01' + :m * interval '1 ms')::text"
        return "\\set m :m + 1\n\\set b \(group)\n" + call(client: ":client_id", group: ":b", time: time) + ";\n"
    }

    /// Makes the rows that are updated.
    func filling(clients: Int) -> String {
        call(client: "c", group: "b", time: "'2024-01-01T00:00:00Z'")
            + " FROM generate_series(0, \(clients - 1)) AS c, generate_series(1, \(groups)) AS b;"
    }

    private func call(client: String, group: String, time: String) -> String {
        let id = "substr(md5('\(rows)x' || \(client) || 'x' || \(group))::uuid::text, 10)"
        return
            "SELECT diy.push(replace(replace(replace('\(payload)', '@b', \(id)), '@c', (\(client))::text), '@m', \(time))::jsonb)"
    }
}
