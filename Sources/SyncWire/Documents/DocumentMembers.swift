import Causality
import StrictJSON
import Values

/// The members of one object of a document, read by name.
///
/// A member that is null counts as absent, as the wire means it, but for those whose value may be anything.
public struct DocumentMembers: Sendable {
    private let object: ObjectValue
    /// Where the object stands in its document.
    public let pointer: JSONPointer

    /// An answer holds a value in more levels of its own than the request did in which it was sent.
    private static let limits = JSONLimits(maximumDepth: 128)

    /// The object that a JSON text is. O(its size).
    /// - Throws: where the bytes are no JSON, or no object.
    public init(encoded bytes: [UInt8]) throws(WireError) {
        let value: Value
        do {
            value = try JSONParser(limits: Self.limits).parse(bytes)
        } catch {
            throw WireError("The document is no JSON: \(error.detail)", at: error.pointer)
        }
        try self.init(value, at: .root)
    }

    /// A value that is an object, with where it stands in its document.
    /// - Throws: where the value is something else.
    public init(_ value: Value, at pointer: JSONPointer) throws(WireError) {
        guard case .object(let object) = value else { throw WireError("An object is expected.", at: pointer) }
        self.object = object
        self.pointer = pointer
    }

    /// Where a member stands, or would stand.
    public func pointer(to name: ExactString) -> JSONPointer { pointer.appending(name: name.text) }

    /// The members' names, in the order of their bytes.
    public var names: [ExactString] { object.members.map(\.name) }

    private func missing(_ name: ExactString, _ expected: String) -> WireError {
        WireError("'\(name)' is \(expected).", at: pointer(to: name))
    }

    /// A value of any kind, null among them; nil where the member is absent.
    public func value(_ name: ExactString) -> Value? { object[name] }

    /// A value of any kind that has to be there, in canonical form.
    public func canonicalText(_ name: ExactString) throws(WireError) -> String {
        guard let value = object[name] else { throw missing(name, "there") }
        return value.canonicalText
    }

    /// A string; nil where the member is absent.
    /// - Throws: where something else is there.
    public func optionalText(_ name: ExactString) throws(WireError) -> ExactString? {
        switch object[name] {
        case nil, .null?: return nil
        case .string(let text)?: return text
        case .boolean?, .integer?, .double?, .array?, .object?: throw missing(name, "a string")
        }
    }

    /// A string that has to be there.
    /// - Throws: where it is absent, or something else is there.
    public func text(_ name: ExactString) throws(WireError) -> ExactString {
        guard let text = try optionalText(name) else { throw missing(name, "a string") }
        return text
    }

    /// A whole number; nil where the member is absent.
    /// - Throws: where something else is there.
    public func optionalInteger(_ name: ExactString) throws(WireError) -> Int64? {
        switch object[name] {
        case nil, .null?: return nil
        case .integer(let number)?: return number
        case .boolean?, .double?, .string?, .array?, .object?: throw missing(name, "a whole number")
        }
    }

    /// A whole number that has to be there.
    /// - Throws: where it is absent, or something else is there.
    public func integer(_ name: ExactString) throws(WireError) -> Int64 {
        guard let number = try optionalInteger(name) else { throw missing(name, "a whole number") }
        return number
    }

    /// A truth value; nil where the member is absent.
    /// - Throws: where something else is there.
    public func optionalBoolean(_ name: ExactString) throws(WireError) -> Bool? {
        switch object[name] {
        case nil, .null?: return nil
        case .boolean(let flag)?: return flag
        case .integer?, .double?, .string?, .array?, .object?: throw missing(name, "true or false")
        }
    }

    /// A truth value that has to be there.
    /// - Throws: where it is absent, or something else is there.
    public func boolean(_ name: ExactString) throws(WireError) -> Bool {
        guard let flag = try optionalBoolean(name) else { throw missing(name, "true or false") }
        return flag
    }

    /// An RFC 3339 time, in milliseconds since 1970.
    public func optionalTime(_ name: ExactString) throws(WireError) -> Int64? {
        guard let text = try optionalText(name) else { return nil }
        guard let time = Timestamp(text.text) else { throw missing(name, "an RFC 3339 time") }
        return time.milliseconds
    }

