import Causality
import StrictJSON
import Values

/// The body of `POST /v1/changes/query`: what `GET /v1/changes` asks by its parameters, and of which records alone.
public struct FeedRequest: Sendable, Hashable {
    /// The cursor of the last answer; nil from the beginning.
    public var since: ExactString?
    /// How many records the page looks at; nil for the server's default.
    public var limit: Int64?
    /// The collections whose records are wanted; empty for all.
    public var collections: [ExactString]
    /// Of the collections that are named here, only these records are wanted; an empty list stands for none. The
    /// others are wanted as ``collections`` says.
    public var only: [ExactString: Set<ExactString>]
    /// For how many seconds an empty answer may be held; nil for none.
    public var waitSeconds: Int64?

    /// Takes what is wanted of the feed.
    public init(
        since: ExactString? = nil, limit: Int64? = nil, collections: [ExactString] = [],
        only: [ExactString: Set<ExactString>] = [:], waitSeconds: Int64? = nil
    ) {
        self.since = since
        self.limit = limit
        self.collections = collections
        self.only = only
        self.waitSeconds = waitSeconds
    }

    /// Reads a body.
    /// - Throws: `malformed_json`, `invalid_request` with pointers, `query_too_large`.
    public init(body: Span<UInt8>, limits: WireLimits) throws(Problem) {
        var reading = MemberReading(try ObjectValue(body: body))
        reading.admit(["since", "limit", "collections", "only", "wait"])
        since = reading.cursor("since", limits: limits)
        limit = reading.integer("limit")
        waitSeconds = reading.integer("wait")
        collections = try reading.names("collections", limits: limits)
        only = try reading.idsByCollection("only", limits: limits)
        if !collections.isEmpty {
            for collection in only.keys.sorted() where !collections.contains(collection) {
                reading.reject(
                    at: JSONPointer.root.appending(name: "only").appending(name: collection.text),
                    "The collection is not among 'collections'.")
            }
        }
        try reading.finish()
    }

    /// The body as JSON, with names in the order of their bytes: what is wanted alike is asked alike. O(its size).
    public func encoded() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 512)
        writer.beginObject()
        if let since { writer.member("since", since) }
        if let limit { writer.member("limit", limit) }
        if !collections.isEmpty {
            writer.key("collections")
            writer.names(collections)
        }
        if !only.isEmpty {
            writer.key("only")
            writer.idsByCollection(only)
        }
        if let waitSeconds { writer.member("wait", waitSeconds) }
        writer.endObject()
        return writer.bytes
    }
}

extension MemberReading {
    /// A cursor; nil where the member is absent. An empty text is none, and stands for nothing.
    mutating func cursor(_ name: ExactString, limits: WireLimits) -> ExactString? {
        guard let value = member(name) else { return nil }
        if case .string(let text) = value, (1...limits.cursorBytes).contains(text.byteCount) { return text }
        reject(name, "'\(name)' is a cursor as it was answered.")
        return nil
    }

    /// An array of names; empty where the member is absent.
    /// - Throws: `query_too_large` where it has more than a query may name.
    mutating func names(_ name: ExactString, limits: WireLimits) throws(Problem) -> [ExactString] {
        guard let value = member(name) else { return [] }
        let pointer = JSONPointer.root.appending(name: name.text)
        guard case .array(let elements) = value else {
            reject(name, "'\(name)' is an array of names.")
            return []
        }
        guard elements.count <= limits.recordsPerQuery else { throw .queryTooLarge(limits, at: pointer) }
        return texts(elements, limits, at: pointer)
    }

    /// An object of collections, each with an array of ids; empty where the member is absent.
    /// - Throws: `query_too_large` where there are more collections or more ids together than a query may name.
    mutating func idsByCollection(
        _ name: ExactString, limits: WireLimits
    ) throws(Problem) -> [ExactString: Set<ExactString>] {
        guard let value = member(name) else { return [:] }
        let pointer = JSONPointer.root.appending(name: name.text)
        guard case .object(let object) = value else {
            reject(name, "'\(name)' is an object of collections, each with an array of ids.")
            return [:]
        }
        guard object.count <= limits.recordsPerQuery else { throw .queryTooLarge(limits, at: pointer) }
        var only: [ExactString: Set<ExactString>] = [:]
        var count = 0
        for collection in object.members {
            let place = pointer.appending(name: collection.name.text)
            if let issue = NameRule.issue(in: collection.name, limits: limits) { reject(at: place, issue) }
            guard case .array(let ids) = collection.value else {
                reject(at: place, "The ids of a collection are an array.")
                continue
            }
            count += ids.count
            // It is said before anything is made of them.
            guard count <= limits.recordsPerQuery else { throw .queryTooLarge(limits, at: place) }
            only[collection.name] = Set(texts(ids, limits, at: place))
        }
        return only
    }

    private mutating func texts(
        _ elements: [Value], _ limits: WireLimits, at pointer: JSONPointer
    ) -> [ExactString] {
        var texts: [ExactString] = []
        texts.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element else {
                reject(at: pointer.appending(index: index), "A name is a string.")
                return texts
            }
            if let issue = NameRule.issue(in: text, limits: limits) {
                reject(at: pointer.appending(index: index), issue)
                return texts
            }
            texts.append(text)
        }
        return texts
    }
}

extension Problem {
    fileprivate static func queryTooLarge(_ limits: WireLimits, at pointer: JSONPointer) -> Problem {
        let detail = "A query names at most \(limits.recordsPerQuery) records and as many collections."
        return Problem(
            .queryTooLarge, detail, errors: [.init(.queryTooLarge, detail, at: pointer)],
            limit: limits.recordsPerQuery)
    }
}

extension JSONWriter {
    mutating func names(_ names: some Sequence<ExactString>) {
        beginArray()
        for name in names.sorted() { string(name) }
        endArray()
    }

    mutating func idsByCollection(_ only: [ExactString: Set<ExactString>]) {
        beginObject()
        for (collection, ids) in only.sorted(by: { $0.key < $1.key }) {
            key(collection)
            names(ids)
        }
        endObject()
    }
}
