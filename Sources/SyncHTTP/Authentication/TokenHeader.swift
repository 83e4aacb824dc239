import MergeCore
import StrictJSON
import SyncWire
import Values

/// What a token's header says (RFC 7515 section 4), as far as anything follows from it. Nothing in it has been
/// verified.
struct TokenHeader: Sendable, Hashable {
    let algorithm: String
    let keyID: String?

    /// Reads a header.
    /// - Returns: nil for a header that cannot be read; for one with `crit`, whose extensions must be understood
    ///   (section 4.1.11), and none is; and for one whose `typ` says that this is something else than a token.
    init?(of token: String) {
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64URL.decode(String(Substring(parts[0]))),
            let text = String(validating: bytes, as: UTF8.self), let value = try? Value(json: text),
            case .object(let header) = value, header["crit"] == nil, case .string(let algorithm)? = header["alg"]
        else { return nil }
        switch header["typ"] {
        case nil: break
        case .string(let type)?:
            // RFC 7519 section 5.1 and RFC 9068 section 2.1; "application/" may be left out (RFC 7515 section 4.1.9).
            let name = type.text.lowercased()
            guard ["jwt", "at+jwt"].contains(name.hasPrefix("application/") ? String(name.dropFirst(12)) : name) else {
                return nil
            }
        case _?: return nil
        }
        switch header["kid"] {
        case nil: keyID = nil
        case .string(let id)?: keyID = id.text
        case _?: return nil
        }
        self.algorithm = algorithm.text
    }
}