    /// An RFC 3339 time, in milliseconds since 1970.
    public func time(_ name: ExactString) throws(WireError) -> Int64 {
        guard let time = try optionalTime(name) else { throw missing(name, "an RFC 3339 time") }
        return time
    }

    /// One of the words that an enumeration knows.
    public func choice<Choice: RawRepresentable<String>>(
        _ name: ExactString, _: Choice.Type = Choice.self
    ) throws(WireError) -> Choice {
        guard let choice = Choice(rawValue: try text(name).text) else { throw missing(name, "no word that is known") }
        return choice
    }

    /// An object; nil where the member is absent.
    /// - Throws: where something else is there.
    public func optionalMembers(_ name: ExactString) throws(WireError) -> DocumentMembers? {
        switch object[name] {
        case nil, .null?: return nil
        case let value?: return try DocumentMembers(value, at: pointer(to: name))
        }
    }

    /// An object that has to be there.
    /// - Throws: where it is absent, or something else is there.
    public func members(_ name: ExactString) throws(WireError) -> DocumentMembers {
        guard let members = try optionalMembers(name) else { throw missing(name, "an object") }
        return members
    }

    /// The elements of an array with where they stand; nil where the member is absent.
    public func optionalElements(_ name: ExactString) throws(WireError) -> [(value: Value, pointer: JSONPointer)]? {
        switch object[name] {
        case nil, .null?: return nil
        case .array(let elements)?:
            let place = pointer(to: name)
            return elements.enumerated().map { ($1, place.appending(index: $0)) }
        case .boolean?, .integer?, .double?, .string?, .object?: throw missing(name, "an array")
        }
    }

    /// The objects of an array, each read by `read`.
    public func elements<Element>(
        _ name: ExactString, _ read: (DocumentMembers) throws(WireError) -> Element
    ) throws(WireError) -> [Element] {
        guard let elements = try optionalElements(name) else { throw missing(name, "an array") }
        var all: [Element] = []
        all.reserveCapacity(elements.count)
        for (value, pointer) in elements { all.append(try read(DocumentMembers(value, at: pointer))) }
        return all
    }

    /// The documents of an array.
    public func documents<Document: WireDocument>(
        _ name: ExactString, _: Document.Type = Document.self
    ) throws(WireError) -> [Document] {
        try elements(name) { members throws(WireError) in try Document(reading: members) }
    }

    /// The strings of an array.
    public func texts(_ name: ExactString) throws(WireError) -> [ExactString] {
        guard let elements = try optionalElements(name) else { throw missing(name, "an array") }
        var texts: [ExactString] = []
        for (value, pointer) in elements {
            guard case .string(let text) = value else { throw WireError("A string is expected.", at: pointer) }
            texts.append(text)
        }
        return texts
    }
}

extension VersionVector {
    /// A clock as it is written in JSON; nil for anything else than device ids with counters from 1. O(n).
    public init?(json: Values.Value) {
        guard case .object(let object) = json else { return nil }
        var entries: [Entry] = []
        entries.reserveCapacity(object.count)
        for member in object.members {
            guard case .integer(let counter) = member.value, counter >= 1 else { return nil }
            entries.append(Entry(device: DeviceID(member.name), counter: counter))
        }
        self.init(entries)
    }

    /// The clock as JSON. O(n).
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        for entry in entries { writer.member(entry.device.name.text, entry.counter) }
        writer.endObject()
    }
}

extension JSONWriter {
    /// A string, or null.
    mutating func optionalMember(_ name: String, _ text: ExactString?) {
        key(name)
        if let text { string(text) } else { null() }
    }

    /// A time in the form that is sent.
    mutating func timeMember(_ name: String, milliseconds: Int64) {
        key(name)
        timestamp(milliseconds: milliseconds)
    }

    mutating func documents(_ name: String, _ documents: some Sequence<some WireDocument>) {
        key(name)
        beginArray()
        for document in documents { document.write(to: &self) }
        endArray()
    }

    /// Where the next page of a listing begins; null after the last.
    mutating func writeNext(_ token: String?) {
        key("next")
        if let token { string(token) } else { null() }
    }
}
