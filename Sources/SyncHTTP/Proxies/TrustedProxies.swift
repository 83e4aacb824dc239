import HTTPTypes

/// Who asks, as far as the server believes it.
struct RequestOrigin: Sendable, Hashable {
    /// nil where the connection is none of IP.
    var address: IPAddress?
    /// Whether the client's own connection, to this server or to the first proxy of those in front, is over TLS.
    var isSecure: Bool
}

/// The proxies whose word is believed on whom they ask for (RFC 7239, and the `X-Forwarded-` headers from before it).
///
/// A proxy adds whom it was asked by at the right of what it was told, and what stands to the left may be anybody's invention. So
/// the list is read from the right, as long as each address is one of these proxies.
public struct TrustedProxies: Sendable, Hashable {
    /// No proxy's.
    public static let none = TrustedProxies([])

    /// So many proxies are looked at; nobody has as many in a row.
    private static let hops = 32
    /// So much of a header is read; a list of 32 addresses with ports is shorter.
    private static let headerBytes = 4 * 1024

    /// Their addresses.
    public let ranges: [AddressRange]

    /// Those at these addresses.
    public init(_ ranges: [AddressRange]) { self.ranges = ranges }

    func contains(_ address: IPAddress) -> Bool { ranges.contains { $0.contains(address) } }

    /// Who asks.
    /// - Parameter connection: who is at the other end of the connection itself.
    func origin(_ headers: HTTPFields, over connection: RequestOrigin) -> RequestOrigin {
        guard let peer = connection.address, contains(peer) else { return connection }
        let standard = headers[values: .forwarded]
        let common = headers[values: .xForwardedFor]
        let told = (
            standard: standard.isEmpty ? nil : client(standard: standard, over: connection),
            common: common.isEmpty && headers[values: .xForwardedProto].isEmpty
                ? nil : client(common: common, protocols: headers[values: .xForwardedProto], over: connection)
        )
        switch told {
        case (nil, nil): return connection
        case (let origin?, nil), (nil, let origin?): return origin
        case (let first?, let second?):
            // A proxy writes one of them, and hands the other on as the client sent it. Which one it is cannot be seen.
            return first == second ? first : connection
        }
    }

    /// Reads `Forwarded`.
    private func client(standard values: [String], over connection: RequestOrigin) -> RequestOrigin {
        guard let elements = ForwardedElements(values.joined(separator: ","), upToBytes: Self.headerBytes) else {
            return connection
        }
        var origin = connection
        for element in elements.list.reversed().prefix(Self.hops) {
            guard let address = element["for"].flatMap(Self.node) else { return origin }
            origin = RequestOrigin(
                address: address, isSecure: element["proto"].map { $0.lowercased() == "https" } ?? origin.isSecure)
            guard contains(address) else { return origin }
        }
        return origin
    }

    /// Reads `X-Forwarded-For` and `X-Forwarded-Proto`. The latter says one thing for all; of several the nearest proxy's
    /// word counts.
    private func client(
        common values: [String], protocols: [String], over connection: RequestOrigin
    ) -> RequestOrigin {
        var origin = connection
        if let last = protocols.last?.split(separator: ",").last {
            origin.isSecure = last.trimmed.lowercased() == "https"
        }
        // The end of it is what the proxies wrote.
        let text = values.joined(separator: ",").utf8.suffix(Self.headerBytes)
        let items = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        for item in items.reversed().prefix(Self.hops) {
            guard let address = Self.node(String(Substring(item).trimmed)) else { return origin }
            origin.address = address
            guard contains(address) else { return origin }
        }
        return origin
    }

    /// An address, with a port or without (RFC 7239 section 6). `unknown` and made-up names are none.
    private static func node(_ text: String) -> IPAddress? {
        if text.hasPrefix("[") {
            guard let end = text.lastIndex(of: "]") else { return nil }
            guard isPort(text[text.index(after: end)...]) else { return nil }
            return IPAddress(String(text[text.index(after: text.startIndex)..<end]))
        }
        if let address = IPAddress(text) { return address }
        guard let colon = text.lastIndex(of: ":"), isPort(text[colon...]) else { return nil }
        let host = text[..<colon]
        return host.contains(":") ? nil : IPAddress(String(host))
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty
            || text.first == ":" && text.count <= 6 && text.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
    }
}

/// The elements of a `Forwarded` header (RFC 7239 section 4).
private struct ForwardedElements {
    let list: [[String: String]]

    /// - Returns: nil where it is not what the RFC says: then nobody knows which part of it is whose.
    init?(_ text: String, upToBytes limit: Int) {
        guard text.utf8.count <= limit else { return nil }
        var list: [[String: String]] = []
        var rest = Substring(text)
        repeat {
            guard let (element, remainder) = Self.element(rest) else { return nil }
            if !element.isEmpty { list.append(element) }
            rest = remainder
        } while !rest.isEmpty
        self.list = list
    }

    /// One element, and what comes after its comma.
    private static func element(_ text: Substring) -> ([String: String], Substring)? {
        var pairs: [String: String] = [:]
        var rest = text.drop { $0.isBlank }
        while let first = rest.first, first != "," {
            if first == ";" {
                rest = rest.dropFirst().drop { $0.isBlank }
                continue
            }
            let name = rest.prefix { $0.isToken }
            rest = rest.dropFirst(name.count)
            guard !name.isEmpty, rest.first == "=" else { return nil }
            rest = rest.dropFirst()
            guard let value = value(&rest), pairs.updateValue(value, forKey: name.lowercased()) == nil else {
                return nil
            }
            rest = rest.drop { $0.isBlank }
            guard rest.isEmpty || rest.first == ";" || rest.first == "," else { return nil }
        }
        return (pairs, rest.dropFirst())
    }

    /// A token or a quoted text.
    private static func value(_ rest: inout Substring) -> String? {
        guard rest.first == "\"" else {
            // Colons and brackets have to be quoted, and are seen without.
            let value = rest.prefix { $0.isToken || "[]:".contains($0) }
            rest = rest.dropFirst(value.count)
            return value.isEmpty ? nil : String(value)
        }
        rest = rest.dropFirst()
        var value = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return value
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                value.append(escaped)
            case _: value.append(character)
            }
        }
        return nil
    }
}

extension Character {
    /// OWS of RFC 9110 section 5.6.3.
    fileprivate var isBlank: Bool { self == " " || self == "\t" }
    /// RFC 9110 section 5.6.2.
    fileprivate var isToken: Bool { isASCII && (isLetter || isNumber || "!#$%&'*+-.^_`|~".contains(self)) }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = drop { $0.isBlank }
        while text.last?.isBlank == true { text.removeLast() }
        return text
    }
}

extension HTTPField.Name {
    static let forwarded = HTTPField.Name("Forwarded") ?? .cookie
    static let xForwardedFor = HTTPField.Name("X-Forwarded-For") ?? .cookie
    static let xForwardedProto = HTTPField.Name("X-Forwarded-Proto") ?? .cookie
    static let strictTransportSecurity = HTTPField.Name("Strict-Transport-Security") ?? .cookie
}
