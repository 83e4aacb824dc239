import Causality
import Values

/// The member that marks an object as the hash that stands for a redacted value.
public enum RedactionMarker {
    /// The name of the member, `$redacted`.
    public static let name: ExactString = "$redacted"
}

extension Value {
    /// Whether the value, or a field of it, is a hash that stands for a redacted value.
    var holdsRedactedHash: Bool {
        guard case .object(let object) = self else { return false }
        if object[RedactionMarker.name] != nil { return true }
        return object.members.contains { member in
            if case .object(let inner) = member.value { inner[RedactionMarker.name] != nil } else { false }
        }
    }
}
