/// A value inside well-formed JSON that this system does not take.
///
/// An issue has a place, so that it can be held against the one operation that it is in.
public struct JSONIssue: Sendable, Hashable {
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// Neither an exact `Int64` nor a finite `Double` that reads back the same.
        case numberNotRepresentable
        /// A name that its object has already, compared by scalars after unescaping.
        case duplicateName
        /// U+0000, which PostgreSQL cannot store in text.
        case nullCharacter
        /// A surrogate without its other half: no Unicode scalar (RFC 8259 section 8.2).
        case loneSurrogate
    }

    public let kind: Kind
    /// Where the offending number, name or escape begins, in bytes from the start of the text.
    public let offset: Int
    /// The faulty value or member. When it is a name that is faulty, the object that has it; when the names on the way are
    /// longer than `JSONIssue.maximumPointerLength` together, the last place that fits.
    public let pointer: JSONPointer

    /// In bytes. Bounds what a text with long names and many issues can make of itself.
    static let maximumPointerLength = 1024

    /// A sentence for the author of the text, without any value of it.
    public var detail: String { kind.detail }
}

extension JSONIssue.Kind {
    public var detail: String {
        switch self {
        case .numberNotRepresentable:
            "The number is neither an exact 64-bit integer nor a double that reads back the same."
        case .duplicateName: "The object has two members of this name."
        case .nullCharacter: "The string contains U+0000."
        case .loneSurrogate: "The string contains an escaped surrogate without its other half."
        }
    }
}
