import Causality
import MergeCore
import StrictJSON

extension OperationOutcome {
    /// Writes the outcome as an object: the operation's id, its result, and whether that is a replay.
    /// - Parameters:
    ///   - writer: takes the object.
    ///   - index: the operation's place in the batch, counted from 0, for the pointers of its error.
    public func write(to writer: inout JSONWriter, index: Int) {
        writer.beginObject()
        writer.optionalMember("id", id?.name)
        result.writeMembers(to: &writer, index: index)
        writer.member("replayed", isReplayed)
        writer.endObject()
    }

    /// An outcome as a client hears of it: without the record, which the operation named.
    public init(reading members: DocumentMembers) throws(WireError) {
        self.init(
            id: try members.optionalText("id").map { OperationID($0) }, record: nil,
            result: try OperationResult(reading: members), isReplayed: try members.boolean("replayed"))
    }
}

extension OperationResult {
    /// `outcome`, and either `relation`, `sequence` and `conflicts` or `error`.
    public func writeMembers(to writer: inout JSONWriter, index: Int) {
        writer.member("outcome", outcome.rawValue)
        if let relation {
            writer.member("relation", relation.rawValue)
            if let sequence { writer.member("sequence", sequence) }
            writer.documents("conflicts", conflicts)
        } else {
            writer.key("error")
            Problem(rejections, index: index).write(to: &writer, requestID: nil)
        }
    }

    /// A result as a client hears of it. A code that this version does not know is told as `invalid_request`.
    /// - Throws: what is missing, or is not what it should be, and where.
    public init(reading members: DocumentMembers) throws(WireError) {
        let outcome = try members.choice("outcome", OutcomeKind.self)
        guard let error = try members.optionalMembers("error") else {
            self.init(
                outcome: outcome, relation: try members.choice("relation", Relation.self),
                conflicts: try members.documents("conflicts"), sequence: try members.optionalInteger("sequence"))
            return
        }
        let problem = try Problem(reading: error)
        self.init(outcome: outcome, relation: nil, rejections: problem.errors.map(Rejection.init(_:)))
    }
}

extension Rejection {
    /// A rejection as a client hears of it. A code that this version does not know is told as `invalid_request`.
    fileprivate init(_ detail: Problem.Detail) {
        // The pointer begins with `/operations/<index>`.
        self.init(
            Code(rawValue: detail.code.rawValue) ?? .invalidRequest, detail.detail,
            at: detail.pointer.tokens.dropFirst(2).map { ExactString($0) }, expectedCounter: detail.expectedCounter)
    }
}

extension ConflictSummary: WireDocument {
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id.text)
        writer.member("unit", unit)
        writer.member("policy", policy)
        writer.member("status", status.rawValue)
        writer.member("winner", winner.rawValue)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        self.init(
            id: try members.conflictID("id"), unit: try members.text("unit"), policy: try members.text("policy"),
            status: try members.choice("status"), winner: try members.choice("winner"))
    }
}

extension ConflictID {
    /// A conflict's name on the wire. It is a text there, since it is no number to reckon with.
    public var text: String { String(position) }

    /// - Returns: nil for a text that names no conflict.
    public init?(text: String) {
        guard let position = Int64(text) else { return nil }
        self.init(position: position)
    }
}

extension DocumentMembers {
    /// The name of a conflict.
    public func conflictID(_ name: ExactString) throws(WireError) -> ConflictID {
        guard let id = ConflictID(text: try text(name).text) else {
            throw WireError("'\(name)' is no conflict's id.", at: pointer(to: name))
        }
        return id
    }
}
