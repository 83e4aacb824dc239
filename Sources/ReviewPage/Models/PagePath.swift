/// A path of these pages, with its query. It is nothing that a browser would take for another place or another scheme.
public struct PagePath: Sendable, Hashable {
    /// The path as it stands in an address.
    public let text: String

    /// - Returns: nil for what leads anywhere else.
    public init?(_ text: String) {
        let path = text.prefix { $0 != "?" }.lowercased()
        guard path == "/review" || path.hasPrefix("/review/"),
            text.utf8.starts(with: "/review".utf8),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "#") }),
            // A browser goes up at two dots, however they are written (the URL standard, section 4.4).
            !path.split(separator: "/").contains(where: { ["..", ".%2e", "%2e.", "%2e%2e"].contains($0) })
        else { return nil }
        self.text = text
    }
}
