import MergeCore
import StrictJSON
import SyncWire
import Testing
import Values

@Suite("digest")
struct DigestTests {
    @Test("the digest is SHA-256: the examples of FIPS 180")
    func knownAnswers() {
        #expect(
            Digest(ofCanonicalBytes: Array("abc".utf8)).hex
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Digest(ofCanonicalBytes: []).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test("equal values in any spelling have one digest, different values another")
    func followsTheValue() throws {
        let digest = Digest(of: try Value(json: #"{"b":[1.0,"\u0061"],"a":-0}"#))
        #expect(digest == Digest(of: ["a": 0, "b": [1, "a"]]))
        #expect(digest == Digest(ofCanonicalBytes: Array(#"{"a":0,"b":[1,"a"]}"#.utf8)))
        #expect(digest != Digest(of: ["a": false, "b": [1, "a"]]))
    }

    @Test("bytes and hexadecimal digits read back, and nothing else is read")
    func roundTrip() throws {
        let digest = Digest(of: "x")
        #expect(Digest(hex: digest.hex) == digest)
        #expect(Digest(bytes: digest.bytes) == digest)
        #expect(digest.bytes.count == 32)
        #expect(digest.hex.utf8.count == 64)
        #expect(Digest(hex: digest.hex.uppercased()) == nil)
        #expect(Digest(hex: String(digest.hex.dropLast())) == nil)
        #expect(Digest(hex: String(repeating: "g", count: 64)) == nil)
        #expect(Digest(hex: String(repeating: "é", count: 32)) == nil)
        #expect(Digest(bytes: digest.bytes.dropLast()) == nil)
    }
}
