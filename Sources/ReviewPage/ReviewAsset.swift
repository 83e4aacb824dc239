/// A file that the pages use. It is served under `path` to anybody, and never changes under its address.
public struct ReviewAsset: Sendable, Hashable {
    public let path: String
    public let contentType: String
    public let bytes: [UInt8]
    /// The path with a hash of the bytes, so that browsers can keep it for as long as they like.
    public let address: String

    private init(_ name: String, _ contentType: String, _ bytes: [UInt8]) {
        path = "/review/assets/" + name
        self.contentType = contentType
        self.bytes = bytes
        // FNV-1a: it need only change when the bytes do.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        address = path + "?v=" + String(hash, radix: 16)
    }

    public static let style = ReviewAsset("review.css", "text/css; charset=utf-8", PackageResources.review_css)
    public static let script = ReviewAsset(
        "review.js", "text/javascript; charset=utf-8", PackageResources.review_js)
    public static let icon = ReviewAsset("favicon.svg", "image/svg+xml", PackageResources.favicon_svg)

    public static let all = [style, script, icon]
}
