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
}
