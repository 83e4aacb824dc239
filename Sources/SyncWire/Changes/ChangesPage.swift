import MergeCore
import StrictJSON

/// One page of the change feed, as an answer of its own and as lines of a catch-up.
public struct ChangesPage: WireDocument, Hashable {
    /// The records in the order of their last change, each with its newest state.
    public let records: [WireRecord]
    /// Where the page ends, and where the next one begins.
    public let end: End

    /// Where a page ends, and where the next one begins.
    public struct End: Sendable, Hashable {
        /// Where the next page begins.
        public let cursor: String
        /// Whether there is more at once.
        public let hasMore: Bool
        /// When the answer was made by the server's clock, in milliseconds since 1970.
        public let serverTimeMilliseconds: Int64

        public init(cursor: String, hasMore: Bool, serverTimeMilliseconds: Int64) {
            self.cursor = cursor
            self.hasMore = hasMore
            self.serverTimeMilliseconds = serverTimeMilliseconds
        }
    }

    public init(records: [WireRecord], end: End) {
        self.records = records
        self.end = end
    }

    public func encoded() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 256 + records.count * 256)
        write(to: &writer)
        return writer.bytes
    }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writeMembers(to: &writer)
        writer.endObject()
    }

    /// Writes what the page says into an object that was begun.
    func writeMembers(to writer: inout JSONWriter) {
        writer.documents("changes", records)
        end.writeMembers(to: &writer)
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        records = try members.documents("changes")
        end = try End(reading: members)
    }

    /// The page as lines: one record each, and after them where the next page begins. O(their size).
    public func lines() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 256 + records.count * 256)
        for record in records {
            record.write(to: &writer)
            writer.endLine()
        }
        ChangesLine.end(end).write(to: &writer)
        writer.endLine()
        return writer.bytes
    }
}

extension ChangesPage.End {
    fileprivate func writeMembers(to writer: inout JSONWriter) {
        writer.member("cursor", cursor)
        writer.member("more", hasMore)
        writer.timeMember("serverTime", milliseconds: serverTimeMilliseconds)
    }

    fileprivate init(reading members: DocumentMembers) throws(WireError) {
        cursor = try members.text("cursor").text
        hasMore = try members.boolean("more")
        serverTimeMilliseconds = try members.time("serverTime")
    }
}

/// One line of a catch-up.
public enum ChangesLine: WireDocument, Hashable {
    /// A record that changed, with its newest state.
    case record(WireRecord)
    /// A page is whole: what came before this line needs not to be sent again.
    case end(ChangesPage.End)
    /// The catch-up ends here, and why. It goes on from the last cursor that arrived.
    case problem(Problem)

    public func write(to writer: inout JSONWriter) {
        switch self {
        case .record(let record): record.write(to: &writer)
        case .end(let end):
            writer.beginObject()
            end.writeMembers(to: &writer)
            writer.endObject()
        case .problem(let problem):
            problem.writeLine(to: &writer, requestID: nil)
        }
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        if let problem = try members.optionalMembers("problem") {
            var problem = try Problem(reading: problem)
            problem.retryAfterSeconds = try members.optionalInteger("retryAfter").map { Int($0) }
            self = .problem(problem)
        } else if members.value("cursor") != nil {
            self = .end(try ChangesPage.End(reading: members))
        } else {
            self = .record(try WireRecord(reading: members))
        }
    }
}

extension Problem {
    /// The last line of an answer in lines that cannot be given whole.
    public func writeLine(to writer: inout JSONWriter, requestID: String?) {
        writer.beginObject()
        writer.key("problem")
        write(to: &writer, requestID: requestID)
        if let retryAfterSeconds { writer.member("retryAfter", retryAfterSeconds) }
        writer.endObject()
    }
}
