/// A value inside well-formed JSON that this system does not take.
///
/// An issue has a place, so that it can be held against the one operation that it is in.
public struct JSONIssue: Sendable, Hashable {
    /// What is wrong with the value.
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// The number is neither an exact `Int64` nor a finite `Double` that reads back the same.
        case numberNotRepresentable
        /// The object already has a member of this name. Names are compared by scalars, after unescaping.
        case duplicateName
        /// The string has U+0000, which PostgreSQL cannot store in text.
        case nullCharacter
        /// The string has a surrogate without its other half, which is no Unicode scalar (RFC 8259 section 8.2).
        case loneSurrogate
    }

    /// What is wrong.
    public let kind: Kind
    /// Where the number, name or escape begins, in bytes from the start of the text.
    public let offset: Int
    /// The place of the faulty value or member. A faulty name has no place, so the pointer leads to its object. Where
    /// the names on the way are longer than 1,024 bytes together, it leads to the last place that fits.
    public let pointer: JSONPointer

    /// The longest pointer, in bytes. This bounds what a text with long names and many issues can make of itself.
    static let maximumPointerLength = 1024

    /// The reason for the author of the text, in a sentence without any value of it.
    public var detail: String { kind.detail }
}

extension JSONIssue.Kind {
    /// The reason for the author of the text, in a sentence.
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
