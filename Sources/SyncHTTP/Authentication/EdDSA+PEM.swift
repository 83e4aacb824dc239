import Foundation
import JWTKit

extension EdDSA.PublicKey {
    /// The Ed25519 key of a `SubjectPublicKeyInfo` in PEM (RFC 8410 section 4).
    /// - Returns: nil when the PEM holds something else.
    static func reading(pem: String) -> EdDSA.PublicKey? {
        // SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes }: everything before the key is fixed.
        let prefix: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
        let body = pem.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }.joined()
        guard let der = Data(base64Encoded: body), der.count == prefix.count + 32, der.starts(with: prefix) else {
            return nil
        }
        let x = der.dropFirst(prefix.count).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
        return try? EdDSA.PublicKey(x: x, curve: .ed25519)
    }
}
