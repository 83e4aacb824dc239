import Crypto
import SyncWire
import Testing

@Suite("a cursor")
struct CursorTests {
    private static let old = [UInt8](repeating: 7, count: 32)
    private static let keys = ServerKeys(secret: [UInt8](repeating: 1, count: 32))

    private func codec(
        lineage: String = "l", tenant: String = "t", key: [UInt8] = keys.cursor, formerKey: [UInt8] = []
    ) -> Cursor.Codec {
        Cursor.Codec(lineage: lineage, tenant: tenant, key: key, formerKey: formerKey)
    }

    /// The cursor as the first version wrote it, with the key that lay in the data.
    private static func formerText(sequence: UInt8) -> String {
        let content =
            [1] + SHA256.hash(data: Array("l".utf8)).prefix(16) + [0, 0, 0, 0, 0, 0, 0, sequence]
        let code = HMAC<SHA256>.authenticationCode(
            for: content + Array("t".utf8), using: SymmetricKey(data: old))
        return Base64URL.encode(content + code.prefix(16))
    }

    @Test("is read by every server that has the secret, and by no other")
    func secret() throws {
        let text = Cursor(sequence: 5, life: 7).text(codec())
        #expect(
            try Cursor(text, codec(key: ServerKeys(secret: [UInt8](repeating: 1, count: 32)).cursor))
                .sequence == 5)
        let others = [
            codec(tenant: "u"), codec(key: ServerKeys(secret: [UInt8](repeating: 2, count: 32)).cursor),
            // Whoever has the data has the former key, and makes no cursor with it.
            codec(key: Self.old), codec(key: Self.old, formerKey: Self.old),
        ]
        for other in others {
            #expect(throws: Cursor.ReadingError.invalid) { try Cursor(text, other) }
            #expect(throws: Cursor.ReadingError.invalid) {
                try Cursor(Cursor(sequence: 5, life: 7).text(other), codec())
            }
        }
        #expect(throws: Cursor.ReadingError.otherLineage) { try Cursor(text, codec(lineage: "m")) }
    }

    @Test("of before the key moved out of the data is read where the data still has that key")
    func earlierKey()
        throws
    {
        let text = Self.formerText(sequence: 5)
        #expect(try Cursor(text, codec(formerKey: Self.old)).sequence == 5)
        #expect(throws: Cursor.ReadingError.invalid) { try Cursor(text, codec()) }
        #expect(throws: Cursor.ReadingError.invalid) {
            try Cursor(text, codec(formerKey: [UInt8](repeating: 8, count: 32)))
        }
        #expect(throws: Cursor.ReadingError.invalid) { try Cursor(text, codec(key: Self.old)) }
        #expect(throws: Cursor.ReadingError.invalid) {
            try Cursor(text, codec(tenant: "u", formerKey: Self.old))
        }
    }

    @Test("comes from a key of its own, and so does a session")
    func ownKey() {
        #expect(
            Set([Self.keys.cursor, Self.keys.session, Self.keys.check + Self.keys.check]).count == 3)
        #expect(Self.keys.cursor.count == 32 && Self.keys.session.count == 32)
        #expect(
            !Self.keys.cursor.starts(with: Self.keys.check)
                && !Self.keys.session.starts(with: Self.keys.check))
    }
}
