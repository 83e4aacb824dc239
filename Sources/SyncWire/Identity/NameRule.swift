import Causality
import MergeCore

/// What a name from outside may be: 1 to 128 bytes without control characters.
public enum NameRule {
    /// - Returns: why the name is refused, nil when it is not.
    public static func fault(in name: ExactString, limits: Limits) -> String? {
        if name.text.utf8.isEmpty { return "A name has at least one character." }
        if name.byteCount > limits.nameBytes { return "A name has at most \(limits.nameBytes) bytes." }
        let hasControlCharacters =
            name.text.utf8.withContiguousStorageIfAvailable { $0.span.hasControlCharacters }
            ?? Array(name.text.utf8).span.hasControlCharacters
        if hasControlCharacters { return "A name has no control characters." }
        return nil
    }

    /// What a replica in a clock may be: a device, or a reviewer, whose user has a name of its own length.
    static func fault(in device: DeviceID, limits: Limits) -> String? {
        guard device.isReserved else { return fault(in: device.name, limits: limits) }
        let user = String(device.name.text.unicodeScalars.dropFirst(DeviceID.reviewerPrefix.unicodeScalars.count))
        return fault(in: ExactString(user), limits: limits)
    }
}
