import HTTPTypes
import Testing

@testable import SyncHTTP

@Suite("whose word is believed on whom it asks for")
struct TrustedProxiesTests {
    private func proxies(_ ranges: String...) throws -> TrustedProxies {
        TrustedProxies(try ranges.map { try #require(AddressRange($0)) })
    }

    private func fields(_ headers: [(String, String)]) throws -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in headers { fields.append(HTTPField(name: try #require(.init(name)), value: value)) }
        return fields
    }

    /// Who asks over a connection of 10.0.0.1, and whether over TLS.
    private func origin(_ headers: (String, String)..., from peer: String = "10.0.0.1") throws -> String {
        let origin = try proxies("10.0.0.0/8", "2001:db8::/32").origin(
            try fields(headers), over: RequestOrigin(address: IPAddress(peer), isSecure: false))
        return "\(origin.address.map { "\($0)" } ?? "nobody")\(origin.isSecure ? " s" : "")"
    }

    @Test("nobody's word is believed but that of a trusted proxy")
    func strangers() throws {
        for peer in ["11.0.0.1", "9.255.255.255", "::1"] {
            #expect(try origin(("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"), from: peer) == peer)
            #expect(try origin(("Forwarded", "for=1.2.3.4;proto=https"), from: peer) == peer)
        }
        #expect(try origin() == "10.0.0.1")
    }

    @Test("the list is read from the right until somebody is no trusted proxy")
    func lists() throws {
        #expect(try origin(("X-Forwarded-For", "1.2.3.4")) == "1.2.3.4")
        #expect(try origin(("X-Forwarded-For", "6.6.6.6, 1.2.3.4")) == "1.2.3.4")
        #expect(try origin(("X-Forwarded-For", "6.6.6.6, 1.2.3.4, 10.9.9.9")) == "1.2.3.4")
        #expect(try origin(("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "1.2.3.4,10.2.2.2")) == "1.2.3.4")
        #expect(try origin(("X-Forwarded-For", "10.3.3.3, 10.2.2.2")) == "10.3.3.3")
        #expect(try origin(("X-Forwarded-For", "1.2.3.4:5678")) == "1.2.3.4")
        #expect(try origin(("X-Forwarded-For", "[2001:db9::7]:99, 2001:db8::1")) == "2001:db9::7")
        #expect(try origin(("X-Forwarded-For", "::ffff:1.2.3.4"), from: "::ffff:10.0.0.1") == "1.2.3.4")
        #expect(
            try origin(("Forwarded", "for=6.6.6.6, for=\"[2001:db9::7]:99\";proto=https, For=10.2.2.2;proto=http"))
                == "2001:db9::7 s")
        #expect(try origin(("Forwarded", "for=\"1.2.3.4:80\" ; by=10.0.0.1"), ("Forwarded", "")) == "1.2.3.4")
        #expect(try origin(("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "HTTPS")) == "1.2.3.4 s")
        #expect(try origin(("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https, http")) == "1.2.3.4")
        #expect(try origin(("X-Forwarded-Proto", "https")) == "10.0.0.1 s")
    }

    @Test("what is no address, made up, contradictory or huge is as far as it goes")
    func oddities() throws {
        for text in [
            "unknown", "_hidden", "", " ", "1.2.3", "1.2.3.4.5", "1.2.3.4:x", "[::1", "::1]:2", "fe80::1%eth0",
        ] {
            #expect(try origin(("X-Forwarded-For", "6.6.6.6, \(text)")) == "10.0.0.1", "\(text)")
            #expect(try origin(("X-Forwarded-For", "6.6.6.6, \(text), 10.2.2.2")) == "10.2.2.2", "\(text)")
        }
        for text in [
            "for=unknown", "for=_hidden", "proto=https", "for=\"1.2.3.4", "for 1.2.3.4", "for=1.2.3.4;for=6.6.6.6",
        ] {
            #expect(try origin(("Forwarded", text)) == "10.0.0.1", "\(text)")
        }
        #expect(try origin(("Forwarded", "for=6.6.6.6"), ("X-Forwarded-For", "1.2.3.4")) == "10.0.0.1")
        #expect(try origin(("Forwarded", "for=1.2.3.4"), ("X-Forwarded-For", "1.2.3.4")) == "1.2.3.4")
        let huge = String(repeating: "6.6.6.6, ", count: 7_000)
        #expect(try origin(("X-Forwarded-For", huge + "1.2.3.4")) == "1.2.3.4")
        #expect(
            try origin(("Forwarded", String(repeating: "for=6.6.6.6, ", count: 5_000) + "for=1.2.3.4")) == "10.0.0.1")
        let far = String(repeating: "10.1.1.1, ", count: 40)
        #expect(try origin(("X-Forwarded-For", "1.2.3.4, " + far)) == "10.0.0.1")
        #expect(try origin(("X-Forwarded-For", "1.2.3.4, " + far.dropLast(2))) == "10.1.1.1")
    }

    @Test("a range is a prefix without bits beyond it")
    func ranges() throws {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "::1", "2001:db8::/32", "192.0.2.7", "192.0.2.6/31"] {
            #expect(AddressRange(text) != nil, "\(text)")
        }
        for text in [
            "10.1.0.0/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "/8", "x", "", "::1/-1", "192.0.2.7/31", "::/+1",
        ] {
            #expect(AddressRange(text) == nil, "\(text)")
        }
        let range = try #require(AddressRange("192.0.2.128/25"))
        func contains(_ range: AddressRange?, _ text: String) throws -> Bool {
            try #require(range).contains(try #require(IPAddress(text)))
        }
        #expect(try contains(range, "192.0.2.128"))
        #expect(try !contains(range, "192.0.2.127"))
        #expect(try contains(range, "::ffff:192.0.2.255"))
        #expect(try !contains(AddressRange("::/0"), "192.0.2.1"))
    }
}
