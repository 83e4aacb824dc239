import Causality
import MergeCore

/// What a name from outside may be (rule V7): 1 to 128 bytes without control characters, and neither `.` nor `..`,
/// which cut paths short. The rule is one for devices, users, tenants, collections, records, fields and operations.
public enum NameRule {
    /// - Returns: why the name is refused, nil when it is not.
    public static func issue(in name: ExactString, limits: WireLimits) -> String? {
        if name.text.utf8.isEmpty { return "A name has at least one character." }
        if name.byteCount > limits.nameBytes { return "A name has at most \(limits.nameBytes) bytes." }
        // Clients and proxies take them out of a path before it gets here (RFC 3986 section 5.2.4), percent-encoded or not.
        if isDots(name.text) { return "'.' and '..' are no names." }
        let hasControlCharacters =
            name.text.utf8.withContiguousStorageIfAvailable { $0.span.hasControlsOfText }
            ?? Array(name.text.utf8).span.hasControlsOfText
        if hasControlCharacters {
            return "A name has no control characters, those of the direction of text among them."
        }
        return nil
    }

    /// Whether a text is one or two dots.
    static func isDots(_ text: String) -> Bool {
        text.utf8.count <= 2 && text.utf8.allSatisfy { $0 == UInt8(ascii: ".") }
    }

    /// What a replica in a clock may be: a device, or a reviewer, whose user has a name of its own length.
    static func issue(in device: DeviceID, limits: WireLimits) -> String? {
        guard device.isReserved else { return issue(in: device.name, limits: limits) }
        let user = String(device.name.text.unicodeScalars.dropFirst(DeviceID.reviewerPrefix.unicodeScalars.count))
        return issue(in: ExactString(user), limits: limits)
    }
}
