import Foundation
import NIOCore

/// An address of IPv4 or IPv6. One of IPv4 that is written as IPv6 (RFC 4291 section 2.5.5.2) is one of IPv4.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// Four of them or sixteen.
    let octets: [UInt8]

    init?(octets: [UInt8]) {
        guard octets.count == 4 || octets.count == 16 else { return nil }
        let isMapped = octets.count == 16 && octets.prefix(10).allSatisfy { $0 == 0 } && octets[10...11] == [255, 255]
        self.octets = isMapped ? Array(octets[12...]) : octets
    }

    /// Reads an address without a port or a zone.
    public init?(_ text: String) {
        // Longer than any; nothing else is handed to the parser.
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        var (old, new) = (in_addr(), in6_addr())
        if inet_pton(AF_INET, text, &old) == 1 {
            self.init(octets: withUnsafeBytes(of: old) { Array($0) })
        } else if inet_pton(AF_INET6, text, &new) == 1 {
            self.init(octets: withUnsafeBytes(of: new) { Array($0) })
        } else {
            return nil
        }
    }

    /// The address of one end of a connection; nil for what is none of IP.
    init?(_ address: SocketAddress?) {
        switch address {
        case .v4(let address): self.init(octets: withUnsafeBytes(of: address.address.sin_addr) { Array($0) })
        case .v6(let address): self.init(octets: withUnsafeBytes(of: address.address.sin6_addr) { Array($0) })
        case .unixDomainSocket, nil: return nil
        }
    }

    /// The address as it is written (RFC 5952).
    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(octets.count == 4 ? AF_INET : AF_INET6, octets, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Addresses that begin with the same bits (RFC 4632 section 3.1).
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    private let base: IPAddress
    private let bits: Int

    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or a single address.
    ///
    /// - Returns: nil for what is no such text, and for bits beyond the prefix: whoever writes `10.1.2.3/8` may have meant more
    ///   or less than that.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let base = IPAddress(String(parts[0])) else { return nil }
        let width = base.octets.count * 8
        var bits = width
        if parts.count == 2 {
            guard let number = Int(parts[1]), parts[1].allSatisfy(\.isNumber), (0...width).contains(number) else {
                return nil
            }
            bits = number
        }
        self.base = base
        self.bits = bits
        guard base.octets == base.octets.enumerated().map({ $1 & mask($0) }) else { return nil }
    }

    /// The bits of the octet at this place that belong to the prefix.
    private func mask(_ place: Int) -> UInt8 {
        let within = min(max(bits - place * 8, 0), 8)
        return within == 0 ? 0 : ~UInt8(0) << (8 - within)
    }

    /// Whether the address begins with the range's bits; one of IPv4 is in no range of IPv6. O(1).
    public func contains(_ address: IPAddress) -> Bool {
        address.octets.count == base.octets.count
            && zip(address.octets, base.octets).enumerated().allSatisfy { $1.0 & mask($0) == $1.1 }
    }

    /// `10.0.0.0/8`.
    public var description: String { "\(base)/\(bits)" }
}
