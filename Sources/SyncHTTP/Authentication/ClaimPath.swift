import Causality
import MergeCore
import Values

/// The way to a claim: the names of members, from the token's own object inwards.
public struct ClaimPath: Sendable, Hashable {
    /// A path is written by an operator, and no provider nests deeper. It bounds nothing that comes from outside.
    static let maximumNames = 8

    /// The names, the outermost first.
    public let names: [String]

    /// Takes names as they are.
    /// - Throws: for a path without names, with too many, or with an empty one.
    public init(_ names: [String]) throws(ClaimRuleError) {
        guard !names.isEmpty, names.count <= Self.maximumNames, names.allSatisfy({ !$0.isEmpty }) else {
            throw ClaimRuleError("a path to a claim has 1 to \(Self.maximumNames) names, none of them empty")
        }
        self.names = names
    }

    /// Reads a path: `app_metadata.contractor_id`. A text with a slash in it is one name, because providers name claims
    /// of one's own as addresses (`https://app.example/tenant`).
    /// - Throws: for a text that is no path.
    public init(text: String) throws(ClaimRuleError) {
        guard !text.contains(where: { $0 == "{" || $0 == "}" }) else {
            throw ClaimRuleError("'\(text)' is a template, and a path to a claim belongs here")
        }
        try self.init(
            text.contains("/")
                ? [text] : text.split(separator: ".", omittingEmptySubsequences: false).map(String.init))
    }

    /// What is at the end of the path; nil where a part of it is missing or is no object. `null` is as if it were missing.
    func value(in claims: ObjectValue) -> Value? {
        var value = Value.object(claims)
        for name in names {
            guard case .object(let object) = value, let next = object[ExactString(name)] else { return nil }
            value = next
        }
        return value == .null ? nil : value
    }

    /// A path of one name that is known to be one.
    init(known name: String) { names = [name] }
}

/// Why a rule about claims cannot be taken.
public struct ClaimRuleError: Error, Sendable, Hashable {
    /// What is wrong, in a sentence for the operator.
    public let message: String

    init(_ message: String) { self.message = message }
}

/// A text made from one claim: what stands there, or that between two fixed texts.
///
/// There is one claim in it and no more. Of two that stand side by side, the end of one and the beginning of the other
/// could be moved, and two people would have one name.
public struct ClaimText: Sendable, Hashable {
    /// What stands before the claim.
    public let prefix: String
    /// Where the claim is.
    public let path: ClaimPath
    /// What stands behind it.
    public let suffix: String

    /// The claim alone.
    public init(_ path: ClaimPath) { self.init("", path, "") }

    private init(_ prefix: String, _ path: ClaimPath, _ suffix: String) {
        self.prefix = prefix
        self.path = path
        self.suffix = suffix
    }

    /// Reads a path (`app_metadata.tenant`), or a template with one path in braces (`user:{sub}`).
    /// - Throws: for a text that is neither.
    public init(text: String) throws(ClaimRuleError) {
        guard text.contains(where: { $0 == "{" || $0 == "}" }) else {
            self.init(try ClaimPath(text: text))
            return
        }
        let parts = text.split(separator: "{", omittingEmptySubsequences: false)
        let ends = parts.count == 2 ? parts[1].split(separator: "}", omittingEmptySubsequences: false) : []
        guard ends.count == 2, !parts[0].contains("}") else {
            throw ClaimRuleError("'\(text)' is no template: it has one claim in braces, as in 'user:{sub}'")
        }
        self.init(String(parts[0]), try ClaimPath(text: String(ends[0])), String(ends[1]))
    }

    /// `sub`, by which every token names its user (RFC 7519 section 4.1.2).
    public static let subject = ClaimText(ClaimPath(known: "sub"))

    /// The text; nil where the claim is missing, empty, or neither a text nor a whole number.
    func text(in claims: ObjectValue) -> String? {
        switch path.value(in: claims) {
        case .string(let text)? where !text.text.isEmpty: prefix + text.text + suffix
        case .integer(let number)?: prefix + String(number) + suffix
        case _: nil
        }
    }

    /// Whether both can come to one text.
    func canMeet(_ other: ClaimText) -> Bool {
        let (left, right) = (Array(prefix.utf8), Array(other.prefix.utf8))
        let (before, behind) = (Array(suffix.utf8.reversed()), Array(other.suffix.utf8.reversed()))
        return (left.starts(with: right) || right.starts(with: left))
            && (before.starts(with: behind) || behind.starts(with: before))
    }

    /// Whether it can come to this text.
    public func canBe(_ text: ExactString) -> Bool {
        let bytes = Array(text.text.utf8)
        return bytes.count > prefix.utf8.count + suffix.utf8.count && bytes.starts(with: prefix.utf8)
            && bytes.reversed().starts(with: suffix.utf8.reversed())
    }
}
