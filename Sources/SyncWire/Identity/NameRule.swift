import Causality
import MergeCore

/// What a name from outside may be: 1 to 128 bytes without control characters.
public enum NameRule {
    /// - Returns: why the name is refused, nil when it is not.
    public static func fault(in name: ExactString, limits: Limits) -> String? {
        if name.text.utf8.isEmpty { return "A name has at least one character." }
        if name.byteCount > limits.nameBytes { return "A name has at most \(limits.nameBytes) bytes." }
        if name.text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return "A name has no control characters." }
        return nil
    }
}
