import ArgumentParser
import Causality
import MergeCore
import SyncStorage
import SyncWire
import Values

/// Which conflicts a command is about: the conditions that the audit's routes take too.
struct ConflictFilter: ParsableArguments {
    @Option(help: "automatic, open, resolved or superseded.")
    var status: String?

    @Option(help: "write_write, delete_write or stale.")
    var kind: String?

    @Option var collection: String?
    @Option var record: String?
    @Option(help: "A field, a group, or $record.") var unit: String?
    @Option var policy: String?
    @Option(help: "A device that authored a side.") var device: String?
    @Option(help: "A user who authored a side.") var user: String?
    @Option(help: "The user whose task it is.") var assignee: String?
    @Flag(help: "Those that are nobody's task.") var unassigned = false
    @Option(help: "Opened at or after this time (RFC 3339).") var since: String?
    @Option(help: "Opened before this time (RFC 3339).") var until: String?

    /// The conditions as they stand in a query of the server.
    var items: [(String, String)] {
        let given: [(String, String?)] = [
            ("status", status), ("kind", kind), ("collection", collection), ("record", record), ("unit", unit),
            ("policy", policy), ("device", device), ("user", user), ("assignee", assignee),
            ("unassigned", unassigned ? "true" : nil), ("since", since), ("until", until),
        ]
        return given.compactMap { name, value in value.map { (name, $0) } }
    }

    var selects: Bool { !items.isEmpty }

    func query(limit: Int) throws(CommandFailure) -> ConflictQuery {
        var query = ConflictQuery(limit: limit)
        query.status = try choice("status", status, ConflictStatus.self)
        query.kind = try choice("kind", kind, ConflictKind.self)
        query.collection = collection.map { ExactString($0) }
        query.record = record.map { ExactString($0) }
        query.unit = unit.map { ExactString($0) }
        query.policy = policy.map { ExactString($0) }
        query.device = device.map { DeviceID($0) }
        query.user = user.map { ExactString($0) }
        query.assignee = assignee.map { .user(ExactString($0)) }
        if unassigned {
            guard assignee == nil else { throw .cannotStart("give --assignee or --unassigned, not both") }
            query.assignee = .nobody
        }
        query.sinceMilliseconds = try time("since", since)
        query.untilMilliseconds = try time("until", until)
        return query
    }

    private func choice<Choice>(
        _ name: String, _ text: String?, _ type: Choice.Type
    ) throws(CommandFailure) -> Choice? where Choice: RawRepresentable<String> & CaseIterable {
        guard let text else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw .cannotStart("--\(name) is one of \(known)")
        }
        return choice
    }

    private func time(_ name: String, _ text: String?) throws(CommandFailure) -> Int64? {
        guard let text else { return nil }
        guard let time = Timestamp(text) else { throw .cannotStart("--\(name) is a time as in RFC 3339") }
        return time.milliseconds
    }
}
