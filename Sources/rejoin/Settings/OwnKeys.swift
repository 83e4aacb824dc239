import Foundation
import SyncHTTP

/// The server's own keys, as their file has them: one a line, in base 64.
///
/// The first is the one that cookies and cursors come from, and that signs tokens without a name for their key. Each
/// further line is a name and a key that signs tokens alone, the newest at the end.
struct OwnKeys: Sendable, Hashable {
    /// A key that is replaced once a year has outlived every token by then.
    static let maximumCount = 16
    private static let mark = "no-tokens"

    /// What cookies and cursors come from.
    let first: [UInt8]
    /// Whether tokens are checked with the first key too.
    private(set) var isFirstForTokens = true
    /// The others, the newest last.
    private(set) var named: [NamedSecret] = []

    /// - Returns: nil for a text that is no such file.
    init?(_ text: String) {
        let lines = text.split(whereSeparator: \.isNewline).map {
            $0.split(whereSeparator: \.isWhitespace).map(String.init)
        }
        guard let head = lines.first, head.count == 1 || head.count == 2 && head[1] == Self.mark,
            let first = Self.key(head[0]), lines.count <= Self.maximumCount
        else { return nil }
        self.first = first
        isFirstForTokens = head.count == 1
        for line in lines.dropFirst() {
            guard line.count == 2, let bytes = Self.key(line[1]), !named.contains(where: { $0.id == line[0] }) else {
                return nil
            }
            named.append(NamedSecret(line[0], bytes))
        }
        guard isFirstForTokens || !named.isEmpty else { return nil }
    }

    private static func key(_ digits: String) -> [UInt8]? {
        guard let bytes = Data(base64Encoded: digits), bytes.count >= 32 else { return nil }
        return Array(bytes)
    }

    /// The file.
    var text: String {
        let head = Data(first).base64EncodedString() + (isFirstForTokens ? "" : " " + Self.mark)
        let lines = [head] + named.map { "\($0.id ?? "") \(Data($0.bytes).base64EncodedString())" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What tokens are verified with.
    var tokenKey: TokenKey { .secrets((isFirstForTokens ? [NamedSecret(nil, first)] : []) + named) }
    /// What new tokens are signed with.
    var signing: NamedSecret { named.last ?? NamedSecret(nil, first) }
    /// The names of those that tokens are verified with, the newest last.
    var names: [String] { (isFirstForTokens ? ["first"] : []) + named.compactMap(\.id) }

    /// Signs with a new key from now on. The others go on verifying.
    mutating func rotate(to secret: NamedSecret) throws(CommandFailure) {
        guard named.count + 1 < Self.maximumCount else {
            throw .cannotStart("there are \(Self.maximumCount) keys; 'rejoin key drop' takes old ones away")
        }
        named.append(secret)
    }

    /// Verifies with this key no longer.
    mutating func drop(_ name: String) throws(CommandFailure) {
        guard names.contains(name) else {
            throw .found(
                "there is no key '\(TerminalText.printable(name))'; there are \(names.joined(separator: ", "))")
        }
        guard names.last != name else {
            throw .cannotStart("'\(name)' is the key that signs; 'rejoin key rotate' makes another one first")
        }
        if name == "first" {
            isFirstForTokens = false
        } else {
            named.removeAll { $0.id == name }
        }
    }
}
