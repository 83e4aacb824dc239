import Crypto
import Foundation
import MergeCore
import SyncWire

/// A key that signs whatever it is told to, headers and claims that no library would write among them.
struct HandmadeKey: Sendable {
    let id: String
    let key = P256.Signing.PrivateKey()

    /// The key as a member of a key set.
    /// - Parameter more: members beside those of the key.
    func jwk(_ more: String = "") -> String {
        let point = key.publicKey.x963Representation
        let (x, y) = (Array(point.dropFirst().prefix(32)), Array(point.suffix(32)))
        return
            #"{"kty":"EC","crv":"P-256","kid":"\#(id)","x":"\#(Base64URL.encode(x))","y":"\#(Base64URL.encode(y))"\#(more)}"#
    }

    /// - Parameter header: nil for what is usual.
    func token(_ claims: String, header: String? = nil) throws -> String {
        let header = header ?? #"{"alg":"ES256","typ":"JWT","kid":"\#(id)"}"#
        let signed = Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(Array(claims.utf8))
        let signature = try key.signature(for: Data(signed.utf8))
        return signed + "." + Base64URL.encode(Array(signature.rawRepresentation))
    }

    static func set(_ keys: [String]) -> String { #"{"keys":[\#(keys.joined(separator: ","))]}"# }
}
