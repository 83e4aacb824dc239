import Causality
import StrictJSON

/// What a stream of live changes delivers.
public enum LiveDelivery: String, Sendable, Hashable, CaseIterable {
    /// Word that there is something to pull.
    case hints
    /// The pages of the feed themselves.
    case records
}

/// Word that a tenant's feed has moved. It may be lost or doubled; the feed itself says what has changed.
public struct ChangeHint: WireDocument, Hashable {
    /// The feed's end. It is no cursor to pull from: a pull goes on from the cursor up to which the client has everything.
    public let cursor: String
    /// The collections whose records changed; nil where the server does not know.
    public let collections: [ExactString]?

    public init(cursor: String, collections: [ExactString]?) {
        self.cursor = cursor
        self.collections = collections
    }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writeMembers(to: &writer)
        writer.endObject()
    }

    /// Writes what the hint says into an object that was begun.
    func writeMembers(to writer: inout JSONWriter) {
        writer.member("cursor", cursor)
        guard let collections else { return }
        writer.key("collections")
        writer.beginArray()
        for name in collections { writer.string(name) }
        writer.endArray()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        cursor = try members.text("cursor").text
        collections = members.value("collections") == nil ? nil : try members.texts("collections")
    }
}
