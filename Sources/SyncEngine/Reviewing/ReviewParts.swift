import MergeCore
import SyncStorage

/// Commands in parts that one transaction each can take. What a transaction reads has a bound, and how much the records
/// take is known when they are read and not before.
///
/// Commands on one record stay together: what the first decides is what the next finds, and a preview stores nothing in
/// between.
struct ReviewParts: Sendable {
    private struct Group {
        let record: RecordKey
        /// The commands' places.
        var commands: [Int]
        /// About how much their conflicts take.
        var bytes: Int
    }

    private let byteLimit: Int
    private var waiting: ArraySlice<Group> = []
    private var latest: [Group] = []
    /// How many records the next part has at most.
    private var portion = Int.max

    /// - Parameters:
    ///   - commands: the record of each, and about how much its conflict takes; nil for a command that is not to be
    ///     carried out.
    ///   - byteLimit: how much the conflicts of a part may take.
    init(_ commands: [(record: RecordKey, bytes: Int)?], byteLimit: Int) {
        self.byteLimit = byteLimit
        var places: [RecordKey: Int] = [:]
        for (index, command) in commands.enumerated() {
            guard let command else { continue }
            if let place = places[command.record] {
                waiting[place].commands.append(index)
                waiting[place].bytes += command.bytes
            } else {
                places[command.record] = waiting.count
                waiting.append(Group(record: command.record, commands: [index], bytes: command.bytes))
            }
        }
    }

    /// Whether several commands on one record are more than a part may have.
    var hasOversizedGroup: Bool { waiting.contains { $0.commands.count > 1 && $0.bytes > byteLimit } }

    /// The places of the commands of the next part; nil after the last.
    mutating func next() -> [Int]? {
        latest = []
        var bytes = 0
        while latest.count < portion, let group = waiting.first, latest.isEmpty || bytes + group.bytes <= byteLimit {
            bytes += group.bytes
            latest.append(waiting.removeFirst())
        }
        return latest.isEmpty ? nil : latest.flatMap(\.commands)
    }

    /// Takes back what was not carried out of the latest part. At least one record was carried out, or this would have
    /// no end.
    mutating func putBack(_ left: Set<Int>) {
        let groups = latest.filter { group in group.commands.contains(where: left.contains) }
        waiting = ArraySlice(groups + waiting)
        // About as many fit as fitted now; what a part reads in vain it reads for nothing.
        let doubled = portion > .max / 2 ? .max : portion * 2
        portion = groups.isEmpty ? doubled : max(latest.count - groups.count, 1)
    }
}
